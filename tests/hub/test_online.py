"""A fresh Debian 13 (Python 3.13) that takes everything from an index and Debian. One story.

The package index is this machine's own, over HTTPS: nothing beyond Debian's mirror is asked.
"""

import subprocess
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.edge.certificates import Authority
from tests.hub import wheels as wheel_folders
from tests.hub.index import CA_INSIDE, PackageIndex
from tests.hub.life import CONFIG, INSTALL, UNIT, Life, begun, in_a_container

pytestmark = in_a_container(seconds=900)
INSTALLER = "/checkout/scripts/install.sh"
STRANGER = "/root/stranger.pem"
BUILT_HERE = {"hatchling"}  # what builds the project's own wheel
NEEDED = {"numba", "bleak", "paho-mqtt", "sqlite-utils", "pip"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def life(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Life]:
    async with begun(tmp_path_factory.mktemp("online"), "trixie") as life:
        yield life


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PackageIndex]:
    directory = tmp_path_factory.mktemp("index")
    asked = ("dpkg", "--print-architecture")
    arch = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    wheels = wheel_folders.index_of(directory / "wheels", "--python", "3.13", "--arch", arch)
    today = datetime.now(UTC)  # noqa: TID251 - a certificate is of the real day
    with PackageIndex(wheels, directory / "tls", today - timedelta(days=1)) as index:
        yield index


async def test_an_index_that_cannot_be_trusted_leaves_nothing_half_installed(
    life: Life, index: PackageIndex, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path, not_before=datetime(2026, 1, 1, tzinfo=UTC)).ca_file.read_text()
    life.machine.write(STRANGER, stranger)
    untrusted = {**index.environment(), "PIP_CERT": STRANGER, "PIP_RETRIES": "0"}
    said = await life.machine.run(INSTALLER, "--lang", "en", status=1, environment=untrusted)
    assert "could not be fetched" in said
    assert index.asked == set()
    assert not (life.machine.tree / "opt/ansim/current").is_symlink()


async def test_one_command_fetches_what_is_missing_and_installs(
    life: Life, index: PackageIndex
) -> None:
    life.machine.write(CA_INSIDE, index.ca)
    await life.machine.run(INSTALLER, "--lang", "en", environment=index.environment())
    assert index.asked >= BUILT_HERE | NEEDED
    assert "3.13" in await life.machine.run("/opt/ansim/current/bin/python", "--version")
    await life.furnish()
    life.home.button.press()
    await life.stored(1)


async def test_systemd_of_debian_13_has_nothing_to_say_either(life: Life) -> None:
    units = await life.machine.run("sh", "-c", "ls -d /etc/systemd/system/ansim-*.service")
    assert not (await life.machine.run("systemd-analyze", "verify", *units.split())).strip()
    judged = await life.machine.run("systemd-analyze", "security", "--no-pager", UNIT)
    exposed = [line for line in judged.splitlines() if "✓" not in line]
    assert float(exposed[-1].split(":")[1].split()[0]) <= 1.2, "\n".join(exposed)


async def test_removal_keeps_data_when_told_so(life: Life) -> None:
    await life.machine.run(INSTALL, "uninstall", "--keep-data")
    assert (life.machine.tree / CONFIG[1:]).exists()
    assert (life.machine.tree / "var/lib/ansim-gateway/hub.db").exists()
    assert not (life.machine.tree / "opt/ansim").exists()
