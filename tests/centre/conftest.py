"""A real mosquitto on a free port, for the tests that need one."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def mosquitto(directory: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """Run a broker that keeps nothing; it is up when the block begins."""
    if MOSQUITTO is None:
        pytest.skip("mosquitto is missing; apt-get install mosquitto")
    config = directory / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
    command = [MOSQUITTO, "-c", str(config)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as broker:  # noqa: S603
        assert broker.stderr is not None
        try:
            for line in broker.stderr:
                if "running" in line:
                    break
            yield broker
        finally:
            broker.terminate()


@pytest.fixture
def broker_port(tmp_path: Path) -> Iterator[int]:
    port = free_port()
    with mosquitto(tmp_path, port):
        yield port
