"""The client that bleak wraps: a connection of a bumble central, in bleak's terms.

Errors are BleakError; a connection that does not come up in time is TimeoutError, as over BlueZ.
Options of other systems (`bluez=`, `winrt=`, ...) are taken and ignored.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

from bleak.args import SizedBuffer
from bleak.assigned_numbers import CharacteristicPropertyName
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakError
from bumble import hci
from bumble.att import ATT_PDU, ATT_Error, ATT_Handle_Value_Notification
from bumble.core import BaseBumbleError
from bumble.device import Connection, Peer
from bumble.gatt import Characteristic
from bumble.gatt_client import Client
from bumble.hci import Address

from gateway.virtual.adapter import Adapter
from gateway.virtual.advert import uuid_text

MTU = 517  # what BlueZ asks for
PROPERTIES: dict[int, CharacteristicPropertyName] = {
    Characteristic.Properties.BROADCAST: "broadcast",
    Characteristic.Properties.READ: "read",
    Characteristic.Properties.WRITE_WITHOUT_RESPONSE: "write-without-response",
    Characteristic.Properties.WRITE: "write",
    Characteristic.Properties.NOTIFY: "notify",
    Characteristic.Properties.INDICATE: "indicate",
    Characteristic.Properties.AUTHENTICATED_SIGNED_WRITES: "authenticated-signed-writes",
    Characteristic.Properties.EXTENDED_PROPERTIES: "extended-properties",
}


class QuietClient(Client):  # type: ignore[misc] # bumble is untyped to us
    """bumble's GATT client without the line of text it writes for every notification."""

    def on_gatt_pdu(self, att_pdu: ATT_PDU) -> None:
        """Take what the device says."""
        if isinstance(att_pdu, ATT_Handle_Value_Notification):
            self.on_att_handle_value_notification(att_pdu)
        else:
            super().on_gatt_pdu(att_pdu)


class VirtualClient(BaseBleakClient):
    """What `BleakClient(backend=...)` wraps."""

    adapter: Adapter

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
        self._name = cast("BLEDevice", address_or_ble_device).name if known else None
        self._peer_address = Address(self.address)
        self._connection: Connection | None = None
        self._peer: Peer | None = None
        self._ready = False
        self._notifying: set[int] = set()

    @property
    def name(self) -> str:
        """The advertised name, or the address with dashes."""
        return self._name or self.address.replace(":", "-")

    @property
    def mtu_size(self) -> int:
        """The ATT MTU that both sides agreed on."""
        return self._connection.att_mtu if self._connection is not None else 23

    @property
    def is_connected(self) -> bool:
        """Whether the link is up and its services are known."""
        return self._connection is not None and self._ready

    # ------------------------------------------------------------------ the link
    async def connect(self, pair: bool, **kwargs: Any) -> None:  # noqa: FBT001 - bleak's
        """Connect, agree on the MTU, discover everything; TimeoutError when that takes too long."""
        if self._connection is not None:
            raise BleakError("Client is already connected")
        self.adapter.need_power()
        try:
            async with asyncio.timeout(kwargs.get("timeout", self._timeout)), self._as_bleak():
                connection = await self.adapter.connect(self._peer_address)
                peer = self._attach(connection)
                if pair:
                    await connection.pair()
                await peer.request_mtu(MTU)
                self.services = await self._discover(peer)
                self._ready = True
        except BaseException:
            await self._let_go()
            raise

    def _attach(self, connection: Connection) -> Peer:
        connection.gatt_client = QuietClient(connection)
        self._connection, self._peer = connection, Peer(connection)
        peer = self._peer
        self._notifying.clear()

        def lost(_reason: int) -> None:
            told, self._ready = self._ready, False
            self._connection = self._peer = self.services = None
            if told and self._disconnected_callback is not None:
                self._disconnected_callback()

        connection.on(connection.EVENT_DISCONNECTION, lost)
        return peer

    async def _let_go(self) -> None:
        connection = self._connection
        if connection is not None:
            with suppress(BaseBumbleError, hci.HCI_Error):  # gone already: what is wanted
                await connection.disconnect()

    async def disconnect(self) -> None:
        """Disconnect; the callback is told of it, as on BlueZ."""
        async with self._as_bleak():
            await self._let_go()

    async def pair(self, *_args: Any, **_kwargs: Any) -> None:
        """Pair and bond."""
        async with self._as_bleak():
            await self._need().connection.pair()

    async def unpair(self) -> None:
        """Disconnect and forget the bond."""
        await self.disconnect()
        keys = self.adapter.central.keystore
        if keys is not None and await keys.get(str(self._peer_address)) is not None:
            await keys.delete(str(self._peer_address))

    async def _discover(self, peer: Peer) -> BleakGATTServiceCollection:
        found = BleakGATTServiceCollection()
        await peer.discover_services()
        for service in peer.services:
            shown = BleakGATTService(service, service.handle, uuid_text(bytes(service.uuid)))
            found.add_service(shown)
            for char in await service.discover_characteristics():
                names = [name for bit, name in PROPERTIES.items() if char.properties & bit]
                entry = BleakGATTCharacteristic(
                    char,
                    char.handle,
                    uuid_text(bytes(char.uuid)),
                    names,
                    lambda: self.mtu_size - 3,
                    shown,
                )
                found.add_characteristic(entry)
                for item in await char.discover_descriptors():
                    kind = uuid_text(bytes(item.type))
                    found.add_descriptor(BleakGATTDescriptor(item, item.handle, kind, entry))
        return found

    # ------------------------------------------------------------------ input and output
    def _need(self) -> Peer:
        if self._peer is None or not self._ready:
            raise BleakError("Not connected")
        return self._peer

    @asynccontextmanager
    async def _as_bleak(self) -> AsyncIterator[None]:
        """Turn bumble's errors into bleak's.

        bumble cancels the request under way when the link goes: to the caller that looks like a
        cancellation of its own task, which nobody has asked for.
        """
        try:
            yield
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise BleakError("disconnected while waiting for an answer") from None
        except ATT_Error as error:
            raise BleakError(f"GATT Protocol Error: {error}") from error
        except (BaseBumbleError, hci.HCI_Error) as error:
            raise BleakError(f"{self.address}: {error}") from error

    async def read_gatt_char(
        self,
        characteristic: BleakGATTCharacteristic,
        **_kwargs: Any,
    ) -> bytearray:
        """Read a characteristic."""
        self._need()
        async with self._as_bleak():
            return bytearray(await characteristic.obj.read_value())

    async def read_gatt_descriptor(
        self,
        descriptor: BleakGATTDescriptor,
        **_kwargs: Any,
    ) -> bytearray:
        """Read a descriptor."""
        self._need()
        async with self._as_bleak():
            return bytearray(await descriptor.obj.read_value())

    async def write_gatt_char(
        self,
        characteristic: BleakGATTCharacteristic,
        data: SizedBuffer,
        response: bool,  # noqa: FBT001 - bleak's signature
    ) -> None:
        """Write a characteristic; with a response, only done when the device has said so."""
        self._need()
        async with self._as_bleak():
            await characteristic.obj.write_value(bytes(data), with_response=response)

    async def write_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, data: SizedBuffer
    ) -> None:
        """Write a descriptor."""
        self._need()
        async with self._as_bleak():
            await descriptor.obj.write_value(bytes(data), with_response=True)

    async def start_notify(
        self,
        characteristic: BleakGATTCharacteristic,
        callback: NotifyCallback,
        **_kwargs: Any,
    ) -> None:
        """Subscribe to notifications, or to indications where there is nothing else."""
        self._need()
        if characteristic.handle in self._notifying:
            raise BleakError("Characteristic notifications already started")
        self._notifying.add(characteristic.handle)
        try:
            async with self._as_bleak():
                await characteristic.obj.subscribe(lambda value: callback(bytearray(value)))
        except BaseException:
            self._notifying.discard(characteristic.handle)
            raise

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        """Unsubscribe."""
        self._need()
        self._notifying.discard(characteristic.handle)
        async with self._as_bleak():
            await characteristic.obj.unsubscribe(force=True)
