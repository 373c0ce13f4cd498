"""A NATS JetStream cluster of three nodes on loopback, as a broker: MQTT 3.1.1, R3.

Debian's package; ports below 32768, or a node may not get its own back (control-centre contract).
Killing it kills one node, another each time: what a cluster is for.
"""

import asyncio
import itertools
import shutil
import socket
from pathlib import Path
from typing import Self

NATS = shutil.which("nats-server", path="/usr/sbin:/usr/bin:/usr/local/bin:/usr/local/sbin")
NODES = 3
READY_S = 30.0

CONFIG = """
server_name: n{number}
listen: 127.0.0.1:{client}
jetstream: {{ store_dir: "{directory}/nats-{number}", max_file_store: 256MB }}
mqtt: {{ host: 127.0.0.1, port: {mqtt} }}
cluster: {{ name: ansim, listen: 127.0.0.1:{route}, routes: [{routes}] }}
"""


class NatsCluster:
    """Three nodes; `ports` are their MQTT listeners."""

    def __init__(self, directory: Path, base: int) -> None:
        self._directory = directory
        self.ports = [base + number for number in range(NODES)]
        self._routes = [base + NODES + number for number in range(NODES)]
        self._clients = [base + 2 * NODES + number for number in range(NODES)]
        self._nodes: list[asyncio.subprocess.Process | None] = [None] * NODES
        self._turn = itertools.cycle(range(NODES))
        self._dead: int | None = None

    @property
    def port(self) -> int:
        """A node that lives."""
        return next(p for p, node in zip(self.ports, self._nodes, strict=True) if node is not None)

    async def __aenter__(self) -> Self:
        for number in range(NODES):
            await self._start(number)
        async with asyncio.timeout(READY_S):
            while not all([await answers(port) for port in self.ports]):  # noqa: ASYNC110 - its own
                await asyncio.sleep(0.2)
        return self

    async def __aexit__(self, *_: object) -> None:
        for number in range(NODES):
            await self._kill(number)

    async def kill(self) -> None:
        """SIGKILL of the next node."""
        self._dead = next(self._turn)
        await self._kill(self._dead)

    async def start(self) -> None:
        """Start the node that was killed."""
        if self._dead is not None:
            await self._start(self._dead)
            self._dead = None

    async def _kill(self, number: int) -> None:
        node, self._nodes[number] = self._nodes[number], None
        if node is not None and node.returncode is None:
            node.kill()
            await node.wait()

    async def _start(self, number: int) -> None:
        assert NATS is not None
        config = self._directory / f"nats-{number}.conf"
        config.write_text(
            CONFIG.format(
                number=number,
                directory=self._directory,
                client=self._clients[number],
                mqtt=self.ports[number],
                route=self._routes[number],
                routes=", ".join(f"nats://127.0.0.1:{port}" for port in self._routes),
            )
        )
        log = (self._directory / f"nats-{number}.log").open("ab")
        with log:
            self._nodes[number] = await asyncio.create_subprocess_exec(
                NATS, "-c", str(config), stdout=log, stderr=log, stdin=asyncio.subprocess.DEVNULL
            )


async def answers(port: int) -> bool:
    """Return whether an MQTT 3.1.1 client is let in: JetStream has a leader then."""
    connect = b"\x10\x12\x00\x04MQTT\x04\x02\x00\x3c\x00\x06prober"
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(connect)
                return await reader.readexactly(4) == b"\x20\x02\x00\x00"
            finally:
                writer.close()
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False


def free_base(seed: int) -> int:
    """Return the first of nine free ports of this run's own."""
    for number in range(seed, seed + 100):
        base = 20_000 + number * 11 % 11_900
        try:
            for port in range(base, base + 3 * NODES):
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return base
    raise RuntimeError("a hundred ranges below 32768 are all taken")
