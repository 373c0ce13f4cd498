"""A fresh Debian 13 (Python 3.13) that takes everything from the network. One story."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.hub.container import package_index
from tests.hub.life import CONFIG, INSTALL, UNIT, Life, begun, in_a_container

pytestmark = in_a_container(seconds=400)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def life(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Life]:
    async with begun(tmp_path_factory.mktemp("online"), "trixie") as life:
        yield life


async def test_one_command_fetches_what_is_missing_and_installs(life: Life) -> None:
    environment = package_index(life.machine)
    said = await life.machine.run("/checkout/scripts/install.sh", environment=environment)
    assert "python3-venv" in said
    await life.furnish()
    life.home.button.press()
    await life.stored(1)


async def test_systemd_of_debian_13_has_nothing_to_say_either(life: Life) -> None:
    units = await life.machine.run("sh", "-c", "ls -d /etc/systemd/system/ansim-*.service")
    assert not (await life.machine.run("systemd-analyze", "verify", *units.split())).strip()
    judged = await life.machine.run("systemd-analyze", "security", "--no-pager", UNIT)
    assert float(judged.strip().splitlines()[-1].split(":")[1].split()[0]) <= 1.2


async def test_removal_keeps_data_when_told_so(life: Life) -> None:
    await life.machine.run(INSTALL, "uninstall", "--keep-data")
    assert (life.machine.tree / CONFIG[1:]).exists()
    assert (life.machine.tree / "var/lib/ansim-gateway/hub.db").exists()
    assert not (life.machine.tree / "opt/ansim").exists()
