"""Presence as a probability: who left, who only opened the door, who sleeps."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.detectors import inactivity_bounds as bounds
from gateway.core.detectors import leaving
from gateway.core.detectors.inactivity import Routine
from gateway.core.detectors.inactivity_limits import AMPLE, CHOSEN, FLOOR, limits
from gateway.core.detectors.inactivity_survey import COLUMNS, HOUR_MS
from gateway.core.detectors.leaving import STAYED, WENT, new_counts
from gateway.core.detectors.presence import EPISODE, LEFT, MOTION, REGIMES, advance, new_memory
from tests import fakes_inactivity as made
from tests.fakes_inactivity import DAY, DOOR, HALL

NAMES = ("hall", "door", "bed")


def lived(days: int) -> Routine:
    """Return weeks with outings, and every day the door opened and motion following at once."""
    routine = Routine(NAMES)
    events = made.life(days)
    for day in range(days):
        at = day * DAY + 11 * HOUR_MS
        events += [(at, DOOR, 1, 1), (at + 4_000, HALL, 0, 0), (at + 30_000, HALL, 0, 1)]
    for t, sensor, kind, state in sorted(events):
        routine.sign(t, t % DAY, sensor, kind, state)
    return routine


def told(values: list[int]) -> np.ndarray:
    return np.array(values, np.int64)


def test_with_nothing_learnt_leaving_and_staying_are_even() -> None:
    assert leaving.left(told([1, 1, 1, 4, 2]), new_counts(3)) == pytest.approx(0.5)


@given(
    st.lists(
        st.tuples(st.lists(st.integers(0, 4), min_size=5, max_size=5), st.integers(0, 1)),
        max_size=20,
    ),
    st.lists(st.integers(0, 4), min_size=5, max_size=5),
)
def test_the_probability_of_having_left_is_its_slow_twin(
    lessons: list[tuple[list[int], int]], now: list[int]
) -> None:
    counts = new_counts(3)
    for signs, went in lessons:
        leaving.learn(told(signs), went, counts)
    odds = (sum(w for _, w in lessons) + 1) / (sum(1 - w for _, w in lessons) + 1)
    for i, value in enumerate(now):
        share = [
            (sum(s[i] == value for s, w in lessons if w == what) + 1)
            / (sum(w == what for _, w in lessons) + 2)
            for what in (STAYED, WENT)
        ]
        odds *= math.pow(share[1] / share[0], leaving.DAMPED)
    assert leaving.left(told(now), counts) == pytest.approx(odds / (1 + odds))


def test_a_home_shows_how_it_leaves() -> None:
    routine = lived(28)
    t = 28 * DAY + 14 * HOUR_MS
    routine.sign(t, t % DAY, DOOR, 1, 1)
    routine.sign(t + 5_000, t % DAY, DOOR, 1, 0)
    going = routine.gone
    other = lived(28)
    t = 28 * DAY + 11 * HOUR_MS
    other.sign(t, t % DAY, DOOR, 1, 1)
    assert going > 0.5
    assert other.gone < 0.1


def test_a_door_that_moves_again_at_once_teaches_nothing() -> None:
    routine, t = Routine(NAMES), 9 * HOUR_MS
    for i in range(10):
        routine.sign(t + i * 5_000, t, DOOR, 1, i % 2)
    assert routine.gone == pytest.approx(0.5)


def test_what_a_home_shows_of_leaving_survives_a_restart_and_a_new_sensor() -> None:
    routine, grown = lived(28), Routine(("new", *NAMES))
    t = 28 * DAY + 11 * HOUR_MS
    routine.sign(t, t % DAY, DOOR, 1, 1)
    assert grown.load(routine.save())
    assert grown.gone == pytest.approx(routine.gone, abs=1e-3)


def test_where_leaving_is_improbable_the_allowance_is_that_of_home() -> None:
    meta = np.zeros(bounds.META, np.int64)
    ring, days = np.zeros((1, COLUMNS), np.int64), np.full((REGIMES, 24), 30.0)
    said = [
        bounds.allowed_h(
            40 * DAY, 9 * HOUR_MS, LEFT, 0, gone, 0, ring, meta, days, np.zeros((4, 8)), limits()
        )
        for gone in (0.01, 0.5)
    ]
    assert said == [CHOSEN[FLOOR], CHOSEN[AMPLE]]


# --------------------------------------------------------------------------------- belief
def test_the_probabilities_add_up_to_one_and_follow_the_silence() -> None:
    routine = lived(28)
    t = 28 * DAY + 14 * HOUR_MS
    routine.sign(t, t % DAY, DOOR, 1, 1)
    routine.sign(t + 5_000, t % DAY, DOOR, 1, 0)
    beliefs = [routine.belief(t, round(h * HOUR_MS)) for h in (0.0, 0.2, 1.0, 2.0)]
    assert all(b.home + b.asleep + b.away == pytest.approx(1.0) for b in beliefs)
    assert [b.away for b in beliefs] == sorted(b.away for b in beliefs)
    assert beliefs[-1].away > 0.9


def test_an_absence_longer_than_any_other_makes_need_at_home_more_probable() -> None:
    routine = lived(28)
    t = 28 * DAY + 14 * HOUR_MS
    routine.sign(t, t % DAY, DOOR, 1, 1)
    routine.sign(t + 5_000, t % DAY, DOOR, 1, 0)
    assert routine.belief(t, 10 * HOUR_MS).at_home > routine.belief(t, 2 * HOUR_MS).at_home


def test_by_night_a_long_silence_is_sleep() -> None:
    routine = lived(28)
    t = 28 * DAY + round(22.6 * HOUR_MS)
    routine.sign(t, t % DAY, made.BED, 4, 1)
    assert routine.belief(t, 5 * HOUR_MS).asleep > 0.9


def test_in_a_new_home_a_silence_after_motion_is_at_home() -> None:
    routine = Routine(NAMES)
    routine.sign(0, 9 * HOUR_MS, HALL, MOTION, 1)
    assert routine.belief(0, HOUR_MS).at_home > 0.9


def test_something_that_has_begun_is_no_idle_silence() -> None:
    memory = new_memory()
    begun = advance(memory, 0, EPISODE, 1)
    assert begun != advance(memory, 60_000, EPISODE, 0)
