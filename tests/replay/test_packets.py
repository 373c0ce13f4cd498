"""Stamped packets: what the daemon records decides the same when it is gone through again."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as example_settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from gateway.clock import SystemClock
from gateway.core.model import (
    At,
    ClockProven,
    Heard,
    HubReturned,
    Link,
    LinkChange,
    Memory,
    Tick,
)
from gateway.core.outputs import Stream
from gateway.demo.broker import Broker
from gateway.driver import Channel, Packet
from gateway.errors import ConfigurationError
from gateway.replay import packets
from gateway.replay.home import ADDRESS, centre, home, now_ms
from gateway.replay.home import settings as banded
from gateway.replay.recording import Recorded, Recorder, read
from gateway.replay.trials import Trial
from gateway.settings import BrokerSettings
from gateway.virtual.wear import fall, times
from tests.recorded import FALL, SENSORS, settings

AT = At("b" * 32, 1234, 1_795_219_201_234, proven=True)
ALL: tuple[Recorded, ...] = (
    HubReturned(AT, AT.plus(-1000)),
    HubReturned(AT, None),
    Memory("sos", {"counter": 7, "key": "ab"}),
    Packet(AT, "sos", Channel.ADVERT, "fcd2", b"\x00\xff", -60),
    Packet(AT, "band", Channel.NOTIFY, "fb", b"", None),
    Heard(AT.plus(1), "sos", rssi=-70),
    Tick(AT),
    LinkChange(AT, Link.BAND, up=True, device="band", detail="나"),
    ClockProven(AT),
)


def test_what_is_recorded_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "home.jsonl"
    with Recorder(path) as recorder:
        for given in ALL:
            recorder(given)
    assert [came for _, came in read(path)] == list(ALL)
    assert path.stat().st_mode & 0o077 == 0


def test_what_a_packet_will_say_again_is_not_recorded_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "home.jsonl"
    packet = Packet(AT, "sos", Channel.ADVERT, "fcd2", b"\x01", -60)
    with Recorder(path) as recorder:
        recorder(packet)
        recorder(LinkChange(AT, Link.KEY, up=False, device="sos"))
        recorder(Heard(AT, "sos", rssi=-60))
    assert [came for _, came in read(path)] == [packet]


def test_a_recording_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "home.jsonl"
    path.write_text("mine")
    with pytest.raises(
        ConfigurationError, match=r"home\.jsonl: cannot be recorded to: File exists"
    ):
        Recorder(path)
    assert path.read_text() == "mine"


def test_a_full_disk_ends_the_recording_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "home.jsonl"
    recorder = Recorder(path)
    recorder._file.close()
    recorder._file = Path("/dev/full").open("w", encoding="utf-8")  # noqa: SIM115 - it closes it
    with recorder, capture_logs() as said:
        recorder(Tick(AT))
        recorder(Tick(AT.plus(1000)))
    assert [line["event"] for line in said] == ["recording ended"]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", ":3: no line of a recording"),
        ("[]", ":3: no line of a recording"),
        ('{"what":"song"}', ":3: no line of a recording: KeyError\\('song'\\)"),
        ('{"what":"tick","boot":"b"}', ":3: .*mono_ms"),
        ('{"what":"tick","boot":"","mono_ms":1,"wall_ms":1,"proven":true}', ":3: .*needs the boot"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: str, complaint: str) -> None:
    path = tmp_path / "home.jsonl"
    with Recorder(path) as recorder:
        recorder(Tick(AT))
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(ConfigurationError, match=complaint):
        list(read(path))


@given(st.data())
@example_settings(max_examples=40)
def test_a_mutated_recording_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    lines = SENSORS.read_text().splitlines()
    at = data.draw(st.integers(0, len(lines) - 1))
    line = json.loads(lines[at])
    key = data.draw(st.sampled_from(sorted(line)))
    anything: st.SearchStrategy[Any] = (
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just([])
    )
    line[key] = data.draw(anything | st.dictionaries(st.text(), st.integers(), max_size=2))
    lines[at] = data.draw(st.just(json.dumps(line)) | st.text(max_size=20))
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "home.jsonl"
        path.write_text("\n".join(lines), errors="surrogatepass")
        with contextlib.suppress(ConfigurationError):
            told(path, Path(name))


def test_a_file_of_something_else_is_refused_at_its_first_line(tmp_path: Path) -> None:
    path = tmp_path / "home.jsonl"
    path.write_text('{"what":"tick"}\n')
    with pytest.raises(ConfigurationError, match=r":1: .*the first line must be"):
        list(read(path))
    with pytest.raises(ConfigurationError, match=r"none\.jsonl"):
        list(read(tmp_path / "none.jsonl"))


def test_a_device_that_the_configuration_does_not_know_is_named(tmp_path: Path) -> None:
    path = tmp_path / "home.jsonl"
    with Recorder(path) as recorder:
        recorder(Heard(AT, "lamp"))
    with pytest.raises(ConfigurationError, match=":2: 'lamp' is not among the devices"):
        list(packets.replay(path, settings(tmp_path)))


# ---------------------------------------------------------------------------- determinism
def told(recording: Path, directory: Path) -> list[str]:
    """Return all that a recording causes."""
    return [
        line
        for at, outputs in packets.replay(recording, settings(directory))
        for line in packets.lines(at, outputs)
    ]


def alarms(lines: list[str]) -> list[tuple[str, str, str]]:
    """Return message, kind and state of each alarm."""
    read_back = [json.loads(line) for line in lines]
    bodies = [one["body"] for one in read_back if one.get("stream") == "alarm"]
    return [(body["msg"], body["type"], body["state"]) for body in bodies]


def test_the_recorded_fall_is_pending_then_raised(tmp_path: Path) -> None:
    assert alarms(told(FALL, tmp_path)) == [
        ("new", "fall", "pending"),
        ("update", "fall", "raised"),
    ]


def test_of_the_recorded_sensors_only_the_sos_button_rings(tmp_path: Path) -> None:
    said = alarms(told(SENSORS, tmp_path))
    assert {kind for _, kind, _ in said} == {"pers"}
    assert said[0] == ("new", "pers", "raised")


@pytest.mark.parametrize("recording", [FALL, SENSORS], ids=lambda path: path.stem)
def test_the_same_recording_gives_the_same_outputs_twice_and_without_compiled_kernels(
    tmp_path: Path, recording: Path
) -> None:
    once = told(recording, tmp_path)
    assert once
    assert told(recording, tmp_path) == once
    plain = subprocess.run(
        [sys.executable, "-c", PLAIN, str(recording), str(tmp_path)],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert plain.stdout.splitlines() == once


ROOT = Path(__file__).resolve().parents[2]
PLAIN = """
import sys
from pathlib import Path
import numba
from tests.replay.test_packets import told
assert numba.config.DISABLE_JIT
sys.stdout.reconfigure(encoding="utf-8")
print("\\n".join(told(Path(sys.argv[1]), Path(sys.argv[2]))))
"""


async def test_what_the_daemon_decided_live_its_recording_decides_again(tmp_path: Path) -> None:
    samples = fall(lying_s=30.0)
    band = Trial("formula", times(len(samples)), samples).at_rate(52.0)
    path = tmp_path / "live.jsonl"
    async with Broker(tmp_path) as broker:
        url = BrokerSettings(broker.url)
        plan = banded(tmp_path, url)
        with Recorder(path) as recorder:
            async with (
                centre(url, tmp_path / "centre.db", SystemClock()),
                home(plan, wall_ms=now_ms(), tap=recorder) as hub,
            ):
                live = await hub.live(band)
    again = [
        post.body
        for _, outputs in packets.replay(path, plan)
        for post in outputs.posts
        if post.stream is Stream.ALARM
    ]
    assert [(b["type"], b["state"], b["evid"]["en"]) for b in again] == [
        (one.kind, one.state, one.en) for one in live
    ]
    assert [one.state for one in live] == ["pending", "raised"]
    assert any(isinstance(came, Packet) and came.device == "band" for _, came in read(path))
    assert ADDRESS not in path.read_text()  # devices by their names only
