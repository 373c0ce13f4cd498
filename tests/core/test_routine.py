"""The daily summary: what a day was like, against the person's own four weeks, and told once."""

from typing import Any

import pytest

from gateway.core.detectors.life import LifeSensor
from gateway.core.model import At, Link, LinkChange, Tick
from gateway.core.outputs import Stream
from gateway.core.pipeline import Pipeline, Plan
from gateway.core.routine.day import Day, hour_of, night_of, number_at
from gateway.core.routine.diary import KEPT, Diary
from gateway.core.routine.measures import ENOUGH_DAYS, REMEMBERED, Senses, usual_of
from gateway.core.routine.shelf import days_of, unpacked
from gateway.core.routine.summary import summary_body
from gateway.core.wire import Topics
from tests.contract import assert_valid
from tests.core.test_wire_schemas import HUB, sealed
from tests.fakes_routine import DAY, HOUR, MINUTE, SENSES, Living, at, band_minutes, pulse


def item(body: dict[str, Any], what: str) -> dict[str, Any]:
    return next(one for one in body["items"] if one["what"] == what)


def weeks(home: Living, days: int, first: int = 0) -> None:
    for number in range(first, first + days):
        home.day(number, up=7.0 + (number % 3) * 0.25, bed=22.0 + (number % 2) * 0.25)


# ------------------------------------------------------------------------------ what is a day
def test_a_day_runs_from_four_to_four_and_its_night_is_the_one_that_follows() -> None:
    assert number_at(10 * DAY + 3 * HOUR) == 9
    assert number_at(10 * DAY + 4 * HOUR) == 10
    assert night_of(10 * DAY + 23 * HOUR) == night_of(11 * DAY + 5 * HOUR) == 10
    assert (hour_of(4 * HOUR), hour_of(23 * HOUR), hour_of(DAY)) == (0, 19, 20)


def test_a_summary_comes_once_a_day_at_its_time_and_says_the_first_and_last_motion() -> None:
    home = Living()
    home.day(0, up=7.5, bed=24.5)
    assert home.told == []
    home.until(DAY + 9 * HOUR - MINUTE)
    assert home.told == []
    home.until(2 * DAY)
    (body,) = home.told
    assert body["day"] == "1970-01-01"
    assert item(body, "first_motion")["value"] == 450
    assert item(body, "last_motion")["value"] == 24 * 60 + 30
    assert item(body, "first_motion")["change"] == "not-known"
    assert "not yet known (0 of 14 days)" in body["en"]


def test_nothing_is_said_to_be_unusual_until_a_fortnight_is_known() -> None:
    home = Living()
    weeks(home, ENOUGH_DAYS)
    home.day(ENOUGH_DAYS, up=11.0)
    home.until((ENOUGH_DAYS + 1) * DAY + 10 * HOUR)
    before, last = home.told[-2:]
    assert item(before, "first_motion")["change"] == "not-known"
    late = item(last, "first_motion")
    assert (late["change"], late["days"], late["value"]) == ("later", ENOUGH_DAYS, 660)
    assert (
        "first motion 11:00: 3 h 45 min later than the median (usual 07:00 to 07:30)" in last["en"]
    )
    assert "첫 활동 11:00: 중앙값보다 3시간 45분 늦음(평소 07:00~07:30)" in last["ko"]
    assert "다름" not in last["ko"]


def test_a_walk_to_the_bathroom_at_night_is_not_the_first_or_last_motion_of_a_day() -> None:
    home = Living()
    home.until(7 * HOUR)
    for hour in (7, 12, 21, 26, 28.5):  # 2:00 and 4:30 are short walks, each of three minutes
        home.until(round(hour * HOUR))
        home.hear("bath")
        home.until(round(hour * HOUR) + 3 * MINUTE)
        home.hear("hall")
    for minutes in range(0, 60, 5):  # up before six, and staying up
        home.until(DAY + 5 * HOUR + (40 + minutes) * MINUTE)
        home.hear("hall")
    home.until(DAY + 9 * HOUR)
    home.until(2 * DAY + 9 * HOUR)
    first, second = home.told
    assert item(first, "last_motion")["value"] == 21 * 60 + 3
    assert item(second, "first_motion")["value"] == 5 * 60 + 40
    assert item(first, "night_bathroom_visits")["value"] == 2


def test_turning_over_in_bed_is_neither_the_last_motion_nor_the_first() -> None:
    home = Living()
    for hour in (8.0, 21.5, *(22.5 + n / 4 for n in range(28)), 29.9):
        home.until(round(hour * HOUR))
        home.hear("bedroom" if hour > 22 else "hall")
    for minutes in (130, 140):  # the bedroom at 6:10, when the night is over, then the hall
        home.until(DAY + 4 * HOUR + minutes * MINUTE)
        home.hear("bedroom" if minutes == 130 else "hall")
    home.until(2 * DAY + 9 * HOUR)
    first, second = home.told
    assert item(first, "last_motion")["value"] == 21 * 60 + 30
    assert item(second, "first_motion")["value"] == 6 * 60 + 10


def test_a_day_like_the_others_says_so() -> None:
    home = Living()
    weeks(home, ENOUGH_DAYS + 1)
    home.until((ENOUGH_DAYS + 1) * DAY + 10 * HOUR)
    assert {one["change"] for one in home.told[-1]["items"][:3]} == {"usual"}
    english, korean = home.told[-1]["en"], home.told[-1]["ko"]
    assert english.endswith(
        "nothing outside the usual range; not seen: activity, resting heart rate"
    ), "the band was not worn"
    assert korean.endswith("평소 범위를 벗어난 것 없음; 확인하지 못함: 활동 시간, 안정 시 심박수")


def test_many_bathroom_visits_in_a_night_are_counted_apart_by_ten_minutes() -> None:
    home = Living()
    weeks(home, ENOUGH_DAYS)
    home.day(ENOUGH_DAYS, visits=5)
    for minutes in (0, 3, 6):  # one visit more, of three signs, at 6:30: no longer night
        home.until((ENOUGH_DAYS + 1) * DAY + 6 * HOUR + (30 + minutes) * MINUTE)
        home.hear("bath")
    home.until((ENOUGH_DAYS + 1) * DAY + 10 * HOUR)
    visits = item(home.told[-1], "night_bathroom_visits")
    assert (visits["value"], visits["median"], visits["change"]) == (5, 1.0, "more")
    assert home.told[-1]["many_visits"] == {"nights": 1, "of": 7}


def test_time_out_counts_absences_of_ten_minutes_and_no_letterbox() -> None:
    home = Living()
    home.hear("hall")
    for leaves, back in ((10 * HOUR, 10 * HOUR + 5 * MINUTE), (14 * HOUR, 16 * HOUR)):
        home.until(leaves)
        home.watch.presence = "away"
        home.until(back)
        home.watch.presence = "home"
    home.until(DAY + 10 * HOUR)
    out = item(home.told[-1], "time_out")
    assert abs(out["value"] - 120) <= 1
    assert sum(home.diary.days[0].out[:10]) < 2


def test_a_home_of_which_nobody_knows_who_is_in_says_nothing_of_time_out() -> None:
    home = Living()
    home.watch.presence = "unknown"
    home.hear("hall")
    home.until(DAY + 10 * HOUR)
    assert item(home.told[-1], "time_out")["change"] == "not-seen"


def test_activity_is_said_only_of_a_band_worn_for_eight_hours() -> None:
    for worn, value in ((600, 90), (300, None)):
        home = Living(now_ms=8 * HOUR)
        for one in band_minutes(worn, active=90):
            home.hear("band", one)
            home.until(home.now_ms + MINUTE)
        home.until(DAY + 10 * HOUR)
        assert item(home.told[-1], "activity")["value"] == value


def test_the_resting_heart_rate_is_the_lower_tenth_of_five_minute_means() -> None:
    home = Living(now_ms=8 * HOUR)
    for n in range(300):
        home.hear("band", pulse(58 if n % 50 < 10 else 90))
        home.until(home.now_ms + MINUTE)
    home.until(DAY + 10 * HOUR)
    assert item(home.told[-1], "resting_heart_rate")["value"] == 58


# ------------------------------------------------------------------------ what becomes of usual
ROOMS = Senses(inside=frozenset({"hall", "bath"}), bathroom=frozenset({"bath"}))


def days_of_visits(visits: list[int]) -> list[Day]:
    return [Day(n, [3] * 24, first=420, last=1320, visits=count) for n, count in enumerate(visits)]


def told_of(days: list[Day], senses: Senses = ROOMS) -> list[dict[str, Any]]:
    """Return the summary of each of these days, against those before it."""
    return [
        summary_body(day, days[:n], senses, at((day.number + 1) * DAY))
        for n, day in enumerate(days)
    ]


def test_a_new_habit_is_told_for_ten_nights_and_is_usual_then() -> None:
    bodies = told_of(days_of_visits([1] * 35 + [5] * 12))
    changes = [item(body, "night_bathroom_visits")["change"] for body in bodies]
    assert changes[14:35] == ["usual"] * 21
    assert changes[35:] == ["more"] * 10 + ["usual"] * 2


def test_in_a_young_home_the_last_week_does_not_make_a_habit_usual_either() -> None:
    bodies = told_of(days_of_visits([1] * 21 + [5] * 9))
    assert [item(body, "night_bathroom_visits")["change"] for body in bodies[21:]] == ["more"] * 9


def test_what_is_done_every_sunday_is_usual_on_a_sunday() -> None:
    bodies = told_of(days_of_visits([6 if n % 7 == 3 else 1 for n in range(50)]))
    changes = {item(body, "night_bathroom_visits")["change"] for body in bodies[28:]}
    assert changes == {"usual"}


def test_many_visits_in_three_nights_of_a_week_are_said_in_both_languages() -> None:
    bodies = told_of(days_of_visits([1] * 28 + [5] * 8))
    assert [body["many_visits"]["nights"] for body in bodies[28:]] == [1, 2, 3, 4, 5, 6, 7, 7]
    assert "many bathroom visits" not in bodies[29]["en"]
    assert "many bathroom visits (3 or more) in 3 of the last 7 nights" in bodies[30]["en"]
    assert "야간 화장실 이용 많음(3회 이상): 최근 7일 밤 중 7일" in bodies[35]["ko"]


def test_many_visits_are_counted_of_the_nights_that_were_seen() -> None:
    days = days_of_visits([1] * 28 + [5] * 5)
    days[-2].night_blind = 60
    (*_, body) = told_of(days)
    assert body["many_visits"] == {"nights": 4, "of": 6}
    assert "in 4 of the 6 nights seen in the last 7" in body["en"]
    assert "최근 7일 밤 중 확인된 6일 가운데 4일" in body["ko"]


# ----------------------------------------------------------------------------- a day without life
@pytest.mark.parametrize("doors", [frozenset({"door"}), frozenset()])
def test_a_day_without_any_sign_of_life_begins_with_that(doors: frozenset[str]) -> None:
    days = days_of_visits([1] * 28)
    for day in days:
        day.out[10:12] = [60, 60]
    senses = Senses(ROOMS.inside, ROOMS.bathroom, doors=doors)
    (*_, body) = told_of([*days, Day(28)], senses)
    assert item(body, "first_motion")["change"] == "none"
    assert body["en"].startswith("1970-01-29 (Thu): no sign of life in the home")
    assert body["ko"].startswith("1970-01-29(목): 집 안에서 활동 없음")
    assert ("time out 0 min: 2 h less" in body["en"]) is bool(doors)
    assert "usual range" not in body["en"]


def test_a_day_half_seen_without_life_says_how_much_of_it_was_seen() -> None:
    day = Day(28, blind=[60] * 3 + [0] * 21, early_blind=180, deaf=180)
    (*_, body) = told_of([*days_of_visits([1] * 28), day])
    assert "no sign of life in the 21 h that the hub saw; not seen: first motion" in body["en"]
    assert "허브가 확인한 21시간 동안 활동 없음" in body["ko"]


def test_a_day_that_was_not_seen_is_neither_quiet_nor_usual() -> None:
    day = Day(28, blind=[60] * 24, early_blind=1440, deaf=1440, night_blind=480)
    (*_, body) = told_of([*days_of_visits([1] * 28), day])
    assert "(Thu): the day was not seen; not seen: first motion, last motion, bath" in body["en"]
    assert "usual" not in body["en"]


def test_short_walks_in_the_night_alone_are_no_day_without_life() -> None:
    day = Day(28, [0] * 20 + [2] + [0] * 3, visits=1)
    (*_, body) = told_of([*days_of_visits([1] * 28), day])
    assert "nobody up: only short walks in the night" in body["en"]
    assert "기상 활동 없음" in body["ko"]


def test_sensors_that_all_were_dead_do_not_say_that_nobody_lived() -> None:
    day = Day(28, unheard={"hall": 600, "bath": 700})
    (*_, body) = told_of([*days_of_visits([1] * 28), day])
    assert item(body, "first_motion")["change"] == "not-seen"


# ------------------------------------------------------------------------------- what is blind
def test_an_hour_off_is_said_and_not_counted_as_a_change() -> None:
    home = Living()
    weeks(home, ENOUGH_DAYS)
    home.until(ENOUGH_DAYS * DAY + 6 * HOUR + 30 * MINUTE)
    home.restarted(off_ms=3 * HOUR, boot="b2")
    home.until(ENOUGH_DAYS * DAY + 9 * HOUR + 40 * MINUTE)
    home.day(ENOUGH_DAYS, up=11.0)
    home.until((ENOUGH_DAYS + 1) * DAY + 10 * HOUR)
    body = home.told[-1]
    assert abs(body["blind_min"] - 180) <= 2
    assert item(body, "first_motion")["change"] == "not-seen"
    assert "the hub was off, or without the time, for 3 h" in body["en"]
    assert "허브가 3시간" in body["ko"]
    assert item(body, "last_motion")["change"] == "usual"


def test_a_deaf_adapter_and_an_unproven_clock_are_blind_time() -> None:
    home = Living()
    home.hear("hall")
    home.until(10 * HOUR)
    home.diary.feed(LinkChange(home.at, Link.ADAPTER, up=False))
    home.until(11 * HOUR)
    home.diary.feed(LinkChange(home.at, Link.ADAPTER, up=True))
    home.until(12 * HOUR)
    home.proven = False
    home.until(12 * HOUR + 30 * MINUTE)
    home.proven = True
    home.until(DAY + 10 * HOUR)
    assert abs(home.told[-1]["blind_min"] - 90) <= 3
    assert abs(home.told[-1]["deaf_min"] - 60) <= 3
    assert "the hub heard nothing for" in home.told[-1]["en"]


def test_no_sensor_is_blamed_for_the_hours_in_which_the_adapter_was_deaf() -> None:
    home = Living(sensors=(LifeSensor("hall", promise_s=600.0), LifeSensor("bath")))
    for until, deaf in ((12, False), (22, True), (34, False)):
        home.diary.feed(LinkChange(home.at, Link.ADAPTER, up=not deaf))
        while home.now_ms < until * HOUR:
            home.until(home.now_ms + 10 * MINUTE)
            if not deaf:
                home.hear("hall")
    (body,) = home.told
    assert abs(body["deaf_min"] - 600) <= 2
    assert body["unheard"] == []
    assert "the hub heard nothing for" in body["en"]
    assert "hall was not heard" not in body["en"]


def test_a_sensor_that_dies_is_named_for_the_hours_in_which_the_hub_heard() -> None:
    home = Living(sensors=(LifeSensor("hall", promise_s=600.0), LifeSensor("bath")))
    home.until(8 * HOUR)  # not heard since 4:00, so dead since 4:30
    home.diary.feed(LinkChange(home.at, Link.ADAPTER, up=False))
    home.until(20 * HOUR)
    home.diary.feed(LinkChange(home.at, Link.ADAPTER, up=True))
    home.until(21 * HOUR)
    for minutes in range(21 * 60, 34 * 60, 10):
        home.hear("hall")
        home.until(minutes * MINUTE)
    (body,) = home.told
    ((device, minutes),) = [(one["device"], one["min"]) for one in body["unheard"]]
    assert device == "hall"
    assert abs(minutes - (3.5 + 1) * 60) <= 2


def test_the_first_day_begins_when_the_hub_is_installed() -> None:
    home = Living(now_ms=15 * HOUR)
    home.until(15 * HOUR + 5 * MINUTE)
    home.hear("hall")
    home.until(DAY + 10 * HOUR)
    assert item(home.told[0], "first_motion")["change"] == "not-seen"
    assert abs(home.told[0]["blind_min"] - 11 * 60) <= 1


def test_a_sensor_that_was_not_heard_is_named_and_its_measures_are_not_compared() -> None:
    day = Day(40, first=600, last=1300, unheard={"bath": 300})
    others = [Day(n, first=420, last=1320, visits=1) for n in range(12, 40)]
    body = summary_body(day, others, SENSES, at(41 * DAY))
    assert body["unheard"] == [{"device": "bath", "min": 300}]
    assert item(body, "first_motion")["change"] == "not-seen"
    assert item(body, "night_bathroom_visits")["change"] == "not-seen"
    assert "bath was not heard for 5 h" in body["en"]


# --------------------------------------------------------------------------------- once a day
def test_a_restart_at_any_minute_of_the_morning_tells_the_day_exactly_once() -> None:
    for minute in (-1, 0, 1, 30):
        home = Living()
        home.day(0)
        home.until(DAY + 9 * HOUR + minute * MINUTE)
        home.restarted(off_ms=2 * MINUTE, boot="b2")
        home.until(2 * DAY)
        assert [body["day"] for body in home.told] == ["1970-01-01"]


@pytest.mark.parametrize("jump_ms", [9 * HOUR, -9 * HOUR, 30 * HOUR, 3000 * DAY])
def test_a_clock_that_jumps_and_is_corrected_tells_no_day_twice(jump_ms: int) -> None:
    home = Living()
    weeks(home, 3)
    home.until(3 * DAY + 20 * HOUR)
    home.ahead_ms = jump_ms
    home.until(4 * DAY + 8 * HOUR)
    home.ahead_ms = 0
    home.day(4)
    home.day(5)
    home.day(6)
    home.until(7 * DAY + 12 * HOUR)
    days = [body["day"] for body in home.told]
    assert len(days) == len(set(days))
    assert {"1970-01-01", "1970-01-02", "1970-01-03", "1970-01-06", "1970-01-07"} <= set(days)


def test_days_while_the_hub_was_off_are_counted_and_not_invented() -> None:
    home = Living()
    weeks(home, 2)
    home.until(2 * DAY + 18 * HOUR)
    home.restarted(off_ms=3 * DAY, boot="b2")
    home.until(6 * DAY + 10 * HOUR)
    assert [body["day"] for body in home.told] == [f"1970-01-0{n}" for n in (1, 2, 3, 6)]
    assert home.told[-1]["missed_days"] == 2
    assert "days before it not seen at all: 2" in home.told[-1]["en"]


# ---------------------------------------------------------------------------------- its memory
def test_five_weeks_are_remembered_and_no_more_and_they_are_small() -> None:
    home = Living()
    weeks(home, 45)
    assert len(home.diary.days) <= REMEMBERED + 3
    kept = dict(home.diary.kept()) | {"routine": home.diary.save()}
    assert sum(len(state) for state in kept.values()) < 6000
    assert home.diary.kept() == ()


def test_what_was_saved_comes_back_equal_and_what_is_broken_is_dropped() -> None:
    home = Living()
    weeks(home, 20)
    before = home.diary.days
    home.restarted()
    assert home.diary.days == before
    diary: Diary = home.diary
    diary.load(b"not a state")
    assert diary.days == before
    assert days_of({"days": [{"number": 3, "signs": [1]}, {"what": 1}]}) == []
    assert unpacked(b"") == {}


def test_the_usual_range_leaves_out_the_twentieth_at_either_end() -> None:
    assert usual_of(range(13)) is None
    usual = usual_of(range(101))
    assert usual is not None
    assert (usual.median, usual.low, usual.high) == (50, 5, 95)


# ------------------------------------------------------------------------------------ the wire
def test_the_longest_summary_keeps_the_contract() -> None:
    others = [
        Day(
            n, first=420, last=1320, visits=1, worn=900, active=200, pulse={"60": 100}, out=[5] * 24
        )
        for n in range(12, 40)
    ]
    devices = {f"{'가' * 20}-{n}": 100 + n for n in range(9)}
    day = Day(40, first=1200, last=1700, visits=30, worn=900, active=1, pulse={"160": 200})
    day.out, day.jumped, day.unheard = [60] * 24, False, dict.fromkeys(devices, 90)
    moment = At("b", 2**40, 41 * DAY, proven=True)
    body = summary_body(day, others, SENSES, moment, missed=3)
    assert sum(one["change"] not in ("usual", "not-seen") for one in body["items"]) == 6
    assert_valid(Topics("1168010100", HUB).up("routine"), sealed(Stream.ROUTINE, body))


def test_the_message_and_the_mark_that_it_was_told_leave_in_one_urgent_output() -> None:
    home = Living()
    pipeline = Pipeline(Plan(detectors=(), diary=home.diary), lambda at: f"{at.mono_ms:026}")
    home.hear("hall")
    home.until(DAY + 9 * HOUR - MINUTE)
    outputs = pipeline.feed(Tick(at(DAY + 9 * HOUR)))
    assert [post.stream for post in outputs.posts] == [Stream.ROUTINE]
    assert outputs.urgent
    assert {name for name, _ in outputs.state} == {"routine", KEPT}
    again = Living()
    for _, state in reversed(outputs.state):
        again.diary.load(state)
    again.now_ms, again.told = DAY + 9 * HOUR + MINUTE, []
    again.until(DAY + 12 * HOUR)
    assert again.told == []
