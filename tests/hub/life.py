"""A container with a home outside it, as the tests of installing use it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.hub import wheels as wheel_folders
from tests.hub.container import Container, FailedInsideError, debian, do, files, missing
from tests.hub.outside import AIR, DROP_IN, KEY_NAME, Outside, lab_drop_in, outside
from tests.hub.weight import Weight, weigh

UNIT = "ansim-gateway.service"
STATE = "/var/lib/ansim-gateway"
CONFIG = "/etc/ansim/gateway.yaml"
INSTALL = "/usr/local/sbin/ansim-install"
# What running any machine leaves behind.
NOT_OURS = tuple(
    f"/{name}" for name in ["var/log/journal", "var/lib/systemd", "var/tmp", "run", "tmp"]
)
OWN_BACKUPS = {f"/etc/{name}-" for name in ("passwd", "group", "shadow", "gshadow")}
BOOTS = {"/var/log/wtmp"}  # each boot writes itself down


def in_a_container(seconds: int) -> list[pytest.MarkDecorator]:
    """Return the marks of a file whose tests are one story in one container."""
    lacks = ", ".join(missing())
    return [
        pytest.mark.install,
        pytest.mark.asyncio(loop_scope="module"),
        pytest.mark.timeout(seconds),
        pytest.mark.skipif(bool(lacks), reason=f"a container needs {lacks}"),
    ]


@dataclass
class Life:
    """The container, what lies outside, and the wheel folders inside as /wheels/NAME."""

    machine: Container
    home: Outside
    wheels: Path
    fresh: dict[str, object]

    async def install(self, name: str, *more: str, status: int = 0) -> str:
        """Run the installer of the checkout on a wheel folder."""
        command = ("/checkout/scripts/install.sh", "--wheels", f"/wheels/{name}", *more)
        return await self.machine.run(*command, status=status)

    async def version(self) -> str:
        """Return the version that runs."""
        pid = await self.machine.show(UNIT, "MainPID")
        maps = await self.machine.run("cat", f"/proc/{pid}/maps")
        return maps.split("/opt/ansim/versions/")[1].split("/")[0]

    async def weight(self, *, emulated: bool = False) -> Weight:
        """Return what the daemon holds now."""
        pid = await self.machine.show(UNIT, "MainPID")
        return weigh(await self.machine.run("cat", f"/proc/{pid}/smaps"), emulated=emulated)

    def versions(self) -> list[Path]:
        """Return the folders of all versions that are installed."""
        return sorted((self.machine.tree / "opt/ansim/versions").iterdir())

    async def database(self, query: str) -> str:
        """Return what the hub's database says now, a line a row."""
        script = (
            "import sqlite3, sys; "
            f"db = sqlite3.connect('file:{STATE}/hub.db?mode=ro', uri=True); "
            "[print(*row) for row in db.execute(sys.argv[1])]"
        )
        return await self.machine.run("python3", "-c", script, query)

    def moved(self, disk: Path) -> str:
        """Copy the hub's state to a disk; return the option that puts it in its place."""
        do("cp", "--archive", str(self.machine.tree / STATE[1:]), str(disk / "hub"))
        return f"--bind={disk / 'hub'}:{STATE}"

    def moved_back(self, disk: Path) -> None:
        """Copy the state back: an older copy would count where the hub has counted already."""
        do("cp", "--archive", f"{disk / 'hub'}/.", str(self.machine.tree / STATE[1:]))

    async def check(self) -> str:
        """Return what `ansim check` says of the configuration."""
        return await self.machine.run("ansim", "check", CONFIG, "--lang", "en")

    async def logged(self, text: str, count: int) -> None:
        """Wait until the daemon has said this so many times."""
        while (await self.machine.run("journalctl", "-u", UNIT)).count(text) < count:  # noqa: ASYNC110 - another machine
            await asyncio.sleep(0.2)

    async def becomes(self, what: str, value: str) -> None:
        """Wait until this property of the unit has this value."""
        while await self.machine.show(UNIT, what) != value:  # noqa: ASYNC110 - another machine
            await asyncio.sleep(0.2)

    async def stored(self, count: int) -> None:
        """Wait until the centre has stored so many cries."""
        await self.home.desk.alarm("pers", count=count)

    async def furnish(self, watchdog_s: int = 60) -> None:
        """Write this home's key, configuration and the lab's drop-in, and start the daemon."""
        self.machine.write(f"/etc/ansim/secrets/{KEY_NAME}", self.home.key.hex() + "\n")
        self.machine.write(CONFIG, self.home.yaml())
        self.machine.write(DROP_IN, lab_drop_in(watchdog_s))
        await self.machine.run("systemctl", "daemon-reload")
        ended, said = await self.machine.try_run("systemctl", "enable", "--now", UNIT)
        if ended:
            said += await self.machine.run("journalctl", "--no-pager", "-u", UNIT, "-n", "30")
            raise FailedInsideError(said)

    def traces(self) -> set[str]:
        """Return what is not as it was before anything was installed."""
        left = files(self.machine.tree, apart=NOT_OURS)
        changed = {name for name in left | self.fresh if left.get(name) != self.fresh.get(name)}
        return changed - OWN_BACKUPS - BOOTS


@contextlib.asynccontextmanager
async def begun(directory: Path, suite: str, architecture: str = "") -> AsyncIterator[Life]:
    """Boot a fresh Debian with a home outside and the project's wheels in /wheels/own."""
    wheels = directory / "wheels"
    wheels.mkdir()
    async with contextlib.AsyncExitStack() as stack:
        home = await stack.enter_async_context(outside(directory))
        binds = {home.folder: AIR, wheels: "/wheels", wheel_folders.ROOT: "/checkout"}
        machine = Container.running(debian(suite, architecture), directory / "machine", binds)
        running = await stack.enter_async_context(machine)
        yield Life(running, home, wheels, files(running.tree, apart=NOT_OURS))
