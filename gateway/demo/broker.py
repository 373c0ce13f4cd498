"""A broker on loopback for the demo: mosquitto where it is installed, else amqtt from PyPI (3.1.1).

A process of its own, so that the demo can take it away as a power cut would: kill -9.
"""

import asyncio
import shutil
import socket
import sys
from pathlib import Path
from typing import Self

from gateway.errors import LinkError

WHERE = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"
PORTS = range(21_883, 21_983)  # below 32768: no outgoing connection takes it while it restarts
UP_S = 15.0


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    for port in PORTS:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise LinkError(f"no free port between {PORTS.start} and {PORTS.stop}")


class Broker:
    """A broker process; `kill` and `start` again as often as wanted."""

    def __init__(self, directory: Path, *, mosquitto: str | None = None) -> None:
        self.port = free_port()
        self._directory = directory
        self._mosquitto = (
            mosquitto if mosquitto is not None else shutil.which("mosquitto", path=WHERE)
        )
        self._process: asyncio.subprocess.Process | None = None

    @property
    def name(self) -> str:
        """Return what runs, for people."""
        return "mosquitto (MQTT 5)" if self._mosquitto else "amqtt (MQTT 3.1.1)"

    @property
    def url(self) -> str:
        """Return where it listens."""
        return f"mqtt://127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        """Return whether the process is there."""
        return self._process is not None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    async def start(self) -> None:
        """Start it and wait until it takes connections."""
        self._process = await asyncio.create_subprocess_exec(
            *self._command(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(UP_S):
                while not await self._listens():
                    if self._process.returncode is not None:
                        raise LinkError(f"{self.name} did not start")
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise LinkError(f"{self.name} does not listen after {UP_S:g} s") from None

    async def kill(self) -> None:
        """Take it away at once."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        self._process = None

    async def _listens(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True

    def _command(self) -> list[str]:
        config = self._directory / "broker.conf"
        if self._mosquitto:
            own = f"listener {self.port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n"
            config.write_text(own)
            return [self._mosquitto, "-c", str(config)]
        config.write_text(AMQTT.format(port=self.port))
        return [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "amqtt.scripts.broker_script",
            "-c",
            str(config),
        ]


AMQTT = """\
listeners:
  default:
    type: tcp
    bind: 127.0.0.1:{port}
plugins:
  amqtt.plugins.authentication.AnonymousAuthPlugin:
    allow_anonymous: true
"""
