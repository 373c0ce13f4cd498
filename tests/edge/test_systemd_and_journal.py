"""What the service manager and the journal receive, read back from real datagram sockets."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from gateway.edge.journal import configure, journal_entry
from gateway.edge.systemd import Notifier


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[tuple[Path, socket.socket]]:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(path))
        sock.settimeout(5)
        yield path, sock


def fill(path: Path) -> None:
    """Send until nobody takes any more."""
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock,
        contextlib.suppress(BlockingIOError),
    ):
        sock.setblocking(False)  # noqa: FBT003 - the socket's own call
        while True:
            sock.sendto(b"x", str(path))


def test_readiness_and_proofs_of_work_reach_the_service_manager(
    listener: tuple[Path, socket.socket],
) -> None:
    path, sock = listener
    notifier = Notifier({"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "30000000"})
    notifier.ready("5 devices")
    notifier.watchdog()
    notifier.extend(60)
    assert [sock.recv(4096) for _ in range(3)] == [
        b"READY=1\nSTATUS=5 devices",
        b"WATCHDOG=1",
        b"EXTEND_TIMEOUT_USEC=60000000",
    ]
    assert notifier.watchdog_s == 30.0


@pytest.mark.timeout(20)
def test_a_service_manager_that_does_not_read_does_not_hold_the_hub(
    listener: tuple[Path, socket.socket],
) -> None:
    path, sock = listener
    notifier = Notifier({"NOTIFY_SOCKET": str(path)})
    fill(path)
    notifier.ready("5 devices")
    notifier.watchdog()
    sock.setblocking(False)  # noqa: FBT003 - the socket's own call
    with contextlib.suppress(BlockingIOError):
        while sock.recv(4096):
            pass
    notifier.watchdog()
    told = [sock.recv(4096) for _ in range(2)]
    assert told == [b"READY=1\nSTATUS=5 devices", b"WATCHDOG=1"], "late, but told"
    sock.close()
    notifier.watchdog()


def test_without_a_service_manager_nothing_is_said_and_nothing_fails() -> None:
    notifier = Notifier({})
    notifier.ready("")
    assert notifier.watchdog_s is None


@pytest.mark.timeout(20)
def test_a_journal_that_does_not_read_does_not_hold_the_hub(
    listener: tuple[Path, socket.socket], capsys: pytest.CaptureFixture[str]
) -> None:
    path, _ = listener
    logger = configure(environment={"JOURNAL_STREAM": "8:1"}, journal=path)
    assert logger is not None
    fill(path)
    try:
        structlog.get_logger().warning("adapter deaf")
    finally:
        structlog.reset_defaults()
        logger.close()
    assert not capsys.readouterr().err


def test_a_line_reaches_the_journal_with_the_fields_that_find_it(
    listener: tuple[Path, socket.socket],
) -> None:
    path, sock = listener
    logger = configure(environment={"JOURNAL_STREAM": "8:1"}, journal=path)
    assert logger is not None
    try:
        structlog.get_logger().warning("bind key wrong", device="hall-motion", failures=2)
    finally:
        structlog.reset_defaults()
        logger.close()
    fields = dict(line.split("=", 1) for line in sock.recv(65536).decode().splitlines())
    assert fields == {
        "MESSAGE": "bind key wrong device=hall-motion failures=2",
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "ansim",
        "ANSIM_DEVICE": "hall-motion",
        "ANSIM_FAILURES": "2",
    }


def test_a_value_of_several_lines_is_sent_with_its_length() -> None:
    entry = journal_entry({"event": "two\nlines", "level": "error"})
    assert entry.startswith(b"MESSAGE\n\x09\x00\x00\x00\x00\x00\x00\x00two\nlines\nPRIORITY=3\n")
