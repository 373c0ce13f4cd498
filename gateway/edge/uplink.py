"""The way to the centre: brokers tried in turn, sessions one after the other, for ever.

Theory of operation. Two tasks. `_watch` reads new alarm rows from the outbox as soon as `wake` says
they are committed, and notices when the centre does not answer, whether or not a broker is
reachable. `_connect_for_ever` keeps one connection (gateway.edge.brokers), on which one session
lives (gateway.edge.session). After 20 s with an alarm sent and not stored the next broker of the
list gets its chance; when none of them helped, each round waits twice as long (an alarm that the
centre will never store must not make the hub change brokers for ever).

All waiting here is the time of input and output (the event loop's); `at` comes from the clock.
`pace` scales the schedule where breaking things many times must not take days.
"""

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from gateway.clock import Clock
from gateway.core.inputs import FromCentre, Published
from gateway.core.model import At, Link, LinkChange
from gateway.core.outputs import Stream
from gateway.core.wire import Ack, AckStatus, CentreState, Topics
from gateway.edge.brokers import HEALTHY_S, Brokers
from gateway.edge.centre_link import CentreLink
from gateway.edge.downlink import Downlink
from gateway.edge.lanes import AlarmFeed, AlarmLane
from gateway.edge.mqtt import Connection, Received
from gateway.edge.session import Session
from gateway.edge.unfinished import PAGE, Order, Outbox, Row
from gateway.errors import LinkError, StoreError
from gateway.settings import UplinkSettings

WATCH_S = 1.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class UplinkStatus:
    """For `ansim status`. Times are the event loop's."""

    broker: str
    connected: bool
    since: float | None
    version: str
    dates_checked: bool
    in_flight: int
    window: int
    alarms_waiting: int
    last_stored: float | None
    centre_up: bool | None
    refusals: int
    last_error: str


class Renewed(LinkError):  # noqa: N818 - no fault of anybody's
    """We gave the connection up to make a better one."""


def session_number(boot: int, at: At) -> int:
    """Return a number that grows from connection to connection without being kept anywhere.

    The boot's counter above 38 bits of milliseconds since boot (8.7 years), together below 2**53,
    which every JSON reader takes exactly.
    """
    return (boot << 38) + at.mono_ms


class Uplink:
    """The hub's side of the contract."""

    def __init__(
        self,
        settings: UplinkSettings,
        topics: Topics,
        outbox: Outbox,
        deliver: Callable[[FromCentre | LinkChange], None],
        clock: Clock,
        *,
        birth: Callable[[], Mapping[str, Any]],
        heartbeat: Callable[[], Mapping[str, Any]],
        jitter: random.Random,
        pulse: Callable[[], None] = lambda: None,
        pace: float = 1.0,
    ) -> None:
        self._settings = settings
        self._topics = topics
        self._brokers = Brokers(settings, topics, self._receive, strict=clock.now().proven)
        self._outbox = outbox
        self._deliver = deliver
        self._clock = clock
        self._birth = birth
        self._heartbeat = heartbeat
        self._jitter = jitter
        self._pace = pace
        self._alarms = AlarmLane(pace)
        self._feed = AlarmFeed(outbox, self._alarms)
        self._session: Session | None = None
        self._unanswered: dict[str, list[tuple[Connection, Received]]] = {}
        self._woken = asyncio.Event()
        self._rows = True
        self._hurry = asyncio.Event()
        self._number = 0
        self._broker_up: bool | None = None
        self._since: float | None = None
        self._lived_s = 0.0
        self._centre = CentreLink(
            self._alarms,
            self._brokers.count,
            lambda up, detail: self._tell(Link.CENTRE, up=up, detail=detail),
            pace,
        )
        self._pulse = pulse
        self._last_error = ""
        self._downlink = Downlink(
            topics,
            clock,
            deliver,
            on_ack=self._on_ack,
            on_state=self._on_state,
            on_resend=self._all_again,
        )

    # -------------------------------------------------------------------------------- for the app
    async def run(self) -> None:
        """Keep the way open until cancelled; then say goodbye."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch())
            group.create_task(self._connect_for_ever())

    def wake(self) -> None:
        """Send what was committed just now."""
        self._rows = True
        self._woken.set()
        if self._session is not None:
            self._session.changed(rows=True)

    def settle(self, ids: Iterable[str]) -> None:
        """Stop repeating what is finished: the centre has stored it."""
        settled = set(ids)
        self._feed.settle(settled)
        if self._session is not None:
            self._session.bulk.settle(settled)
            self._session.changed()

    def answered(self, command: str) -> None:
        """Tell the broker that a command is safe here: its answer stands in the outbox."""
        for connection, message in self._unanswered.pop(command, ()):
            connection.acknowledge(message)

    def clock_proven(self) -> None:
        """Look at certificates' dates from now on; a connection made without is made anew."""
        if not self._brokers.strict:
            self._brokers.strict = True
            if self._brokers.connection is not None:
                self._brokers.connection.drop(Renewed("made anew: the clock is proven"))
            self._hurry.set()

    def status(self) -> UplinkStatus:
        """Return how it stands."""
        connection, session = self._brokers.connection, self._session
        return UplinkStatus(
            broker=self._brokers.broker.url,
            connected=session is not None,
            since=self._since,
            version=connection.version.value if connection and session else "",
            dates_checked=self._brokers.strict,
            in_flight=connection.in_flight if connection else 0,
            window=session.window if session else 0,
            alarms_waiting=len(self._alarms),
            last_stored=self._centre.last_stored,
            centre_up=self._centre.up,
            refusals=self._downlink.refusals,
            last_error=self._last_error,
        )

    # ------------------------------------------------------------------------ alarms and the centre
    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._woken.clear()
            self._pulse()
            if self._rows:
                self._rows = False
                await self._read_alarms()
            why = self._centre.check(loop.time())
            if why and self._brokers.connection is not None:
                self._brokers.connection.drop(LinkError(why))
            try:
                async with asyncio.timeout(WATCH_S):
                    await self._woken.wait()
            except TimeoutError:
                pass

    async def _read_alarms(self) -> None:
        try:
            fresh = await self._feed.read()
        except StoreError as wrong:
            self._rows = True  # again at the next turn of this watch
            _log.warning("outbox unreadable", reason=str(wrong))
            return
        if fresh and self._alarms.urgent():
            self._hurry.set()
        if fresh and self._session is not None:
            self._session.changed()

    def _on_ack(self, ack: Ack) -> None:
        stored = ack.status is AckStatus.STORED
        if stored:
            self._centre.stored(asyncio.get_running_loop().time())
        if self._centre.answered():
            self._all_again()
        if self._session is not None and stored:
            self._session.bulk.settle(ack.ids)
            if ack.upto is not None:
                self._session.bulk.settle_upto(ack.epoch, ack.stream, ack.upto)
            self._session.changed()

    def _on_state(self, state: CentreState, retained: bool) -> None:  # noqa: FBT001 - MQTT's flag
        back = self._centre.says(online=state.online)
        if back or (state.online and not retained):
            self._all_again()  # it has just come: what was sent while it was away never reached it

    def _all_again(self) -> None:
        if self._session is not None:
            self._alarms.again(asyncio.get_running_loop().time())
            self._session.bulk.again()
            self._session.changed()

    def _tell(self, link: Link, *, up: bool, detail: str) -> None:
        self._deliver(LinkChange(self._clock.now(), link, up, detail=detail))

    # -------------------------------------------------------------------------------- the brokers
    async def _connect_for_ever(self) -> None:
        while True:
            self._lived_s, reached = 0.0, True
            try:
                await self._one_connection()
            except Renewed:
                self._broker_up = None  # how it goes now is news in any case
                continue
            except LinkError as wrong:
                self._note(str(wrong))
                reached = not isinstance(wrong.__cause__, OSError)
            pause_s = self._brokers.turns.over(
                self._jitter,
                healthy=self._lived_s >= HEALTHY_S * self._pace,
                urgent=self._alarms.urgent(),
                reached=reached,
            )
            if pause_s:
                await self._pause(pause_s)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(self._pace * seconds):
                await self._hurry.wait()
        except TimeoutError:
            pass
        self._hurry.clear()

    def _note(self, why: str) -> None:
        self._last_error = why
        _log.warning("broker lost", broker=self._brokers.broker.url, reason=why)
        if self._broker_up is not False:
            self._broker_up = False
            self._tell(Link.BROKER, up=False, detail=why)

    async def _one_connection(self) -> None:
        birth = dict(self._birth())
        self._number = max(self._number + 1, session_number(birth["boot"], self._clock.now()))
        birth["session"] = self._number
        connection = await self._brokers.open(birth)
        try:
            await self._live(connection, birth)
        except asyncio.CancelledError:
            await self._brokers.goodbye(birth)
            raise
        finally:
            if self._since is not None:
                self._lived_s = asyncio.get_running_loop().time() - self._since
            self._session = self._since = None
            self._unanswered.clear()  # the broker tells the next connection again
            connection.drop(LinkError("over"))

    async def _live(self, connection: Connection, birth: Mapping[str, Any]) -> None:
        self._since = asyncio.get_running_loop().time()
        self._broker_up = True
        self._hurry.clear()
        url = self._brokers.broker.url
        dates = "" if self._brokers.strict else ", certificate dates not checked"
        self._tell(Link.BROKER, up=True, detail=f"{url}, MQTT {connection.version.value}{dates}")
        self._session = Session(
            connection,
            self._topics,
            self._alarms,
            read_page=self._read_page,
            window=self._settings.window,
            heartbeat_s=self._settings.heartbeat_s,
            birth=birth,
            heartbeat=self._heartbeat,
            centre_gone=lambda: self._centre.left,
            published=lambda id_: self._deliver(Published(self._clock.now(), id_)),
            pace=self._pace,
        )
        homing = asyncio.create_task(self._homewards(connection))
        try:
            await self._session.run(self._downlink.topics)
        finally:
            homing.cancel()

    async def _homewards(self, connection: Connection) -> None:
        def idle() -> bool:
            return not (len(self._alarms) or connection.in_flight)

        await self._brokers.way_home(self._jitter, idle)
        connection.drop(Renewed("made anew: this hub's own broker is back"))

    async def _read_page(self, stream: Stream, after: Order | None) -> Sequence[Row]:
        return await self._outbox.unfinished(stream, PAGE, after=after)

    def _receive(self, connection: Connection, message: Received) -> None:
        command = self._downlink.receive(message)
        if command is None:
            connection.acknowledge(message)  # it is in the core's queue now, or said again at need
        else:
            self._unanswered.setdefault(command, []).append((connection, message))
