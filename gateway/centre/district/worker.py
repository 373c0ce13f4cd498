"""One of N equal workers: takes its share of the partitions, and does for each what a centre does.

    feeds ─► inbox ─► ledgers ─► ONE commit: rows and positions ─► `stored`
                      (a batch)

Three loops share one session of PostgreSQL, one at a time (`_lock`): `_work` commits batches,
`_tick` what time alone makes due, `_share` takes and gives partitions. Any error of PostgreSQL
throws away everything held here; `run` begins again from what was committed.
"""

import asyncio
import random
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from nats.aio.client import Client
from nats.errors import Error as NatsError

from gateway.centre.district import streams
from gateway.centre.district.failing import failing
from gateway.centre.district.feed import Feed
from gateway.centre.district.leases import wanted
from gateway.centre.district.postgres import DistrictDatabase
from gateway.centre.district.reception import Reception
from gateway.centre.district.retention import Retention
from gateway.centre.district.rows import Rows
from gateway.centre.district.settings import DistrictSettings
from gateway.centre.district.spoken import Presence, lines_of
from gateway.centre.district.streams import Lane
from gateway.centre.district.ward import Ward
from gateway.centre.listener import Listener
from gateway.clock import Clock
from gateway.errors import LinkError, StoreError

BATCH = 500
TICK_S = 1.0
SHARE_S = 1.0
DEAF_S = 5.0  # without the broker: longer, and those who hear it take our partitions
RETRY_S = 2.0
CONNECT_S = 10.0
TOLD = ("messages", "stored", "repeated", "refused", "alarms", "commits")


class Worker:
    """A running worker. `run` serves for ever; `pulse`: its clockwork turned, or it tried again."""

    def __init__(
        self,
        settings: DistrictSettings,
        clock: Clock,
        *,
        listener: Listener | None = None,
        retry_s: float = RETRY_S,
        pulse: Callable[[], None] = lambda: None,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.tally: Counter[str] = Counter()
        self._wards: dict[int, Ward] = {}
        self.fault = "not connected yet"
        self._listener = listener or Listener()
        self._retry_s = retry_s
        self._pulse = pulse
        self._lock = asyncio.Lock()
        self._deaf_since: float | None = None
        self._alone: list[asyncio.Task[None]] = []
        self._retention = Retention(settings.dsn, settings.retain_days, clock)

    async def run(self) -> None:
        """Serve until cancelled; what PostgreSQL or the broker cannot do is tried again."""
        while True:
            try:
                async with self._connected():
                    self.fault = ""
                    await self._until_fault()
            except (StoreError, LinkError) as wrong:
                self.fault = str(wrong)
            self._pulse()
            await asyncio.sleep(self._retry_s)

    def report(self) -> str:
        """Return a line for whoever reads along."""
        told = " ".join(f"{what} {self.tally[what]}" for what in TOLD)
        hubs = sum(len(ward.ledger.households) for ward in self._wards.values())
        faults = [wrong for wrong in (self.fault, self._retention.fault) if wrong]
        fault = f" FAULT {'; '.join(faults)}" if faults else ""
        told += f" deleted {self._retention.deleted}"
        return f"{self.settings.name}: partitions {len(self._wards)} hubs {hubs} {told}{fault}"

    # ------------------------------------------------------------------------------- connections
    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[None]:
        settings = self.settings
        async with DistrictDatabase.open(settings.dsn, settings.partitions) as database:
            self._database = database
            self._nats = await self._dial()
            lines = lines_of(settings.districts, self._nats)
            self._reception = Reception(
                settings, self.clock, self._listener, database, lines, self._wards, self.tally
            )
            try:
                yield
            finally:
                for number in list(self._reception.wards):
                    self._reception.drop(number)
                await self._nats.close()

    async def _dial(self) -> Client:
        settings = self.settings
        login: dict[str, Any] = {}
        if settings.nats_user:
            login = {"user": settings.nats_user, "password": settings.nats_password}
        if settings.ca_file is not None:
            login["tls"] = ssl.create_default_context(cafile=str(settings.ca_file))
        client = Client()
        try:
            async with asyncio.timeout(CONNECT_S):
                await client.connect(
                    list(settings.nats),
                    name=settings.name,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=1,
                    connect_timeout=2,
                    ping_interval=5,
                    max_outstanding_pings=2,
                    error_cb=_seen,
                    **login,
                )
                for lane in Lane:
                    await streams.ensure(
                        client.jetstream(),
                        lane,
                        replicas=settings.replicas,
                        max_bytes=settings.max_bytes,
                    )
        except (NatsError, OSError, TimeoutError) as wrong:
            await client.close()
            raise LinkError(f"NATS: {wrong!r}") from wrong
        return client

    async def _until_fault(self) -> None:
        """Serve until one of the loops, or a feed, fails; raise why."""
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        tasks = {
            asyncio.create_task(loop, name=name)
            for name, loop in (
                ("work", self._work()),
                ("tick", self._tick()),
                ("share", self._share()),
            )
        }
        try:
            done, _ = await asyncio.wait(
                {*tasks, self._failed}, return_when=asyncio.FIRST_COMPLETED
            )
            for one in done:
                one.result()
        finally:
            for task in (*tasks, *self._alone):
                task.cancel()
            await asyncio.gather(*tasks, *self._alone, return_exceptions=True)
            self._alone = []

    def _ended(self, task: asyncio.Task[None]) -> None:
        wrong = None if task.cancelled() else task.exception()
        if wrong is not None and not self._failed.done():
            self._failed.set_exception(wrong)

    # -------------------------------------------------------------------------------- partitions
    async def _share(self) -> None:
        while True:
            async with self._lock:
                hearing = self._hearing()
                with failing():
                    members = await self._database.leases.members(hearing=hearing)
                most = wanted(self.settings.partitions, members, hearing=hearing)
                for number in sorted(self._wards, reverse=True)[: max(0, len(self._wards) - most)]:
                    await self._give(number)
                await self._take(most)
                self._do_alone()
            await asyncio.sleep(SHARE_S)

    def _hearing(self) -> bool:
        now = asyncio.get_running_loop().time()
        if self._nats.is_connected:
            self._deaf_since = None
            return True
        self._deaf_since = self._deaf_since or now
        return now - self._deaf_since < DEAF_S

    async def _give(self, number: int) -> None:
        """Let go; 0 is given last, for with it goes the centre's presence."""
        mine = {key: value for key, value in self._reception.unwritten.items() if key[1] == number}
        await self._database.commit(Rows(), mine, self.clock.now().wall_ms)
        self._reception.drop(number)
        with failing():
            await self._database.leases.give(number)

    async def _take(self, most: int) -> None:
        """Try for what is missing to the share, in no order: others try at the same time."""
        free = [n for n in range(self.settings.partitions) if n not in self._wards]
        random.shuffle(free)
        for number in free:
            if len(self._wards) >= most:
                return
            with failing():
                taken = await self._database.leases.take(number)
            if taken:
                await self._begin(number)

    async def _begin(self, number: int) -> None:
        ledger = await self._database.load(number, self._reception.shelf)
        loop = asyncio.get_running_loop()
        feeds = {
            lane: Feed(
                self._nats,
                lane,
                number,
                await self._database.position(lane, number),
                self._reception.inbox.put,
                now=loop.time,
            )
            for lane in Lane
        }
        ward = Ward(number, ledger, feeds, self.clock.now().wall_ms, dict(ledger.households))
        self._wards[number] = ward
        ward.start(self._ended)

    def _do_alone(self) -> None:
        """Do what one worker does for all: whoever has partition 0."""
        if 0 in self._wards and not self._alone:
            parts = [line.run() for line in Presence(self.settings, self.clock).lines]
            self._alone = [asyncio.create_task(p) for p in (*parts, self._retention.run())]
            for task in self._alone:
                task.add_done_callback(self._ended)
        if 0 not in self._wards:
            for task in self._alone:
                task.cancel()
            self._alone = []

    # ------------------------------------------------------------------------------------- loops
    async def _work(self) -> None:
        inbox = self._reception.inbox
        while True:
            await inbox.some()
            async with self._lock:
                await self._reception.receive(inbox.take(BATCH))

    async def _tick(self) -> None:
        while True:
            async with self._lock:
                await self._reception.time_passes(hearing=self._hearing())
            self._pulse()
            await self.clock.sleep(TICK_S)


async def _seen(_wrong: Exception) -> None:
    """Take note of nothing: the client connects again by itself, and `_hearing` looks."""
