"""The way to the centre: brokers tried in turn, sessions one after the other, for ever.

Theory of operation. Two tasks. `_watch` reads new alarm rows from the outbox as soon as `wake` says
they are committed, and notices when the centre does not answer, whether or not a broker is
reachable. `_connect_for_ever` keeps one connection: a round over the list of brokers without
pause, then a back-off with full jitter (a broker that died has thousands of hubs), short while an
alarm about the resident waits. After 20 s with an alarm sent and not stored the next broker of the
list gets its chance.

All waiting here is the time of input and output (the event loop's); `at` comes from the clock.
"""

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol
from urllib.parse import urlsplit

import structlog

from gateway.clock import Clock
from gateway.core.alerts import SECOND_BROKER_AFTER_S
from gateway.core.inputs import Acknowledge, Asked
from gateway.core.model import Link, LinkChange
from gateway.core.outputs import Stream
from gateway.core.wire import Ack, AckStatus, CentreState, Topics, encode, will_body
from gateway.edge.downlink import Downlink
from gateway.edge.lanes import PAGE, AlarmLane, Order, Row
from gateway.edge.mqtt import Connection, Endpoint, Publication, Received, Refused, Version
from gateway.edge.session import Session
from gateway.edge.tls import client_context
from gateway.errors import LinkError, StoreError
from gateway.settings import BrokerSettings, UplinkSettings

NOT_STORED_S = 30.0
BACKOFF_MAX_S = 120.0
BACKOFF_URGENT_S = 10.0
HEALTHY_S = 30.0  # a connection that lived this long begins a new series of back-offs
V311_FOR_S = 3600.0
WATCH_S = 1.0

_log = structlog.get_logger(__name__)


class Outbox(Protocol):
    """Where unfinished rows are read from (gateway.edge.store)."""

    async def unfinished(
        self, stream: Stream | None, limit: int, after: Order | None = None
    ) -> tuple[Row, ...]:
        """Return rows not finished, in their order, after the row of that order."""
        ...


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


def backoff_s(rounds: int, jitter: random.Random, *, urgent: bool) -> float:
    """Return the pause after `rounds` failed rounds over all brokers: full jitter, 1 to 120 s."""
    most = min(BACKOFF_URGENT_S if urgent else BACKOFF_MAX_S, 2.0 ** min(rounds, 7))
    return jitter.uniform(1.0, max(1.0, most))


class Uplink:
    """The hub's side of the contract."""

    def __init__(
        self,
        settings: UplinkSettings,
        topics: Topics,
        outbox: Outbox,
        deliver: Callable[[Acknowledge | Asked | LinkChange], None],
        clock: Clock,
        *,
        birth: Callable[[], Mapping[str, Any]],
        heartbeat: Callable[[], Mapping[str, Any]],
        jitter: random.Random,
        refused: Callable[[str, str], None] = lambda _id, _reason: None,
    ) -> None:
        self._settings = settings
        self._topics = topics
        self._outbox = outbox
        self._deliver = deliver
        self._clock = clock
        self._birth = birth
        self._heartbeat = heartbeat
        self._jitter = jitter
        self._alarms = AlarmLane()
        self._session: Session | None = None
        self._connection: Connection | None = None
        self._woken = asyncio.Event()
        self._rows = True
        self._settled: set[str] | None = None  # while rows are being read
        self._hurry = asyncio.Event()
        self._broker = 0
        self._broker_up: bool | None = None
        self._since: float | None = None
        self._old_until: dict[int, float] = {}
        self._strict = clock.now().proven
        self._centre_up: bool | None = None
        self._last_stored: float | None = None
        self._last_error = ""
        self._downlink = Downlink(
            topics, clock, deliver, refused=refused, on_ack=self._on_ack, on_state=self._on_state
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
        if self._settled is not None:
            self._settled |= settled
        self._alarms.settle(settled)
        if self._session is not None:
            self._session.bulk.settle(settled)
            self._session.changed()

    def clock_proven(self) -> None:
        """Look at certificates' dates from now on; a connection made without is made anew."""
        if not self._strict:
            self._strict = True
            if self._connection is not None:
                self._connection.drop(Renewed("made anew: the clock is proven"))
            self._hurry.set()

    def status(self) -> UplinkStatus:
        """Return how it stands."""
        connection, session = self._connection, self._session
        return UplinkStatus(
            broker=self._settings.brokers[self._broker].url,
            connected=session is not None,
            since=self._since,
            version=connection.version.value if connection and session else "",
            dates_checked=self._strict,
            in_flight=connection.in_flight if connection else 0,
            window=session.window if session else 0,
            alarms_waiting=len(self._alarms),
            last_stored=self._last_stored,
            centre_up=self._centre_up,
            refusals=self._downlink.refusals,
            last_error=self._last_error,
        )

    # ------------------------------------------------------------------------ alarms and the centre
    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._woken.clear()
            if self._rows:
                self._rows = False
                await self._read_alarms(loop)
            self._check_answers(loop.time())
            try:
                async with asyncio.timeout(WATCH_S):
                    await self._woken.wait()
            except TimeoutError:
                pass

    async def _read_alarms(self, loop: asyncio.AbstractEventLoop) -> None:
        settled: set[str] = set()
        self._settled = settled
        try:
            await self._read_all_alarms(loop, settled)
        except StoreError as wrong:
            self._rows = True  # again at the next turn of the watch
            _log.warning("outbox unreadable", reason=str(wrong))
        finally:
            self._settled = None

    async def _read_all_alarms(self, loop: asyncio.AbstractEventLoop, settled: set[str]) -> None:
        after: Order | None = None
        while True:
            page = await self._outbox.unfinished(Stream.ALARM, PAGE, after=after)
            for row in page:
                if row.id in settled:  # while this page was read
                    continue
                if self._alarms.offer(row, loop.time()) and self._alarms.urgent():
                    self._hurry.set()
            if self._session is not None:
                self._session.changed()
            if len(page) < PAGE:
                return
            after = page[-1].order

    def _check_answers(self, now: float) -> None:
        offered, sent = self._alarms.oldest_offered(), self._alarms.oldest_sent()
        heard = self._last_stored or float("-inf")
        if offered is not None and now - max(offered, heard) >= NOT_STORED_S:
            self._centre(up=False, detail=f"no `stored` for an alarm for {NOT_STORED_S:g} s")
        if (
            sent is not None
            and now - max(sent, heard) >= SECOND_BROKER_AFTER_S
            and len(self._settings.brokers) > 1
            and self._connection is not None
        ):
            self._connection.drop(
                LinkError(f"an alarm was not stored within {SECOND_BROKER_AFTER_S:g} s")
            )

    def _on_ack(self, ack: Ack) -> None:
        if ack.status is AckStatus.STORED:
            self._last_stored = asyncio.get_running_loop().time()
        self._centre(up=True)
        if self._session is not None and ack.status is AckStatus.STORED:
            self._session.bulk.settle(ack.ids)
            if ack.upto is not None:
                self._session.bulk.settle_upto(ack.epoch, ack.stream, ack.upto)
            self._session.changed()

    def _on_state(self, state: CentreState) -> None:
        self._centre(up=state.online, detail="" if state.online else "the centre says it is gone")

    def _centre(self, *, up: bool, detail: str = "") -> None:
        if self._centre_up is not None and self._centre_up == up:
            return
        returned = up and self._centre_up is not None
        self._centre_up = up
        self._tell(Link.CENTRE, up=up, detail=detail)
        if returned and self._session is not None:
            self._alarms.again(asyncio.get_running_loop().time())
            self._session.changed(rows=True)

    def _tell(self, link: Link, *, up: bool, detail: str) -> None:
        self._deliver(LinkChange(self._clock.now(), link, up, detail=detail))

    # -------------------------------------------------------------------------------- the brokers
    async def _connect_for_ever(self) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            began = loop.time()
            try:
                await self._one_connection()
            except LinkError as wrong:
                self._note(str(wrong))
                if isinstance(wrong, Renewed):
                    continue
            failures = 1 if loop.time() - began >= HEALTHY_S else failures + 1
            self._broker = (self._broker + 1) % len(self._settings.brokers)
            if failures % len(self._settings.brokers):
                continue  # the round is not over: the next broker at once
            await self._pause(failures // len(self._settings.brokers))

    async def _pause(self, rounds: int) -> None:
        pause = backoff_s(rounds, self._jitter, urgent=self._alarms.urgent())
        try:
            async with asyncio.timeout(pause):
                await self._hurry.wait()
        except TimeoutError:
            pass
        self._hurry.clear()

    def _note(self, why: str) -> None:
        self._last_error = why
        _log.warning("broker lost", broker=self._settings.brokers[self._broker].url, reason=why)
        if self._broker_up is not False:
            self._broker_up = False
            self._tell(Link.BROKER, up=False, detail=why)

    async def _one_connection(self) -> None:
        birth = {**self._birth(), "session": self._clock.now().mono_ms}
        connection = await self._open(birth)
        try:
            await self._live(connection, birth)
        except asyncio.CancelledError:
            await self._goodbye(connection, birth)
            raise
        finally:
            self._session = self._since = None
            connection.drop(LinkError("over"))

    async def _open(self, birth: Mapping[str, Any]) -> Connection:
        now = asyncio.get_running_loop().time()
        if self._old_until.get(self._broker, 0.0) <= now:
            try:
                return await self._dial(Version.V5, birth)
            except Refused as refused:
                if not refused.old:
                    raise
        connection = await self._dial(Version.V311, birth)
        self._old_until.setdefault(self._broker, now + V311_FOR_S)
        return connection

    async def _dial(self, version: Version, birth: Mapping[str, Any]) -> Connection:
        will = will_body(self._topics.hub, birth["boot"], birth["session"])
        connection = Connection(
            partial(endpoint, self._settings.brokers[self._broker], strict=self._strict),
            version=version,
            client_id=self._topics.hub,
            keepalive_s=self._settings.keepalive_s,
            will=Publication(self._topics.up("state"), encode(will), retain=True),
            received=self._receive,
        )
        self._connection = connection
        await connection.open()
        return connection

    async def _live(self, connection: Connection, birth: Mapping[str, Any]) -> None:
        self._since = asyncio.get_running_loop().time()
        self._broker_up = True
        self._hurry.clear()
        url = self._settings.brokers[self._broker].url
        dates = "" if self._strict else ", certificate dates not checked"
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
            centre_gone=lambda: self._centre_up is False,
        )
        await self._session.run(self._downlink.topics)

    async def _read_page(self, stream: Stream, after: Order | None) -> tuple[Row, ...]:
        return await self._outbox.unfinished(stream, PAGE, after=after)

    def _receive(self, message: Received) -> None:
        self._downlink.receive(message)
        if self._connection is not None:
            self._connection.acknowledge(message)

    async def _goodbye(self, connection: Connection, birth: Mapping[str, Any]) -> None:
        gone = will_body(self._topics.hub, birth["boot"], birth["session"])
        try:
            async with asyncio.timeout(2.0):
                await connection.publish(
                    Publication(self._topics.up("state"), encode(gone), retain=True)
                )
                await connection.close()
        except (LinkError, TimeoutError):
            pass  # the broker's will says the same


def endpoint(broker: BrokerSettings, *, strict: bool) -> Endpoint:
    """Return where to connect, with the files it needs read; LinkError names the one at fault."""
    url = urlsplit(broker.url)
    secure = url.scheme == "mqtts"
    try:
        password = broker.password_file.read_text().strip() if broker.password_file else None
    except (OSError, UnicodeDecodeError) as wrong:
        raise LinkError(f"password file {broker.password_file}: {wrong}") from wrong
    return Endpoint(
        host=url.hostname or "",
        port=url.port or (8883 if secure else 1883),
        tls=client_context(broker, check_dates=strict) if secure else None,
        username=broker.username,
        password=password,
    )
