"""What the clusters of three nodes on loopback have in common: nodes that are killed one by one.

A cluster takes seconds to start, so it is started once and serves many runs, each with a district
of its own (engine.py), so that nothing retained by one is heard by the next. Ports are below 32768,
or a node may not get its own back (control-centre contract).
"""

import asyncio
import contextlib
import itertools
import os
import signal
import socket
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.faults.identities import CENTRE, Identities

NODES = 3
READY_S = 90.0
AGAIN_S = 0.2


class Cluster:
    """Three nodes; `ports` are their MQTT listeners. A subclass knows how one is started."""

    name = ""

    def __init__(self, directory: Path, base: int, identities: Identities | None = None) -> None:
        self.directory, self.identities = directory, identities
        self.ports = [base + number for number in range(NODES)]
        self.routes = [base + NODES + number for number in range(NODES)]
        self.clients = [base + 2 * NODES + number for number in range(NODES)]
        self._nodes: list[asyncio.subprocess.Process | None] = [None] * NODES
        self._turn = itertools.cycle(range(NODES))
        self._dead: int | None = None

    def prepare(self) -> None:
        """Write what all nodes need."""

    def command(self, number: int) -> tuple[list[str], dict[str, str]]:
        """Return how a node is started, and its environment; its files are written by then."""
        raise NotImplementedError

    @property
    def port(self) -> int:
        """A node that lives."""
        return next(p for p, node in zip(self.ports, self._nodes, strict=True) if node is not None)

    async def __aenter__(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.prepare()
        try:
            for number in range(NODES):
                await self._start(number)
            await self.whole()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        for number in range(NODES):
            await self._kill(number)

    async def whole(self) -> None:
        """Wait until every node lets clients in."""
        for port in self.ports:
            await self._let_in(port, "prober", CENTRE)

    async def _let_in(self, port: int, client_id: str, user: str) -> None:
        try:
            async with asyncio.timeout(READY_S):
                while not await self.greets(port, client_id, user):  # noqa: ASYNC110 - its own
                    await asyncio.sleep(AGAIN_S)
        except TimeoutError:
            raise RuntimeError(
                f"{self.name} at {port} lets {user} not in: {self.directory}"
            ) from None

    async def kill(self) -> bool:
        """SIGKILL the next node, unless another has not come back yet: one of three at a time."""
        if self._dead is not None or not all([await self.greets(p, "prober") for p in self.ports]):
            return False
        self._dead = next(self._turn)
        await self._kill(self._dead)
        return True

    async def start(self) -> None:
        """Start the node that was killed; it takes its time to be let in again."""
        if self._dead is not None:
            await self._start(self._dead)
            self._dead = None

    async def forget(self, sessions: Mapping[str, str]) -> None:
        """End kept sessions: client id -> user."""
        await self.start()
        await self.whole()
        for client_id, user in sessions.items():
            await self._let_in(self.ports[0], client_id, user)

    async def greets(self, port: int, client_id: str, user: str = CENTRE) -> bool:
        """Return whether a user with a clean MQTT 3.1.1 session is let in."""
        tls = None if self.identities is None else self.identities.context(user)
        return await answers(port, client_id, tls)

    async def _kill(self, number: int) -> None:
        node, self._nodes[number] = self._nodes[number], None
        if node is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(node.pid, signal.SIGKILL)  # a node may have helpers of its own
            await node.wait()

    async def _start(self, number: int) -> None:
        command, environment = self.command(number)
        with (self.directory / f"{self.name}-{number}.log").open("ab") as log:
            self._nodes[number] = await asyncio.create_subprocess_exec(
                *command,
                env=environment,
                stdout=log,
                stderr=log,
                stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )


async def answers(port: int, client_id: str = "prober", tls: ssl.SSLContext | None = None) -> bool:
    """Return whether a clean MQTT 3.1.1 session is let in: the sessions have a leader then."""
    name = client_id.encode()
    body = b"\x00\x04MQTT\x04\x02\x00\x3c" + len(name).to_bytes(2, "big") + name
    try:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
            try:
                writer.write(b"\x10" + bytes([len(body)]) + body)
                answer = await reader.readexactly(4)
                writer.write(b"\xe0\x00")
                await writer.drain()
                return answer == b"\x20\x02\x00\x00"
            finally:
                writer.close()
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False


def free_base(seed: int, count: int = 3 * NODES) -> int:
    """Return the first of so many free ports in a row."""
    for number in range(seed, seed + 100):
        base = 20_000 + number * 13 % 11_900
        try:
            for port in range(base, base + count):
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return base
    raise RuntimeError("a hundred ranges below 32768 are all taken")


def shipped(path: Path, changes: Sequence[tuple[str, str]]) -> str:
    """Return a configuration that we ship, with what is this machine's put in its place."""
    text = path.read_text()
    for ours, here in changes:
        assert ours in text, f"{path} has no {ours!r}"
        text = text.replace(ours, here)
    return text
