"""The learnt routine: what may be silent, for how long, and what it survives."""

import random
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.detectors import inactivity_survey as k
from gateway.core.detectors.inactivity import ROWS, UNKNOWN_TOD, Routine
from gateway.core.detectors.inactivity_limits import CHOSEN, FLOOR, limits
from gateway.core.detectors.life_kernels import moves
from gateway.core.detectors.presence import ARRIVED, BED, HOME, LEFT, advance, new_memory
from tests import fakes_inactivity as made
from tests.fakes_inactivity import DAY, DOOR, HALL, HOUR, Event, Row

NAMES = ("hall", "door", "bed")


def lived(events: list[Event], names: tuple[str, ...] = NAMES) -> Routine:
    routine = Routine(names)
    for t, sensor, kind, state in events:
        routine.sign(t, t % DAY, sensor, kind, state)
    return routine


def allowed_h(routine: Routine, day: int, hour: float, sensor: int = HALL, kind: int = 0) -> float:
    t = day * DAY + round(hour * HOUR)
    return routine.sign(t, t % DAY, sensor, kind, 1) / HOUR


def rows(seed: int, count: int) -> list[Row]:
    chance = random.Random(seed)
    return [
        (
            chance.randrange(-90 * DAY, 0),
            chance.randrange(DAY),
            chance.randrange(24 * 60_000, 20 * HOUR),
            chance.randrange(4),
            chance.randrange(3),
            chance.randrange(3),
        )
        for _ in range(count)
    ]


def test_a_home_of_which_nothing_is_known_has_a_finite_allowance() -> None:
    first = Routine(NAMES).sign(0, 0, HALL, 0, 1)
    assert 8 * HOUR < first < 40 * HOUR


def test_by_day_the_allowance_of_a_known_home_is_far_below_the_prior() -> None:
    routine = lived(made.life(28))
    assert allowed_h(routine, 28, 15.0) <= 2 * CHOSEN[FLOOR]


def test_a_night_is_allowed_until_after_the_usual_time_of_getting_up() -> None:
    routine = lived(made.life(28))
    allowed = allowed_h(routine, 28, 22.6, made.BED, 4)
    assert 8.4 < allowed < 8.4 + 6


def test_an_absence_is_allowed_longer_than_a_silence_at_home() -> None:
    events = made.life(28)
    at_home = allowed_h(lived(events), 28, 14.1)
    routine = lived(events)
    t = 28 * DAY + 14 * HOUR
    assert routine.sign(t, t % DAY, DOOR, 1, 1) / HOUR > at_home
    assert routine.regime == LEFT


def test_the_allowance_never_depends_on_what_comes_later() -> None:
    events = made.life(20)
    whole, cut = Routine(NAMES), Routine(NAMES)
    said = [whole.sign(t, t % DAY, s, kind, state) for t, s, kind, state in events]
    again = [cut.sign(t, t % DAY, s, kind, state) for t, s, kind, state in events[:300]]
    assert said[:300] == again


def test_a_silence_of_which_a_part_was_not_seen_teaches_nothing() -> None:
    seen, spoilt = lived(made.life(14)), lived(made.life(14))
    spoilt.spoil()
    for routine in (seen, spoilt):
        routine.sign(15 * DAY, 0, HALL, 0, 1)
    t = 15 * DAY + 10 * HOUR
    assert seen.sign(t, t % DAY, HALL, 0, 1) >= spoilt.sign(t, t % DAY, HALL, 0, 1)


def test_what_happened_on_this_day_of_the_week_is_remembered_longer() -> None:
    days = [made.day_of(day, out=(8.0, 20.0) if day == 5 else (14.0, 16.0)) for day in range(61)]
    routine = lived(sorted(event for day in days for event in day))
    mornings = [day * DAY + 8 * HOUR for day in (5 + 8 * 7, 5 + 8 * 7 + 1)]
    same, other = (routine.allowed_ms(t, t % DAY, regime=LEFT) for t in mornings)
    assert same > 12 * HOUR > other


def test_months_later_a_long_silence_is_forgotten() -> None:
    events = [event for event in made.life(50) if not DAY * 5.4 < event[0] < DAY * 5.6]
    early = lived([e for e in events if e[0] < 8 * DAY])
    late = lived(events)
    said = [r.allowed_ms(r.last_ms or 0, UNKNOWN_TOD, regime=HOME) for r in (early, late)]
    assert said[1] < said[0]


def test_while_nothing_can_be_learnt_nothing_is_forgotten() -> None:
    routine = lived(made.life(28))
    known = routine.allowed_ms(28 * DAY, 23 * HOUR, regime=BED)
    for day in range(28, 90):
        routine.sign(day * DAY + 12 * HOUR, 12 * HOUR, HALL, 0, 1, learn=False)
    assert routine.allowed_ms(89 * DAY + 12 * HOUR, 23 * HOUR, regime=BED) == known


def test_a_dead_door_allows_an_absence_after_the_sensor_that_is_last_before_leaving() -> None:
    routine = lived(made.life(28))
    t = 28 * DAY + 14 * HOUR
    said = [
        routine.sign(t + i, (t + i) % DAY, HALL, 0, 1, learn=False, doorless=doorless)
        for i, doorless in enumerate((False, True))
    ]
    assert said[1] > said[0]


def test_without_a_known_time_of_day_only_the_longest_silence_bounds() -> None:
    routine = lived(made.life(28))
    now = 28 * DAY
    assert routine.allowed_ms(now, UNKNOWN_TOD, regime=HOME) >= routine.allowed_ms(
        now, 12 * HOUR, regime=HOME
    )


def test_what_is_learnt_survives_a_restart_bit_for_bit() -> None:
    events = made.life(20)
    routine, restarted = lived(events[:400]), Routine(NAMES)
    assert restarted.load(routine.save())
    for t, sensor, kind, state in events[400:600]:
        said = routine.sign(t, t % DAY, sensor, kind, state)
        assert abs(restarted.sign(t, t % DAY, sensor, kind, state) - said) <= HOUR // 100
    assert len(routine.save()) < 20_000


def test_a_sensor_keeps_its_history_when_others_are_added_before_it() -> None:
    routine, grown = lived(made.life(14)), Routine(("new", *NAMES))
    assert grown.load(routine.save())
    assert grown.last_sensor == routine.last_sensor


@pytest.mark.parametrize("state", [b"", b"not zlib", b"\x78\x9c\x03\x00\x00\x00\x00\x01"])
def test_a_state_that_cannot_be_read_is_dropped(state: bytes) -> None:
    assert not Routine(NAMES).load(state)


def test_a_week_of_events_costs_microseconds_each() -> None:
    events = made.life(28)
    lived(events[:50])
    began = time.process_time()
    lived(events)
    assert (time.process_time() - began) / len(events) < 0.002


# --------------------------------------------------------------------------------- kernels
@given(
    seed=st.integers(0, 1000),
    count=st.integers(0, 60),
    tod=st.integers(0, DAY - 1),
    regime=st.integers(0, 3),
)
def test_the_survey_is_its_slow_twin(seed: int, count: int, tod: int, regime: int) -> None:
    known = rows(seed, count)
    ring = np.zeros((ROWS, k.COLUMNS), np.int64)
    for i, row in enumerate(known):
        ring[i] = row
    found = k.survey(0, tod, regime, 1, ring, limits())
    assert list(found) == pytest.approx(list(made.survey(0, tod, regime, 1, known).values()))
    if found[k.TOP] > 0:
        top = [float(found[k.TOP + i]) for i in range(k.TOPS)]
        assert k.spread(found, limits()) == pytest.approx(made.spread(top))


@given(st.integers(0, DAY - 1), st.integers(0, DAY - 1))
def test_times_of_day_are_compared_the_short_way_round(tod: int, then: int) -> None:
    assert k.hours_after(tod, then) == pytest.approx(made.hours_later(tod, then))


def test_an_arm_moves_when_one_axis_spans_more_than_breathing() -> None:
    still = np.tile(np.array([10, -20, 1000], np.int16), (50, 1))
    moved = still.copy()
    moved[30:, 0] += 90
    assert not moves(still)
    assert moves(moved)


# -------------------------------------------------------------------------------- presence
def regimes(*events: tuple[float, int, int]) -> list[int]:
    memory = new_memory()
    return [advance(memory, round(t * 1000), kind, state) for t, kind, state in events]


def test_the_door_and_then_silence_is_an_absence() -> None:
    assert regimes((0, 0, 1), (100, 1, 1), (105, 1, 0)) == [HOME, LEFT, LEFT]


def test_the_leavers_own_last_step_does_not_bring_them_home() -> None:
    assert regimes((0, 0, 1), (100, 1, 1), (102, 0, 1)) == [HOME, LEFT, LEFT]
    assert regimes((0, 0, 1), (100, 1, 1), (115, 0, 0)) == [HOME, LEFT, LEFT]
    assert regimes((0, 0, 1), (100, 1, 1), (115, 3, 1)) == [HOME, LEFT, LEFT]


def test_motion_that_begins_after_the_door_has_closed_is_somebody_inside() -> None:
    assert regimes((0, 0, 1), (100, 1, 1), (105, 1, 0), (110, 0, 1))[-1] == HOME
    assert regimes((0, 0, 1), (100, 1, 1), (130, 3, 1))[-1] == HOME


def test_the_door_after_an_absence_is_an_arrival_until_something_answers() -> None:
    seen = regimes((0, 0, 1), (100, 1, 1), (9000, 1, 1), (9005, 1, 0), (9040, 0, 1))
    assert seen == [HOME, LEFT, ARRIVED, ARRIVED, HOME]


def test_motion_without_a_door_ends_an_absence_too() -> None:
    assert regimes((0, 0, 1), (100, 1, 1), (9000, 0, 1))[-1] == HOME


def test_a_visitor_who_leaves_while_the_resident_moves_leaves_nobody_away() -> None:
    assert regimes((0, 0, 1), (100, 1, 1), (105, 1, 0), (400, 0, 1))[-1] == HOME


def test_a_bed_that_carries_somebody_is_a_regime_of_its_own() -> None:
    assert regimes((0, 0, 1), (100, 4, 1), (9000, 4, 0)) == [HOME, BED, HOME]


def test_a_band_heard_through_the_wall_is_not_home_yet() -> None:
    assert regimes((0, 0, 1), (100, 1, 1), (160, 8, 1))[-1] == LEFT
    assert regimes((0, 0, 1), (100, 1, 1), (300, 8, 1))[-1] == HOME
