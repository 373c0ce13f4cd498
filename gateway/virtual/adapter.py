"""The hub's Bluetooth adapter: one central, shared by its scanners and clients, with its faults.

It behaves as BlueZ 5.66 was seen to behave (measured in a virtual machine with real bluetoothd):

    powered off      links drop at once and their clients are told; a running scanner goes silent
                     without any error and stays dead after power returns; its `stop()` raises
                     "No discovery started", after which `start()` works
    deaf             nothing is heard, nothing is said; only the absence of adverts shows it
    second scanner   refused with InProgress when `one_scanner` is set (BlueZ: one per process)

A controller makes one connection attempt at a time, and one given up must be taken back before the
next. As Linux does, an attempt begins only when the device has been heard: any number may wait for
absent devices, and none of them stands in the way of one that is there.
"""

import asyncio
from contextlib import suppress
from typing import Any

from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakError,
)
from bumble import hci
from bumble.core import BaseBumbleError
from bumble.device import Connection, Device
from bumble.hci import Address

from gateway.virtual.advert import AdvertContent, read_advert
from gateway.virtual.bleak_scanner import Listener
from gateway.virtual.link import POWERED_OFF, Advert, AirController

REMEMBERED_ADVERTS = 1024


class Adapter:
    """One central device and what may go wrong with it.

    central: a bumble Device; its controller may be an `AirController` in this process (then
             adverts take the short way and faults can be played), or lie behind an HCI transport.
    """

    def __init__(
        self, central: Device, controller: AirController | None = None, *, one_scanner: bool = False
    ) -> None:
        self.central = central
        self._controller = controller
        self._one_scanner = one_scanner
        self._listeners: list[Listener] = []
        self._lock: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = None
        self._read: dict[bytes, AdvertContent] = {}
        self._texts: dict[bytes, str] = {}
        self.powered = True
        if controller is not None:
            controller.hear = self._hear
        else:
            central.host.on("advertising_report", self._hear_report)

    # ------------------------------------------------------------------ scanning
    async def listen(self, listener: Listener) -> None:
        """Start scanning for this listener; refused without power."""
        self.need_power()
        if self._one_scanner and self._listeners:
            raise BleakDBusError("org.bluez.Error.InProgress", ["Operation already in progress"])
        self._listeners.append(listener)
        await self._scan()

    async def unlisten(self, listener: Listener) -> None:
        """Stop scanning for this listener; an error when the adapter forgot it meanwhile."""
        if listener not in self._listeners:
            raise BleakDBusError("org.bluez.Error.Failed", ["No discovery started"])
        self._listeners.remove(listener)
        await self._scan()

    async def _scan(self) -> None:
        """Scan as the most demanding listener asks; a controller wants to be stopped in between."""
        if self.central.scanning:
            await self.central.stop_scanning(legacy=True)
        if self._listeners:
            active = any(listener.active for listener in self._listeners)
            await self.central.start_scanning(legacy=True, active=active, filter_duplicates=False)

    def _hear(self, advert: Advert) -> None:
        data = advert.data
        if advert.scan_response and any(listener.active for listener in self._listeners):
            data += advert.scan_response
        self._deliver(advert.advertiser_address, data, advert.rssi)

    def _hear_report(self, report: Any) -> None:
        self._deliver(report.address, bytes(report.data), report.rssi)

    def _deliver(self, address: Address, data: bytes, rssi: int) -> None:
        content = self._read.get(data)
        if content is None:
            if len(self._read) >= REMEMBERED_ADVERTS:
                self._read.clear()
            content = self._read[data] = read_advert(data)
        text = self._texts.get(address.address_bytes)
        if text is None:
            if len(self._texts) >= REMEMBERED_ADVERTS:
                self._texts.clear()
            text = address.to_string(with_type_qualifier=False)
            self._texts[address.address_bytes] = text
        for listener in tuple(self._listeners):
            listener.heard(text, data, content, rssi)

    # ------------------------------------------------------------------ connecting
    def need_power(self) -> None:
        """Raise what bleak raises when no adapter is powered."""
        if not self.powered:
            raise BleakBluetoothNotAvailableError(
                "No powered Bluetooth adapters found. Turn on Bluetooth and try again.",
                BleakBluetoothNotAvailableReason.POWERED_OFF,
            )

    def _connecting(self) -> asyncio.Lock:
        loop = asyncio.get_running_loop()
        if self._lock is None or self._lock[0] is not loop:
            self._lock = (loop, asyncio.Lock())
        return self._lock[1]

    async def connect(self, address: Address) -> Connection:
        """Wait until the device is heard and connected, without end; cancel to give up."""
        await self._until_heard(address)
        async with self._connecting():
            attempt = asyncio.ensure_future(self.central.connect_le(address, timeout=None))
            try:
                return await asyncio.shield(attempt)
            except asyncio.CancelledError:
                if not attempt.done():
                    await self._take_back(attempt)
                raise

    async def _until_heard(self, address: Address) -> None:
        if self._controller is None:
            return
        entry = (address, asyncio.get_running_loop().create_future())
        self._controller.awaited.add(entry)
        try:
            await entry[1]
        finally:
            self._controller.awaited.discard(entry)

    async def _take_back(self, attempt: "asyncio.Future[Connection]") -> None:
        cancel = hci.HCI_LE_Create_Connection_Cancel_Command()
        with suppress(BaseBumbleError, hci.HCI_Error):  # refused: the connection was faster
            await self.central.host.send_sync_command(cancel)
        with suppress(BaseBumbleError, hci.HCI_Error):
            await (await attempt).disconnect()

    # ------------------------------------------------------------------ faults
    def deaf(self, deaf: bool) -> None:  # noqa: FBT001 - reads as a sentence at its call
        """Hear nothing from now on, silently (or hear again)."""
        self._air("deaf").deaf = deaf

    async def power(self, on: bool) -> None:  # noqa: FBT001 - reads as a sentence at its call
        """Switch the adapter off (links drop, scanners die silently) or on again."""
        controller = self._air("powered off")
        if on == self.powered:
            return
        self.powered = on
        if not on:
            self._listeners.clear()
            await self._scan()
            for _, heard in controller.awaited:
                if not heard.done():
                    heard.set_exception(BleakError("org.bluez.Error.NotReady: adapter is off"))
            controller.fail_pending(POWERED_OFF)
            controller.cut(POWERED_OFF)

    def _air(self, what: str) -> AirController:
        if self._controller is None:
            raise TypeError(f"a controller behind a transport cannot be made {what} from here")
        return self._controller
