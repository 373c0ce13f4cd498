"""`ansim replay home` and `simulated`: months of a log, day by day, with deadlines and alarms."""

import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from gateway.cli import main
from gateway.core.model import Contact, HeartRate, Motion
from gateway.core.routine.measures import Senses
from gateway.errors import ConfigurationError
from gateway.option import Language
from gateway.replay.explain_home import RED, _limits
from gateway.replay.home_command import lines
from gateway.replay.homelife import Lived, Silence, counted, live, moment, settings_of
from gateway.replay.homelog import HomeLog, read_log, write_csv
from gateway.replay.simulated import simulated
from gateway.settings import Role
from tests.shared_data import HOMES, needs_homes

END = datetime(2026, 11, 22)  # noqa: DTZ001 - local time, as a log has it


def month(days: int = 10, *, collapse: bool = False) -> HomeLog:
    return simulated(days, 3, end=END, collapse=collapse)


def lived(log: HomeLog) -> Lived:
    return live(log, settings_of(log))


def test_a_simulated_home_is_the_same_twice_and_says_that_nobody_lives_there() -> None:
    log = month()
    assert month().events == log.events
    assert month(11).events != log.events
    assert "SIMULATED" in next(lines(lived(log), counted(log), Language.EN))


def test_a_log_written_as_csv_reads_back_as_it_was(tmp_path: Path) -> None:
    log = month(2)
    write_csv(log, tmp_path / "log.csv")
    back = read_log(tmp_path / "log.csv")
    assert (tmp_path / "log.csv").read_text().startswith("# SIMULATED")
    assert back.events == log.events
    assert {d.name: (d.role, d.place) for d in back.devices} == {
        d.name: (d.role, d.place) for d in log.devices
    }


def test_a_collapse_is_told_with_its_reason_though_nothing_follows(
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = ["replay", "simulated", "--days", "20", "--collapse", "--lang", "en", "--quiet"]
    assert main(made) == 0
    out = capsys.readouterr().out.splitlines()
    rang = [line for line in out if " inactivity raised " in line]
    assert "2026-11-21" in rang[0]
    assert "attention: no sign of life for" in rang[0]
    assert "probably at home" in rang[0]
    assert out[-1].startswith("20 days, 1 silences told")


def test_a_silence_that_is_over_is_told_as_over(tmp_path: Path) -> None:
    log = month(12, collapse=True)
    path = tmp_path / "log.csv"
    write_csv(log, path)
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{moment(log.until_ms)},hall-motion,motion,1,hall\n")
    told = lived(read_log(path))
    assert [one.state for one in told.alarms][-1] == "over"
    assert told.silences[-1].to_ms == log.until_ms


def test_each_day_is_told_in_korean_too(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["replay", "simulated", "--days", "3", "--lang", "ko"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("모의 자료")
    near = [line for line in out.splitlines() if "기한에 가장 가까운 무활동" in line]
    assert len(near) >= 3
    assert all(re.search(r"\(\d+%\), [가-힣 ]+, 마지막 신호", line) for line in near)


def test_the_legend_has_the_colours_of_the_bars_and_names_none_that_is_not_drawn() -> None:
    axes: Any = Figure().subplots()
    silent = Silence(0, 3 * 3_600_000, 8 * 3_600_000, "home", "hall")
    _limits(axes, Lived("x", simulated=True, senses=Senses(), silences=[silent]))
    words = [text.get_text() for text in axes.get_legend().get_texts()]
    assert words == ["allowed until attention", "silence at home"]
    rang = replace(silent, rang_ms=3_600_000)
    axes.clear()
    _limits(axes, Lived("x", simulated=True, senses=Senses(), silences=[silent, rang]))
    legend = axes.get_legend()
    (*_, told), (*_, patch) = legend.get_texts(), legend.legend_handles
    assert (told.get_text(), to_hex(patch.get_facecolor())) == ("silence, told", RED)


def test_the_pictures_are_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    png, html = tmp_path / "why.png", tmp_path / "report.html"
    png.write_text("an older one, readable by all")
    png.chmod(0o644)
    made = ["replay", "simulated", "--days", "16", "--quiet", "--lang", "en"]
    assert main([*made, "--explain", str(png), "--report", str(html)]) == 0
    assert png.read_bytes().startswith(b"\x89PNG")
    assert [one.stat().st_mode & 0o777 for one in (png, html)] == [0o600, 0o600]
    text = html.read_text()
    assert "SIMULATED" in text
    assert text.count("<svg") == 3 + 6
    assert str(html) in capsys.readouterr().out


def test_the_summaries_of_a_replay_are_one_for_each_day() -> None:
    told = lived(month(20)).summaries
    dates = [english.split(" ", 1)[0] for english, _ in told]
    assert len(dates) == len(set(dates)) == 19


def test_recorded_homes_are_read_by_kind_and_not_by_name(tmp_path: Path) -> None:
    path = tmp_path / "home.npz"
    hour = 3_600_000
    np.savez(
        path,
        t=np.array([7, 8, 8, 9]) * hour,
        s=np.array([0, 1, 1, 2], np.int16),
        kind=np.array([0, 1, 1, 4], np.int8),
        state=np.array([1, 1, 0, 1], np.int8),
    )
    log = read_log(path)
    roles = {device.name: device.role for device in log.devices}
    assert roles == {"motion-0": Role.NONE, "door-1": Role.DOOR, "bed-2": Role.BED}
    assert log.events[0] == (7 * hour, "motion-0", Motion(detected=True))
    assert log.events[2] == (8 * hour, "door-1", Contact(open=False))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a,b\n1,2\n", "time,device,what,value"),
        ("time,device,what,value\n2026-01-01,hall,dance,1\n", ":2:"),
        ("time,device,what,value\nyesterday,hall,motion,1\n", ":2:"),
        ("time,device,what,value\n", "no events"),
    ],
)
def test_what_is_wrong_with_a_log_is_said_with_its_line(
    tmp_path: Path, text: str, why: str
) -> None:
    path = tmp_path / "log.csv"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=why):
        read_log(path)


def test_pulse_and_movement_of_a_band_come_through_the_csv(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(
        "time,device,what,value\n2026-01-01 08:00:00,band,heart_rate,64\n"
        "2026-01-01 08:00:01,band,movement,1\n"
    )
    log = read_log(path)
    assert log.events[0][2] == HeartRate(64, contact=True)
    assert set(log.able["band"].provides) == {"HeartRate", "AccelerationBlock"}


@needs_homes
@pytest.mark.data
def test_a_recorded_month_is_replayed_with_an_alarm_for_every_reason() -> None:
    log = read_log(HOMES / "open" / "kasteren_A.npz")
    told = lived(log)
    assert len(told.days) == 29
    rang = [one for one in told.silences if one.rang_ms is not None]
    raised = [one for one in told.alarms if one.state == "raised"]
    assert 0 < len(rang) <= len(raised)
    assert all(one.rang_ms - one.from_ms >= one.allowed_ms for one in rang if one.rang_ms)
