"""The hub's memory that outlives it: outbox, open alerts, counters, learnt state, last readings.

    commit(outputs) ──► alarms, alerts and their counters: one transaction, alone, at once ──► Rows
         │  fails, is full, or takes over the limit
         └────────────► Rows from memory, durable False, under an epoch of their own
    add(outputs) ─────► telemetry joins the batch ── batch_s of the home's time ──► one transaction
    finish(ack) ──────► rows are done; they leave the file with the next transaction

What a crash may lose: telemetry of the last `batch_s` (600 s), and which telemetry the centre had
already stored (it is sent again and de-duplicated). What `commit` returned as durable is on the
disk: WAL with synchronous FULL. What it returned as not durable is in memory until the disk
returns, and is then written down as it was sent.

Invariants
1. One thread owns the only connection (gateway.edge.writer); writes are one after another, and each
   takes what waits at the moment it begins, so an older alert never overwrites a newer.
2. A message has one (epoch, seq). If its commit is too late, it goes out from memory, and what the
   late commit wrote is taken back before anything else is read or written. Only a power cut
   exactly between the two leaves both on the disk: the centre then sees one id under two keys.
3. Every unfinished alarm is in memory as well: a hung disk does not stop its repetition, and a
   database that breaks while running takes no alarm with it.
4. A message is never rewritten: a repaired clock changes the record and the alerts, the core sends
   the `update` (reference contract, rules 3b and 6).
"""

import asyncio
import contextlib
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

from gateway.core.alerts import Alert
from gateway.core.model import At
from gateway.core.outputs import PROMPT, Outputs, Stream
from gateway.core.wire import Ack
from gateway.edge import database, files, retention
from gateway.edge.backlog import Backlog
from gateway.edge.batch import Batch, Repair
from gateway.edge.outbox import Outbox
from gateway.edge.records import Committed, Depth, Found, Order, Restored, Row
from gateway.edge.transactions import Transactions
from gateway.errors import StoreError
from gateway.settings import StoreSettings

FLUSH_ROWS = 2000
"""Telemetry that waits in memory before it is written whatever the time: about 1 MB."""

DONE_ROWS = 500
"""Stored rows that may stay on the disk until the next batch. Every look-up reads past them: with
thousands of them a draining backlog held up a fresh alarm for 20 s."""

PATIENCE = 5
"""Telemetry may take this many times an alarm's limit: a slow card is no fault yet."""


class Store:
    """See the module. Made by `Store.open`; every method is called from the event loop."""

    def __init__(
        self,
        disk: database.Disk,
        backlog: Backlog,
        transactions: Transactions,
        *,
        hub: str,
        settings: StoreSettings,
        limit_s: float,
        on_rows: Callable[[tuple[Row, ...]], None],
    ) -> None:
        self._disk, self._backlog, self._transactions = disk, backlog, transactions
        self._outbox = Outbox(backlog, transactions, hub)
        self._settings, self._limit_s = settings, limit_s
        self._on_rows = on_rows
        self._end_s = limit_s
        self._due = asyncio.Event()
        self._evicted: Mapping[str, int] = {}

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls,
        directory: Path,
        *,
        hub: str,
        boot: str,
        new_epoch: Callable[[], str],
        settings: StoreSettings,
        commit_limit_s: float = 2.0,
        on_health: Callable[[bool, str], None] = lambda _up, _detail: None,
        on_rows: Callable[[tuple[Row, ...]], None] = lambda _rows: None,
        connect: Callable[[Path], sqlite3.Connection] = files.connect,
        in_memory: str = "",
    ) -> AsyncIterator["Store"]:
        """Open the store in `directory`; it works, from memory, even if the disk does not.

        on_health: called with (False, why) when the disk fails and (True, "") when it is back.
        on_rows: called with the telemetry rows of each batch, once they are ready to be sent.
        in_memory: why a restart of the machine loses the directory; "" where it does not.
        """
        disk = database.Disk(
            directory, boot=boot, new_epoch=new_epoch, connect=connect, in_memory=in_memory
        )
        backlog = Backlog(hub=hub, new_epoch=new_epoch)
        transactions = Transactions(
            disk, backlog, hub=hub, boot=boot, limit_s=commit_limit_s, on_health=on_health
        )
        store = cls(
            disk,
            backlog,
            transactions,
            hub=hub,
            settings=settings,
            limit_s=commit_limit_s,
            on_rows=on_rows,
        )
        await transactions.begin()
        await store._count_evicted()
        flusher = asyncio.create_task(store._flush_when_due(), name="store-flusher")
        try:
            yield store
        finally:
            flusher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await flusher
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(store._end_s):
                    await store.flush()
                    await transactions.look(store._end_s)
            await transactions.end(store._end_s)

    def hurry(self, seconds: float) -> None:
        """Let a hung disk hold up the store's end for so long at most."""
        self._end_s = min(self._end_s, seconds / 2)  # the last write, then closing

    # ------------------------------------------------------------------------------ what it is
    @property
    def found(self) -> Found:
        """What was there at the start, or what became of it since."""
        return self._disk.found

    @property
    def epoch(self) -> str:
        """The database's epoch; memory's own while there is no database."""
        return self._disk.epoch or self._backlog.epoch

    @property
    def volatile_epoch(self) -> str:
        """The epoch of messages sent from memory in this run ("" when there were none)."""
        return self._backlog.epoch if self._backlog.high_water() else ""

    @property
    def boot_number(self) -> int:
        """The counter kept per boot id (0 while there is no database to count in)."""
        return self._disk.boot_number

    @property
    def healthy(self) -> bool:
        """Whether the last write succeeded."""
        return self._transactions.healthy

    @property
    def evicted(self) -> Mapping[str, int]:
        """Return how many rows went before the centre had them, by lane, in this database."""
        return self._backlog.with_shed(self._evicted)

    async def restore(self) -> Restored:
        """Return what the last run left: alerts, decoders' memories, learnt state, last instant."""
        return self._transactions.restored

    @property
    def high_water(self) -> Mapping[str, int]:
        """Return the last seq given out on each stream of `epoch`."""
        return dict(self._transactions.high) if self._disk.epoch else self._backlog.high_water()

    # ------------------------------------------------------------------------------ what it takes
    async def commit(self, outputs: Outputs) -> Committed:
        """Commit alarms, results and evidence at once; the rest of `outputs` joins the batch.

        Never raises for the disk's sake, and returns within the limit.
        """
        alone = [post for post in outputs.posts if post.stream in PROMPT]
        rest = [post for post in outputs.posts if post.stream not in PROMPT]
        taken = False

        def take() -> None:
            # Not before its own turn: a batch on its way would carry the button's counter to the
            # disk without its alarm, and a hub killed between the two would never hear it again.
            nonlocal taken
            if not taken:
                taken = True
                self._backlog.take(outputs, rest)

        try:
            written = await self._transactions.write(Batch(posts=alone), self._limit_s, take)
        except StoreError as error:
            take()
            rows = self._backlog.from_memory(alone, self.boot_number)
            self._transactions.failed(error)
            return Committed(rows, durable=False, error=str(error))
        finally:
            if self._disk.tight:
                self._due.set()
        return Committed(written.rows, durable=True)

    def add(self, outputs: Outputs) -> None:
        """Let everything in `outputs` join the batch. Results and evidence end the wait."""
        self._backlog.take(outputs, outputs.posts)
        prompt = any(post.stream in PROMPT for post in outputs.posts)
        if prompt or self._backlog.rows >= FLUSH_ROWS or self._overdue():
            self._due.set()

    def seen(self, at: At) -> None:
        """Note that the hub was awake at `at` (each tick): the batch carries it to the disk."""
        self._backlog.see(at)
        if self._overdue():
            self._due.set()

    async def flush(self) -> None:
        """Write the batch now, in pieces that an alarm can pass between."""
        while self._backlog.waiting:
            batch = self._backlog.piece(retention.CHUNK)
            try:
                written = await self._transactions.write(batch, self._limit_s * PATIENCE)
            except StoreError as error:
                rows = self._backlog.put_back(batch, self.boot_number)
                self._transactions.failed(error)
                if rows:
                    self._on_rows(rows)
                return
            if self._disk.tight:
                self._due.set()
            if written.rows:
                self._on_rows(written.rows)

    async def ping(self) -> None:
        """Return when the writer has turned: StoreError if it does not within the limit.

        Notices a database that is gone, and while the store is at fault tries a real write, so
        that it notices its recovery. A disk that fails but answers does not raise here.
        """
        if not self._transactions.stuck:
            await self._transactions.look(self._limit_s * PATIENCE)
        if self._disk.tight:
            self._due.set()
        await self._transactions.no_op(self._limit_s * PATIENCE)

    # ------------------------------------------------------------------------------ what it gives
    async def unfinished(
        self, stream: Stream | None = None, limit: int = 100, after: Order | None = None
    ) -> tuple[Row, ...]:
        """Return rows that the centre has not stored (see gateway.edge.outbox)."""
        return await self._outbox.unfinished(stream, limit, after)

    async def left(self, epoch: str, stream: Stream, first: int, last: int) -> int | None:
        """Return how much is left of a range, for a `resend`; None: the disk is silent."""
        return await self._outbox.left(epoch, stream, first, last)

    async def finish(self, ack: Ack) -> tuple[str, ...]:
        """Finish what the centre has stored, and return its ids. Other statuses finish nothing."""
        finished = await self._outbox.finish(ack)
        if len(self._backlog.done) >= DONE_ROWS:
            self._due.set()
        return finished

    async def depth(self) -> Depth:
        """Return how much lies where, for `ansim status`; of a silent disk nothing is known."""
        unsaved, done = self._backlog.unsaved, self._backlog.done
        try:
            held = await self._transactions.read(
                lambda db: retention.census(db, without=[*unsaved, *done])
            )
        except StoreError:
            held = retention.Census()
        lanes = Counter(held.lanes)
        lanes.update(row.stream.value for row in unsaved.values())
        return Depth(
            unfinished=dict(lanes),
            readings=held.readings,
            waiting=self._backlog.rows,
            in_memory=len(unsaved),
            evicted=self._backlog.with_shed(held.evicted),
            bytes_on_disk=held.bytes_on_disk,
        )

    # ------------------------------------------------------------------------------ upkeep
    async def repair_time(self, proof: At) -> tuple[Alert, ...]:
        """Mend what the boot of `proof` stamped before it, unproven; return alerts that changed.

        Messages already made keep what they said; for the alerts the core sends an `update`.
        """
        changed = self._backlog.repair(Repair(proof))
        await self.flush()
        return changed

    async def evict(self, now: At) -> retention.Evicted:
        """Apply retention at the home's time `now`."""
        keep_ms = round(self._settings.keep_readings_h * 3_600_000)
        policy = retention.Policy(now, keep_ms, self._settings.max_mb * 1_000_000)
        lanes: Counter[str] = Counter()
        lane = "first"
        while lane:
            lane, gone = await self._transactions.change(
                lambda db: retention.step(db, policy), self._limit_s * PATIENCE
            )
            lanes[lane] += gone
        size = await self._transactions.read(retention.bytes_on_disk)
        await self._count_evicted()
        expired = lanes.pop("expired", 0)
        return retention.Evicted(expired, {k: lanes[k] for k in retention.LANES if lanes[k]}, size)

    # ------------------------------------------------------------------------------ inside
    async def _count_evicted(self) -> None:
        with contextlib.suppress(StoreError):
            self._evicted = await self._transactions.read(retention.evicted)

    def _overdue(self) -> bool:
        return self._backlog.age_ms >= self._settings.batch_s * 1000

    async def _flush_when_due(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            await self.flush()
            with contextlib.suppress(StoreError):
                while self._disk.tight and await self._transactions.regain():
                    pass
            await self._count_evicted()
