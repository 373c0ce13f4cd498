"""A hub's life in a fresh Debian 12 under systemd: install, alarms, watchdog, upgrades, removal.

The tests of this file are one story: each goes on where the one before has left the container.
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.hub import wheels as wheel_folders
from tests.hub.container import partition
from tests.hub.life import CONFIG, INSTALL, UNIT, Life, begun, in_a_container
from tests.hub.outside import DROP_IN, KEY_NAME, lab_drop_in

pytestmark = in_a_container(seconds=1500)
# As Raspberry Pi OS boots: the kernel counts no memory, in either version of its cgroups.
WITHOUT_MEMORY_CGROUP = """
set -e
printf 'cpu\\t0\\t1\\t1\\n' > /run/without-memory
for file in /proc/cgroups /sys/fs/cgroup/cgroup.controllers; do
  [ ! -e $file ] || mount --bind /run/without-memory $file
done
exec /checkout/scripts/install.sh --wheels /wheels/own --lang en
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def life(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Life]:
    async with begun(tmp_path_factory.mktemp("life"), "bookworm") as life:
        wheel_folders.fill(life.wheels / "own")
        yield life


async def test_a_first_installation_without_a_network_says_what_is_next(life: Life) -> None:
    said = await life.install("own", "--lang", "en")
    assert "Next: write this home into /etc/ansim/gateway.yaml" in said
    template = (life.machine.tree / CONFIG[1:]).read_text()
    shipped = (wheel_folders.ROOT / "config" / "minimal.yaml").read_text()
    assert template != shipped, "no two hubs have one pseudonym"
    assert template.splitlines()[4:] != shipped.splitlines()[4:]
    assert await life.machine.show(UNIT, "ActiveState") == "inactive"


async def test_hardware_watchdog_and_journals_cap_are_set_at_once(life: Life) -> None:
    watchdog = ("systemctl", "show", "--value", "--property=RuntimeWatchdogUSec")
    assert (await life.machine.run(*watchdog)).strip() == "14s"
    said = await life.machine.run("journalctl", "--output=cat", "-u", "systemd-journald")
    journal = [line for line in said.splitlines() if line.startswith("System Journal")][-1]
    assert "max 100.0M" in journal


async def test_ready_is_said_when_the_absence_of_bluetooth_is_durable_and_it_answers(
    life: Life,
) -> None:
    life.machine.write(f"/etc/ansim/secrets/{KEY_NAME}", life.home.key.hex() + "\n")
    life.machine.write(CONFIG, life.home.yaml())
    await life.home.broker.kill()
    await life.machine.run("systemctl", "enable", "--now", UNIT)  # returns with READY
    kept = await life.database("SELECT body FROM outbox WHERE stream = 'alarm'")
    assert "fault.adapter" in kept
    assert "sos" in await life.machine.run("ansim", "status")
    assert await life.machine.show(UNIT, "ActiveState") == "active"
    await life.home.broker.start()
    await life.home.desk.alarm("fault.adapter")


async def test_the_daemon_and_its_limit_fit_a_small_board(life: Life) -> None:
    assert await life.machine.show(UNIT, "MemoryMax") == str(256 << 20)
    held = await life.weight()
    figures = f"amd64: {held.resident:.0f} MiB resident, {held.own:.0f} of its own"
    print(figures)  # noqa: T201 - for the README
    assert 50 < held.own < held.resident < 256


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
    life.machine.write(DROP_IN, lab_drop_in(watchdog_s=10))
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
    of_both = ("ANSIM_DEVICE=sos", f"ANSIM_ALERT={alarm.id}")
    assert "alarm decided" in await life.machine.run("journalctl", "--output=cat", *of_both)


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
    said = await life.install("mute", "--ready-within", "10", "--lang", "en", status=3)
    assert "went back to version" in said
    assert await life.version() == before
    assert [p.name for p in life.versions()] == [before]
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
    said = await life.machine.run("unshare", "--mount", "bash", "-c", WITHOUT_MEMORY_CGROUP)
    assert "is installed already" in said
    assert "cgroup_enable=memory" in said
    names = [p.name for p in life.versions()]
    assert not any(name.startswith("0.1.3") for name in names), "rubble is cleared away"


async def test_a_trial_that_a_power_cut_ended_is_finished_after_the_next_boot(life: Life) -> None:
    before = await life.version()
    [other] = {p.name for p in life.versions()} - {before}
    await life.machine.cut()
    life.machine.write("/opt/ansim/trial", f"{before} {other} 60\n")
    await life.machine.boot()
    await life.machine.run("systemctl", "start", "ansim-settle.service")  # waits for the boot's own
    assert await life.version() == other
    assert not (life.machine.tree / "opt/ansim/trial").exists()


async def test_read_only_or_under_an_overlay_a_partition_of_its_own_is_enough(
    life: Life, tmp_path: Path
) -> None:
    await life.machine.stop()
    try:
        with partition(tmp_path) as disk:
            own = life.moved(disk)
            await life.machine.boot("--read-only", own)
            assert "kernels" in await life.machine.run("ls", "/run/ansim-gateway")
            life.home.button.press()
            await life.stored(4)
            await life.machine.stop()

            await life.machine.boot("--volatile=overlay", f"systemd.mask={UNIT}")
            assert "lies in memory (overlay, /)" in await life.check()
            await life.machine.stop()

            await life.machine.boot("--volatile=overlay", own)
            assert "lies in memory" not in await life.check()
            life.home.button.press()
            await life.stored(5)
            epoch = await life.database("SELECT epoch FROM self")
            await life.machine.cut()
            await life.machine.boot("--volatile=overlay", own)
            assert await life.database("SELECT epoch FROM self") == epoch
            life.home.button.press()
            await life.stored(6)
            await life.machine.stop()
            life.moved_back(disk)
    finally:
        await life.machine.stop()
        await life.machine.boot()
    assert not life.home.desk.alarms("fault.store"), "it could always be written"


async def test_removal_leaves_no_trace_but_asks_about_data(life: Life) -> None:
    assert "--keep-data" in await life.machine.run(INSTALL, "uninstall", status=1)
    await life.machine.run(INSTALL, "uninstall", "--erase-data")
    assert life.traces() == set()
