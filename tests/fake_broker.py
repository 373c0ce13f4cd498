"""A broker that misbehaves on purpose: refuses MQTT 5, keeps PUBACKs back, hangs, forgets."""

import asyncio
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

CONNECT, PUBLISH, SUBSCRIBE, PINGREQ, DISCONNECT = 1, 3, 8, 12, 14


@dataclass
class Connected:
    """One CONNECT as it came, and what followed it."""

    level: int
    client_id: str
    keepalive: int
    will_topic: str
    will: bytes
    will_retained: bool
    writer: asyncio.StreamWriter
    published: list[tuple[str, bytes]] = field(default_factory=list)
    outstanding: list[int] = field(default_factory=list)
    most_outstanding: int = 0
    filters: list[tuple[str, int]] = field(default_factory=list)  # and the QoS asked for
    said_goodbye: bool = False


class FakeBroker:
    """Speaks just enough MQTT for one hub.

    refuses_v5: "", "code" (CONNACK with code 1, as NATS), "close" (as RabbitMQ 3.10) or "silence"
        (as amqtt).
    hangs: accepts TCP and says nothing. acknowledges: whether PUBACKs go out by themselves.
    """

    def __init__(
        self,
        *,
        refuses_v5: str = "",
        receive_maximum: int | None = None,
        acknowledges: bool = True,
        hangs: bool = False,
        refuses_subscriptions: bool = False,
        port: int = 0,
    ) -> None:
        self.acknowledges = acknowledges
        self.connections: list[Connected] = []
        self.port = port
        self._refuses_v5 = refuses_v5
        self._receive_maximum = receive_maximum
        self._hangs = hangs
        self._suback = 0x80 if refuses_subscriptions else 1
        self._changed = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until what came satisfies."""
        while not condition():
            self._changed.clear()
            await self._changed.wait()

    @property
    def last(self) -> Connected:
        """The newest connection."""
        return self.connections[-1]

    def count(self, leaf: str) -> int:
        """Return how many messages on `leaf` the newest connection brought."""
        if not self.connections:
            return 0
        return sum(topic.endswith(f"/up/{leaf}") for topic, _ in self.last.published)

    def acknowledge(self, connected: Connected) -> None:
        """Send the PUBACK of the oldest publication not acknowledged."""
        mid = connected.outstanding.pop(0)
        connected.writer.write(struct.pack("!BBH", 0x40, 2, mid))

    def send(self, topic: str, payload: bytes) -> None:
        """Publish to the newest connection with QoS 0."""
        name = topic.encode()
        v5 = b"\0" if self.last.level == 5 else b""
        body = struct.pack("!H", len(name)) + name + v5 + payload
        self.last.writer.write(b"\x30" + _length(len(body)) + body)

    def cut(self) -> None:
        """Drop the newest connection."""
        self.last.writer.close()

    # ------------------------------------------------------------------------------- the protocol
    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        try:
            while True:
                head = (await reader.readexactly(1))[0]
                body = await reader.readexactly(await _read_length(reader))
                if self._hangs:
                    continue
                self._take(head, body, writer)
                self._changed.set()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _take(self, head: int, body: bytes, writer: asyncio.StreamWriter) -> None:
        kind = head >> 4
        if kind == CONNECT:
            self._take_connect(body, writer)
            return
        connected = next(each for each in self.connections if each.writer is writer)
        if kind == PUBLISH:
            self._take_publish(connected, body)
        elif kind == SUBSCRIBE:
            v5 = b"\0" if connected.level == 5 else b""
            rest = body[2 + len(v5) :]
            while rest:
                topic, rest = _text(rest)
                connected.filters.append((topic.decode(), rest[0] & 0x03))
                rest = rest[1:]
            answer = body[:2] + v5 + bytes([self._suback]) * 2
            writer.write(bytes([0x90, len(answer)]) + answer)
        elif kind == PINGREQ:
            writer.write(b"\xd0\x00")
        elif kind == DISCONNECT:
            connected.said_goodbye = True

    def _take_publish(self, connected: Connected, body: bytes) -> None:
        topic, rest = _text(body)
        (mid,) = struct.unpack("!H", rest[:2])
        payload = rest[2:]
        if connected.level == 5:
            payload = payload[1 + payload[0] :]
        connected.published.append((topic.decode(), payload))
        connected.outstanding.append(mid)
        connected.most_outstanding = max(connected.most_outstanding, len(connected.outstanding))
        if self.acknowledges:
            self.acknowledge(connected)

    def _take_connect(self, body: bytes, writer: asyncio.StreamWriter) -> None:
        level, flags = body[6], body[7]
        (keepalive,) = struct.unpack("!H", body[8:10])
        rest = body[10:]
        if level == 5:
            rest = rest[1 + rest[0] :]
        client_id, rest = _text(rest)
        if level == 5:
            rest = rest[1 + rest[0] :]
        topic, rest = _text(rest)
        will, _ = _text(rest)
        if level == 5 and self._refuses_v5 == "code":
            writer.write(b"\x20\x02\x00\x01")
        if level == 5 and self._refuses_v5:
            if self._refuses_v5 != "silence":
                writer.close()
            return
        self.connections.append(
            Connected(
                level,
                client_id.decode(),
                keepalive,
                topic.decode(),
                will,
                bool(flags & 0x20),
                writer,
            )
        )
        properties = b""
        if level == 5 and self._receive_maximum is not None:
            properties = b"\x21" + struct.pack("!H", self._receive_maximum)
        tail = bytes([len(properties)]) + properties if level == 5 else b""
        writer.write(bytes([0x20, 2 + len(tail), 0, 0]) + tail)


def _text(body: bytes) -> tuple[bytes, bytes]:
    (length,) = struct.unpack("!H", body[:2])
    return body[2 : 2 + length], body[2 + length :]


def _length(value: int) -> bytes:
    out = bytearray()
    while True:
        value, seven = divmod(value, 128)
        out.append(seven | (0x80 if value else 0))
        if not value:
            return bytes(out)


async def _read_length(reader: asyncio.StreamReader) -> int:
    value = shift = 0
    while True:
        byte = (await reader.readexactly(1))[0]
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value
