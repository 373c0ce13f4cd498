"""Many light hubs in one process: raw sockets on the event loop, one clockwork for all.

Theory of operation. A `Wire` is a hub's connection: a socket, the packet id, what is left of a
packet. The loop tells when a socket can be read (add_reader); everything in time stands in one heap
of (due, number, what), for 20,000 timers of the loop's own would cost more than the hubs.

Who loses a good connection comes back to the same broker at a random instant of 20 s, or at once if
an alarm waits, and goes on to the next of its own order where nobody answers; after a round in
vain it waits with full jitter (gateway.edge.brokers does the same).
"""

import asyncio
import heapq
import itertools
import random
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from gateway.clock import Clock
from gateway.edge.brokers import backoff_s
from tests.fleet import packets
from tests.fleet.light import LightHub, Waiting, order

HEARTBEAT_S = 60.0
KEEPALIVE_S = 60
CONNACK_S = 10.0  # a broker at its file limit takes the connection and says nothing
STORM_S = 20.0
LOOK_S = 0.01
READ = 65536


@dataclass(slots=True)
class Census:
    """What was counted. `to_stored`: seconds from a press to `stored`, of each alarm."""

    connected: int = 0
    connects: int = 0
    lost: int = 0
    refused: int = 0
    heartbeats: int = 0
    pubacks: int = 0
    pressed: list[str] = field(default_factory=list)
    to_stored: dict[str, float] = field(default_factory=dict)
    sums: int = 0
    sums_stored: int = 0
    repeats: int = 0


@dataclass(frozen=True, slots=True)
class Habits:
    """How the hubs of a herd live. summary_s: 0 for none. qos: of their subscriptions."""

    heartbeat_s: float = HEARTBEAT_S
    summary_s: float = 0.0
    qos: int = 1
    storm_s: float = STORM_S


class Wire:
    """A hub and its connection, if it has one."""

    __slots__ = ("broker", "failures", "hub", "life", "mid", "order", "rest", "sock", "up", "waits")

    def __init__(self, hub: LightHub, brokers: Sequence[tuple[str, int]]) -> None:
        self.hub = hub
        self.order = bytes(order(hub.id, brokers))
        self.sock: socket.socket | None = None
        self.rest = b""
        self.mid = self.life = self.broker = self.failures = 0
        self.up = False
        self.waits = False  # a timer for what is to be repeated stands


class Herd:
    """The hubs numbered `numbers`; `run` lets them live until it is cancelled."""

    def __init__(
        self,
        numbers: range,
        district: str,
        brokers: Sequence[tuple[str, int]],
        clock: Clock,
        *,
        seed: int = 1,
        habits: Habits | None = None,
    ) -> None:
        self.census = Census()
        self.habits = habits or Habits()
        self._clock = clock
        self._brokers = tuple(brokers)
        self._loop = asyncio.get_running_loop()
        self._chance = random.Random(f"{seed} {numbers}")
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()
        self._changed = asyncio.Event()
        self.wires = [Wire(LightHub(seed, number, district), brokers) for number in numbers]

    # ------------------------------------------------------------------------------ for the script
    async def run(self) -> None:
        """Turn the clockwork."""
        try:
            while True:
                now = self._loop.time()
                while self._due and self._due[0][0] <= now:
                    heapq.heappop(self._due)[2]()
                await asyncio.sleep(LOOK_S)
        finally:
            for wire in self.wires:
                self._close(wire)

    def wake(self, over_s: float) -> None:
        """Switch all hubs on, evenly over so many seconds."""
        for place, wire in enumerate(self.wires):
            self._at(over_s * place / len(self.wires), partial(self._dial, wire))

    def press(self) -> None:
        """Let somebody press the button."""
        wire = self._chance.choice(self.wires)
        now = self._loop.time()
        one = wire.hub.press(self._clock.now(), now)
        self.census.pressed.append(one.body["id"])
        self._send(wire, one)

    async def until(self, holds: Callable[[Census], bool]) -> None:
        """Wait until the census is so."""
        while not holds(self.census):
            self._changed.clear()
            await self._changed.wait()

    # --------------------------------------------------------------------------------- connecting
    def _dial(self, wire: Wire) -> None:
        if wire.sock is not None:
            return
        address = self._brokers[wire.order[wire.broker]]
        sock = socket.socket()
        sock.setblocking(False)  # noqa: FBT003 - its only argument
        wire.sock, wire.rest, wire.life = sock, b"", wire.life + 1
        life = wire.life
        with suppress(BlockingIOError):
            sock.connect(address)
        self._loop.add_writer(sock.fileno(), self._reached, wire)
        self._at(CONNACK_S, lambda: None if wire.up or wire.life != life else self._lost(wire))

    def _reached(self, wire: Wire) -> None:
        assert wire.sock is not None
        self._loop.remove_writer(wire.sock.fileno())
        if wire.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._lost(wire)
            return
        wire.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._loop.add_reader(wire.sock.fileno(), self._readable, wire)
        hub = wire.hub
        hub.session = self._clock.now().mono_ms
        topic = hub.topics.up("state")
        self._write(wire, packets.connect(hub.id, KEEPALIVE_S, topic, hub.will()))

    def _welcomed(self, wire: Wire) -> None:
        """Subscribe, say the birth, and everything that waits."""
        wire.up, wire.failures = True, 0
        self.census.connected += 1
        self.census.connects += 1
        hub, now = wire.hub, self._loop.time()
        topics = hub.topics
        down = (topics.dn("ack"), topics.dn("cmd"), topics.centre)
        self._write(wire, packets.subscribe(self._mid(wire), down, self.habits.qos))
        birth = hub.birth(self._clock.now())
        self._write(wire, packets.publish(topics.up("state"), birth, self._mid(wire), retain=True))
        hub.again(now)
        self._repeat(wire)
        life = wire.life
        first = self._chance.uniform(0, self.habits.heartbeat_s)
        self._at(first, lambda: self._beat(wire, life))
        if self.habits.summary_s:
            first = self._chance.uniform(0, self.habits.summary_s)
            self._at(first, lambda: self._sum_up(wire, life))
        self._changed.set()

    def _lost(self, wire: Wire) -> None:
        """Come back: later and to the same broker if the connection was good, else to the next."""
        was_up = wire.up
        self._close(wire)
        if was_up:
            self.census.connected -= 1
            self.census.lost += 1
            urgent = wire.hub.waiting is not None
            self._at(
                0.0 if urgent else self._chance.uniform(0, self.habits.storm_s),
                lambda: self._dial(wire),
            )
        else:
            self.census.refused += 1
            wire.broker = (wire.broker + 1) % len(self._brokers)
            wire.failures += 1
            rounds, rest = divmod(wire.failures, len(self._brokers))
            urgent = wire.hub.waiting is not None
            pause_s = 0.0 if rest else backoff_s(rounds, self._chance, urgent=urgent)
            self._at(pause_s, lambda: self._dial(wire))
        self._changed.set()

    def _close(self, wire: Wire) -> None:
        if wire.sock is not None:
            self._loop.remove_reader(wire.sock.fileno())
            self._loop.remove_writer(wire.sock.fileno())
            wire.sock.close()
        wire.sock, wire.up, wire.rest = None, False, b""
        wire.life += 1

    # ------------------------------------------------------------------------------------ speaking
    def _beat(self, wire: Wire, life: int) -> None:
        if wire.life != life:
            return
        topic = wire.hub.topics.up("hb")
        payload = wire.hub.heartbeat(self._clock.now())
        self._write(wire, packets.publish(topic, payload, self._mid(wire)))
        self.census.heartbeats += 1
        self._at(self.habits.heartbeat_s, lambda: self._beat(wire, life))

    def _sum_up(self, wire: Wire, life: int) -> None:
        if wire.life != life:
            return
        self.census.sums += 1
        self._send(wire, wire.hub.summary(self._clock.now(), self._loop.time()))
        self._at(self.habits.summary_s, lambda: self._sum_up(wire, life))

    def _send(self, wire: Wire, one: Waiting) -> None:
        """Publish what is due; what there is no connection for waits for the next."""
        if wire.up:
            self.census.repeats += one.attempt > 0
            payload = one.sent(self._loop.time())
            topic = wire.hub.topics.up(one.body["stream"])
            self._write(wire, packets.publish(topic, payload, self._mid(wire)))
            self._wait(wire)

    def _wait(self, wire: Wire) -> None:
        due = wire.hub.next_due()
        if due is not None and not wire.waits:
            wire.waits = True
            self._at(max(0.0, due - self._loop.time()), lambda: self._waited(wire))

    def _waited(self, wire: Wire) -> None:
        wire.waits = False
        self._repeat(wire)
        if wire.up:
            self._wait(wire)

    def _repeat(self, wire: Wire) -> None:
        for one in wire.hub.due(self._loop.time()):
            self._send(wire, one)

    # ------------------------------------------------------------------------------------- hearing
    def _readable(self, wire: Wire) -> None:
        assert wire.sock is not None
        try:
            data = wire.sock.recv(READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lost(wire)
            return
        life = wire.life
        for packet in packets.cut(wire.rest + data):
            if isinstance(packet, bytes):
                wire.rest = packet if wire.life == life else b""
            elif wire.life == life:  # what came before may have ended it
                self._take(wire, packet)

    def _take(self, wire: Wire, packet: packets.Packet) -> None:
        if packet.kind == packets.CONNACK:
            if packet.body[1]:
                self._lost(wire)
            else:
                self._welcomed(wire)
        elif packet.kind == packets.PUBACK:
            self.census.pubacks += 1
        elif packet.kind == packets.PUBLISH:
            topic, payload, mid = packets.published(packet)
            if mid:
                self._write(wire, packets.puback(mid))
            if topic.endswith("/dn/ack"):
                self._stored(wire, payload)

    def _stored(self, wire: Wire, payload: bytes) -> None:
        now = self._loop.time()
        for one in wire.hub.heard(payload):
            if one.body["stream"] == "alarm":
                self.census.to_stored[one.body["id"]] = now - one.since
            else:
                self.census.sums_stored += 1
        self._changed.set()

    def _write(self, wire: Wire, data: bytes) -> None:
        """Send now or break: a hub's few hundred bytes fit every socket buffer that is read."""
        if wire.sock is None:
            return
        try:
            whole = wire.sock.send(data) == len(data)
        except OSError:
            whole = False
        if not whole:
            self._lost(wire)

    def _mid(self, wire: Wire) -> int:
        wire.mid = wire.mid % 65535 + 1
        return wire.mid

    def _at(self, after_s: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._due, (self._loop.time() + after_s, next(self._number), what))
