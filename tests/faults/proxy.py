"""The network between a hub (or a centre) and its broker, as bad as it is told to be.

In user space, so that it works without root and on every machine; what TCP makes of a bad network
is played, not the packets themselves:

    latency_s     every byte arrives so much later
    bytes_per_s   the line's width
    loss          a segment is lost with this chance: it and all behind it wait for the repetition
                  (0.2 s, then twice as long each time, as TCP's timer does)
    half_open     nothing passes any more and nobody is told; new connections are taken and silent
    gone          connections are reset, new ones refused

It also sees MQTT packets: `rule` is shown each before it passes and may swallow it.
"""

import asyncio
import contextlib
import functools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

CONNECT, CONNACK, PUBLISH, PUBACK = 1, 2, 3, 4
RTO_S = 0.2
CHUNK = 65536


@dataclass(frozen=True, slots=True)
class Packet:
    """One MQTT packet on its way; `up`: towards the broker."""

    up: bool
    kind: int
    raw: bytes

    @property
    def topic(self) -> str:
        """The topic of a PUBLISH."""
        if self.kind != PUBLISH:
            return ""
        at = 1
        while self.raw[at] & 0x80:
            at += 1
        length = int.from_bytes(self.raw[at + 1 : at + 3], "big")
        return self.raw[at + 3 : at + 3 + length].decode()


Rule = Callable[[Packet], bool]
"""Shown each packet; False swallows it, and everything behind it on that connection."""


@dataclass(slots=True)
class Weather:
    """How the network is; see the module."""

    latency_s: float = 0.0
    bytes_per_s: float = 0.0
    loss: float = 0.0
    half_open: bool = False
    gone: bool = False

    @property
    def fine(self) -> bool:
        """Whether nothing is wrong."""
        return self == Weather()


class Proxy:
    """Listens on a port of its own; `port` is where its clients go.

    doors: on a port for each of the brokers (`ports`) that leads to this one and no other.
    """

    def __init__(
        self,
        targets: Sequence[int],
        chance: random.Random,
        host: str = "127.0.0.1",
        *,
        doors: bool = False,
    ) -> None:
        """Lead each client of `host` to one of the brokers at these ports that lives."""
        self._doors = [[target] for target in targets] if doors else [list(targets)]
        self._chance, self._host = chance, host
        self.weather = Weather()
        self.rule: Rule | None = None
        self.ports = [0 for _ in self._doors]
        self._servers: list[asyncio.Server] = []
        self._ends: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """Where its clients go; of several doors the first."""
        return self.ports[0]

    async def __aenter__(self) -> Self:
        await self._listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.reset()
        self._close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _listen(self) -> None:
        for number, targets in enumerate(self._doors):
            client = functools.partial(self._client, targets)
            server = await asyncio.start_server(client, self._host, self.ports[number])
            self.ports[number] = server.sockets[0].getsockname()[1]
            self._servers.append(server)

    def _close(self) -> None:
        for server in self._servers:
            server.close()
        self._servers.clear()

    async def change(self, weather: Weather) -> None:
        """Let the weather turn."""
        before, self.weather = self.weather, weather
        if weather.gone and self._servers:
            self._close()
            self.reset()
        if not weather.gone and not self._servers:
            await self._listen()
        if before.half_open and not weather.half_open:
            self.reset()  # what was lost in a dead network does not come back with it

    def reset(self) -> None:
        """Break every connection."""
        for end in tuple(self._ends):
            end.transport.abort()

    async def _client(
        self,
        targets: Sequence[int],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._ends.add(writer)
        other: asyncio.StreamWriter | None = None
        try:
            back, other = await self._broker(targets)
            self._ends.add(other)
            both = [
                asyncio.create_task(self._pass(reader, other, up=True)),
                asyncio.create_task(self._pass(back, writer, up=False)),
            ]
            try:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for one in both:
                    one.cancel()
                await asyncio.gather(*both, return_exceptions=True)
        except OSError:
            pass  # the broker is not there
        finally:
            for end in (writer, other):
                if end is not None:
                    self._ends.discard(end)
                    end.transport.abort()
            self._tasks.discard(task)

    async def _broker(
        self, targets: Sequence[int]
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        *first, last = self._chance.sample(targets, len(targets))
        for port in first:
            with contextlib.suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", port)
        return await asyncio.open_connection("127.0.0.1", last)

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool
    ) -> None:
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        sender = asyncio.create_task(self._deliver(queue, writer))
        held = b""
        loop = asyncio.get_running_loop()
        line_free = 0.0
        try:
            while data := await reader.read(CHUNK):
                held += data
                passing, held = self._sift(held, up=up)
                if passing:
                    weather, now = self.weather, loop.time()
                    due = max(now, line_free)
                    if weather.bytes_per_s:
                        due += len(passing) / weather.bytes_per_s
                    due += self._resent(weather.loss)
                    line_free = due
                    queue.put_nowait((due + weather.latency_s, passing))
        except OSError:
            pass
        finally:
            sender.cancel()

    async def _deliver(
        self, queue: "asyncio.Queue[tuple[float, bytes]]", writer: asyncio.StreamWriter
    ) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            while True:
                due, data = await queue.get()
                if due > loop.time():
                    await asyncio.sleep(due - loop.time())
                if not self.weather.half_open:
                    writer.write(data)
                    await writer.drain()

    def _resent(self, loss: float) -> float:
        waited, timer = 0.0, RTO_S
        while loss and self._chance.random() < loss:
            waited, timer = waited + timer, timer * 2
        return waited

    def _sift(self, held: bytes, *, up: bool) -> tuple[bytes, bytes]:
        """Return what passes now and what is not a whole packet yet."""
        passing = b""
        if self.rule is None:
            return held, passing
        for raw in packets(held):
            held = held[len(raw) :]
            rule: Rule | None = self.rule  # it may have taken itself away
            if rule is None or rule(Packet(up, raw[0] >> 4, raw)):
                passing += raw
        return passing, held


def packets(held: bytes) -> Iterator[bytes]:
    """Yield the whole MQTT packets at the beginning of `held`."""
    start = 0
    while True:
        length, shift, at = 0, 0, start + 1
        while at < len(held):
            length |= (held[at] & 0x7F) << shift
            shift += 7
            at += 1
            if not held[at - 1] & 0x80:
                break
        else:
            return
        if at + length > len(held):
            return
        yield held[start : at + length]
        start = at + length
