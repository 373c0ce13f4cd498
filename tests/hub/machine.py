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
from tests.hub.account import Account
from tests.hub.home import ADDRESS, BANDS, SENSORS, SENT, WORLD, devices, write

CONFIG = Path("/etc/ansim-lab")
STATE, CONTROL = Path("/var/lib/ansim-gateway"), Path("/run/ansim-gateway/control.sock")
BROKER = "mqtt://127.0.0.1:1883"
UNIT = "ansim-gateway.service"
EVERYTHING = (*BANDS, *SENSORS)
LOOK_S = 0.5
HUB_START_S = 240.0


class Failed(Exception):  # noqa: N818 - what a step is then
    """A step did not reach what it must."""


def uptime_s() -> float:
    """Return for how long the guest has been up."""
    return float(Path("/proc/uptime").read_text().split()[0])


def say(*words: object) -> None:
    """Print a line of the log, with the guest's uptime."""
    sys.stdout.write(f"[{uptime_s():7.1f}] {' '.join(str(word) for word in words)}\n")
    sys.stdout.flush()


@dataclass
class Machine:
    """Everything a step needs. beyond_port: of a broker outside, on the host; 0: there is none."""

    desk: Desk
    account: Account
    clock: SystemClock = field(default_factory=SystemClock)
    stanzas: list[dict[str, Any]] = field(default_factory=devices)
    broker: str = BROKER
    beyond_port: int = 0

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
        reader, writer = await asyncio.open_unix_connection(WORLD)
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
        write(CONFIG, self.stanzas, self.broker, **radio)
        await self.shell(
            f"chown -R root:ansim {CONFIG} && chmod -R g+rX,o-rwx {CONFIG}", quiet=True
        )
        began = self.now_ms()
        await self.shell(f"systemctl restart {UNIT}", quiet=True)
        took = (self.now_ms() - began) / 1000
        say(f"hub READY: {took:.1f} s")
        return took

    async def explain(self) -> None:
        """Print what a failure is found by: where the hub's tasks wait, the journal, the world."""
        await self.shell(f"systemctl kill -s USR2 {UNIT}; sleep 1", must=False)
        log = "journalctl -b -n 150 --no-pager -o short-monotonic"
        sys.stdout.write(await self.shell(log, must=False, quiet=True) + "\n")
        await self.shell("tail -n 20 /run/lab/world.log", must=False)

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
async def machine(beyond_port: int = 0) -> AsyncIterator[Machine]:
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
            yield Machine(desk, Account(SENT, STATE, names), beyond_port=beyond_port)
    finally:
        for process in (outside, broker):
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        log.close()
