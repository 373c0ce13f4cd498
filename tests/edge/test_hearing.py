"""Who must have been heard, and when a silence proves deafness."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.edge.hearing import CHOIR, DEAF_AT, Ears, Hearing, Voice

SECOND, MINUTE = 1000, 60_000
SENSORS = {f"AA:BB:CC:00:00:0{n}": 600.0 for n in range(4)}  # beacons of a minute, as promised
CANARY = "DC:0D:30:00:00:01"


def ears(promises: dict[str, float] | None = None, **more: str) -> Ears:
    return Ears(SENSORS if promises is None else promises, 0, deaf_after_s=90.0, **more)


def beaconing(made: Ears, minutes: int, names: list[str]) -> int:
    """Let each sensor beacon every minute; return the last instant."""
    now = 0
    for minute in range(minutes):
        for number, name in enumerate(names):
            now = minute * MINUTE + number * SECOND
            made.heard(name, now)
    return now


def test_four_sensors_that_all_miss_their_beacons_prove_it_within_90_seconds() -> None:
    made = ears()
    last = beaconing(made, 10, list(SENSORS))
    assert made.judge(last + 89 * SECOND) is Hearing.HEARS
    assert made.judge(last + 90 * SECOND) is Hearing.DEAF


def test_one_sensor_alone_proves_nothing_however_long_it_is_silent() -> None:
    made = ears({"AA:BB:CC:00:00:00": 600.0})
    last = beaconing(made, 10, ["AA:BB:CC:00:00:00"])
    assert made.judge(last + 24 * 60 * MINUTE) is Hearing.QUIET, "it may have died"


def test_a_home_of_sensors_that_promise_nothing_may_be_silent_for_ever() -> None:
    made = ears({})
    made.heard("11:22:33:44:55:66", 0)
    assert made.judge(24 * 60 * MINUTE) is Hearing.QUIET


def test_a_canary_that_falls_silent_is_proof_by_itself() -> None:
    made = ears({}, canary=CANARY)
    for second in range(0, 60, 5):
        made.heard(CANARY, second * SECOND)
    assert made.judge((55 + 90) * SECOND) is Hearing.DEAF


def test_a_family_that_leaves_with_its_phones_is_no_proof_and_a_whole_house_is() -> None:
    family, house = ears({}), ears({})
    for number in range(CHOIR - 1):
        family.heard(f"FOREIGN-{number}", number * SECOND)
    for number in range(CHOIR):
        house.heard(f"FOREIGN-{number}", number * SECOND)
    assert family.judge(10 * MINUTE) is Hearing.QUIET
    assert house.judge(10 * MINUTE) is Hearing.DEAF


def test_neighbours_who_fell_silent_one_by_one_are_no_proof() -> None:
    made = ears({})
    for number in range(40):
        made.heard(f"FOREIGN-{number}", number * MINUTE)
    assert made.judge(50 * MINUTE) is Hearing.QUIET


def test_an_adapter_that_is_deaf_from_the_start_is_known_by_the_promises() -> None:
    many = {f"AA:BB:CC:00:00:{n:02X}": 600.0 for n in range(8)}
    assert ears(many).judge(90 * SECOND) is Hearing.DEAF
    assert ears({}).judge(24 * 60 * MINUTE) is Hearing.QUIET


def test_what_was_missed_while_deaf_is_held_against_nobody() -> None:
    made = ears()
    last = beaconing(made, 10, list(SENSORS))
    later = last + 60 * MINUTE
    assert made.judge(later) is Hearing.DEAF
    made.again(later)
    made.heard("11:22:33:44:55:66", later)
    assert made.judge(later + 89 * SECOND) is Hearing.HEARS
    for name in SENSORS:
        made.heard(name, later + 30 * SECOND)
    assert made.evidence(later + 60 * SECOND) < DEAF_AT


def test_a_burst_of_one_message_is_no_interval() -> None:
    voice = Voice(600.0, 0)
    for minute in range(1, 10):
        for repeat in range(8):
            voice.heard(minute * MINUTE + repeat * 100)
    assert voice.interval_s == pytest.approx(60.0, abs=1.0)


@given(
    st.lists(
        st.tuples(st.integers(1, 90_000), st.sampled_from(sorted(SENSORS))), min_size=1, max_size=60
    )
)
def test_an_adapter_that_hears_anything_every_90_seconds_is_never_deaf(
    story: list[tuple[int, str]],
) -> None:
    made, now = ears(), 0
    for gap_ms, name in story:
        assert made.judge(now + gap_ms - 1) is Hearing.HEARS
        now += gap_ms
        made.heard(name, now)


@given(st.integers(0, 86_400), st.integers(1, 600))
def test_evidence_only_grows_with_silence(silent_s: int, more_s: int) -> None:
    made = ears()
    last = beaconing(made, 5, list(SENSORS))
    before = made.evidence(last + silent_s * SECOND)
    assert made.evidence(last + (silent_s + more_s) * SECOND) >= before


def test_the_usual_silence_is_the_longest_of_late() -> None:
    made = ears({})
    assert made.usual_s() == 0.0
    for second in (0, 1, 2, 9, 10):
        made.heard("11:22:33:44:55:66", second * SECOND)
    assert made.usual_s() == 7.0
    assert made.often_s() == 7.0, "few are known"


def test_two_outages_among_many_short_silences_are_not_how_it_often_is() -> None:
    made, second = ears({}), 0
    assert made.often_s() == 0.0
    for gap in [1] * 20 + [25] + [2] * 10 + [30] + [1] * 10:
        second += gap
        made.heard("11:22:33:44:55:66", second * SECOND)
    assert (made.usual_s(), made.often_s()) == (30.0, 2.0)


@pytest.mark.parametrize("seed", range(5))
def test_a_day_of_lost_beacons_and_sleeping_neighbours_never_makes_it_deaf(seed: int) -> None:
    """Judged every five seconds: beacons of a minute, one in ten lost, nobody else at night."""
    chance, made = random.Random(seed), ears()
    due = {name: chance.randrange(60) for name in SENSORS}
    for second in range(0, 86_400, 5):
        for name, at in due.items():
            if at <= second:
                due[name] = at + 60
                if chance.random() < 0.9:
                    made.heard(name, second * SECOND)
        if 7 <= second // 3600 < 23 and chance.random() < 0.5:
            made.heard(f"FOREIGN-{chance.randrange(6)}", second * SECOND)
        assert made.judge(second * SECOND) is not Hearing.DEAF


@pytest.mark.parametrize("seed", range(5))
def test_and_a_deaf_adapter_is_known_within_90_seconds_at_any_hour(seed: int) -> None:
    chance, made = random.Random(seed), ears()
    due = {name: chance.randrange(60) for name in SENSORS}
    falls_deaf = chance.randrange(1200, 7200, 5)
    for second in range(0, falls_deaf, 5):
        for name, at in due.items():
            if at <= second:
                due[name] = at + 60
                if chance.random() < 0.9:
                    made.heard(name, second * SECOND)
    assert made.judge((falls_deaf + 90) * SECOND) is Hearing.DEAF
