"""The radio: everything that comes over Bluetooth, and the only part that talks to the adapter.

    scan.py      one scanner; hearing.py proves that it is deaf, recovery.py says what to do then
    decoding.py  one Ear a configured device: bytes to Heard, what is wrong counted and dropped
    band.py      one Band a device that is connected to; gatt.py runs its driver's plan

A block of flats sends hundreds of foreign adverts a second. The allow-list, a dict by address,
stands before any other work: a foreign advert is counted (it proves that the adapter hears), looked
up, and forgotten. What passes is stamped once, here. The parts share one lock, held to start and
stop scanning and to connect: BlueZ answers InProgress to whoever does two of these at once.

To reload, cancel `run`, make a new Radio from the new devices, and run that.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import structlog
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from structlog.typing import FilteringBoundLogger

from gateway.clock import Clock
from gateway.core.model import At
from gateway.edge.band import Band
from gateway.edge.bonds import Guard, keep_agent
from gateway.edge.decoding import Deliver, DeviceStatus, Ear, RadioDevice
from gateway.edge.means import BlueZMeans, Means
from gateway.edge.scan import Scanner
from gateway.errors import ConfigurationError, DeviceError
from gateway.settings import RadioSettings

__all__ = ["Radio", "RadioDevice", "RadioStatus", "Sighting"]

SIGHTINGS = 500  # what a survey keeps; a technician reads tens


@dataclass(frozen=True, slots=True)
class RadioStatus:
    """What the radio knows now, for `ansim status`. `detail`: the adapter's fault, if it has one.

    last_heard: when an advert of anything was last counted, at most a second too late.
    using: the adapter in use, the technician's or a spare. recoveries: how often each means was
    used since the start.
    """

    adapter: str
    scanning: bool
    detail: str
    last_heard: At | None
    adverts: int
    devices: tuple[DeviceStatus, ...]
    using: str = ""
    recoveries: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Sighting:
    """One sender heard during a survey; `device` is its configured name, or empty: foreign."""

    address: str
    name: str
    rssi: int
    services: tuple[str, ...]
    device: str = ""


class Radio:
    """Scans, connects and decodes, until cancelled."""

    def __init__(
        self,
        devices: Sequence[RadioDevice],
        settings: RadioSettings,
        clock: Clock,
        deliver: Deliver,
        *,
        scanner_backend: type[BaseBleakScanner] | None = None,
        client_backend: type[BaseBleakClient] | None = None,
        hand_over: Callable[[str], None] = lambda _why: None,
        pulse: Callable[[], None] = lambda: None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        log: FilteringBoundLogger | None = None,
    ) -> None:
        logger: FilteringBoundLogger = log or structlog.get_logger()
        self._clock = clock
        self._air = asyncio.Lock()
        self._ears: dict[str, Ear] = {}
        for device in devices:
            address = device.stanza.address.upper()
            if address in self._ears:
                raise ConfigurationError(f"two devices with the address {address}")
            self._ears[address] = Ear(device, deliver, logger)
        self._bands: list[Band] = []
        self._sightings: dict[str, Sighting] | None = None
        self._seen: tuple[Sighting, ...] = ()
        means: Means | None = BlueZMeans(hand_over) if scanner_backend is None else None
        self._scanner = Scanner(
            settings,
            [uuid for device in devices for uuid in device.driver.adverts],
            self._hear,
            clock,
            deliver,
            self._air,
            logger,
            backend=scanner_backend,
            promises=_promises(devices),
            means=means,
            switched=self._forget_found,
            cured=self._adapter_back,
            pulse=pulse,
            pause=pause,
        )
        slots = asyncio.Semaphore(settings.max_connections)
        self._guard, self._on_bluez = Guard(), client_backend is None
        self._log = logger
        self._bands = [
            Band(
                ear,
                ear.device.driver.plan(ear.device.stanza.options),
                slots,
                self._air,
                clock,
                deliver,
                logger,
                backend=client_backend,
                streamed=self._scanner.stream,
                pause=pause,
                guard=self._guard,
            )
            for ear in self._ears.values()
            if ear.device.driver.plan is not None
        ]

    async def run(self) -> None:
        """Scan and serve every device until cancelled; then say goodbye, in 5 s at most."""
        async with asyncio.TaskGroup() as parts:
            parts.create_task(self._scanner.run(), name="scanner")
            for band in self._bands:
                parts.create_task(band.run())
            if self._on_bluez and any(band.bonds for band in self._bands):
                passkeys = any(ear.device.stanza.passkey for ear in self._ears.values())
                agent = keep_agent(self._guard, self._log, passkeys=passkeys)
                parts.create_task(agent, name="pairing agent")

    async def pair(self, name: str, *, again: bool = False) -> str:
        """Pair a configured band, on the technician's word; DeviceError when it does not work."""
        for band in self._bands:
            if band.name == name:
                return await band.pair(again=again)
        known = ", ".join(band.name for band in self._bands if band.bonds) or "-"
        raise DeviceError(
            f"no band called {name} (those that pair: {known})"
            f" / {name} 밴드가 없습니다(페어링 가능: {known})"
        )

    async def settled(self) -> None:
        """Wait until the adapter scans, or its fault has been delivered."""
        await self._scanner.settled.wait()

    def status(self) -> RadioStatus:
        """Return what is known now."""
        return RadioStatus(
            adapter=self._scanner.adapter,
            scanning=self._scanner.scanning,
            detail=self._scanner.detail,
            last_heard=self._scanner.last_heard,
            adverts=self._scanner.adverts,
            devices=tuple(ear.status() for ear in self._ears.values()),
            using=self._scanner.name,
            recoveries=dict(self._scanner.recoveries),
        )

    async def survey(self, seconds: float) -> tuple[Sighting, ...]:
        """Note every sender, foreign ones too, for so long; strongest first."""
        if self._sightings is None:
            self._sightings = {}
        noted = self._sightings
        try:
            await asyncio.sleep(seconds)
        finally:
            self._seen = tuple(sorted(noted.values(), key=lambda one: -one.rssi))
            self._sightings = None
        return self._seen

    def recent(self) -> tuple[Sighting, ...]:
        """Return what the last survey heard."""
        return self._seen

    def _adapter_back(self) -> None:
        for band in self._bands:
            band.adapter_back()

    def _forget_found(self) -> None:
        """Forget where devices were found: another adapter has to find them itself."""
        for ear in self._ears.values():
            ear.found = None

    def _hear(self, found: BLEDevice, advert: AdvertisementData) -> None:
        # The hot path: for a foreign advert one look-up, and out.
        ear = self._ears.get(found.address)
        if self._sightings is not None:
            self._note(found, advert, "" if ear is None else ear.name)
        if ear is not None:
            ear.advert(self._clock.now(), found, advert)

    def _note(self, found: BLEDevice, advert: AdvertisementData, device: str) -> None:
        noted = self._sightings
        if noted is None or (len(noted) >= SIGHTINGS and found.address not in noted):
            return
        before = noted.get(found.address)
        services = {*advert.service_uuids, *advert.service_data}
        services |= {f"mfr:{maker:04x}" for maker in advert.manufacturer_data}
        services |= set(before.services) if before else set()
        name = advert.local_name or found.name or (before.name if before else "")
        noted[found.address] = Sighting(
            found.address, name, advert.rssi, tuple(sorted(services)), device
        )


def _promises(devices: Sequence[RadioDevice]) -> dict[str, float]:
    """Return the longest silence, by address, of those that promise one and are not connected."""
    found = {}
    for one in devices:
        promise_s = one.driver.capabilities(one.stanza.options).sign_of_life_s
        if one.driver.plan is None and promise_s is not None:
            found[one.stanza.address.upper()] = promise_s
    return found
