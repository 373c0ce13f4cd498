"""A home with one band in it: recordings leave the band as PMD frames and end at the centre.

    recording ─► PolarBand ─► virtual air ─► bleak ─► the daemon ─► broker ─► centre: `stored`

Home time goes in steps, as fast as the machine allows: a step ends when the daemon has eaten what
it caused and every alarm decided so far is stored, so that the time of sockets and disks never
overtakes the home's, however loaded the machine is. What was decided is read from the daemon's own
journal.
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from gateway.app import Daemon, Outside
from gateway.centre.centre import Centre, Listener
from gateway.centre.settings import CentreSettings
from gateway.clock import Clock
from gateway.core.model import Int16Array
from gateway.edge.announce import silent
from gateway.errors import LinkError
from gateway.replay.direct import Decided
from gateway.settings import (
    AnnouncerSettings,
    BrokerSettings,
    DeviceStanza,
    HubSettings,
    Settings,
    StoreSettings,
    UplinkSettings,
)
from gateway.virtual.polar import PolarBand
from gateway.virtual.time import SteppedClock
from gateway.virtual.world import World

HUB = "ansimreplayansimreplayanse"
DISTRICT = "1120000000"
BAND, ADDRESS = "band", "A0:9E:1A:00:00:02"
RATE_HZ, RANGE_G = 52.0, 8.0  # a Verity Sense
STEP_S, SHORT_S = 1.0, 0.05
CONNECT_S = 20.0  # real seconds
STORED_S = 20.0
TURN_S = 0.0005


def settings(
    directory: Path, broker: BrokerSettings, *, hub: str = HUB, district: str = DISTRICT
) -> Settings:
    """Return the settings of a home whose only device is the band; it has a voice, so a window."""
    return Settings(
        hub=HubSettings(id=hub, district=district),
        uplink=UplinkSettings(brokers=(broker,)),
        devices=(DeviceStanza(BAND, "polar_pmd", ADDRESS),),
        announcer=AnnouncerSettings(command=("loudspeaker", "{sound}")),
        store=StoreSettings(directory=directory / "store"),
        control_socket=directory / "control.sock",
    )


@dataclass(slots=True)
class Journal:
    """What the daemon says of its alarms, with the home's time of saying it."""

    clock: Clock
    decided: list[tuple[int, MutableMapping[str, Any]]] = field(default_factory=list)
    stored_ms: dict[str, float] = field(default_factory=dict)
    _since: dict[str, float] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @contextlib.contextmanager
    def read(self) -> Any:
        """Be the process's log while the context lasts."""
        before = structlog.get_config()
        structlog.configure(
            processors=[self._process], logger_factory=structlog.ReturnLoggerFactory()
        )
        try:
            yield self
        finally:
            structlog.configure(**before)

    def _process(
        self, _logger: object, _method: str, line: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        now = asyncio.get_running_loop().time()
        message = line.get("message")
        if line.get("event") == "alarm decided" and message:
            self.decided.append((self.clock.now().mono_ms, dict(line)))
            self._since[message] = now
        elif line.get("event") == "alarm stored" and message in self._since:
            self.stored_ms.setdefault(message, (now - self._since[message]) * 1000)
            self._changed.set()
        return line

    async def all_stored(self) -> None:
        """Wait until the centre has everything that was decided; LinkError when it does not."""
        missing = [m for m in self._since if m not in self.stored_ms]
        if not missing:
            return
        try:
            async with asyncio.timeout(STORED_S):
                while any(m not in self.stored_ms for m in missing):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise LinkError(
                f"no centre says `stored` within {STORED_S:g} s: is one running at that broker?"
                " / 관제센터가 저장을 확인하지 않습니다. 그 브로커에 관제센터가 연결되어 있습니까?"
            ) from None


@dataclass(slots=True)
class Home:
    """The running home."""

    clock: SteppedClock
    band: PolarBand
    daemon: Daemon
    journal: Journal

    async def live(self, acc_mg: Int16Array) -> list[Decided]:
        """Let the arm move so, sample for sample of the band's; return what the hub decided."""
        before = len(self.journal.decided)
        self.band.play(acc_mg)
        while self.band.left == len(acc_mg):  # the frame that is being filled goes first
            await self.clock.advance(SHORT_S, self.settle)
        began_ms = self.clock.now().mono_ms
        while self.band.left:
            await self.clock.advance(STEP_S, self.settle)
        await self.clock.advance(2 * STEP_S, self.settle)
        return [
            Decided(
                after_s=(at_ms - began_ms) / 1000,
                message=line["message"],
                kind=line["kind"],
                state=line["state"],
                ko=line["why_ko"],
                en=line["why"],
                stored_ms=self.journal.stored_ms.get(line["message"]),
            )
            for at_ms, line in self.journal.decided[before:]
        ]

    async def settle(self) -> None:
        """Wait until what happened so far has come to the centre."""
        await asyncio.sleep(TURN_S)
        await self.daemon.pump.idle()
        await self.journal.all_stored()

    async def connected(self) -> None:
        """Wait until the band streams."""
        try:
            async with asyncio.timeout(CONNECT_S):
                while not self.band.streaming:
                    await self.clock.advance(SHORT_S, self.settle)
        except TimeoutError:
            raise LinkError(f"the band does not stream after {CONNECT_S:g} s") from None


@contextlib.asynccontextmanager
async def home(
    plan: Settings,
    *,
    wall_ms: int,
    tap: Callable[..., None] | None = None,
) -> AsyncIterator[Home]:
    """Run the daemon with these settings over a virtual air, until the context ends."""
    clock = SteppedClock(boot=secrets.token_hex(16), mono_ms=60_000, wall_ms=wall_ms)
    async with contextlib.AsyncExitStack() as stack:
        journal = stack.enter_context(Journal(clock).read())
        world = await stack.enter_async_context(World(clock))
        band = await world.polar_band(ADDRESS, mtu=517)
        outside = Outside(
            clock=clock,
            scanner_backend=world.scanner_backend,
            client_backend=world.client_backend,
            announcer=silent,
            tap=tap,
        )
        daemon = await stack.enter_async_context(Daemon.build(plan, outside))
        await stack.enter_async_context(running(daemon.run()))
        running_home = Home(clock, band, daemon, journal)
        await running_home.connected()
        yield running_home


@contextlib.asynccontextmanager
async def centre(
    broker: BrokerSettings,
    database: Path,
    clock: Clock,
    district: str = DISTRICT,
    *,
    listener: Listener | None = None,
) -> AsyncIterator[Centre]:
    """Run a reference centre beside it."""
    wanted = CentreSettings(broker=broker, districts=(district,), database=database, present=True)
    made = Centre(wanted, clock, listener=listener)
    async with running(made.run()):
        await made.up()
        yield made


@contextlib.asynccontextmanager
async def running(part: Awaitable[None]) -> AsyncIterator[None]:
    """Run a part while the context lasts; what it died of is raised."""
    task = asyncio.ensure_future(part)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def now_ms() -> int:
    """Return the Unix time at which a replay begins."""
    return round(datetime.now(UTC).timestamp() * 1000)  # noqa: TID251 - where a replay begins
