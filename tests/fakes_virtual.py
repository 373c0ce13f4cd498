"""Small helpers for tests that hear a virtual radio: wait for what is said, not for time."""

import asyncio

from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bumble.gatt import Service

from gateway.virtual.advert import write_advert
from gateway.virtual.link import Air
from gateway.virtual.peripheral import Peripheral, Prop, characteristic, short

READ_WRITE, NOTIFY, INDICATE = "2A3D", "2A3E", "2A3F"


class Heard:
    """A scanner callback that remembers, and can be waited for."""

    def __init__(self) -> None:
        self.adverts: list[tuple[str, AdvertisementData]] = []
        self.devices: dict[str, BLEDevice] = {}
        self._more = asyncio.Event()

    def __call__(self, device: BLEDevice, advert: AdvertisementData) -> None:
        self.adverts.append((device.address, advert))
        self.devices[device.address] = device
        self._more.set()

    async def count(self, wanted: int, address: str | None = None) -> list[AdvertisementData]:
        """Wait until so many adverts were heard (of one address)."""
        while True:
            found = [a for who, a in self.adverts if address in (None, who)]
            if len(found) >= wanted:
                return found
            self._more.clear()
            await self._more.wait()

    async def device(self, address: str) -> BLEDevice:
        """Wait until this address was heard."""
        await self.count(1, address)
        return self.devices[address]


class Echo(Peripheral):
    """A GATT server with one characteristic of each kind."""

    def __init__(self, air: Air, address: str = "C0:00:00:00:00:0E", mtu: int = 517) -> None:
        super().__init__(air, "Echo", address, advert=write_advert(name="Echo"), mtu=mtu)
        self.value = characteristic(READ_WRITE, Prop.READ | Prop.WRITE, b"first")
        self.told = characteristic(NOTIFY, Prop.NOTIFY | Prop.READ, b"")
        self.insisted = characteristic(INDICATE, Prop.INDICATE)
        self.serve([Service(short(0x1815), [self.value, self.told, self.insisted])])

    async def say(self, data: bytes) -> None:
        await self.device.notify_subscribers(self.told, data)

    async def insist(self, data: bytes) -> None:
        await self.device.indicate_subscribers(self.insisted, data)
