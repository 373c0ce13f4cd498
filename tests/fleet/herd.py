"""Many light hubs in one process: raw sockets on the event loop, one clockwork for all.

Theory of operation. A `Wire` is a hub's connection: a socket, the packet id, what is left of a
packet. The loop tells when a socket can be read (add_reader); everything in time stands in one heap
of (due, number, what), for 20,000 timers of the loop's own would cost more than the hubs.

Whether a hub comes back to the same broker or to the next of its own order, and after what pause,
is the true hub's own policy (gateway.edge.brokers.Turns), its time limits too. With `tls` each hub
shakes hands with a certificate of its own.
"""

import asyncio
import random
import ssl
from collections.abc import Callable, Sequence
from functools import partial

from gateway.clock import Clock
from gateway.core.model import At
from gateway.core.ulid import Ulids
from gateway.edge.brokers import HEALTHY_S
from gateway.edge.mqtt import CONNACK_S
from tests.fleet import packets
from tests.fleet.census import Census, Habits
from tests.fleet.dial import Clockwork, Dialler, Wire
from tests.fleet.light import LightHub, Waiting

KEEPALIVE_S = 60
READ = 65536

UNREACHED = ("nobody listens", "no handshake")

Say = Callable[[At, float, str], Waiting]


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
        self._loop = asyncio.get_running_loop()
        self._chance = random.Random(f"{seed} {numbers}")
        self._ids = Ulids(self._chance.getrandbits)
        self._clockwork = Clockwork()
        self._dialler = Dialler(
            brokers, self.habits.tls, self._clockwork, reached=self._greet, lost=self._lost
        )
        self._changed = asyncio.Event()
        self.wires = [Wire(LightHub(seed, number, district), brokers) for number in numbers]

    # ------------------------------------------------------------------------------ for the script
    async def run(self) -> None:
        """Turn the clockwork."""
        try:
            await self._clockwork.run()
        finally:
            for wire in self.wires:
                self._dialler.close(wire)

    def wake(self, over_s: float) -> None:
        """Switch all hubs on, evenly over so many seconds."""
        for place, wire in enumerate(self.wires):
            self._dialler.dial_in(over_s * place / len(self.wires), wire)

    def press(self) -> None:
        """Let somebody press the button."""
        wire = self._chance.choice(self.wires)
        at = self._clock.now()
        one = wire.hub.press(at, self._loop.time(), self._ids.new(at.wall_ms))
        self.census.pressed.append(one.body["id"])
        self._send(wire, one)
        if wire.sock is None:
            self._dialler.dial(wire)  # an alarm ends every pause

    async def until(self, holds: Callable[[Census], bool]) -> None:
        """Wait until the census is so."""
        while not holds(self.census):
            self._changed.clear()
            await self._changed.wait()

    # --------------------------------------------------------------------------------- connecting
    def _greet(self, wire: Wire) -> None:
        assert wire.sock is not None
        self._loop.add_reader(wire.sock.fileno(), self._readable, wire)
        hub = wire.hub
        hub.session = self._clock.now().mono_ms
        topic = hub.topics.up("state")
        self._dialler.unless(CONNACK_S, wire, lambda: wire.up, "no CONNACK")
        self._write(wire, packets.connect(hub.id, KEEPALIVE_S, topic, hub.will()))

    def _welcomed(self, wire: Wire) -> None:
        """Subscribe, say the birth, and everything that waits."""
        wire.up, wire.since = True, self._loop.time()
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
        self._clockwork.at(first, lambda: self._beat(wire, life))
        for every_s, say in (
            (self.habits.summary_s, hub.summary),
            (self.habits.batch_s, hub.batch),
        ):
            if every_s:
                first = self._chance.uniform(0, every_s)
                self._clockwork.at(first, partial(self._telemetry, wire, life, every_s, say))
        self._changed.set()

    def _lost(self, wire: Wire, why: str) -> None:
        """Come back as a hub does."""
        was_up, lived_s = wire.up, self._loop.time() - wire.since
        self._dialler.close(wire)
        what = f"{'lost' if was_up else 'turned away'}: {why}"
        self.census.why[what] = self.census.why.get(what, 0) + 1
        self.census.connected -= was_up
        self.census.lost += was_up
        self.census.refused += not was_up
        pace = self.habits.pace
        pause_s = wire.turns.over(
            self._chance,
            healthy=was_up and lived_s >= HEALTHY_S * pace,
            urgent=wire.hub.urgent,
            reached=why not in UNREACHED,
        )
        self._dialler.dial_in(pause_s * pace, wire)
        self._changed.set()

    # ------------------------------------------------------------------------------------ speaking
    def _beat(self, wire: Wire, life: int) -> None:
        if wire.life != life:
            return
        topic = wire.hub.topics.up("hb")
        payload = wire.hub.heartbeat(self._clock.now())
        self._write(wire, packets.publish(topic, payload, self._mid(wire)))
        self.census.heartbeats += 1
        self._clockwork.at(self.habits.heartbeat_s, lambda: self._beat(wire, life))

    def _telemetry(self, wire: Wire, life: int, every_s: float, say: Say) -> None:
        if wire.life != life:
            return
        self.census.telemetry += 1
        at = self._clock.now()
        self._send(wire, say(at, self._loop.time(), self._ids.new(at.wall_ms)))
        self._clockwork.at(every_s, partial(self._telemetry, wire, life, every_s, say))

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
            self._clockwork.at(max(0.0, due - self._loop.time()), lambda: self._waited(wire))

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
            while isinstance(wire.sock, ssl.SSLSocket) and wire.sock.pending():
                data += wire.sock.recv(READ)
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        except OSError:
            data = b""
        if not data:
            self._lost(wire, "closed")
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
                self._lost(wire, f"code {packet.body[1]}")
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
                self.census.telemetry_stored += 1
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
            self._lost(wire, "cannot send")

    def _mid(self, wire: Wire) -> int:
        wire.mid = wire.mid % 65535 + 1
        return wire.mid
