"""The unit that runs a district's workers: what systemd says of it, and what it says to systemd."""

import argparse
import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.centre.district.command import add_arguments, settings_of
from tests.hubs import ROOT

SHIPPED = ROOT / "config" / "centre"
UNIT = SHIPPED / "ansim-centre-worker@.service"
ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is missing")


def started_with(text: str) -> list[str]:
    """Return the words of ExecStart, with what is systemd's and the environment's put in."""
    (line,) = re.findall(r"^ExecStart=(.*)$", text.replace("\\\n", ""), re.MULTILINE)
    options = re.search(
        r"^ANSIM_CENTRE_OPTIONS=(.*)$", (SHIPPED / "worker.env").read_text(), re.MULTILINE
    )
    assert options is not None
    line = line.replace("%H-%i", "here-1").replace("$ANSIM_CENTRE_OPTIONS", options[1])
    return shlex.split(line)


@needs_systemd
def test_systemd_finds_nothing_to_say_about_it(tmp_path: Path) -> None:
    text = UNIT.read_text().replace("/opt/ansim-centre/bin/ansim", sys.executable)
    (tmp_path / UNIT.name).write_text(text)
    said = analyze("verify", tmp_path / UNIT.name)
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")
    judged = analyze("security", "--offline=true", "--no-pager", tmp_path / UNIT.name)
    assert float(judged.stdout.strip().splitlines()[-1].split(":")[1].split()[0]) <= 1.2


@needs_systemd
def test_systemd_finds_nothing_to_say_about_what_is_added_to_the_nodes_unit(
    tmp_path: Path,
) -> None:
    added = (ROOT / "config" / "brokers" / "nats" / "unit.conf").read_text()
    (tmp_path / "nats-server.service").write_text("[Service]\nExecStart=/bin/true\n")
    (tmp_path / "nats-server.service.d").mkdir()
    drop_in = tmp_path / "nats-server.service.d" / "ansim.conf"
    drop_in.write_text(added)
    said = analyze("verify", tmp_path / "nats-server.service")
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")
    drop_in.write_text(added.replace("LimitNOFILE", "LimitFiles"))
    assert "LimitFiles" in analyze("verify", tmp_path / "nats-server.service").stderr


def analyze(*words: object) -> subprocess.CompletedProcess[str]:
    assert ANALYZE is not None
    return subprocess.run([ANALYZE, *map(str, words)], capture_output=True, text=True, check=False)


def test_the_command_knows_every_option_that_unit_and_environment_give_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secrets_nats").write_text("a password\n")
    parser = argparse.ArgumentParser()
    monkeypatch.setenv("ANSIM_CENTRE_DSN", "postgresql://ansim@db/district")
    add_arguments(parser)
    _, command, *words = started_with(UNIT.read_text())
    words = [word.replace("${CREDENTIALS_DIRECTORY}", str(tmp_path)) for word in words]
    settings = settings_of(parser.parse_args(words))
    assert command == "centre-worker"
    assert (settings.name, settings.nats_password, settings.retain_days) == (
        "here-1",
        "a password",
        90,
    )
    assert len(settings.nats) == len(settings.brokers) == 3
    assert all(broker.key_file == tmp_path / "secrets_centre.key" for broker in settings.brokers)


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(60)
        yield sock


def test_a_worker_without_a_database_is_ready_lives_and_says_what_it_lacks(
    tmp_path: Path, manager: socket.socket
) -> None:
    pytest.importorskip("asyncpg")
    dsn = f"postgresql://ansim@/district?host={tmp_path}"
    worker = subprocess.Popen(
        [sys.executable, "-m", "gateway", "centre-worker", "--district", "11680", "--dsn", dsn],
        env={"NOTIFY_SOCKET": str(tmp_path / "notify")},
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    try:
        said = [manager.recv(4096).decode() for _ in range(3)]
        while not any("FAULT PostgreSQL" in word for word in said):
            said.append(manager.recv(4096).decode())
    finally:
        worker.terminate()
        assert worker.wait(timeout=60) == 0
    assert said[0].startswith("READY=1")
    assert said[1] == "WATCHDOG=1"
