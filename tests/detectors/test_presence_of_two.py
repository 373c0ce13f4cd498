"""A spouse and visitors: who else comes and goes must not hide the one who is at home.

The home is learnt (three weeks of one resident), and each story is told at noon of the day after.
"""

from collections.abc import Sequence
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.detectors.inactivity import Routine
from gateway.core.detectors.inactivity_levels import Levels
from gateway.core.detectors.presence import (
    ARRIVED,
    BED,
    DOOR,
    GRACE_MS,
    HOME,
    LEFT,
    MOTION,
    PRESSURE,
    advance,
    new_memory,
)
from gateway.core.detectors.whereabouts import ceiling_ms, presence
from tests.fakes_inactivity import DAY, HOUR, life

LEVELS = Levels()
NAMES = ("hall", "door", "bed", "kitchen")
HALL, OUT, IN_BED, KITCHEN = range(4)
SECOND, MINUTE = 1000, 60_000
NOON = 21 * DAY + 12 * HOUR

Step = tuple[int, int, int, int]  # ms after noon, sensor, kind, state


def moved(after_ms: int, sensor: int = HALL) -> Step:
    return after_ms, sensor, MOTION, 1


def passage(after_ms: int) -> tuple[Step, Step]:
    """Return a door that opens and closes."""
    return (after_ms, OUT, DOOR, 1), (after_ms + 5 * SECOND, OUT, DOOR, 0)


@cache
def learnt() -> bytes:
    routine = Routine(NAMES)
    for t, sensor, kind, state in life(21):
        routine.sign(t, t % DAY, sensor, kind, state)
    return routine.save()


def told(steps: Sequence[Step]) -> tuple[Routine, int, int]:
    """Tell a story to a learnt home; return it, its time and what it allows from then on."""
    routine = Routine(NAMES)
    assert routine.load(learnt())
    now_ms = allowed_ms = 0
    for after_ms, sensor, kind, state in steps:
        now_ms = NOON + after_ms
        allowed_ms = routine.sign(now_ms, now_ms % DAY, sensor, kind, state)
    return routine, now_ms, allowed_ms


def at_home_ms(routine: Routine, now_ms: int) -> int:
    return routine.allowed_ms(now_ms, now_ms % DAY, regime=HOME)


BOTH_IN = (moved(0), moved(20 * SECOND, KITCHEN))
SOMEBODY_LEAVES = (*BOTH_IN, *passage(MINUTE))
RESIDENT_OUT = (moved(0), *passage(MINUTE))
SOMEBODY_COMES = (*RESIDENT_OUT, *passage(2 * HOUR))
CLEANED = (*SOMEBODY_COMES, moved(2 * HOUR + 30 * SECOND), moved(3 * HOUR, KITCHEN))


@pytest.mark.parametrize("later_ms", [10 * SECOND, 30 * SECOND, 3 * MINUTE, 30 * MINUTE, 2 * HOUR])
@pytest.mark.parametrize("sensor", [HALL, KITCHEN])
def test_whoever_moves_after_another_has_left_is_at_home_with_the_deadline_of_home(
    sensor: int, later_ms: int
) -> None:
    routine, now_ms, allowed_ms = told((*SOMEBODY_LEAVES, moved(65 * SECOND + later_ms, sensor)))
    assert routine.regime == HOME
    assert presence(routine, now_ms, 0, LEVELS)[0] == "home"
    assert allowed_ms == at_home_ms(routine, now_ms)


def test_a_step_in_the_moment_of_leaving_counts_again_with_the_next() -> None:
    doubtful = (*SOMEBODY_LEAVES, moved(67 * SECOND))  # the leaver's own last step, or the spouse's
    assert told(doubtful)[0].regime == LEFT
    assert told((*doubtful, moved(2 * MINUTE, KITCHEN)))[0].regime == HOME


def test_a_home_whose_visitors_leave_learns_that_its_door_says_little() -> None:
    before, now_ms, allowed_ms = told(SOMEBODY_LEAVES)
    assert before.regime == LEFT
    visits = [
        (number * 9 * MINUTE + after_ms, sensor, kind, state)
        for number in range(7)
        for after_ms, sensor, kind, state in (*SOMEBODY_LEAVES, moved(3 * MINUTE, KITCHEN))
    ]
    again = [(63 * MINUTE + one[0], *one[1:]) for one in SOMEBODY_LEAVES]
    after, later_ms, sooner_ms = told((*visits, *again))
    assert after.regime == LEFT
    assert presence(after, later_ms, 0, LEVELS)[0] == "ambiguous"
    assert presence(after, later_ms, 0, LEVELS)[1] > presence(before, now_ms, 0, LEVELS)[1]
    assert after.gone < before.gone
    assert at_home_ms(after, later_ms) <= sooner_ms <= allowed_ms


def test_a_visitor_who_lets_themselves_in_is_somebody_at_home_until_they_leave() -> None:
    routine, now_ms, allowed_ms = told(SOMEBODY_COMES)
    assert routine.regime == ARRIVED
    assert presence(routine, now_ms, HOUR, LEVELS)[0] == "arrived"
    assert ceiling_ms(routine, now_ms, LEVELS) == Levels().attention_ms
    routine, now_ms, allowed_ms = told(CLEANED)
    assert routine.regime == HOME
    assert allowed_ms == at_home_ms(routine, now_ms)
    routine, now_ms, allowed_ms = told((*CLEANED, *passage(3 * HOUR + MINUTE)))
    assert routine.regime == LEFT
    assert presence(routine, now_ms, 4 * HOUR, LEVELS)[0] == "away"
    assert ceiling_ms(routine, now_ms, LEVELS) == Levels().away_ms
    assert allowed_ms == routine.allowed_ms(now_ms, now_ms % DAY)
    assert allowed_ms > at_home_ms(routine, now_ms)


def test_the_resident_who_comes_home_after_the_visitor_has_left_is_home() -> None:
    returns = (*CLEANED, *passage(3 * HOUR + MINUTE), *passage(5 * HOUR))
    assert told(returns)[0].regime == ARRIVED
    routine, now_ms, allowed_ms = told((*returns, moved(5 * HOUR + 40 * SECOND)))
    assert routine.regime == HOME
    assert allowed_ms == at_home_ms(routine, now_ms)


def test_who_brings_a_parcel_to_an_empty_home_leaves_it_empty() -> None:
    steps = (*RESIDENT_OUT, *passage(2 * HOUR), *passage(2 * HOUR + 2 * MINUTE))
    assert told(steps)[0].regime == LEFT


def test_a_couple_that_leaves_one_after_the_other_is_out_and_comes_home_one_by_one() -> None:
    out = (*SOMEBODY_LEAVES, moved(20 * MINUTE, KITCHEN), *passage(25 * MINUTE))
    assert told(out)[0].regime == LEFT
    first = (*out, *passage(3 * HOUR), moved(3 * HOUR + MINUTE))
    assert told(first)[0].regime == HOME
    routine, now_ms, allowed_ms = told(
        (*first, *passage(4 * HOUR), moved(4 * HOUR + 30 * SECOND, KITCHEN))
    )
    assert routine.regime == HOME
    assert allowed_ms == at_home_ms(routine, now_ms)


def test_whoever_goes_to_bed_after_the_visitor_has_left_is_in_bed() -> None:
    routine, _, _ = told((*SOMEBODY_LEAVES, (HOUR, IN_BED, PRESSURE, 1)))
    assert routine.regime == BED


EVENTS = st.tuples(
    st.integers(1, 40 * MINUTE),  # ms since the one before
    st.sampled_from([(MOTION, 1), (MOTION, 0), (DOOR, 1), (DOOR, 0), (PRESSURE, 1), (PRESSURE, 0)]),
)


@given(st.lists(EVENTS, max_size=60))
def test_whoever_else_comes_and_goes_a_sign_from_inside_after_the_door_is_somebody_at_home(
    life_of_two: list[tuple[int, tuple[int, int]]],
) -> None:
    memory, now_ms, door_ms, answered = new_memory(), 0, -DAY, True
    for passed_ms, (kind, state) in life_of_two:
        now_ms += passed_ms
        regime = advance(memory, now_ms, kind, state)
        if kind == DOOR:
            door_ms, answered = now_ms, False
        elif now_ms - door_ms > GRACE_MS:
            answered = True
        assert not answered or regime in (HOME, BED)
        assert regime != ARRIVED or not answered
