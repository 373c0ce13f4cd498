"""Starting, weighing and ending a hub that is a process of its own."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

HUB = "mfzwizltmvzxg2lqnrsv6ylcmm"
DISTRICT = "1120000000"
ROOT = Path(__file__).resolve().parent.parent


def write_yaml(
    directory: Path, url: str, devices: Sequence[Mapping[str, Any]], **more: object
) -> Path:
    """Write a home's YAML and return its path; a device's `key` (bytes) goes to a file."""
    stanzas = []
    for device in devices:
        stanza = dict(device)
        key = stanza.pop("key", None)
        if key is not None:
            path = directory / f"{stanza['name']}.key"
            path.write_text(key.hex() + "\n")
            path.chmod(0o600)
            stanza["key_file"] = str(path)
        stanzas.append(stanza)
    whole = {
        "hub": {"id": HUB, "district": DISTRICT},
        "uplink": {"brokers": [{"url": url}]},
        "devices": stanzas,
        "store": {"directory": str(directory / "store")},
        "control_socket": str(directory / "control.sock"),
        **more,
    }
    config = directory / "gateway.yaml"
    config.write_text(yaml.safe_dump(whole))
    return config


@dataclass(frozen=True, slots=True)
class Memory:
    """What a process holds now, in MiB; pss shares out what other processes map as well."""

    rss: float
    pss: float
    uss: float


def memory(pid: int) -> Memory:
    """Weigh a process."""
    fields: dict[str, int] = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, kib, *_ = line.split()
        fields[name.rstrip(":")] = int(kib)
    own = fields["Private_Clean"] + fields["Private_Dirty"]
    return Memory(fields["Rss"] / 1024, fields["Pss"] / 1024, own / 1024)


def cpu_s(pid: int) -> float:
    """Return the processor time a process has used, to the nanosecond (clock_getcpuclockid)."""
    return time.clock_gettime((~pid << 3) | 2)


class HubProcess:
    """A hub from its command line on; `started_s`: how long it took to READY=1."""

    def __init__(
        self,
        directory: Path,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._command = tuple(command)
        self._environment = {**os.environ, **(environment or {})}
        self._path = directory / "notify.sock"
        self.log = directory / "hub.log"
        self._process: asyncio.subprocess.Process | None = None
        self._notify: socket.socket | None = None
        self.started_s = 0.0

    @classmethod
    def far(cls, directory: Path, config: Path, radio: Path, *more: str) -> "HubProcess":
        """Return a hub whose radio is at the socket `radio`."""
        module = (sys.executable, "-m", "tests.hub_process")
        return cls(directory, (*module, "-c", str(config), "-r", str(radio), *more))

    @property
    def pid(self) -> int:
        """Its number."""
        assert self._process is not None
        return self._process.pid

    async def start(self, within_s: float = 60.0) -> None:
        """Start it and wait for READY=1."""
        self._path.unlink(missing_ok=True)
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.setblocking(False)  # noqa: FBT003 - the socket's own call
        self._notify.bind(str(self._path))
        loop = asyncio.get_running_loop()
        began = loop.time()
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                cwd=ROOT,
                env={**self._environment, "NOTIFY_SOCKET": str(self._path)},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        async with asyncio.timeout(within_s):
            await self.told("READY=1")
        self.started_s = loop.time() - began

    async def told(self, word: str) -> None:
        """Wait until it tells systemd `word`; AssertionError if it ends first."""
        assert self._process is not None
        assert self._notify is not None
        loop = asyncio.get_running_loop()
        ended = asyncio.create_task(self._process.wait())
        try:
            while True:
                said = asyncio.create_task(loop.sock_recv(self._notify, 4096))
                await asyncio.wait({said, ended}, return_when=asyncio.FIRST_COMPLETED)
                if not said.done():
                    said.cancel()
                    raise AssertionError(f"the hub ended: {self.log.read_text()[-2000:]}")
                if word in said.result().decode().splitlines():
                    return
        finally:
            ended.cancel()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    async def end(self, number: signal.Signals) -> int:
        """Send it a signal, wait for its end, and return how it ended."""
        assert self._process is not None
        if self._process.returncode is None:
            self.send(number)
        return await self.wait()

    async def wait(self) -> int:
        """Wait for its end and return its exit status."""
        assert self._process is not None
        status = await self._process.wait()
        if self._notify is not None:
            self._notify.close()
            self._notify = None
        return status

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.end(signal.SIGKILL)
