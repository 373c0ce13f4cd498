"""A connected device without hardware: a GATT server behind bleak's client interface."""

import asyncio
from collections.abc import Callable
from typing import Any

from bleak.assigned_numbers import CharacteristicPropertyName
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakError

SERVICE = "fb005c80-02e7-f387-1cad-8acd2d8df0c8"
CONTROL = "fb005c81-02e7-f387-1cad-8acd2d8df0c8"
DATA = "fb005c82-02e7-f387-1cad-8acd2d8df0c8"
BATTERY = "00002a19-0000-1000-8000-00805f9b34fb"
PROPERTIES: list[CharacteristicPropertyName] = ["read", "write", "notify"]


class FakeBand:
    """One device: what was done to it in order (`did`), and how it behaves.

    answers: what it indicates on the same characteristic after a write of these bytes.
    hung_reads: characteristics whose reads never return, as an encrypted one does without an agent.
    """

    def __init__(self, *uuids: str) -> None:
        self.uuids = uuids or (CONTROL, DATA, BATTERY)
        self.did: list[str] = []
        self.answers: dict[bytes, bytes] = {}
        self.values: dict[str, bytes] = {BATTERY: b"\x50"}
        self.hung_reads: set[str] = set()
        self.refuse: Exception | None = None
        self.gate: asyncio.Event | None = None
        self.client: Any = None
        self.subscriptions: dict[str, Callable[[bytearray], None]] = {}
        self._changed = asyncio.Event()

    def note(self, what: str) -> None:
        self.did.append(what)
        self._changed.set()

    async def until(self, what: str, times: int = 1) -> None:
        """Wait until this was done so many times."""
        while self.did.count(what) < times:
            self._changed.clear()
            await self._changed.wait()

    def notify(self, uuid: str, data: bytes) -> None:
        self.subscriptions[uuid](bytearray(data))

    def drop(self) -> None:
        """Lose the link."""
        self.subscriptions.clear()
        self.client.lose()


class FakeClient(BaseBleakClient):
    """What `BleakClient(backend=...)` wraps."""

    bands: dict[str, FakeBand]

    def __init__(self, device: Any, services: Any = None, **kwargs: Any) -> None:
        super().__init__(
            device,
            disconnected_callback=kwargs["disconnected_callback"],
            timeout=kwargs["timeout"],
        )
        self._band = self.bands[self.address]
        self._connected = False

    @property
    def name(self) -> str:
        return self.address

    @property
    def mtu_size(self) -> int:
        return 247

    @property
    def is_connected(self) -> bool:
        return self._connected

    async def connect(self, pair: bool, **kwargs: Any) -> None:  # noqa: FBT001 - bleak's
        band = self._band
        band.note("connect")
        if band.gate is not None:
            await band.gate.wait()
        if band.refuse is not None:
            raise band.refuse
        services = BleakGATTServiceCollection()
        service = BleakGATTService(None, 1, SERVICE)
        services.add_service(service)
        for number, uuid in enumerate(band.uuids):
            handle = 2 + 2 * number
            services.add_characteristic(
                BleakGATTCharacteristic(None, handle, uuid, PROPERTIES, lambda: 244, service)
            )
        self.services = services
        self._connected = True
        band.client = self

    async def disconnect(self) -> None:
        self._band.note("disconnect")
        self._connected = False

    def lose(self) -> None:
        self._connected = False
        if self._disconnected_callback is not None:
            self._disconnected_callback()

    async def pair(self, *args: Any, **kwargs: Any) -> None:
        self._band.note("pair")

    async def unpair(self) -> None:
        self._band.note("unpair")

    async def read_gatt_char(
        self,
        characteristic: BleakGATTCharacteristic,
        *,
        use_cached: bool = False,
        **kwargs: Any,
    ) -> bytearray:
        self._need()
        self._band.note(f"read {characteristic.uuid}")
        if characteristic.uuid in self._band.hung_reads:
            await asyncio.Event().wait()
        return bytearray(self._band.values[characteristic.uuid])

    async def read_gatt_descriptor(self, *args: Any, **kwargs: Any) -> bytearray:
        raise NotImplementedError

    async def write_gatt_char(
        self,
        characteristic: BleakGATTCharacteristic,
        data: Any,
        response: bool,  # noqa: FBT001 - bleak's
    ) -> None:
        self._need()
        assert response
        self._band.note(f"write {bytes(data).hex()}")
        if answer := self._band.answers.get(bytes(data)):
            self._band.notify(characteristic.uuid, answer)

    async def write_gatt_descriptor(self, *args: Any) -> None:
        raise NotImplementedError

    async def start_notify(
        self,
        characteristic: BleakGATTCharacteristic,
        callback: Callable[[bytearray], None],
        **kwargs: Any,
    ) -> None:
        self._need()
        assert kwargs["bluez"] == {"use_start_notify": False}
        if characteristic.uuid in self._band.subscriptions:
            raise BleakError("Characteristic notifications already started")
        self._band.note(f"subscribe {characteristic.uuid}")
        self._band.subscriptions[characteristic.uuid] = callback

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        self._need()
        self._band.note(f"stop_notify {characteristic.uuid}")
        del self._band.subscriptions[characteristic.uuid]

    def _need(self) -> None:
        if not self._connected:
            raise BleakError("Service Discovery has not been performed yet")


def client_backend(bands: dict[str, FakeBand]) -> type[BaseBleakClient]:
    """Return the client type that connects to these devices by address."""
    return type("FakeClientOfTheseBands", (FakeClient,), {"bands": bands})
