"""The hub's end of a far radio: bleak backends whose adapter lives in another process.

    async with FarRadio(path) as radio:
        BleakScanner(callback, backend=radio.scanner_backend)
        BleakClient(device, backend=radio.client_backend)

It imports no Bluetooth stack, so what the hub's process costs is the hub's own cost (far_world.py).
"""

import asyncio
import itertools
import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakError,
)

from gateway.virtual.advert import AdvertContent, read_advert
from gateway.virtual.bleak_scanner import Listener, VirtualScanner
from gateway.virtual.far_client import FarClient
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
    client_backend: type[FarClient]

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

    def new_link(self, client: FarClient) -> int:
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
