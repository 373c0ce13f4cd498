"""What the uplink reads: rows that the centre has not stored, from the disk and from memory as one.

Alarms come from memory alone, which has them all, so that a hung disk does not stop them. Of other
streams memory has only what the disk does not have yet.
"""

import contextlib

from gateway.core.outputs import Stream
from gateway.core.wire import Ack, AckStatus
from gateway.edge import rows as disk_rows
from gateway.edge.backlog import Backlog
from gateway.edge.records import ORDER, Order, Row
from gateway.edge.transactions import Transactions
from gateway.errors import StoreError


class Outbox:
    """See the module."""

    def __init__(self, backlog: Backlog, transactions: Transactions, hub: str) -> None:
        self._backlog, self._transactions, self._hub = backlog, transactions, hub

    async def unfinished(
        self, stream: Stream | None = None, limit: int = 100, after: Order | None = None
    ) -> tuple[Row, ...]:
        """Return rows that the centre has not stored: alarms first, in the order of sending.

        after: the `order` of the last row of an earlier call. Without a disk only memory's rows
        are returned.
        """
        streams: tuple[Stream, ...] = ORDER if stream is None else (stream,)
        if after is not None:
            streams = tuple(s for s in streams if ORDER.index(s) >= after[0])
        found: list[Row] = []
        for each in streams:
            same = after is not None and ORDER.index(each) == after[0]
            start = after[1:] if after is not None and same else ("", 0)
            found += await self._unfinished(each, limit - len(found), start)
            if len(found) >= limit:
                break
        return tuple(found)

    async def left(self, epoch: str, stream: Stream, first: int, last: int) -> int | None:
        """Return how many of a range are not finished; evicted ones are not among them."""
        rows = self._backlog.unfinished(stream, (epoch, first - 1), (epoch, last))
        if stream is Stream.ALARM:
            return len(rows)
        without = {row.id for row in rows} | self._backlog.done
        with contextlib.suppress(StoreError):
            return len(rows) + await self._transactions.read(
                lambda db: disk_rows.count(db, epoch, stream, first, last, without)
            )
        return None

    async def finish(self, ack: Ack) -> tuple[str, ...]:
        """Finish what the centre has stored, and return its ids. Other statuses finish nothing.

        Of alarms the disk is not asked: memory has them all, and a slow card must not hold them up.
        """
        if ack.status is not AckStatus.STORED:
            return ()
        ids = self._backlog.named(ack)
        if ack.stream != Stream.ALARM:
            with contextlib.suppress(StoreError):  # a row we cannot look up is acknowledged again
                ids += await self._transactions.read(
                    lambda db: disk_rows.named(db, ack.epoch, ack.stream, ack.ids, ack.upto)
                )
        fresh = [id_ for id_ in dict.fromkeys(ids) if id_ not in self._backlog.done]
        self._backlog.finish(fresh)
        return tuple(fresh)

    async def _unfinished(
        self, stream: Stream, limit: int, start: tuple[str, int], upto: tuple[str, int] = ("~", 0)
    ) -> list[Row]:
        rows = self._backlog.unfinished(stream, start, upto)
        if stream is not Stream.ALARM:
            without = {row.id for row in rows} | self._backlog.done
            with contextlib.suppress(StoreError):
                rows += await self._transactions.read(
                    lambda db: disk_rows.select(
                        db, self._hub, stream, after=start, upto=upto, limit=limit, without=without
                    )
                )
        rows.sort(key=lambda row: row.order)
        return rows if limit < 0 else rows[:limit]
