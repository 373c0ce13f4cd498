"""A connection through a far radio: each request is one question to the world's process."""

from collections.abc import Callable
from typing import Any, Protocol

from bleak.args import SizedBuffer
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakError

from gateway.virtual.far_frames import Message


class World(Protocol):
    """The way to the world, as a client needs it."""

    async def ask(self, op: str, **about: object) -> Any:
        """Ask the world; what it raised is raised here."""
        ...

    def new_link(self, client: "FarClient") -> int:
        """Return a number under which this client hears of its link."""
        ...

    def forget(self, link: int) -> None:
        """Free a link's number."""
        ...


class FarClient(BaseBleakClient):
    """What `BleakClient(backend=...)` wraps. It does not pair and shows no descriptors."""

    radio: World

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        *,
        disconnected_callback: Callable[[], None] | None,
        timeout: float,
        **kwargs: Any,  # noqa: ARG002 - services, bluez, winrt, _is_retry_client: unused
    ) -> None:
        super().__init__(
            address_or_ble_device, disconnected_callback=disconnected_callback, timeout=timeout
        )
        known = isinstance(address_or_ble_device, BLEDevice)
        self._name = address_or_ble_device.name if known else None  # type: ignore[union-attr]
        self._link: int | None = None
        self._mtu = 23
        self._callbacks: dict[int, NotifyCallback] = {}

    @property
    def name(self) -> str:
        """The advertised name, or the address with dashes."""
        return self._name or self.address.replace(":", "-")

    @property
    def mtu_size(self) -> int:
        """The ATT MTU that both sides agreed on."""
        return self._mtu

    @property
    def is_connected(self) -> bool:
        """Whether the link is up and its services are known."""
        return self._link is not None and self.services is not None

    def told(self, handle: int, value: bytearray) -> None:
        """Take a notification."""
        if (callback := self._callbacks.get(handle)) is not None:
            callback(value)

    def lost(self) -> None:
        """Take note that the link has gone, and say so once."""
        if self._link is None:
            return
        self.radio.forget(self._link)
        up = self.is_connected
        self._link, self.services = None, None
        self._callbacks.clear()
        if up and self._disconnected_callback is not None:
            self._disconnected_callback()

    async def connect(self, pair: bool, **kwargs: Any) -> None:  # noqa: FBT001 - bleak's signature
        """Connect and learn the services."""
        if pair:
            raise NotImplementedError("a far radio does not pair")
        if self._link is not None:
            raise BleakError("Client is already connected")
        self._link = self.radio.new_link(self)
        timeout = kwargs.get("timeout", self._timeout)
        try:
            found = await self.radio.ask(
                "connect", link=self._link, address=self.address, timeout=timeout
            )
        except BaseException:
            self.radio.forget(self._link)
            self._link = None
            raise
        self._mtu, self.services = found["mtu"], self._rebuild(found["services"])

    def _rebuild(self, table: list[Message]) -> BleakGATTServiceCollection:
        found = BleakGATTServiceCollection()
        for service in table:
            shown = BleakGATTService(None, service["handle"], service["uuid"])
            found.add_service(shown)
            for entry in service["characteristics"]:
                handle, uuid, names = entry["handle"], entry["uuid"], entry["properties"]
                found.add_characteristic(
                    BleakGATTCharacteristic(None, handle, uuid, names, lambda: self._mtu - 3, shown)
                )
        return found

    async def disconnect(self) -> None:
        """Disconnect."""
        if self._link is not None:
            await self.radio.ask("disconnect", link=self._link)
            self.lost()

    async def pair(self, *_args: Any, **_kwargs: Any) -> None:
        """Refuse: bonds are tested over a radio in this process."""
        raise NotImplementedError("a far radio does not pair")

    async def unpair(self) -> None:
        """Refuse."""
        raise NotImplementedError("a far radio does not pair")

    async def _ask(self, op: str, characteristic: BleakGATTCharacteristic, **about: object) -> Any:
        return await self.radio.ask(op, link=self._link, handle=characteristic.handle, **about)

    async def read_gatt_char(
        self, characteristic: BleakGATTCharacteristic, **_kwargs: Any
    ) -> bytearray:
        """Read a characteristic."""
        return bytearray.fromhex(await self._ask("read", characteristic))

    async def read_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, **_kwargs: Any
    ) -> bytearray:
        """Refuse: a far radio shows no descriptors."""
        raise NotImplementedError(descriptor.uuid)

    async def write_gatt_char(
        self,
        characteristic: BleakGATTCharacteristic,
        data: SizedBuffer,
        response: bool,  # noqa: FBT001 - bleak's signature
    ) -> None:
        """Write a characteristic."""
        await self._ask("write", characteristic, value=bytes(data).hex(), response=response)

    async def write_gatt_descriptor(
        self,
        descriptor: BleakGATTDescriptor,
        data: SizedBuffer,
    ) -> None:
        """Refuse: a far radio shows no descriptors."""
        raise NotImplementedError(descriptor.uuid)

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **_kwargs: Any
    ) -> None:
        """Subscribe."""
        self._callbacks[characteristic.handle] = callback
        await self._ask("start_notify", characteristic)

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        """Unsubscribe."""
        self._callbacks.pop(characteristic.handle, None)
        await self._ask("stop_notify", characteristic)
