"""An arm64 hub under emulation (qemu's user mode): installed, READY, an alarm stored. One story.

What the emulator cannot do is left out by a drop-in: systemd's credentials (their mounts) and a
user namespace are not to be had there. Debian's arm64 kernel has no virtual Bluetooth either; the
radio is outside.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.hub import wheels as wheel_folders
from tests.hub.life import CONFIG, UNIT, Life, begun, in_a_container
from tests.hub.outside import BUTTON, DROP_IN, KEY_NAME, lab_drop_in

pytestmark = in_a_container(seconds=3000)
MACHINE = "import platform; print(platform.machine())"
WITHOUT = "TimeoutStartSec=900\nLoadCredential=\nSetCredential=\nPrivateUsers=no\n"
KEY = f"/etc/ansim/keys/{KEY_NAME}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def life(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Life]:
    async with begun(tmp_path_factory.mktemp("arm64"), "bookworm", "arm64") as life:
        wheel_folders.fill(life.wheels / "own", "--python", "3.11", "--arch", "arm64")
        yield life


async def test_an_arm64_hub_is_installed_from_its_own_wheels(life: Life) -> None:
    await life.install("own", "--lang", "en")
    assert "aarch64" in await life.machine.run("/opt/ansim/current/bin/python", "-c", MACHINE)


async def test_it_becomes_ready_with_the_kernels_of_its_installation_and_delivers(
    life: Life,
) -> None:
    drop_in = lab_drop_in(watchdog_s=600) + WITHOUT
    life.machine.write(KEY, life.home.key.hex() + "\n")
    await life.machine.run("chown", "root:ansim", KEY)
    await life.machine.run("chmod", "640", KEY)
    life.machine.write(CONFIG, life.home.yaml([{**BUTTON, "key_file": KEY}]))
    life.machine.write(DROP_IN, drop_in)
    await life.machine.run("systemctl", "daemon-reload")
    await life.machine.run("systemctl", "enable", "--now", UNIT)
    life.home.button.press()
    await life.home.desk.alarm("pers", within_s=300)


async def test_what_it_holds_fits_beside_the_system_of_the_smallest_board(life: Life) -> None:
    guest, both = await life.weight(emulated=True), await life.weight()
    print(f"arm64: {guest.resident:.0f} MiB resident, {guest.own:.0f} of its own")  # noqa: T201 - for the README
    print(f"with the emulator: {both.resident:.0f} MiB resident, {both.own:.0f} of its own")  # noqa: T201 - for the README
    assert 50 < guest.own < guest.resident < 256
