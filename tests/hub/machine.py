"""The guest seen from its steps: shell, units, the world's socket, the hub's, the centre's desk."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from gateway.clock import SystemClock
from gateway.edge.control import ask
from gateway.settings import BrokerSettings
from tests.homes import Desk, centre
from tests.hub import world
from tests.hub.account import Account
from tests.hub.home import ADDRESS, BANDS, SENSORS, devices, write

CONFIG = Path("/etc/ansim-lab")
STATE, CONTROL = Path("/var/lib/ansim-gateway"), Path("/run/ansim-gateway/control.sock")
BROKER = "mqtt://127.0.0.1:1883"
UNIT = "ansim-gateway.service"
EVERYTHING = (*BANDS, *SENSORS)
LOOK_S = 0.5
HUB_START_S = 240.0


class Failed(Exception):  # noqa: N818 - what a step is then
    """A step did not reach what it must."""


def say(*words: object) -> None:
    """Print a line of the log, with the guest's uptime."""
    up = Path("/proc/uptime").read_text().split()[0]
    sys.stdout.write(f"[{float(up):7.1f}] {' '.join(str(word) for word in words)}\n")
    sys.stdout.flush()


@dataclass
class Machine:
    """Everything a step needs. `radio`: what the home's YAML says of it."""

    desk: Desk
    account: Account
    clock: SystemClock = field(default_factory=SystemClock)
    stanzas: list[dict[str, Any]] = field(default_factory=devices)
    presses: int = 0

    def now_ms(self) -> int:
        """Return the hub's own time."""
        return self.clock.now().mono_ms

    async def shell(self, command: str, *, must: bool = True, quiet: bool = False) -> str:
        """Run a command; Failed if it fails."""
        process = await asyncio.create_subprocess_shell(
            command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(300):
            out = (await process.communicate())[0].decode().strip()
        if not quiet:
            say("$", command, "->", process.returncode, out[-300:])
        if must and process.returncode:
            raise Failed(f"{command}: {out[-500:]}")
        return out

    async def world(self, command: str) -> Any:
        """Command the world; Failed if it could not."""
        reader, writer = await asyncio.open_unix_connection(world.SOCKET)
        try:
            writer.write(f"{command}\n".encode())
            async with asyncio.timeout(20):
                said = json.loads(await reader.readline())
        finally:
            writer.close()
        if isinstance(said, str) and said != "ok":
            raise Failed(f"world {command}: {said}")
        say("world:", command)
        return said

    async def status(self) -> dict[str, Any]:
        """Ask the hub what it knows."""
        told: dict[str, Any] = await ask(CONTROL, {"ask": "status"}, 20)
        return told

    async def until(self, what: str, true: Callable[[], bool], limit_s: float) -> float:
        """Wait for it, looking at what the hub recorded; return the seconds it took."""
        began = self.now_ms()
        while True:
            self.account.look()
            if true():
                took = (self.now_ms() - began) / 1000
                say(f"{what}: {took:.1f} s")
                return took
            if self.now_ms() - began > limit_s * 1000:
                raise Failed(f"{what}: not within {limit_s:g} s; {self.lacking(began)}")
            await asyncio.sleep(LOOK_S)

    def lacking(self, since_ms: int, names: tuple[str, ...] = EVERYTHING) -> str:
        """Name who has not been heard since then."""
        heard = self.account.heard_ms
        return "silent: " + (
            ", ".join(name for name in names if heard.get(name, 0) <= since_ms) or "nobody"
        )

    async def everybody(self, limit_s: float, names: tuple[str, ...] = EVERYTHING) -> float:
        """Wait until all were heard after this instant."""
        began, heard = self.now_ms(), self.account.heard_ms
        return await self.until(
            "all heard", lambda: all(heard.get(name, 0) > began for name in names), limit_s
        )

    async def adapter(self, *, up: bool, since_ms: int, limit_s: float) -> float:
        """Wait until the hub says so of an adapter."""

        def told() -> bool:
            return any(
                at >= since_ms and is_up is up and not device.startswith("band")
                for at, device, is_up, _ in self.account.links
            )

        return await self.until(f"adapter {'up' if up else 'down'}", told, limit_s)

    async def hub(self, **radio: Any) -> float:
        """(Re)start the hub with these radio settings; return the seconds to READY."""
        write(CONFIG, self.stanzas, BROKER, **radio)
        await self.shell(
            f"chown -R root:ansim {CONFIG} && chmod -R g+rX,o-rwx {CONFIG}", quiet=True
        )
        began = self.now_ms()
        await self.shell(f"systemctl restart {UNIT}", quiet=True)
        took = (self.now_ms() - began) / 1000
        say(f"hub READY: {took:.1f} s")
        return took

    def honest(self) -> None:
        """Failed if anything was heard that nobody sent, or a frame twice."""
        self.account.look()
        if self.account.invented or self.account.doubled:
            raise Failed(
                f"invented: {self.account.invented[:5]}, doubled: {self.account.doubled[:5]}"
            )


def _prepared(work: Path) -> IO[bytes]:
    work.mkdir(exist_ok=True)
    (work / "mosquitto.conf").write_text(
        "listener 1883 127.0.0.1\nallow_anonymous true\npersistence false\n"
    )
    return (work / "world.log").open("wb")


@contextlib.asynccontextmanager
async def machine() -> AsyncIterator[Machine]:
    """Start mosquitto, the centre and the world; leave the hub to the steps."""
    work = Path("/run/lab")
    log = _prepared(work)
    broker = await asyncio.create_subprocess_exec(
        "/usr/sbin/mosquitto", "-c", str(work / "mosquitto.conf"), stdout=log, stderr=log
    )
    outside = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.hub.world", stdout=asyncio.subprocess.PIPE, stderr=log
    )
    try:
        assert outside.stdout is not None
        async with asyncio.timeout(120):
            line = await outside.stdout.readline()
        if b"WORLD-UP" not in line:
            raise Failed(f"no world: {line.decode()}")
        say("the world is up")
        async with centre(work, BrokerSettings(url=BROKER)) as desk:
            say("the centre is up")
            names = {address: name for name, address in ADDRESS.items()}
            yield Machine(desk, Account(world.SENT, STATE, names))
    finally:
        for process in (outside, broker):
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        log.close()
