"""Time that jumps: what has passed, and what time of day it is."""

from gateway.core.timeline import DAY_MS, MINUTE_MS, HomeTime

HOUR = 60 * MINUTE_MS


def walked(time: HomeTime, start: int, end: int) -> None:
    for t in range(start, end + 1, 10 * MINUTE_MS):
        assert time.go(t) is None


def test_shown_times_in_small_steps_are_time_that_passes() -> None:
    time = HomeTime()
    walked(time, 0, 5 * HOUR)
    assert time.steady_ms == 5 * HOUR
    assert time.tod_ms == 5 * HOUR


def test_a_gap_is_reported_and_not_counted() -> None:
    time = HomeTime()
    walked(time, 0, HOUR)
    broke = time.go(7 * HOUR)
    assert broke is not None
    assert broke.by_ms == 6 * HOUR
    assert time.steady_ms == HOUR
    assert time.shown_at(2 * HOUR) == 8 * HOUR


def test_after_a_gap_both_times_of_day_are_kept_for_a_day() -> None:
    time = HomeTime()
    walked(time, 0, HOUR)
    time.go(10 * HOUR)
    assert time.other_tod_ms == HOUR
    walked(time, 10 * HOUR, 10 * HOUR + DAY_MS)
    assert time.other_tod_ms is None


def test_a_jump_that_is_undone_leaves_no_doubt() -> None:
    time = HomeTime()
    walked(time, 0, HOUR)
    time.go(10 * HOUR)
    walked(time, 10 * HOUR, 12 * HOUR)
    assert time.go(3 * HOUR) is not None
    assert time.other_tod_ms is None
    assert time.steady_ms == 3 * HOUR


def test_a_second_backwards_is_no_jump() -> None:
    time = HomeTime()
    walked(time, 0, HOUR)
    assert time.go(HOUR - 1000) is None
    assert time.steady_ms == HOUR


def test_with_a_monotonic_clock_a_jump_moves_only_the_time_of_day() -> None:
    time = HomeTime()
    time.go(0, 0)
    assert time.go(60_000, 60_000) is None
    assert time.go(9 * HOUR, 60_000) is not None
    assert time.steady_ms == 120_000


def test_blind_time_passes_without_being_counted() -> None:
    time = HomeTime()
    time.go(0, 0)
    time.go(HOUR, HOUR, blind=True)
    assert time.steady_ms == 0
    assert time.tod_ms == HOUR
