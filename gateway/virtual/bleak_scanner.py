"""The scanner that bleak wraps: adverts as a radio hears them, in bleak's terms.

What differs between bleak's backends and matters to a hub follows BlueZ: passive scanning needs
or-patterns and reports an unchanged advert once; an active scanner reports every advert.
"""

from typing import Any, Protocol

from bleak.backends.scanner import (
    AdvertisementData,
    AdvertisementDataCallback,
    BaseBleakScanner,
)
from bleak.exc import BleakError

from gateway.virtual.advert import AdvertContent, structures


class Listener(Protocol):
    """A scanner, as an adapter sees it."""

    active: bool

    def heard(self, address: str, data: bytes, content: AdvertContent, rssi: int) -> None:
        """Take one advert."""
        ...


class Ear(Protocol):
    """An adapter, as a scanner sees it."""

    async def listen(self, listener: Listener) -> None:
        """Start scanning for this listener."""
        ...

    async def unlisten(self, listener: Listener) -> None:
        """Stop scanning for this listener."""
        ...


class VirtualScanner(BaseBleakScanner):
    """What `BleakScanner(backend=...)` wraps. Every advert is reported, as a radio hears them."""

    adapter: Ear

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        scanning_mode: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self.active = scanning_mode == "active"
        self._patterns = (kwargs.get("bluez") or {}).get("or_patterns") or ()
        if not self.active and not self._patterns:
            raise BleakError("passive scanning mode requires bluez or_patterns")
        self._last: dict[str, bytes] = {}
        self._started = False

    async def start(self) -> None:
        """Start hearing."""
        self.seen_devices = {}
        self._last = {}
        await self.adapter.listen(self)
        self._started = True

    async def stop(self) -> None:
        """Stop hearing; raises once when the adapter lost the discovery meanwhile, as BlueZ."""
        if self._started:
            self._started = False
            await self.adapter.unlisten(self)

    def heard(self, address: str, data: bytes, content: AdvertContent, rssi: int) -> None:
        """Take one advert from the adapter."""
        if not self.active and not self._passes(address, data):
            return
        if not self.is_allowed_uuid(content.uuids):
            return
        advertisement = AdvertisementData(
            content.name,
            content.makers,
            content.service_data,
            content.uuids,
            content.tx_power,
            rssi,
            (address, data),
        )
        known = self.seen_devices.get(address)
        name = content.name or (known[0].name if known else None)
        device = self.create_or_update_device(address, address, name, None, advertisement)
        self.call_detection_callbacks(device, advertisement)

    def _passes(self, address: str, data: bytes) -> bool:
        """Return whether the advertisement monitor of BlueZ would report this advert."""
        if self._last.get(address) == data:
            return False
        matched = any(
            kind == wanted and value[start:].startswith(content)
            for start, wanted, content in self._patterns
            for kind, value in structures(data)
        )
        if matched:
            self._last[address] = data
        return matched
