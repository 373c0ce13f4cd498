"""One district's line to one broker: what hubs say comes in, words for them go out.

A will belongs to a connection, and every district has a `centre/state` of its own, so each district
has its own connection: its hubs know within a keepalive that nobody listens to THEM any more.

A broker that makes the user name the client id (the shipped mosquitto.conf does, so that no hub
takes over another's session) gives one connection to one user: a centre for several districts then
needs a user for each, which means a process for each.

The session is kept (clean start false: an hour in MQTT 5, without end in 3.1.1), and a message is
acknowledged to the broker only when it is committed: what hubs say while the centre restarts waits
at the broker. Nothing depends on it, for a hub repeats until `stored`; it is only sooner.

What goes out while the line is down is dropped: a hub that missed its `stored` repeats and is
answered again, and is told where its alerts stand at its next birth.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from typing import Protocol

from gateway.clock import Clock
from gateway.core.wire import VERSION, CentreState, Topics, centre_state_payload
from gateway.edge.brokers import endpoint
from gateway.edge.mqtt import Connection, Publication, Received, Refused, Version
from gateway.errors import LinkError
from gateway.settings import BrokerSettings

LONGEST_WAIT_S = 3.0
"""All homes of a district wait for this one connection: it is no herd."""

HEALTHY_S = 30.0
WINDOW = 20
GOODBYE_S = 1.0


def wait_s(failures: int, chance: float) -> float:
    """Return how long to wait after so many failures in a row; `chance` is from 0 to 1."""
    return min(LONGEST_WAIT_S, 0.5 * 2.0 ** min(failures, 10)) * chance


class LineSettings(Protocol):
    """What a connection needs to know of a centre."""

    @property
    def client_id(self) -> str:
        """Return what the client's id begins with; the district follows."""
        ...

    @property
    def keepalive_s(self) -> int:
        """Return the keepalive of MQTT."""
        ...

    @property
    def version(self) -> Version:
        """Return the version of MQTT tried first."""
        ...


class Line:
    """The connection of one district, made again for ever."""

    def __init__(
        self,
        settings: LineSettings,
        broker: BrokerSettings,
        district: str,
        clock: Clock,
        received: Callable[["Line", Received], None],
        *,
        topics: tuple[str, ...] = (),
    ) -> None:
        """Listen to what the district's hubs say, or to `topics` instead."""
        self.district = district
        self.up_since_ms: int | None = None
        self.why = "not connected yet"
        self._settings = settings
        self._broker = broker
        self._clock = clock
        self._received = received
        self._topics = topics or (f"ansim/{VERSION}/{district}/+/up/#",)
        self._version = settings.version
        self._connection: Connection | None = None
        self._open = False
        self._out: deque[Publication] = deque()
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Connect, serve, and connect again; ends only by being cancelled."""
        failures = 0
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self._serve()
            except LinkError as wrong:
                self.why = str(wrong)
                if isinstance(wrong, Refused) and wrong.old:
                    self._version = Version.V311 if self._version is Version.V5 else Version.V5
            healthy = asyncio.get_running_loop().time() - began > HEALTHY_S
            failures = 1 if healthy else failures + 1
            await asyncio.sleep(wait_s(failures, random.random()))  # noqa: S311 - no secret

    async def up(self) -> None:
        """Wait until hubs are heard."""
        while self.up_since_ms is None:
            self._changed.clear()
            await self._changed.wait()

    def send(self, publication: Publication) -> bool:
        """Send, in order, as the broker's window allows; False when the line is down."""
        if self._connection is None:
            return False
        self._out.append(publication)
        self._pump()
        return True

    def say_online(self) -> None:
        """Say that somebody listens to the district."""
        self.send(self._state(online=True))

    def acknowledge(self, message: Received) -> None:
        """Tell the broker that a message is safe here; on a line made anew it comes again."""
        if self._connection is not None:
            self._connection.acknowledge(message)

    # --------------------------------------------------------------------------------- serving
    async def _serve(self) -> None:
        connection = Connection(
            lambda: endpoint(self._broker, strict=True),
            version=self._version,
            client_id=f"{self._settings.client_id}-{self.district}",
            keepalive_s=self._settings.keepalive_s,
            will=self._state(online=False),
            received=lambda message: self._received(self, message),
        )
        # Before CONNECT: with a kept session messages come in the same read as CONNACK.
        self._connection = connection
        try:
            await connection.open()
            self._open = True
            await connection.subscribe(self._topics)
            self.say_online()
            self._now_up(self._clock.now().wall_ms)
            await connection.closed.wait()
            raise LinkError(str(connection.why) or "closed")
        finally:
            self._now_up(None)
            self._out.clear()
            self._connection, self._open = None, False
            await self._goodbye(connection)

    async def _goodbye(self, connection: Connection) -> None:
        """Say that the centre leaves: after a clean DISCONNECT the broker sends no will."""
        if not connection.closed.is_set():
            try:
                async with asyncio.timeout(GOODBYE_S):
                    await connection.publish(self._state(online=False))
            except (LinkError, TimeoutError):
                pass  # then the will says it
        await connection.close()

    def _state(self, *, online: bool) -> Publication:
        at_ms = self._clock.now().wall_ms if online else None
        payload = centre_state_payload(CentreState(online, at_ms))
        return Publication(Topics(self.district, "").centre, payload, retain=True)

    def _now_up(self, since_ms: int | None) -> None:
        self.up_since_ms = since_ms
        self._changed.set()

    def _pump(self, _done: object = None) -> None:
        connection = self._connection
        while connection is not None and self._open and self._out:
            if connection.closed.is_set() or connection.in_flight >= min(
                WINDOW, connection.receive_maximum
            ):
                return
            try:
                sent = connection.publish(self._out.popleft())
            except LinkError as wrong:
                connection.drop(wrong)
                return
            sent.add_done_callback(self._sent)

    def _sent(self, done: "asyncio.Future[None]") -> None:
        if not done.cancelled():
            done.exception()  # a refused word is repeated when the hub repeats
        self._pump()
