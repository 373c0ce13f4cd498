"""How the event loop writes to the disk: one transaction after another, each within a limit.

    write(batch) ─► wait for the one before ─► join what is owed ─► writer thread ─► strike it off
                                                    ▲                    │ Replaced
                                                    └── owe everything ◄─┘ (once)

Beside the batch each transaction carries what is owed at the moment it begins: the newest alerts
and counters, ids that are done, rows that went out from memory. So nothing older is written after
something newer, and what one transaction could not write the next one does.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import TypeVar

from sqlite_utils import Database

from gateway.core.outputs import Stream
from gateway.edge import rows, tables
from gateway.edge.backlog import Backlog
from gateway.edge.batch import Batch, Written
from gateway.edge.database import Disk, Replaced
from gateway.edge.records import FoundState, Restored, Row
from gateway.edge.salvage import salvage
from gateway.edge.writer import Writer
from gateway.errors import StoreError

T = TypeVar("T")

OPEN_LIMIT_S = 30.0
"""A check of 200 MB from an SD card takes about 10 s; a disk that takes longer hangs."""


class Transactions:
    """See the module. `on_health` is told when the disk fails and when it is back."""

    def __init__(
        self,
        disk: Disk,
        backlog: Backlog,
        *,
        hub: str,
        boot: str,
        limit_s: float,
        on_health: Callable[[bool, str], None],
    ) -> None:
        self._disk, self._backlog, self._hub, self._boot = disk, backlog, hub, boot
        self._limit_s, self._on_health = limit_s, on_health
        self._writer = Writer()
        self._one_at_a_time = asyncio.Lock()
        self._adopted = ""
        self.restored = Restored()
        self.high: Mapping[str, int] = {}
        self.healthy = True

    @property
    def stuck(self) -> bool:
        """Whether the disk holds a request that nobody waits for any more."""
        return self._writer.stuck

    async def begin(self) -> None:
        """Open the database, or note that it cannot be opened now."""
        try:
            found = await self._writer.run(lambda _job: self._disk.open(), limit_s=OPEN_LIMIT_S)
            if found.state is FoundState.UNUSABLE:
                await self._salvage(self._disk.path)
            if found.kept_as:
                await self._salvage(self._disk.path.with_name(found.kept_as))
                self._backlog.start_over()
            await self._adopt()
        except StoreError as error:
            self.failed(error)

    async def end(self, limit_s: float) -> None:
        """Close the database; a hung disk is left behind."""
        with contextlib.suppress(StoreError):
            await self._writer.run(lambda _job: self._disk.close(), limit_s=limit_s)
        await self._writer.stop(limit_s)

    async def write(
        self, batch: Batch, limit_s: float, turn: Callable[[], None] = lambda: None
    ) -> Written:
        """Write `batch` and what is owed, durably; StoreError when the disk does not.

        turn: called when its turn has come, before what is owed is joined.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + limit_s
        async with self._turn(limit_s):
            turn()
            try:
                written = await self._attempt(batch, end - loop.time())
            except Replaced as lost:
                self.failed(lost)
                written = await self._attempt(batch, end - loop.time())
            self.high = written.high
            with contextlib.suppress(StoreError):  # it is written; what else is there can wait
                await self._adopt()
        self._recovered()
        return written

    async def read(self, work: Callable[[Database], T], limit_s: float | None = None) -> T:
        """Return `work(database)`; StoreError when the disk does not answer."""
        return await self._writer.run(
            lambda _job: self._disk.read(work), limit_s=limit_s or self._limit_s
        )

    async def change(self, work: Callable[[Database], T], limit_s: float) -> T:
        """Run `work`, which commits by itself, in turn with the other writes."""
        async with self._turn(limit_s):
            return await self.read(work, limit_s)

    async def look(self, limit_s: float) -> None:
        """See whether the database is still there; write what is owed if it was not."""
        if self.healthy:
            try:
                await self.read(lambda _db: None, limit_s)
            except StoreError as error:
                self.failed(error)
        if not self.healthy:
            with contextlib.suppress(StoreError):
                await self.write(Batch(), limit_s)

    async def regain(self) -> bool:
        """Win back room on a full disk, piece by piece; return whether more is to do."""
        async with self._turn(self._limit_s):
            return await self._writer.run(lambda _job: self._disk.regain(), limit_s=self._limit_s)

    async def no_op(self, limit_s: float) -> None:
        """Return when the writer's thread has turned."""
        await self._writer.run(lambda _job: None, limit_s=limit_s)

    def failed(self, error: StoreError) -> None:
        """Note a failure, and say so if it is the first."""
        if self.healthy:
            self.healthy = False
            self._on_health(False, str(error))  # noqa: FBT003 - (up, detail)

    def _recovered(self) -> None:
        if not self.healthy:
            self.healthy = True
            self._on_health(True, "")  # noqa: FBT003 - (up, detail)

    @contextlib.asynccontextmanager
    async def _turn(self, limit_s: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(limit_s):
                await self._one_at_a_time.acquire()
        except TimeoutError:
            raise StoreError(f"the disk has been busy for {limit_s:g} s") from None
        try:
            yield
        finally:
            self._one_at_a_time.release()

    async def _attempt(self, batch: Batch, limit_s: float) -> Written:
        if self._adopted not in ("", self._disk.epoch):
            self._backlog.start_over()
        whole = self._backlog.join(batch)
        disk = self._disk
        written = await self._writer.run(
            lambda job: disk.transact(
                lambda db: tables.write(
                    db, whole, hub=self._hub, epoch=disk.epoch, boot=self._boot
                ),
                lambda: job.abandoned,
            ),
            limit_s=limit_s,
            late=lambda written: disk.owe(written.undo),
        )
        self._backlog.written(whole, written.rows)
        return written

    async def _adopt(self) -> None:
        """Take over what a database holds that this run has not yet seen."""
        if self._disk.epoch == self._adopted != "":
            return
        try:
            restored, high, alarms = await self.read(self._everything)
        except Replaced as lost:
            self.failed(lost)
            restored, high, alarms = await self.read(self._everything)
        if not self._adopted and self.restored == Restored():
            self.restored = restored
        self._adopted, self.high = self._disk.epoch, high
        self._backlog.adopt(restored, alarms)

    async def _salvage(self, path: Path) -> None:
        """Take over what a database that cannot be used still says."""
        self.restored, alarms = await self._writer.run(
            lambda _job: salvage(path, self._hub), limit_s=OPEN_LIMIT_S
        )
        self._backlog.adopt(self.restored, alarms)

    def _everything(self, db: Database) -> tuple[Restored, dict[str, int], list[Row]]:
        alarms = rows.select(db, self._hub, Stream.ALARM)
        return tables.restore(db), tables.high_water(db), alarms
