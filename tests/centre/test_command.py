"""`ansim centre` as an operator starts it: a board in a terminal, lines elsewhere."""

import asyncio
import fcntl
import os
import pty
import signal
import struct
import sys
import termios
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.centre.database import CentreDatabase
from gateway.centre.labels import read_labels
from gateway.centre.refusals import Refusals
from gateway.core.wire import AckStatus, Cause
from gateway.errors import ConfigurationError
from tests.brokers import Mosquitto, needs_mosquitto
from tests.centre.hub import SmallHub
from tests.fakes_centre import DISTRICT, HUB, T0, alarm, birth

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def ansim_centre(
    port: int, directory: Path, *more: str, terminal: bool
) -> AsyncIterator[tuple[asyncio.subprocess.Process, Callable[[str], int]]]:
    """Run it as a process; yields it with what types keys into its terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "centre", "--broker", f"mqtt://127.0.0.1:{port}"),
        *("--district", DISTRICT, "--database", str(directory / "centre.db"), "--lang", "en"),
        *("--operator", "kim", *more),
        cwd=ROOT,
        stdin=theirs,
        stdout=theirs if terminal else asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    os.close(theirs)
    loop = asyncio.get_running_loop()
    if terminal:
        loop.add_reader(ours, _swallow, ours)
    try:
        yield process, lambda keys: os.write(ours, keys.encode())
    finally:
        loop.remove_reader(ours)
        os.close(ours)
        if process.returncode is None:
            process.kill()
            await process.wait()


def _swallow(terminal: int) -> None:
    try:
        os.read(terminal, 65536)
    except OSError:  # the other end is closed: the process has gone
        asyncio.get_running_loop().remove_reader(terminal)


@needs_mosquitto
async def test_an_operator_sees_handles_closes_and_quits(tmp_path: Path) -> None:
    async with (
        Mosquitto(tmp_path) as broker,
        SmallHub(broker.port) as hub,
        ansim_centre(broker.port, tmp_path, terminal=True) as (process, type_keys),
    ):
        assert await hub.centre.get() is True
        await hub.say(birth(), retain=True)
        await hub.say(alarm(1))
        assert (await hub.acks.get()).status is AckStatus.STORED
        assert (await hub.acks.get()).status is AckStatus.PRESENTED
        type_keys("1h")
        assert (await hub.acks.get()).status is AckStatus.HANDLED
        type_keys("1cf")
        closed = await hub.acks.get()
        assert (closed.status, closed.cause, closed.operator) == (
            AckStatus.CLOSED,
            Cause.FALSE,
            "kim",
        )
        type_keys("1t")
        assert (await hub.commands.get()).name == "test-alarm"
        type_keys("q")
        assert await process.wait() == 0
        assert await hub.centre.get() is False
    with CentreDatabase(tmp_path / "centre.db") as database:
        actions = [entry["action"] for entry in database.access_log(10)]
    assert actions == [
        "board opened",
        "presented",
        "handled",
        "closed",
        "command test-alarm",
        "board left",
    ]


@needs_mosquitto
async def test_without_a_terminal_it_writes_lines_and_presents_nothing(tmp_path: Path) -> None:
    labels = tmp_path / "labels.yaml"
    labels.write_text(f"{HUB}: home 3\n")
    async with (
        Mosquitto(tmp_path) as broker,
        SmallHub(broker.port) as hub,
        ansim_centre(broker.port, tmp_path, "--labels", str(labels), terminal=False) as (
            process,
            _,
        ),
    ):
        assert await hub.centre.get() is True
        await hub.say(alarm(1))
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        assert line.split("  ")[1:5] == ["GO", "Fall", "home 3", "shower"]
        assert (await hub.acks.get()).status is AckStatus.STORED
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
        assert await hub.centre.get() is False
        assert hub.acks.empty(), "nobody can say that lines were on a screen"


async def test_options_that_cannot_be_are_refused_with_the_reason(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "centre", "--broker", "http://x"),
        *("--district", DISTRICT, "--database", str(tmp_path / "centre.db")),
        cwd=ROOT,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    assert process.returncode == 2
    assert b"'http://x' is no broker: write mqtts://host:8883" in said


def test_labels_are_names_and_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.yaml"
    assert read_labels(None) == {}
    path.write_text("abc: 김순자 댁\n123: x\n")
    assert read_labels(path) == {"abc": "김순자 댁", "123": "x"}
    for wrong in ("- a list", "a: [", "just words"):
        path.write_text(wrong)
        with pytest.raises(ConfigurationError, match=r"labels\.yaml"):
            read_labels(path)
    with pytest.raises(ConfigurationError, match=r"missing\.yaml"):
        read_labels(tmp_path / "missing.yaml")


def test_a_broken_hub_does_not_fill_the_journal() -> None:
    refusals = Refusals()
    topic = f"ansim/1/{DISTRICT}/{HUB}/up/alarm"
    told = [refusals.note(topic, "not JSON", T0 + n * 100) for n in range(601)]
    events = [event for event in told if event is not None]
    assert [event.detail for event in events] == ["not JSON", "not JSON (and 599 before it)"]
    other = refusals.note("ansim/1/1/other/up/hb", "not UTF-8", T0)
    assert other is not None
    assert other.hub == "other"
