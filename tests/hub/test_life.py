"""A hub's life in a fresh Debian under systemd: install, alarms, watchdog, upgrades, removal.

The tests of this file are one story: each goes on where the one before has left the container. Run
by `scripts/test --install`, as root: pytest -m install.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from tests.hub import wheels as wheel_folders
from tests.hub.container import Container, debian, files, missing
from tests.hub.outside import AIR, DROP_IN, KEY_NAME, Outside, lab_drop_in, outside

pytestmark = [
    pytest.mark.install,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(240),
    pytest.mark.skipif(bool(missing()), reason=f"a container needs {', '.join(missing())}"),
]

UNIT = "ansim-gateway.service"
CONFIG = "/etc/ansim/gateway.yaml"
INSTALL = "/usr/local/sbin/ansim-install"
# What running any machine leaves behind.
NOT_OURS = tuple(
    f"/{name}" for name in ["var/log/journal", "var/lib/systemd", "var/tmp", "run", "tmp"]
)
OWN_BACKUPS = ("/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-")


@dataclass
class Life:
    """The container, what lies outside, and the wheel folders inside as /wheels/NAME."""

    machine: Container
    home: Outside
    wheels: Path
    fresh: dict[str, bytes | str]

    async def install(self, name: str, *more: str, status: int = 0) -> str:
        """Run the installer of the checkout on a wheel folder."""
        command = ("/checkout/scripts/install.sh", "--wheels", f"/wheels/{name}", *more)
        return await self.machine.run(*command, status=status)

    async def version(self) -> str:
        """Return the version that runs."""
        pid = await self.machine.show(UNIT, "MainPID")
        maps = await self.machine.run("cat", f"/proc/{pid}/maps")
        return maps.split("/opt/ansim/versions/")[1].split("/")[0]

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


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def life(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Life]:
    directory = tmp_path_factory.mktemp("life")
    wheels = directory / "wheels"
    wheels.mkdir()
    wheel_folders.fill(wheels / "own")
    async with AsyncExitStack() as stack:
        home = await stack.enter_async_context(outside(directory))
        binds = {home.folder: AIR, wheels: "/wheels", wheel_folders.ROOT: "/checkout"}
        root = debian("bookworm")
        machine = Container.running(root, directory / "machine", binds)
        running = await stack.enter_async_context(machine)
        yield Life(running, home, wheels, files(running.tree, apart=NOT_OURS))


async def test_a_first_installation_without_a_network_says_what_is_next(life: Life) -> None:
    said = await life.install("own", "--lang", "en")
    assert "Next: write this home into /etc/ansim/gateway.yaml" in said
    template = (life.machine.tree / CONFIG[1:]).read_text()
    shipped = (wheel_folders.ROOT / "config" / "minimal.yaml").read_text()
    assert template != shipped, "no two hubs have one pseudonym"
    assert template.splitlines()[4:] != shipped.splitlines()[4:]
    assert await life.machine.show(UNIT, "ActiveState") == "inactive"


async def test_the_unit_becomes_ready_without_bluetooth_and_reports_its_absence(life: Life) -> None:
    life.machine.write(f"/etc/ansim/secrets/{KEY_NAME}", life.home.key.hex() + "\n")
    life.machine.write(CONFIG, life.home.yaml())
    await life.machine.run("systemctl", "enable", "--now", UNIT)
    assert await life.machine.show(UNIT, "ActiveState") == "active"
    await life.home.desk.alarm("fault.adapter")


async def test_systemd_finds_nothing_to_say_about_the_units(life: Life) -> None:
    units = await life.machine.run("sh", "-c", "ls -d /etc/systemd/system/ansim-*.service")
    assert not (await life.machine.run("systemd-analyze", "verify", *units.split())).strip()
    judged = await life.machine.run("systemd-analyze", "security", "--no-pager", UNIT)
    score = float(judged.strip().splitlines()[-1].split(":")[1].split()[0])
    assert score <= 1.2
    for path, owner in (
        ("/etc/ansim", "root:ansim 750"),
        ("/etc/ansim/secrets", "root:root 700"),
        ("/var/lib/ansim-gateway", "ansim:ansim 700"),
        ("/var/cache/ansim-gateway", "ansim:ansim 700"),
    ):
        assert (await life.machine.run("stat", "-c", "%U:%G %a", path)).strip() == owner


async def test_kernels_of_the_installation_are_those_the_sandboxed_daemon_uses(life: Life) -> None:
    version = await life.version()
    [made] = (life.machine.tree / f"opt/ansim/versions/{version}/kernels").iterdir()
    used = life.machine.tree / "var/cache/ansim-gateway" / made.name
    assert {p.name for p in used.rglob("*.nbc")} == {p.name for p in made.rglob("*.nbc")}


async def test_a_press_is_stored_and_its_lines_are_found_by_their_fields(life: Life) -> None:
    life.machine.write(DROP_IN, lab_drop_in(watchdog_s=4))
    await life.machine.run("systemctl", "daemon-reload")
    await life.machine.run("systemctl", "restart", UNIT)
    life.home.button.press()
    alarm = await life.home.desk.alarm("pers")
    of_alert = await life.machine.run(
        "journalctl", "--output=json", "-u", UNIT, f"ANSIM_ALERT={alarm.id}"
    )
    lines = [json.loads(line) for line in of_alert.splitlines()]
    assert "alarm decided" in lines[0]["MESSAGE"]
    assert {line["ANSIM_ALERT"] for line in lines} == {alarm.id}
    of_device = await life.machine.run("journalctl", "--output=cat", "ANSIM_DEVICE=sos")
    assert "alarm decided" in of_device


async def test_a_loop_that_hangs_is_killed_and_its_alarm_is_delivered_afterwards(
    life: Life,
) -> None:
    await life.home.broker.kill()
    life.home.button.press()
    await life.logged("alarm durable", count=2)
    await life.machine.run("systemctl", "kill", "--kill-whom=main", "--signal=USR1", UNIT)
    await life.becomes("NRestarts", "1")
    await life.becomes("ActiveState", "active")
    assert len(life.home.desk.alarms("pers")) == 1
    await life.home.broker.start()
    await life.stored(2)
    assert "watchdog" in (await life.machine.run("journalctl", "-u", UNIT)).lower()


async def test_an_upgrade_that_never_becomes_ready_goes_back_by_itself(life: Life) -> None:
    def mute(path: str, text: str) -> str:
        return text.replace("READY=1", "STATUS=1") if path.endswith("edge/systemd.py") else text

    before = await life.version()
    wheel_folders.other_version(life.wheels / "own", life.wheels / "mute", "0.1.1", mute)
    said = await life.install("mute", "--ready-within", "6", "--lang", "en", status=3)
    assert "went back to version" in said
    assert await life.version() == before
    assert sorted(p.name for p in (life.machine.tree / "opt/ansim/versions").iterdir()) == [before]
    life.home.button.press()
    await life.stored(3)


async def test_an_installer_that_is_killed_in_the_trial_of_a_version_leaves_it_to_systemd(
    life: Life,
) -> None:
    def same(_path: str, text: str) -> str:
        return text

    before = await life.version()
    wheel_folders.other_version(life.wheels / "own", life.wheels / "next", "0.1.2", same)
    script = (
        "/checkout/scripts/install.sh --wheels /wheels/next --lang en & "
        "until [ -e /opt/ansim/trial ]; do sleep 0.05; done; kill -9 $!; wait"
    )
    await life.machine.try_run("bash", "-c", script)
    said = await life.install("next", "--lang", "en")
    assert "READY: version 0.1.2" in said
    assert (await life.version()).startswith("0.1.2")
    await life.machine.run(INSTALL, "rollback")
    assert await life.version() == before


async def test_an_installer_that_is_killed_while_it_builds_leaves_the_daemon_alone(
    life: Life,
) -> None:
    running = await life.machine.show(UNIT, "MainPID")
    wheel_folders.other_version(
        life.wheels / "own", life.wheels / "third", "0.1.3", lambda _path, text: text
    )
    script = (
        "/checkout/scripts/install.sh --wheels /wheels/third & "
        "until [ -e /opt/ansim/versions/0.1.3*/bin ]; do sleep 0.05; done; kill -9 $!; wait"
    )
    await life.machine.try_run("bash", "-c", script)
    assert await life.machine.show(UNIT, "MainPID") == running
    said = await life.install("own", "--lang", "en")
    assert "is installed already" in said
    names = [p.name for p in (life.machine.tree / "opt/ansim/versions").iterdir()]
    assert not any(name.startswith("0.1.3") for name in names), "rubble is cleared away"


async def test_a_read_only_root_is_enough(life: Life) -> None:
    await life.machine.stop()
    state = life.machine.tree / "var/lib/ansim-gateway"
    try:
        await life.machine.boot("--read-only", f"--bind={state}:/var/lib/ansim-gateway")
        await life.becomes("ActiveState", "active")
        assert "kernels" in await life.machine.run("ls", "/run/ansim-gateway")
        life.home.button.press()
        await life.stored(4)
    finally:
        await life.machine.stop()
        await life.machine.boot()


async def test_removal_leaves_no_trace_but_asks_about_data(life: Life) -> None:
    assert "--keep-data" in await life.machine.run(INSTALL, "uninstall", status=1)
    await life.machine.run(INSTALL, "uninstall", "--erase-data")
    left = files(life.machine.tree, apart=(*NOT_OURS, *OWN_BACKUPS))
    fresh = {name: value for name, value in life.fresh.items() if name not in OWN_BACKUPS}
    assert {name for name in left.keys() | fresh.keys() if left.get(name) != fresh.get(name)} == (
        set()
    )
