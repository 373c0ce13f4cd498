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
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import nats
from nats.aio.client import Client
from nats.errors import Error as NatsError

from gateway.centre import desk
from gateway.centre.database import DAY_MS
from gateway.centre.district import streams
from gateway.centre.district.feed import Arrival, Feed
from gateway.centre.district.leases import wanted
from gateway.centre.district.postgres import DistrictDatabase, Positions, failing
from gateway.centre.district.rows import BatchShelf, Rows, alerts_of, keys_of
from gateway.centre.district.settings import DistrictSettings
from gateway.centre.district.spoken import Presence, lines_of
from gateway.centre.district.streams import Lane
from gateway.centre.district.ward import Inbox, Ward
from gateway.centre.listener import Listener
from gateway.centre.outcome import Outcome
from gateway.centre.refusals import Refusals
from gateway.centre.view import Counters
from gateway.centre.watch import tick
from gateway.centre.words_out import WordsOut
from gateway.clock import Clock
from gateway.core.wire import AckStatus, UpMessage, parse_up
from gateway.errors import HubMessageError, LinkError, StoreError

BATCH = 500
TICK_S = 1.0
SHARE_S = 1.0
DEAF_S = 5.0  # without the broker: longer, and those who hear it take our partitions
RETRY_S = 2.0
CONNECT_S = 10.0
POSITIONS_S = 5.0
HEARTBEAT_OLD_MS = 120_000  # its expiry in the contract, which NATS does not know


class Worker:
    """A running worker. `run` serves for ever."""

    def __init__(
        self,
        settings: DistrictSettings,
        clock: Clock,
        *,
        listener: Listener | None = None,
        retry_s: float = RETRY_S,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.counters = Counters()
        self.wards: dict[int, Ward] = {}
        self.fault = "not connected yet"
        self._listener = listener or Listener()
        self._retry_s = retry_s
        self._inbox = Inbox()
        self._shelf = BatchShelf()
        self._refusals = Refusals()
        self._lock = asyncio.Lock()
        self._unwritten: Positions = {}
        self._written = 0.0
        self._deaf_since: float | None = None
        self.commits = 0
        self._pruned_ms = clock.now().wall_ms
        self._presence: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Serve until cancelled; what PostgreSQL or the broker cannot do is tried again."""
        while True:
            try:
                async with self._connected():
                    self.fault = ""
                    await self._until_fault()
            except (StoreError, LinkError) as wrong:
                self.fault = str(wrong)
            await asyncio.sleep(self._retry_s)

    def report(self) -> str:
        """Return a line for whoever reads along."""
        count = self.counters
        return (
            f"{self.settings.name}: partitions {len(self.wards)}"
            f" hubs {sum(len(ward.ledger.households) for ward in self.wards.values())}"
            f" messages {count.messages} stored {count.stored} repeated {count.duplicates}"
            f" refused {count.refused} alarms {count.alarms} commits {self.commits}"
            + (f" FAULT {self.fault}" if self.fault else "")
        )

    # ------------------------------------------------------------------------------- connections
    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[None]:
        settings = self.settings
        async with DistrictDatabase.open(settings.dsn, settings.partitions) as database:
            self._database = database
            self._nats = await self._dial()
            try:
                self._lines = lines_of(settings.districts, self._nats)
                self._words = WordsOut(self._lines)
                yield
            finally:
                for number in list(self.wards):
                    self._drop(number)
                self._unwritten = {}
                await self._nats.close()

    async def _dial(self) -> Client:
        settings = self.settings
        login: dict[str, Any] = {}
        if settings.nats_user:
            login = {"user": settings.nats_user, "password": settings.nats_password}
        if settings.ca_file is not None:
            login["tls"] = ssl.create_default_context(cafile=str(settings.ca_file))
        try:
            async with asyncio.timeout(CONNECT_S):
                client = await nats.connect(
                    list(settings.nats),
                    name=settings.name,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=0.5,
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
            for task in (*tasks, *self._presence):
                task.cancel()
            await asyncio.gather(*tasks, *self._presence, return_exceptions=True)
            self._presence = []

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
                for number in sorted(self.wards, reverse=True)[: max(0, len(self.wards) - most)]:
                    await self._give(number)
                await self._take(most)
                self._tell_presence()
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
        mine = {key: value for key, value in self._unwritten.items() if key[1] == number}
        await self._database.commit(Rows(), mine, self.clock.now().wall_ms)
        self._drop(number)
        with failing():
            await self._database.leases.give(number)

    def _drop(self, number: int) -> None:
        self.wards.pop(number).stop()
        self._inbox.forget(number)
        for lane in Lane:
            self._unwritten.pop((lane, number), None)

    async def _take(self, most: int) -> None:
        """Try for what is missing to the share, in no order: others try at the same time."""
        free = [n for n in range(self.settings.partitions) if n not in self.wards]
        random.shuffle(free)
        for number in free:
            if len(self.wards) >= most:
                return
            with failing():
                taken = await self._database.leases.take(number)
            if taken:
                await self._begin(number)

    async def _begin(self, number: int) -> None:
        ledger = await self._database.load(number, self._shelf)
        loop = asyncio.get_running_loop()
        feeds = {
            lane: Feed(
                self._nats,
                lane,
                number,
                await self._database.position(lane, number),
                self._inbox.put,
                now=loop.time,
            )
            for lane in Lane
        }
        ward = Ward(number, ledger, feeds, self.clock.now().wall_ms, dict(ledger.households))
        self.wards[number] = ward
        ward.start(self._ended)

    def _tell_presence(self) -> None:
        if 0 in self.wards and not self._presence:
            presence = Presence(self.settings, self.clock)
            self._presence = [asyncio.create_task(line.run()) for line in presence.lines]
            for task in self._presence:
                task.add_done_callback(self._ended)
        if 0 not in self.wards:
            for task in self._presence:
                task.cancel()
            self._presence = []

    # --------------------------------------------------------------------------------- receiving
    async def _work(self) -> None:
        while True:
            await self._inbox.some()
            async with self._lock:
                await self._receive(self._inbox.take(BATCH))

    async def _receive(self, batch: list[Arrival]) -> None:
        at_ms = self.clock.now().wall_ms
        read = [(arrival, self._parse(arrival, at_ms)) for arrival in batch]
        messages = [what for _, what in read if isinstance(what, UpMessage)]
        await self._database.fill(self._shelf, keys_of(messages), alerts_of(messages))
        rows, outcomes = Rows(), []
        for arrival, what in read:
            ward = self.wards[arrival.partition]
            for outcome in self._decide(ward, what, at_ms):
                rows.add(ward.number, outcome, ward.kept)
                outcomes.append(outcome)
            self._unwritten[arrival.lane, arrival.partition] = arrival.position
        await self._commit(rows, outcomes, at_ms)
        for (lane, number), count in Counter((a.lane, a.partition) for a in batch).items():
            self.wards[number].feeds[lane].done(count)

    def _parse(self, arrival: Arrival, at_ms: int) -> UpMessage | Outcome:
        self._count(messages=1)
        subject, partitions = arrival.subject, self.settings.partitions
        try:
            topic = streams.topic(subject, arrival.partition, partitions)
            message = parse_up(topic, arrival.payload)
        except HubMessageError as wrong:
            self._count(refused=1)
            where = subject.replace(".", "/").removeprefix(f"{streams.ROOT}/")
            event = self._refusals.note(where, str(wrong), at_ms)
            return Outcome(events=(event,) if event else ())
        if message.leaf == "hb" and at_ms - arrival.stored_ms > HEARTBEAT_OLD_MS:
            return Outcome()
        return message

    def _decide(self, ward: Ward, what: UpMessage | Outcome, at_ms: int) -> list[Outcome]:
        if isinstance(what, Outcome):
            return [what]
        outcome = ward.ledger.receive(what, at_ms)
        self._shelf.decided(outcome)
        if not self.settings.present or not outcome.cases:
            return [outcome]
        ids = [case.id for case in outcome.cases]
        seen = desk.present(ward.ledger, ids, self.settings.operator, at_ms)
        self._shelf.decided(seen)
        return [outcome, seen]

    # -------------------------------------------------------------------------------------- time
    async def _tick(self) -> None:
        while True:
            async with self._lock:
                await self._time_passes()
            await self.clock.sleep(TICK_S)

    async def _time_passes(self) -> None:
        at_ms = self.clock.now().wall_ms
        rows, outcomes = Rows(), []
        for ward in self.wards.values():
            since = ward.listening_ms(at_ms) if self._hearing() else None
            outcome = tick(ward.ledger, at_ms, listening_ms=since)
            rows.add(ward.number, outcome, ward.kept)
            outcomes.append(outcome)
        await self._commit(rows, outcomes, at_ms)
        if 0 in self.wards and at_ms - self._pruned_ms >= DAY_MS:
            self._pruned_ms = at_ms
            await self._database.prune(at_ms)

    # ------------------------------------------------------------------- one commit, then words
    async def _commit(self, rows: Rows, outcomes: list[Outcome], at_ms: int) -> None:
        """Write and only then say. Positions alone may wait: what is read twice is known by key."""
        now = asyncio.get_running_loop().time()
        if rows or (self._unwritten and now - self._written >= POSITIONS_S):
            await self._database.commit(rows, self._unwritten, at_ms)
            self._unwritten, self._written = {}, now
            self.commits += 1
        self._words.speak(outcomes, at_ms)
        for line in self._lines:
            await line.flush()
        for outcome in outcomes:
            self._tell(outcome, at_ms)

    def _tell(self, outcome: Outcome, at_ms: int) -> None:
        answered = any(say.ack.status is AckStatus.STORED for say in outcome.says)
        self._count(
            alarms=len(outcome.raised),
            stored=len(outcome.kept),
            duplicates=int(answered and not outcome.kept),
        )
        for message in outcome.kept:
            self._listener.stored(message, at_ms)
        for case in outcome.cases:
            self._listener.alarm(case, at_ms)
        for event in outcome.events:
            self._listener.event(event)

    def _count(self, **more: int) -> None:
        have = self.counters
        self.counters = replace(have, **{key: getattr(have, key) + n for key, n in more.items()})


async def _seen(_wrong: Exception) -> None:
    """Take note of nothing: the client connects again by itself, and `_hearing` looks."""
