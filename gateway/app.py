"""The composition root: builds every part from the settings and runs them until it is told to stop.

    radio ──► inbox ──► pump: pipeline.feed ──► store.commit ──► uplink ──► centre
                ▲                    │                              │
    ticker ─────┤                    └──► announcer                 │
                └───────── acknowledgements, commands ◄─────────────┘

The pump is the only reader of the inbox and the only caller of the pipeline. Radio and uplink stand
inside `keep_running` and may fail for days; an error in the pump is a bug of ours: it ends the
process, and systemd starts anew from what was committed. What lies outside comes in as `Outside`,
with the real things as defaults; tests and the demo call this very root with others.
"""

import asyncio
import contextlib
import random
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import structlog
from bleak.backends.client import BaseBleakClient
from bleak.backends.scanner import BaseBleakScanner

from gateway import registry
from gateway.clock import Clock, SystemClock, when_proven
from gateway.core.inputs import Input
from gateway.core.model import At, HubReturned, Kind, Link, LinkChange, Memory, Tick
from gateway.core.pipeline import Pipeline
from gateway.core.ulid import Ulids
from gateway.core.wire import Topics
from gateway.driver import Decoded, Decoder, DeviceSettings, Packet
from gateway.edge.announce import Announcer, CommandAnnouncer, silent
from gateway.edge.attempt import CONNECT_S
from gateway.edge.files import connect
from gateway.edge.radio import Radio, RadioDevice
from gateway.edge.records import FoundState
from gateway.edge.store import Store
from gateway.edge.uplink import Uplink
from gateway.errors import RadioError, StoreError
from gateway.inbox import Inbox
from gateway.mounts import Mount, forgotten
from gateway.plan import plan
from gateway.pump import Pump
from gateway.secret import UnreadableSecret, read_bind_key
from gateway.settings import DeviceStanza, Settings
from gateway.status import Status
from gateway.supervise import Failure, Pulses, keep_running

TICK_S = 1.0
PING_S = 10.0
EVICT_S = 3600.0
LET_GO_S = 3.0  # BlueZ takes up to 3.2 s to let bands go (measured); SIGTERM has 5


Tap = Callable[[Packet | Input | Memory], None]


@dataclass(frozen=True, slots=True)
class Outside:
    """What lies outside the daemon. Each field is the real thing unless another is handed in.

    tap: is shown every stamped packet, every input and what decoders remember from before: a
        recorder.
    mounts: this machine's, from `gateway.mounts.here`: a database in memory begins a new epoch with
        each boot, and says so.
    connect: opens the database; another one fails, or ends the process, around a commit.
    pace: what the uplink's schedule (repetition, back-off, patience) is multiplied by. The contract
        is 1; a test that breaks things a thousand times has not the time.
    """

    clock: Clock = field(default_factory=SystemClock)
    scanner_backend: type[BaseBleakScanner] | None = None
    client_backend: type[BaseBleakClient] | None = None
    announcer: Announcer | None = None
    tap: Tap | None = None
    chance: random.Random = field(default_factory=random.SystemRandom)
    mounts: tuple[Mount, ...] = ()
    connect: Callable[[Path], sqlite3.Connection] = connect
    pace: float = 1.0


class Daemon:
    """One home's hub, from its settings to its parts. Built by `Daemon.build`, run by `run`."""

    def __init__(
        self, settings: Settings, outside: Outside, store: Store, pipeline: Pipeline
    ) -> None:
        self.settings, self.outside, self.store, self.pipeline = settings, outside, store, pipeline
        self.log = structlog.get_logger()
        self.inbox = Inbox(tap=outside.tap)
        self.pulses = Pulses(asyncio.get_running_loop().time)
        self.ready = asyncio.Event()
        self.handed_over = asyncio.Event()
        self._why = ""

    @classmethod
    @contextlib.asynccontextmanager
    async def build(
        cls, settings: Settings, outside: Outside | None = None
    ) -> AsyncIterator["Daemon"]:
        """Open the store, take back what it holds, and put every part together."""
        outside = outside or Outside()
        now = outside.clock.now()
        ids = Ulids(outside.chance.getrandbits)
        epochs = Ulids(outside.chance.getrandbits)  # of its own: called on the writer's thread
        health: list[LinkChange] = []
        deliver: list[Callable[[LinkChange], None]] = [health.append]

        def on_health(up: bool, detail: str) -> None:  # noqa: FBT001 - the store's call
            deliver[0](LinkChange(outside.clock.now(), Link.STORE, up, detail=detail))

        async with Store.open(
            settings.store.directory,
            hub=settings.hub.id,
            boot=now.boot,
            new_epoch=lambda: epochs.new(now.wall_ms),
            settings=settings.store,
            on_health=on_health,
            on_rows=lambda _rows: daemon.uplink.wake(),
            connect=outside.connect,
            in_memory=in_memory(settings.store.directory, outside.mounts),
        ) as store:
            pipeline = Pipeline(
                plan(settings, registry.find),
                lambda at: ids.new(at.wall_ms),
            )
            daemon = cls(settings, outside, store, pipeline)
            await daemon._assemble()
            for change in health:
                daemon.inbox.put(change)
            deliver[0] = daemon.inbox.put
            yield daemon

    async def _assemble(self) -> None:
        restored = await self.store.restore()
        self.pipeline.restore(restored.alerts, restored.memories, restored.detector_state)
        now = self.outside.clock.now()
        self.inbox.put(HubReturned(now, restored.last_seen, self.pipeline.book.matters))
        found = self.store.found
        if found.state in (FoundState.SET_ASIDE, FoundState.FORGETFUL):
            detail = f"{found.reason} ({found.kept_as})" if found.kept_as else found.reason
            self.inbox.put(LinkChange(now, Link.STORE, up=False, detail=detail))
            self.inbox.put(LinkChange(now, Link.STORE, up=True, detail=detail))
        elif self.store.healthy and (Kind.FAULT_STORE, "store") in self.pipeline.book.matters:
            self.inbox.put(LinkChange(now, Link.STORE, up=True))  # the fault of an earlier run
        self.radio = Radio(
            list(self._radio_devices(now, restored.memories)),
            self.settings.radio,
            self.outside.clock,
            self.inbox.put,
            scanner_backend=self.outside.scanner_backend,
            client_backend=self.outside.client_backend,
            hand_over=self._hand_over,
            # A scan that starts anew waits until every band that connects has had its turn.
            pulse=self.pulses.add(
                "radio", within_s=120 + CONNECT_S * self.settings.radio.max_connections
            ).turn,
        )
        topics = Topics(self.settings.hub.district, self.settings.hub.id)
        self.status = Status(self, self.outside.clock)
        self.uplink = Uplink(
            self.settings.uplink,
            topics,
            self.store,
            self.inbox.put,
            self.outside.clock,
            birth=self.status.birth,
            heartbeat=self.status.heartbeat,
            jitter=self.outside.chance,
            pace=self.outside.pace,
            pulse=self.pulses.add("uplink", within_s=180).turn,
        )
        self.pump = Pump(
            self.inbox,
            self.pipeline,
            self.store,
            self.uplink,
            self.outside.announcer or self._announcer(),
            pulse=self.pulses.add("pipeline", within_s=30).turn,
        )

    async def _drained(self, pump: asyncio.Task[None]) -> None:
        """Wait until the pump has carried out what waits; at once if it is the one that failed."""
        draining = asyncio.create_task(self.pump.drain())
        await asyncio.wait([draining, pump], return_when=asyncio.FIRST_COMPLETED)
        draining.cancel()

    def _announcer(self) -> Announcer:
        command = self.settings.announcer.command
        return CommandAnnouncer(command, self._heard_at_home) if command else silent

    def _heard_at_home(self, works: bool, why: str) -> None:  # noqa: FBT001 - the announcer's call
        now = self.outside.clock.now()
        self.inbox.put(LinkChange(now, Link.ANNOUNCER, works, detail=why))

    def _radio_devices(
        self, now: At, memories: Mapping[str, Mapping[str, int | str]]
    ) -> Iterator[RadioDevice]:
        """Yield the devices that can be understood; one whose key cannot be read is a fault.

        A hub must not stay silent about a whole home because one key file is gone.
        """
        for stanza in self.settings.devices:
            try:
                yield self._device(stanza, memories)
            except UnreadableSecret as error:
                self.log.error("bind key unreadable", device=stanza.name, error=str(error))  # noqa: TRY400 - the message says it all
                change = LinkChange(now, Link.KEY, up=False, device=stanza.name, detail=str(error))
                self.inbox.put(change)

    def _device(
        self, stanza: DeviceStanza, memories: Mapping[str, Mapping[str, int | str]]
    ) -> RadioDevice:
        device, tap = radio_device(stanza, memories.get(stanza.name)), self.outside.tap
        if tap is None:
            return device
        if stanza.name in memories:
            tap(Memory(stanza.name, memories[stanza.name]))
        return replace(device, decoder=Tapped(device.decoder, tap))

    async def run(self) -> None:
        """Run until cancelled; then drain the inbox, flush and let everything go."""
        async with asyncio.TaskGroup() as parts:
            pump = parts.create_task(self.pump.run(), name="pump")
            others = [
                parts.create_task(self._ticks(), name="ticker"),
                parts.create_task(self._proof(), name="proof of the clock"),
                parts.create_task(self._upkeep(), name="upkeep"),
                parts.create_task(self._retention(), name="retention"),
                parts.create_task(self._keep("radio", self.radio.run), name="radio"),
                parts.create_task(self._keep("uplink", self.uplink.run), name="uplink"),
            ]
            try:
                await self.radio.settled()
                await self.pump.settled()
                self.ready.set()
                await self.handed_over.wait()  # or cancelled, or a part's bug ends the group
            finally:
                for other in others:
                    other.cancel()
                await self._drained(pump)
                await asyncio.wait(others, timeout=LET_GO_S)
                await self._drained(pump)
                pump.cancel()
        if self.handed_over.is_set():
            raise RadioError(f"handed over to systemd: {self._why}")

    def _hand_over(self, why: str) -> None:
        """End this process with an error: what it could do about its radio is done."""
        self.log.critical("handing over to systemd", why=why)
        self._why = why
        self.handed_over.set()

    async def _keep(self, name: str, part: Callable[[], Awaitable[None]]) -> None:
        def failed(failure: Failure) -> None:
            self.log.error(
                "part failed", part=name, error=repr(failure.error), again_in_s=failure.wait_s
            )

        await keep_running(name, part, failed=failed)

    async def _ticks(self) -> None:
        """Let the home's time go on."""
        while True:
            self.inbox.put(Tick(self.outside.clock.now()))
            await self.outside.clock.sleep(TICK_S)

    async def _proof(self) -> None:
        """Wait for the clock's proof; what was stamped before it is then repaired."""
        self.inbox.put(await when_proven(self.outside.clock))

    async def _upkeep(self) -> None:
        """Prove that the writer turns, in the time of input and output.

        A hung disk does not turn the writer, and must not end the daemon: its alarms then live in
        memory only. The store's fault is queued as an alarm already; that is proof enough.
        """
        pulse = self.pulses.add("store", within_s=60)
        while True:
            with contextlib.suppress(StoreError):
                await self.store.ping()
                pulse.turn()
            if not self.store.healthy:
                pulse.turn()
            await asyncio.sleep(PING_S)

    async def _retention(self) -> None:
        """Delete what is too old: of its own, since on a slow card it may take many minutes."""
        while True:
            try:
                evicted = await self.store.evict(self.outside.clock.now())
            except StoreError as error:
                self.log.warning("retention failed", error=str(error))
            else:
                if evicted.lanes:  # an hourly line of nothing would be 24 fsyncs a day more
                    self.log.warning("no room: thrown away", **evicted.lanes)
            await asyncio.sleep(EVICT_S)


@dataclass(frozen=True, slots=True)
class Tapped:
    """A decoder whose packets are shown to a tap before it sees them."""

    decoder: Decoder
    tap: Tap

    def decode(self, packet: Packet) -> Decoded:
        """Show the packet, decode it."""
        self.tap(packet)
        return self.decoder.decode(packet)


def rehearse(settings: Settings) -> None:
    """Raise ConfigurationError for what would keep a daemon of these settings from being built.

    A file that is right in itself may name a bind key that is not there, or one address twice: that
    must be found while the daemon of the old settings still runs.
    """
    devices = [radio_device(stanza, None) for stanza in settings.devices]
    Radio(devices, settings.radio, SystemClock(), lambda _given: None)
    plan(settings, registry.find)


def in_memory(directory: Path, mounts: tuple[Mount, ...]) -> str:
    """Say why a restart loses what is written to a directory; "" where it does not."""
    if (on := forgotten(directory, mounts)) is None:
        return ""
    why = f"the database lies in memory ({on.kind}, {on.point}): a restart loses it"
    structlog.get_logger().warning(why)
    return why


def radio_device(stanza: DeviceStanza, memory: Mapping[str, int | str] | None) -> RadioDevice:
    """Return a configured device with its driver and a decoder that knows what it knew."""
    driver = registry.find(stanza.driver)
    key = read_bind_key(stanza.key_file) if stanza.key_file else None
    settings = DeviceSettings(stanza.name, stanza.address, key, stanza.options)
    return RadioDevice(stanza, driver, driver.new_decoder(settings, memory))
