"""A home without hardware: the air, the hub's adapter on it, and named devices.

    async with World(clock) as world:
        button = world.shelly_button("B4:35:22:F5:3D:A4", key=KEY)
        async with BleakScanner(callback, backend=world.scanner_backend):
            button.press(Press.SINGLE)

Devices live in home time (the clock handed in); the radio itself takes the event loop's time, as a
radio takes real time. Everything a device starts ends with the world.
"""

import asyncio
from types import TracebackType
from typing import Self, TypeVar

from bumble.device import Device
from bumble.hci import Address

from gateway.clock import Clock
from gateway.virtual.adapter import Adapter
from gateway.virtual.advertiser import Advertiser
from gateway.virtual.bleak_backend import backends
from gateway.virtual.bleak_client import VirtualClient
from gateway.virtual.bleak_scanner import VirtualScanner
from gateway.virtual.crowd import Crowd
from gateway.virtual.link import Air, AirController, AirHost
from gateway.virtual.peripheral import Peripheral
from gateway.virtual.pmd_control import VERITY_SENSE, Model
from gateway.virtual.polar import MTU, PolarBand
from gateway.virtual.shelly import BEACON_S, ShellyButton, ShellyDoor, ShellyMotion
from gateway.virtual.xiaomi import XiaomiMotion

HUB_ADDRESS = "F0:00:00:00:00:01"
D = TypeVar("D", bound=Advertiser)
P = TypeVar("P", bound=Peripheral)


class World:
    """One home. `one_scanner` refuses a second scanner as BlueZ does."""

    scanner_backend: type[VirtualScanner]
    client_backend: type[VirtualClient]
    adapter: Adapter
    air: Air

    def __init__(self, clock: Clock, *, one_scanner: bool = False) -> None:
        self.clock = clock
        self._one_scanner = one_scanner
        self._tasks: list[asyncio.Task[None]] = []
        self._advertisers: list[Advertiser] = []
        self._peripherals: list[Peripheral] = []

    async def __aenter__(self) -> Self:
        """Switch the hub's adapter on."""
        self.air = Air()
        controller = AirController("hub", self.air)
        central = Device("hub", Address(HUB_ADDRESS), host=AirHost(controller))
        await central.power_on()
        self.adapter = Adapter(central, controller, one_scanner=self._one_scanner)
        self.scanner_backend, self.client_backend = backends(self.adapter)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Silence every device; raise what one of them died of."""
        for advertiser in self._advertisers:
            advertiser.quiet()
        for task in self._tasks:
            task.cancel()
        for peripheral in self._peripherals:
            await peripheral.stop()
        ended = await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.adapter.power(on=False)
        for result in ended:
            if isinstance(result, Exception):
                raise result

    # ------------------------------------------------------------------ devices
    def shelly_button(
        self, address: str, *, key: bytes | None = None, beacon_s: float | None = BEACON_S
    ) -> ShellyButton:
        """Add a Shelly BLU button."""
        return self.add(ShellyButton(self.air, self.clock, address, key=key, beacon_s=beacon_s))

    def shelly_motion(
        self, address: str, *, key: bytes | None = None, beacon_s: float | None = BEACON_S
    ) -> ShellyMotion:
        """Add a Shelly BLU motion sensor."""
        return self.add(ShellyMotion(self.air, self.clock, address, key=key, beacon_s=beacon_s))

    def shelly_door(
        self, address: str, *, key: bytes | None = None, beacon_s: float | None = BEACON_S
    ) -> ShellyDoor:
        """Add a Shelly BLU door sensor."""
        return self.add(ShellyDoor(self.air, self.clock, address, key=key, beacon_s=beacon_s))

    def xiaomi_motion(self, address: str, key: bytes) -> XiaomiMotion:
        """Add a Xiaomi motion sensor."""
        return self.add(XiaomiMotion(self.air, self.clock, address, key))

    async def polar_band(
        self,
        address: str,
        model: Model = VERITY_SENSE,
        *,
        serial: str = "B5E1A2F3",
        seed: int = 1,
        mtu: int = MTU,
    ) -> PolarBand:
        """Add a Polar band, switched on. With an MTU of 517 every frame holds all its samples."""
        band = PolarBand(self.air, self.clock, address, model, serial=serial, seed=seed, mtu=mtu)
        return await self.connectable(band)

    def neighbours(self, devices: int, rate_hz: float, seed: int = 1) -> Crowd:
        """Add a block of flats: so many addresses, so many adverts a second in all."""
        crowd = Crowd(self.air, devices=devices, rate_hz=rate_hz, seed=seed)
        self._tasks.append(asyncio.create_task(crowd.run()))
        return crowd

    def add(self, device: D) -> D:
        """Bring an advertiser to life in this home."""
        self._advertisers.append(device)
        self._tasks.append(asyncio.create_task(device.run()))
        return device

    async def connectable(self, device: P) -> P:
        """Bring a GATT server to life in this home."""
        self._peripherals.append(device)
        await device.start()
        return device

    # ------------------------------------------------------------------ faults
    def deaf(self, deaf: bool) -> None:  # noqa: FBT001 - reads as a sentence at its call
        """Let the adapter hear nothing, silently."""
        self.adapter.deaf(deaf)

    async def power(self, on: bool) -> None:  # noqa: FBT001 - reads as a sentence at its call
        """Switch the adapter off or on."""
        await self.adapter.power(on)
