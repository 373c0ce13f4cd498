"""The world's end of a far radio: a home in a process of its own, heard over a Unix socket.

    hub process                                world process
    bleak ── far_radio ══ Unix socket ══ FarWorld ── bleak ── World (bumble, devices, neighbours)

What a hub costs (processor, memory) can then be measured without the cost of the world around it.
The place of the socket is that of D-Bus on a real hub.
"""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bleak import BleakClient
from bleak.exc import BleakBluetoothNotAvailableError, BleakDBusError, BleakError

from gateway.virtual.advert import AdvertContent
from gateway.virtual.far_frames import (
    DBUS,
    FAILED,
    LINK_VALUE,
    LOST,
    QUESTION,
    REPLY,
    TIMED_OUT,
    UNAVAILABLE,
    VALUE,
    Frames,
    Message,
    pack,
    pack_advert,
    pack_json,
)
from gateway.virtual.world import World


class FarWorld:
    """Offer a world on a socket."""

    def __init__(self, world: World, path: Path) -> None:
        self._world, self._path = world, path
        self._server: asyncio.Server | None = None
        self._sessions: set[Session] = set()

    async def __aenter__(self) -> Self:
        """Listen."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(self._session, self._path)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Hang up."""
        if self._server is not None:
            self._server.close()
        for session in tuple(self._sessions):
            await session.end()
        self._path.unlink(missing_ok=True)

    def _session(self) -> "Session":
        session = Session(self._world, self._sessions.discard)
        self._sessions.add(session)
        return session


class Session(asyncio.Protocol):
    """One hub on the socket; to the adapter it is a scanner."""

    active = True

    def __init__(self, world: World, ended: "Callable[[Session], None]") -> None:
        self._world, self._ended = world, ended
        self._frames = Frames()
        self._transport: asyncio.Transport | None = None
        self._clients: dict[int, BleakClient] = {}
        self._work: dict[int, asyncio.Task[None]] = {}
        self._listening = False
        self._unsent: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket."""
        self._transport = transport  # type: ignore[assignment] # a stream's is a Transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Forget a hub that has gone."""
        self._transport = None
        self._work[-1] = asyncio.create_task(self.end())

    async def end(self) -> None:
        """Close what this hub had opened."""
        if self._listening:
            self._listening = False
            await self._world.adapter.unlisten(self)
        for client in tuple(self._clients.values()):
            await client.disconnect()
        if self._transport is not None:
            self._transport.close()
        self._ended(self)

    def data_received(self, data: bytes) -> None:
        """Begin what the hub asks; questions are answered in the order they are done."""
        for kind, body in self._frames.feed(data):
            if kind == QUESTION:
                question = json.loads(body)
                if question["op"] == "cancel":
                    self._cancel(question["id"])
                else:
                    task = asyncio.create_task(self._answer(question))
                    self._work[question["id"]] = task

    def _cancel(self, number: int) -> None:
        if (task := self._work.get(number)) is not None:
            task.cancel()

    def heard(self, address: str, data: bytes, _content: AdvertContent, rssi: int) -> None:
        """Pass an advert on."""
        self._send(pack_advert(address, rssi, data))

    def _send(self, frame: bytes) -> None:
        """Send with whatever else this turn of the loop brings: one wake-up of the hub for all."""
        if not self._unsent:
            asyncio.get_running_loop().call_soon(self._flush)
        self._unsent.append(frame)

    def _flush(self) -> None:
        if self._transport is not None:
            self._transport.write(b"".join(self._unsent))
        self._unsent.clear()

    async def _answer(self, question: Message) -> None:
        broken_off = {"error": FAILED, "text": "the world broke off"}
        reply: Message = {"id": question["id"], **broken_off}
        try:
            done = await getattr(self, f"_op_{question['op']}")(question)
            reply = {"id": question["id"], "ok": done}
        except TimeoutError:
            reply |= {"error": TIMED_OUT, "text": ""}
        except BleakBluetoothNotAvailableError as error:
            reply |= {"error": UNAVAILABLE, "text": str(error.args[0])}
        except BleakDBusError as error:
            reply |= {"error": DBUS, "text": error.dbus_error, "details": error.dbus_error_details}
        except BleakError as error:
            reply |= {"error": FAILED, "text": str(error)}
        finally:
            self._work.pop(question["id"], None)
            self._send(pack_json(REPLY, reply))  # whatever happened: the hub waits for it

    # ------------------------------------------------------------------ what a hub can ask
    async def _op_listen(self, question: Message) -> None:
        self.active = question["active"]
        await self._world.adapter.listen(self)
        self._listening = True

    async def _op_unlisten(self, _question: Message) -> None:
        self._listening = False
        await self._world.adapter.unlisten(self)

    async def _op_connect(self, question: Message) -> Message:
        link = question["link"]

        def lost(_client: BleakClient) -> None:
            self._clients.pop(link, None)
            self._send(pack(LOST, LINK_VALUE.pack(link, 0)))

        client = BleakClient(question["address"], lost, backend=self._world.client_backend)
        await client.connect(timeout=question["timeout"])
        self._clients[link] = client
        return {"mtu": client.mtu_size, "services": _table(client)}

    async def _op_disconnect(self, question: Message) -> None:
        await self._client(question).disconnect()

    async def _op_read(self, question: Message) -> str:
        return (await self._client(question).read_gatt_char(question["handle"])).hex()

    async def _op_write(self, question: Message) -> None:
        data = bytes.fromhex(question["value"])
        client, handle = self._client(question), question["handle"]
        await client.write_gatt_char(handle, data, response=question["response"])

    async def _op_start_notify(self, question: Message) -> None:
        head = LINK_VALUE.pack(question["link"], question["handle"])

        def told(_characteristic: Any, value: bytearray) -> None:
            self._send(pack(VALUE, head + value))

        await self._client(question).start_notify(question["handle"], told)

    async def _op_stop_notify(self, question: Message) -> None:
        await self._client(question).stop_notify(question["handle"])

    def _client(self, question: Message) -> BleakClient:
        try:
            return self._clients[question["link"]]
        except KeyError:
            raise BleakError("Not connected") from None


def _table(client: BleakClient) -> list[Message]:
    """Return the services as the hub rebuilds them."""
    return [
        {
            "handle": service.handle,
            "uuid": service.uuid,
            "characteristics": [
                {"handle": c.handle, "uuid": c.uuid, "properties": c.properties}
                for c in service.characteristics
            ],
        }
        for service in client.services
    ]
