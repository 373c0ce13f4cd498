"""What is to be sent next: plain bookkeeping; the event loop's time comes in with each call.

Two lanes out of one outbox. The alarm lane holds every unfinished alarm message, whatever the
connection does, and repeats each until the centre has stored it. The bulk lane (everything else)
pages through the outbox once per connection; what the centre has not stored after a minute is
read and sent again.

Invariants
1. Only `settle` takes an alarm out: neither a PUBACK nor a lost connection finishes anything.
2. A fresh alarm goes before a repeated one, repeated ones by their due time.
3. An alarm whose last publication the broker has not even acknowledged is not repeated on the same
   connection: TCP does that; the connection is given up instead.
4. The bulk lane never holds more than `MAX_AWAITING` messages, whatever the outbox holds.
"""

import asyncio
import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gateway.core.alerts import repeat_after_s
from gateway.core.model import Kind
from gateway.core.outputs import Stream
from gateway.edge.unfinished import PAGE, Order, Outbox, Row

BULK = (Stream.RES, Stream.EVIDENCE, Stream.ROUTINE, Stream.EVENT, Stream.SUM)
MAX_AWAITING = 120
"""Sent and not yet `stored`: what may stand before a fresh alarm at a centre that is slow (with 500
it waited 8 s behind them), and still enough for 400 a second that come back after 0.3 s."""

BULK_REPEAT_S = 60.0


@dataclass(slots=True)
class Alarm:
    """One alarm message on its way. `offered`, `due`, `first_sent`: the loop's time."""

    row: Row
    offered: float
    due: float
    attempt: int = 0
    in_flight: bool = False
    first_sent: float | None = None  # on the present connection

    @property
    def urgent(self) -> bool:
        """Whether it is about the resident, not a technician's matter."""
        return not Kind(self.row.payload.get("type", Kind.PERS)).technical


class AlarmLane:
    """Every alarm message that the centre has not stored."""

    def __init__(self, pace: float = 1.0) -> None:
        """Repeat on the contract's schedule times `pace`."""
        self._pace = pace
        self._alarms: dict[str, Alarm] = {}
        self._queue: list[tuple[bool, float, Order, str]] = []

    def __len__(self) -> int:
        return len(self._alarms)

    def offer(self, row: Row, now: float) -> bool:
        """Take in a row and say so; one that is known already stays as it is."""
        if row.id in self._alarms:
            return False
        self._alarms[row.id] = Alarm(row, offered=now, due=now)
        self._push(self._alarms[row.id])
        return True

    def settle(self, ids: Iterable[str]) -> None:
        """Let go of what the centre has stored."""
        for ident in ids:
            self._alarms.pop(ident, None)

    def next(self, now: float) -> Alarm | None:
        """Return the alarm to publish now, marked as in flight; None: nothing is due."""
        while self._queue:
            _, due, _, ident = self._queue[0]
            alarm = self._alarms.get(ident)
            stale = alarm is None or alarm.in_flight or alarm.due != due
            if not stale and due > now:
                return None
            heapq.heappop(self._queue)
            if alarm is not None and not stale:
                alarm.attempt += 1
                alarm.in_flight = True
                alarm.first_sent = now if alarm.first_sent is None else alarm.first_sent
                alarm.due = now + self._pace * repeat_after_s(alarm.attempt)
                return alarm
        return None

    def answered(self, ident: str) -> None:
        """Let it be repeated when due: the broker acknowledged or refused the publication."""
        alarm = self._alarms.get(ident)
        if alarm is not None and alarm.in_flight:
            alarm.in_flight = False
            self._push(alarm)

    def again(self, now: float) -> None:
        """Everything is due now: a new connection, or the centre is back."""
        for alarm in self._alarms.values():
            alarm.due = now
            alarm.in_flight = False
            alarm.first_sent = None
        self._queue = [_entry(alarm) for alarm in self._alarms.values()]
        heapq.heapify(self._queue)

    def next_due(self) -> float | None:
        """Return when `next` has something, or None."""
        return self._queue[0][1] if self._queue else None

    def oldest_offered(self) -> float | None:
        """Return since when the oldest alarm waits to be stored."""
        return min((alarm.offered for alarm in self._alarms.values()), default=None)

    def oldest_sent(self) -> float | None:
        """Return when the oldest was first sent on this connection, of those not stored."""
        sent = (a.first_sent for a in self._alarms.values() if a.first_sent is not None)
        return min(sent, default=None)

    def urgent(self) -> bool:
        """Whether an alarm about the resident waits to be stored."""
        return any(alarm.urgent for alarm in self._alarms.values())

    def _push(self, alarm: Alarm) -> None:
        heapq.heappush(self._queue, _entry(alarm))


def _entry(alarm: Alarm) -> tuple[bool, float, Order, str]:
    return alarm.attempt > 0, alarm.due, alarm.row.order, alarm.row.id


class AlarmFeed:
    """Reads the outbox's alarms into the lane. A row settled while it is read stays out."""

    def __init__(self, outbox: Outbox, lane: AlarmLane) -> None:
        self._outbox = outbox
        self._lane = lane
        self._settled: set[str] | None = None

    def settle(self, ids: set[str]) -> None:
        """Let go of what the centre has stored."""
        self._lane.settle(ids)
        if self._settled is not None:
            self._settled |= ids

    async def read(self) -> bool:
        """Take in every unfinished alarm; say whether there was one not known before.

        From the start each time: rows from memory, or of a database set aside, have epochs that
        may stand before the newest.
        """
        loop = asyncio.get_running_loop()
        self._settled = settled = set[str]()
        fresh = False
        after: Order | None = None
        try:
            while True:
                page = await self._outbox.unfinished(Stream.ALARM, PAGE, after=after)
                for row in page:
                    if row.id not in settled:
                        fresh |= self._lane.offer(row, loop.time())
                if len(page) < PAGE:
                    return fresh
                after = page[-1].order
        finally:
            self._settled = None


class BulkLane:
    """The other streams on one connection: what has been read, what awaits `stored`."""

    def __init__(self, pace: float = 1.0) -> None:
        """Send again what is not stored a minute times `pace` later."""
        self._repeat_s = BULK_REPEAT_S * pace
        self._awaiting: dict[str, tuple[Row, float]] = {}
        self._dry: set[Stream] = set()
        self.again()

    def woken(self) -> None:
        """Read every stream on from where it was: new rows may be there."""
        self._dry.clear()

    def again(self) -> None:
        """Read and send everything not finished once more: the centre is back."""
        self._page: list[Row] = []
        self._cursor: dict[Stream, Order | None] = dict.fromkeys(BULK)
        self._dry.clear()
        self._awaiting.clear()

    def wants(self) -> tuple[Stream, Order | None] | None:
        """Return which stream to read a page of and after which row; None: nothing to read."""
        if self._page or len(self._awaiting) >= MAX_AWAITING:
            return None
        for stream in BULK:
            if stream not in self._dry:
                return stream, self._cursor[stream]
        return None

    def read(self, stream: Stream, rows: Iterable[Row]) -> None:
        """Take in the page that was wanted."""
        page = list(rows)
        if len(page) < PAGE:
            self._dry.add(stream)
        if page:
            self._cursor[stream] = page[-1].order
        self._page = [row for row in page if row.id not in self._awaiting]

    def next(self, now: float) -> Row | None:
        """Return the row to publish now."""
        if not self._page or len(self._awaiting) >= MAX_AWAITING:
            return None
        row = self._page.pop(0)
        self._awaiting[row.id] = (row, now)
        return row

    def settle(self, ids: Iterable[str]) -> None:
        """Let go of what the centre has stored."""
        for ident in ids:
            self._awaiting.pop(ident, None)

    def settle_upto(self, epoch: str, stream: str, upto: int) -> None:
        """Let go of a whole run of a stream that the centre has stored."""
        self.settle([row.id for row in self._of(epoch, stream) if row.seq <= upto])

    def overdue(self, now: float) -> bool:
        """Forget what was sent a minute ago and not stored, to be read again; say if any was."""
        late = [row for row, at in self._awaiting.values() if now - at >= self._repeat_s]
        for row in late:
            del self._awaiting[row.id]
            self._cursor[row.stream] = None
            self._dry.discard(row.stream)
        return bool(late)

    def next_due(self) -> float | None:
        """Return when something becomes overdue."""
        return min((at + self._repeat_s for _, at in self._awaiting.values()), default=None)

    def _of(self, epoch: str, stream: str) -> Iterator[Row]:
        for row, _ in self._awaiting.values():
            if row.epoch == epoch and row.stream.value == stream:
                yield row
