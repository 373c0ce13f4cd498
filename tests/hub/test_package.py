"""The Debian package in a fresh Debian 12: installed, upgraded, removed, purged. One story."""

import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.hub import wheels as wheel_folders
from tests.hub.life import CONFIG, UNIT, Life, begun, in_a_container

pytestmark = in_a_container(seconds=600)
UNITS = "ls -d /etc/systemd/system/ansim-*.service 2> /dev/null | wc -l"


def package(life: Life, wheels: str) -> str:
    """Build a package of one of the wheel folders; return its path inside."""
    script = wheel_folders.ROOT / "scripts" / "build_deb"
    command = (script, life.wheels / f"{wheels}-deb", "--wheels", life.wheels / wheels)
    built = subprocess.run(command, check=True, capture_output=True, text=True)
    return f"/wheels/{wheels}-deb/{Path(built.stdout.strip()).name}"


def muted(path: str, text: str) -> str:
    """Let the daemon never say READY; its unit gives up soon, to keep the test short."""
    if path.endswith("ansim-gateway.service"):
        return text.replace("TimeoutStartSec=120", "TimeoutStartSec=8")
    if path.endswith("gateway/warm.py"):
        return text.replace("COMPILE_S = 300.0", "COMPILE_S = 8.0")
    return text.replace("READY=1", "STATUS=1") if path.endswith("edge/systemd.py") else text


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def life(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Life]:
    async with begun(tmp_path_factory.mktemp("package"), "bookworm") as life:
        wheel_folders.fill(life.wheels / "own")
        yield life


async def test_the_package_brings_the_units_and_says_what_is_next(life: Life) -> None:
    said = await life.machine.run("dpkg", "--install", package(life, "own"))
    assert "ansim check" in said
    assert (await life.machine.run("sh", "-c", UNITS)).strip() == "0", "they are below /usr/lib"
    await life.furnish()
    life.home.button.press()
    await life.stored(1)


async def test_a_package_whose_daemon_is_not_ready_stays_unconfigured_and_the_old_one_runs(
    life: Life,
) -> None:
    before = await life.version()
    wheel_folders.other_version(life.wheels / "own", life.wheels / "mute", "0.1.1", muted)
    await life.machine.run("dpkg", "--install", package(life, "mute"), status=1)
    state = await life.machine.run("dpkg-query", "-W", "-f", "${db:Status-Status}", "ansim-gateway")
    assert state == "half-configured"
    assert await life.version() == before
    life.home.button.press()
    await life.stored(2)


async def test_the_next_package_mends_it(life: Life) -> None:
    shutil.rmtree(life.wheels / "mute")
    wheel_folders.other_version(
        life.wheels / "own", life.wheels / "next", "0.1.2", lambda _path, text: text
    )
    await life.machine.run("dpkg", "--install", package(life, "next"))
    assert (await life.version()).startswith("0.1.2")
    assert (await life.machine.run("sh", "-c", UNITS)).strip() == "0"


async def test_removing_keeps_what_belongs_to_the_home_and_purging_does_not(life: Life) -> None:
    await life.machine.run("dpkg", "--remove", "ansim-gateway")
    assert await life.machine.show(UNIT, "ActiveState") == "inactive"
    assert not (life.machine.tree / "opt/ansim").exists()
    assert (life.machine.tree / CONFIG[1:]).exists()
    assert (life.machine.tree / "var/lib/ansim-gateway/hub.db").exists()
    await life.machine.run("dpkg", "--purge", "ansim-gateway")
    assert {
        path for path in life.traces() if not path.startswith(("/var/lib/dpkg/", "/var/log/"))
    } == set()
