"""The inactivity detector as the scorer meets it: shown times, heartbeats, technical faults."""

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from gateway.evaluation import new_inactivity_detector
from gateway.evaluation_inactivity import NEVER, ScoredInactivityDetector
from tests.fakes_inactivity import DAY, DOOR, HALL, HOUR, KINDS, Event, life

MINUTE = 60_000
SHARED = Path(os.environ.get("ANSIM_SHARED", Path(__file__).resolve().parents[2] / "shared"))
HOMES = SHARED / "data" / "homes"


def new() -> ScoredInactivityDetector:
    return new_inactivity_detector(np.array(KINDS, np.int64))


def beats(
    detector: ScoredInactivityDetector, start: int, end: int, sensors: tuple[int, ...] = (0, 1, 2)
) -> None:
    for t in range(-(-start // (10 * MINUTE)) * 10 * MINUTE, end, 10 * MINUTE):
        for sensor in sensors:
            detector.heartbeat(t, sensor)


def play(detector: ScoredInactivityDetector, events: list[Event]) -> list[int]:
    deadlines = []
    for event, after in zip(events, [*events[1:], None], strict=True):
        deadlines.append(detector.event(*event))
        if after is not None:
            beats(detector, event[0], after[0])
    return deadlines


def test_before_the_first_event_it_never_alarms() -> None:
    assert new().tick(HOUR) == NEVER


def test_ordinary_weeks_raise_no_alarm_and_no_fault() -> None:
    detector, events = new(), life(28)
    deadlines = play(detector, events)
    late = [
        event[0]
        for event, due, after in zip(events, deadlines, events[1:], strict=False)
        if event[0] > 7 * DAY and due < after[0]
    ]
    assert late == []
    assert detector.faults() == []


def test_a_tick_repeats_the_deadline() -> None:
    detector = new()
    due = detector.event(0, HALL, 0, 1)
    beats(detector, 0, HOUR)
    assert detector.tick(HOUR) == due


def test_what_comes_later_changes_no_deadline() -> None:
    events = life(12)
    assert play(new(), events)[:200] == play(new(), events[:200])


def test_a_sensor_that_stops_its_heartbeats_is_a_fault_within_two_hours() -> None:
    detector = new()
    detector.event(0, HALL, 0, 1)
    beats(detector, 0, HOUR)
    beats(detector, HOUR, 3 * HOUR, (0, 1))
    assert [(sensor, t <= 3 * HOUR) for t, sensor, _ in detector.faults()] == [(2, True)]


def test_a_dead_door_makes_the_deadline_longer() -> None:
    whole, broken = new(), new()
    for detector, sensors in ((whole, (0, 1, 2)), (broken, (0, 2))):
        play(detector, life(14))
        detector.event(15 * DAY, HALL, 0, 1)
        beats(detector, 15 * DAY, 15 * DAY + 2 * HOUR, sensors)
    t = 15 * DAY + 2 * HOUR
    assert broken.event(t, HALL, 0, 1) > whole.event(t, HALL, 0, 1)
    assert DOOR in {sensor for _, sensor, _ in broken.faults()}


def test_an_outage_is_a_fault_of_the_gateway_and_counts_for_nobody() -> None:
    detector = new()
    due = detector.event(0, HALL, 0, 1)
    beats(detector, 0, HOUR)
    assert detector.tick(31 * HOUR) >= due + 29 * HOUR
    assert [sensor for _, sensor, _ in detector.faults()] == [-1]


def test_a_clock_that_jumps_and_is_put_right_moves_no_deadline_earlier() -> None:
    detector = new()
    due = detector.event(12 * HOUR, HALL, 0, 1)
    beats(detector, 12 * HOUR, 13 * HOUR)
    assert detector.tick(22 * HOUR) >= due + 9 * HOUR
    beats(detector, 22 * HOUR, 23 * HOUR)
    detector.tick(14 * HOUR)
    assert detector.event(14 * HOUR + MINUTE, HALL, 0, 1) > 14 * HOUR + MINUTE
    assert [sensor for _, sensor, _ in detector.faults()] == [-1, -1]


def scorer() -> ModuleType:
    path = HOMES / "score_inactivity.py"
    if not path.is_file():
        pytest.skip(f"the scorer is not here: {path}")
    spec = importlib.util.spec_from_file_location("score_inactivity", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["score_inactivity"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.timeout(60)
def test_a_home_made_by_formula_passes_the_scorers_own_check_of_the_past() -> None:
    module = scorer()
    t, s, kind, state = (np.array(column) for column in zip(*life(24), strict=True))
    home = module.Home("formula", t, s, kind, state)
    told = module.score([home], new_inactivity_detector, injections=60)
    assert told["pooled"]["past_only"]
    assert told["pooled"]["false_alarms"] == 0
    assert told["pooled"]["technical"] == 0
    assert told["pooled"]["classes"]["awake"]["median"] <= 8.0
