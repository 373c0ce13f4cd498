"""Real brokers for tests: mosquitto with a configuration of its own on a free port, and a client.

Ports below 32768, so that no outgoing connection of this machine takes a broker's port while it
restarts (seen with a cluster node).
"""

import asyncio
import os
import random
import shutil
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import pytest

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")

needs_mosquitto = pytest.mark.skipif(
    MOSQUITTO is None, reason="mosquitto is missing: apt-get install mosquitto"
)


def free_port() -> int:
    """Return a loopback port nobody listens on."""
    while True:
        port = random.SystemRandom().randrange(20000, 32000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port


PLAIN = (
    "listener {port} 127.0.0.1",
    "persistence false",
    "allow_anonymous true",
    "set_tcp_nodelay true",
)
SHIPPED = Path(__file__).resolve().parent.parent / "config" / "brokers" / "mosquitto"


def shipped(directory: Path) -> list[str]:
    """Return the configuration we ship, with its files in `directory` and a loopback listener."""
    text = (SHIPPED / "mosquitto.conf").read_text()
    for ours, here in (
        ("listener 8883", "listener {port} 127.0.0.1"),
        ("listener 8884 127.0.0.1", "listener {centre} 127.0.0.1"),
        ("/etc/mosquitto/certs/", f"{directory}/"),
        ("/etc/mosquitto/acl", str(SHIPPED / "acl")),
        ("/var/lib/mosquitto/", f"{directory}/"),
    ):
        assert ours in text
        text = text.replace(ours, here)
    return [line for line in text.splitlines() if not line.startswith("#")]


class Mosquitto:
    """A mosquitto process; `lines` are its configuration, with {port} for the port."""

    def __init__(self, directory: Path, lines: Sequence[str] = PLAIN, port: int = 0) -> None:
        self.port = port or free_port()
        self.log: list[str] = []
        self._config = directory / f"mosquitto-{self.port}.conf"
        text = "\n".join(("log_type all", *lines))
        self.centre_port = next(p for p in iter(free_port, 0) if p != self.port)
        for word, number in (("{port}", self.port), ("{centre}", self.centre_port)):
            text = text.replace(word, str(number))
        if os.geteuid() == 0:
            text += "\nuser root"  # or it could not read what a test wrote for itself
        self._config.write_text(text + "\n")
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    async def start(self) -> None:
        """Start and wait until it listens."""
        assert MOSQUITTO is not None
        self._process = await asyncio.create_subprocess_exec(
            MOSQUITTO,
            "-c",
            str(self._config),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        started = asyncio.Event()
        self._reader = asyncio.create_task(self._read(started))
        await started.wait()
        if self._process.returncode is not None:
            raise AssertionError("mosquitto did not start: " + "; ".join(self.log[-5:]))

    async def _read(self, started: asyncio.Event) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            self.log.append(line.decode(errors="replace").strip())
            if "running" in self.log[-1]:
                started.set()
        await self._process.wait()
        started.set()

    async def kill(self) -> bool:
        """SIGKILL: nothing is said to anybody."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        if self._reader is not None:
            await self._reader
        return True

    async def logged(self, text: str) -> str:
        """Wait for a line of its log that contains `text`."""
        while True:
            for line in self.log:
                if text in line:
                    return line
            await asyncio.sleep(0.01)
