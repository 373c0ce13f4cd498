"""Everything of a run that lives: world, hub, broker, centre, the network between them, the clock.

              ┌──────────── harness process ────────────┐
    World ──► FarWorld ═ socket ═ hub ══ Proxy ══ broker ══ Proxy ══    centre ══ its database
              └─ lent clock, crash points, keepers that start again what died, as systemd would ─┘

Where a plan wants it, between hub and Proxy lies a network of the kernel's (wire.py), and beside
the hub lives its twin: a second hub, in another home, that was given the same id by mistake.

A keeper starts its process again after each death for as long as it should live. A death that
nobody here caused is a finding, as is a traceback in a log.
"""

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.centre.settings import CentreSettings
from gateway.clock import SystemClock
from gateway.edge.certificates import Authority
from gateway.edge.control import ControlError, ask
from gateway.edge.mqtt import Publication
from gateway.settings import BrokerSettings, DeviceStanza, Role, Settings
from gateway.virtual.far_world import FarWorld
from gateway.virtual.polar import PolarBand
from gateway.virtual.world import World
from tests.faults.centre_main import CentreSpec
from tests.faults.children import Child, Keeper, Nursery
from tests.faults.engine import Broker, Engine, Lent
from tests.faults.hub_main import HubSpec
from tests.faults.lent_clock import ClockHand
from tests.faults.proxy import Proxy, Weather
from tests.faults.wire import NAME, Lease, Line, Wire, lease

WRIST = "A0:9E:1A:00:00:01"
TWIN = "twin"
TWIN_BUTTON = "B4:35:22:00:01:01"


def port_of(seed: int) -> int:
    """Return a port of this run's own: while its broker is dead, no other run may take it."""
    for number in range(seed, seed + 100):
        port = 20_000 + number * 7 % 12_000
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    raise RuntimeError("a hundred ports below 32768 are all taken")


class Rig:
    """One run's home and centre. Made by `Rig.open`."""

    broker: Broker
    lent: Lent
    hub_net: Proxy
    centre_net: Proxy
    world: World
    notify: socket.socket
    hub: Keeper
    twin: Keeper
    centre: Keeper

    def __init__(self, directory: Path, settings: Settings, seed: int, pace: float) -> None:
        self.directory, self.settings, self.seed, self.pace = directory, settings, seed, pace
        self.chance = random.Random(f"rig-{seed}")
        self.findings: list[str] = []
        self.clock = ClockHand(directory / "clock")
        self.arm = directory / "arm"
        self.hub_log, self.centre_log = directory / "hub.log", directory / "centre.log"
        self.twin_log = directory / "twin.log"
        self.present = True
        self.ready = 0
        self.ready_s = 0.0
        self.last_status: dict[str, Any] = {}
        self.ca: Path | None = None
        self.band: PolarBand | None = None
        self.lease: Lease | None = None
        self.wire: Wire | None = None
        self.sabotage = ""
        self.subscribed = False
        self.asked: dict[str, Publication] = {}

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls,
        nursery: Nursery,
        directory: Path,
        settings: Settings,
        *,
        seed: int,
        pace: float,
        broker_lines: tuple[str, ...],
        present: bool = True,
        certificate_s: float | None = None,
        fall: bool = False,
        engine: Engine,
        wired: bool = False,
        sabotage: str = "",
    ) -> AsyncIterator["Rig"]:
        """Bring everything to life but hub and centre, which their keepers start when wanted.

        certificate_s: the hub's way is TLS with a certificate valid so many seconds from now on.
        wired: the hub lives behind a network of the kernel's own.
        """
        rig = cls(directory, settings, seed, pace)
        rig.present, rig.sabotage = present, sabotage
        async with contextlib.AsyncExitStack() as stack:
            if certificate_s is not None:
                broker_lines = rig.secured(broker_lines, certificate_s)
            lending = engine.lend(directory, broker_lines, port_of(seed), seed)
            rig.lent = await stack.enter_async_context(lending)
            rig.broker = rig.lent.broker
            if wired:
                rig.lease = lease(seed, directory)
                rig.wire = await stack.enter_async_context(Wire(rig.lease, rig.chance))
            host = rig.lease.outside if rig.lease else "127.0.0.1"
            doors = Proxy(rig.lent.hub_ports, rig.chance, host, doors=True)
            rig.hub_net = await stack.enter_async_context(doors)
            centre_net = Proxy(rig.lent.centre_ports, rig.chance)
            rig.centre_net = await stack.enter_async_context(centre_net)
            rig.world = await stack.enter_async_context(World(SystemClock()))
            if fall:
                rig.band = await rig.world.polar_band(WRIST)
            await stack.enter_async_context(FarWorld(rig.world, directory / "air.sock"))
            rig.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            rig.notify.setblocking(False)  # noqa: FBT003 - the socket's own call
            stack.callback(rig.notify.close)
            rig.notify.bind(str(directory / "notify.sock"))
            loop = asyncio.get_running_loop()
            loop.add_reader(rig.notify, rig._told)
            stack.callback(loop.remove_reader, rig.notify)
            rig.hub = rig._keeper(nursery, "hub", rig.hub_log, rig.hub_spec)
            rig.twin = rig._keeper(nursery, "hub", rig.twin_log, rig.twin_spec)
            rig.centre = rig._keeper(nursery, "centre", rig.centre_log, rig.centre_spec)
            for keeper in (rig.hub, rig.twin, rig.centre):
                task = asyncio.create_task(keeper.run())
                stack.push_async_callback(_ended, task, keeper)
            yield rig

    def _keeper(
        self, nursery: Nursery, role: str, log: Path, spec: "Callable[[], object]"
    ) -> Keeper:
        def start() -> "asyncio.Future[Child]":
            return asyncio.ensure_future(nursery.bear(role, log, spec()))

        return Keeper(role, start, self.findings)

    def secured(self, lines: tuple[str, ...], valid_in_s: float) -> tuple[str, ...]:
        """Return a broker's lines with TLS for hubs and the centre's plain door beside it."""
        begins = datetime.now(UTC) + timedelta(seconds=valid_in_s)  # noqa: TID251 - TLS asks the real time
        authority = Authority(self.directory, not_before=begins)
        authority.server(["127.0.0.1"])
        self.ca = authority.ca_file
        tls = (
            lines[0],
            f"cafile {self.ca}",
            f"certfile {self.directory}/server.crt",
            f"keyfile {self.directory}/server.key",
            "listener {centre} 127.0.0.1",
        )
        return (*tls, *lines[1:])

    # ------------------------------------------------------------------------ what processes get
    @property
    def store(self) -> Path:
        """Where the hub's database is."""
        return self.settings.store.directory

    @property
    def centre_db(self) -> Path:
        """The centre's database."""
        return self.directory / "centre.db"

    def hub_spec(self) -> HubSpec:
        """Return what a hub that starts now is told."""
        brokers = tuple(self.lent.hub(port) for port in self.hub_net.ports)
        if self.ca is not None:
            brokers = (BrokerSettings(f"mqtts://127.0.0.1:{self.hub_net.port}", self.ca),)
        if self.lease is not None:  # by name: names can be lost as well
            brokers = tuple(replace(one, url=one.url.replace("127.0.0.1", NAME)) for one in brokers)
        uplink = replace(self.settings.uplink, brokers=brokers)
        return HubSpec(
            settings=replace(self.settings, uplink=uplink),
            radio=self.directory / "air.sock",
            clock=self.clock.path,
            arm=self.arm,
            notify=self.directory / "notify.sock",
            pace=self.pace,
            seed=self.seed,
            lease=self.lease,
            sabotage=self.sabotage,
        )

    def twin_spec(self) -> HubSpec:
        """Return what the hub's twin is told: another home and store, the same id."""
        spec = self.hub_spec()
        directory = self.directory / TWIN
        return replace(
            spec,
            settings=replace(
                spec.settings,
                devices=(DeviceStanza(TWIN, "bthome", TWIN_BUTTON, role=Role.SOS, options={}),),
                store=replace(spec.settings.store, directory=directory / "store"),
                control_socket=directory / "control.sock",
            ),
            arm=directory / "arm",
            notify=directory / "notify.sock",
        )

    def centre_spec(self) -> CentreSpec:
        """Return what a centre that starts now is told."""
        return CentreSpec(
            settings=CentreSettings(
                broker=self.lent.centre(self.centre_net.port),
                districts=(self.settings.hub.district,),
                database=self.centre_db,
                present=self.present,
                keepalive_s=5,
            ),
            clock=self.clock.path,
            sabotage=self.sabotage,
        )

    # ------------------------------------------------------------------------ what is done to them
    async def begin(self) -> None:
        """Start centre and hub, and wait until the hub says READY=1."""
        self.centre.wanted.set()
        self.hub.wanted.set()
        async with asyncio.timeout(30):
            while not self.ready:
                self.hub.changed.clear()
                await self.hub.changed.wait()

    def _told(self) -> None:
        """Take what the hub tells its service manager."""
        if "READY=1" in self.notify.recv(4096).decode():
            self.ready += 1
            self.ready_s = asyncio.get_running_loop().time()
            self.hub.changed.set()

    async def heal(self) -> None:
        """Let everything that was broken work again."""
        self.arm.unlink(missing_ok=True)
        for net in (self.hub_net, self.centre_net):
            net.rule = None
            await net.change(Weather())
        if self.wire is not None:
            await self.wire.change(Line())
        self.hub.wanted.set()
        self.centre.wanted.set()

    async def start_twin(self) -> None:
        """Let the twin live, from now to the end."""
        (self.directory / TWIN).mkdir(exist_ok=True)
        self.twin.wanted.set()

    async def status(self, *, twin: bool = False) -> dict[str, Any] | None:
        """Return the hub's `ansim status`, or None while it does not answer."""
        settings = self.twin_spec().settings if twin else self.settings
        try:
            answer: dict[str, Any] = await ask(settings.control_socket, {"ask": "status"}, 3.0)
        except (ControlError, ValueError):
            return None
        if not twin:
            self.last_status = answer
        return answer


async def _ended(task: "asyncio.Task[None]", keeper: Keeper) -> None:
    await keeper.down()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
