"""The hub's end of a far radio: bleak backends whose adapter lives in another process.

    async with FarRadio(path) as radio:
        BleakScanner(callback, backend=radio.scanner_backend)
        BleakClient(device, backend=radio.client_backend)

It imports no Bluetooth stack, so what the hub's process costs is the hub's own cost (far_world.py).
"""

import asyncio
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bleak.args import SizedBuffer
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakError,
)

from gateway.virtual.advert import AdvertContent, read_advert
from gateway.virtual.bleak_scanner import Listener, VirtualScanner
from gateway.virtual.far_frames import (
    ADVERT,
    DBUS,
    LINK_VALUE,
    LOST,
    QUESTION,
    REPLY,
    TIMED_OUT,
    UNAVAILABLE,
    VALUE,
    Frames,
    Message,
    pack_json,
)

REMEMBERED_ADVERTS = 1024


class FarRadio(asyncio.Protocol):
    """The socket, and the scanners and clients that share it."""

    scanner_backend: type[VirtualScanner]
    client_backend: type["FarClient"]

    def __init__(self, path: Path) -> None:
        self._path = path
        self._frames = Frames()
        self._transport: asyncio.Transport | None = None
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._listener: Listener | None = None
        self._links: dict[int, FarClient] = {}
        self._read: dict[bytes, tuple[str, AdvertContent]] = {}
        self.scanner_backend = type("FarScanner", (VirtualScanner,), {"adapter": self})
        self.client_backend = type("FarClient", (FarClient,), {"radio": self})

    async def __aenter__(self) -> Self:
        """Connect to the world."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_unix_connection(lambda: self, str(self._path))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Fail everything that waits: the adapter is gone."""
        self._transport = None
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(BleakError("the far adapter has gone"))
        for client in tuple(self._links.values()):
            client.lost()

    def data_received(self, data: bytes) -> None:
        """Deal out what has come."""
        for kind, body in self._frames.feed(data):
            if kind == ADVERT:
                self._advert(body)
            elif kind in (VALUE, LOST):
                link, handle = LINK_VALUE.unpack_from(body)
                if (client := self._links.get(link)) is not None:
                    if kind == VALUE:
                        client.told(handle, bytearray(body[LINK_VALUE.size :]))
                    else:
                        client.lost()
            elif kind == REPLY:
                reply = json.loads(body)
                waiting = self._waiting.pop(reply["id"], None)
                if waiting is not None and not waiting.done():
                    _settle(waiting, reply)

    def _advert(self, body: bytes) -> None:
        if self._listener is None:
            return
        key = body[:6] + body[7:]
        known = self._read.get(key)
        if known is None:
            if len(self._read) >= REMEMBERED_ADVERTS:
                self._read.clear()
            known = body[:6].hex(":").upper(), read_advert(body[7:])
            self._read[key] = known
        rssi = body[6] - 256 if body[6] > 127 else body[6]  # noqa: PLR2004 - an i8
        self._listener.heard(known[0], body[7:], known[1], rssi)

    async def ask(self, op: str, **about: object) -> Any:
        """Ask the world; what it raised is raised here."""
        if self._transport is None:
            raise BleakError("the far adapter has gone")
        number = next(self._numbers)
        waiting = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._transport.write(pack_json(QUESTION, {"id": number, "op": op, **about}))
        try:
            return await waiting
        except asyncio.CancelledError:
            self._waiting.pop(number, None)
            self._transport.write(pack_json(QUESTION, {"id": number, "op": "cancel"}))
            raise

    def new_link(self, client: "FarClient") -> int:
        """Return a number under which this client hears of its link."""
        number = next(n for n in itertools.count(1) if n not in self._links)
        self._links[number] = client
        return number

    def forget(self, link: int) -> None:
        """Free a link's number."""
        self._links.pop(link, None)

    async def listen(self, listener: Listener) -> None:
        """Start scanning; one scanner at a time."""
        if self._listener is not None:
            raise BleakDBusError("org.bluez.Error.InProgress", ["Operation already in progress"])
        await self.ask("listen", active=listener.active)
        self._listener = listener

    async def unlisten(self, listener: Listener) -> None:
        """Stop scanning."""
        if listener is self._listener:
            self._listener = None
        await self.ask("unlisten")


def _settle(waiting: "asyncio.Future[Any]", reply: Message) -> None:
    kind, text = reply.get("error"), reply.get("text", "")
    if kind is None:
        waiting.set_result(reply["ok"])
    elif kind == TIMED_OUT:
        waiting.set_exception(TimeoutError(text))
    elif kind == UNAVAILABLE:
        reason = BleakBluetoothNotAvailableReason.POWERED_OFF
        waiting.set_exception(BleakBluetoothNotAvailableError(text, reason))
    elif kind == DBUS:
        waiting.set_exception(BleakDBusError(text, [reply.get("details") or ""]))
    else:
        waiting.set_exception(BleakError(text))


class FarClient(BaseBleakClient):
    """What `BleakClient(backend=...)` wraps; each request is one question to the world."""

    radio: FarRadio

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
