"""An adapter, a clock and decoders without hardware, for the radio's tests."""

import asyncio
from collections.abc import Callable
from typing import Any

from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.exc import BleakError

from gateway.core.model import At, Button, Press, Reading
from gateway.driver import Capabilities, Decoded, Driver, GattPlan, Packet
from gateway.edge.decoding import RadioDevice
from gateway.settings import DeviceStanza

BTHOME = "0000fcd2-0000-1000-8000-00805f9b34fb"


class HandClock:
    """The home's time, moved by hand; sleepers wake when it has come so far."""

    def __init__(self) -> None:
        self.ms = 1_000
        self._sleepers: list[tuple[int, asyncio.Future[None]]] = []

    def now(self) -> At:
        return At("boot", self.ms, 1_700_000_000_000 + self.ms, proven=True)

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.ms + round(seconds * 1000), future))
        await future

    async def forward(self, seconds: float) -> None:
        """Move on, waking each sleeper at its own time."""
        end = self.ms + round(seconds * 1000)
        while due := [entry for entry in self._sleepers if entry[0] <= end and not entry[1].done()]:
            first = min(due, key=lambda entry: entry[0])
            self._sleepers.remove(first)
            self.ms = max(self.ms, first[0])
            first[1].set_result(None)
            await settle()
        self.ms = end


async def settle() -> None:
    """Let every task that can run do so."""
    for _ in range(20):
        await asyncio.sleep(0)


class Air:
    """What an adapter hears, and how it fails. `backend()` is what bleak is given."""

    def __init__(self) -> None:
        self.scanner: BaseBleakScanner | None = None
        self.starts = 0
        self.stops = 0
        self.refuse_start: Exception | None = None
        self.refuse_stop: Exception | None = None
        self.modes: list[str] = []
        self.pauses: list[float] = []

    async def pause(self, seconds: float) -> None:
        """Wait as the radio's backoff does, without the waiting."""
        self.pauses.append(seconds)
        await asyncio.sleep(0)

    def backend(self) -> type[BaseBleakScanner]:
        air = self

        class FakeScanner(BaseBleakScanner):
            def __init__(self, callback: Any, uuids: Any, mode: str, **kwargs: Any) -> None:
                super().__init__(callback, uuids)
                air.modes.append(mode)

            async def start(self) -> None:
                air.starts += 1
                if air.refuse_start is not None:
                    raise air.refuse_start
                if air.scanner is not None:
                    raise BleakError("org.bluez.Error.InProgress")
                air.scanner = self

            async def stop(self) -> None:
                air.stops += 1
                air.scanner = None
                if air.refuse_stop is not None:
                    raise air.refuse_stop

        return FakeScanner

    def advert(
        self,
        address: str,
        service_data: dict[str, bytes] | None = None,
        *,
        manufacturer: dict[int, bytes] | None = None,
        name: str | None = None,
        rssi: int = -60,
    ) -> BLEDevice:
        assert self.scanner is not None, "nobody scans"
        data = AdvertisementData(
            name, manufacturer or {}, service_data or {}, [], None, rssi, platform_data=()
        )
        found = self.scanner.create_or_update_device(address, address, name, None, data)
        self.scanner.call_detection_callbacks(found, data)
        return found


class Script:
    """A decoder that does what the packet's first byte says; it notes what it was given."""

    def __init__(self, actions: dict[int, Callable[[Packet], Decoded]] | None = None) -> None:
        self.packets: list[Packet] = []
        self._actions = actions or {}

    def decode(self, packet: Packet) -> Decoded:
        self.packets.append(packet)
        act = self._actions.get(packet.data[0] if packet.data else 0)
        return act(packet) if act else Decoded()


def press(packet: Packet) -> Decoded:
    """Decode to one single press, the counter being the second byte."""
    reading = Reading(packet.at, packet.device, Button(Press.SINGLE))
    return Decoded((reading,), memory={"counter": packet.data[1]})


def refuse(error: type[Exception]) -> Callable[[Packet], Decoded]:
    """Return an action that raises as a decoder does."""

    def act(packet: Packet) -> Decoded:
        raise error("a check", packet.data)

    return act


def sensor(
    decoder: Script,
    *,
    name: str = "button",
    address: str = "AA:BB:CC:00:00:01",
    adverts: tuple[str, ...] = (BTHOME,),
    plan: GattPlan | None = None,
    encrypted: bool = False,
) -> RadioDevice:
    driver = Driver(
        name="fake",
        summary=("a fake", "가짜"),
        models=(),
        capabilities=lambda _: Capabilities(provides=("Button",), encrypted=encrypted),
        new_decoder=lambda *_: decoder,
        adverts=adverts,
        plan=None if plan is None else (lambda _: plan),
    )
    return RadioDevice(DeviceStanza(name, "fake", address), driver, decoder)
