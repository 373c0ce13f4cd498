"""The watch over silence in a home: levels, blindness, presence, restarts."""

from collections.abc import Iterator

import numpy as np
import pytest

from gateway.core.detectors.inactivity_duty import InactivityDuty
from gateway.core.detectors.inactivity_levels import Levels
from gateway.core.detectors.life import LifeSensor
from gateway.core.fields import timestamp
from gateway.core.inputs import Asked, Input
from gateway.core.model import (
    AccelerationBlock,
    At,
    Battery,
    Button,
    Contact,
    Decision,
    Heard,
    HeartRate,
    HubReturned,
    Kind,
    Link,
    LinkChange,
    Measurement,
    Motion,
    Press,
    Quantity,
    Reading,
    Stage,
    Steps,
    Tick,
    Value,
    Worn,
)
from gateway.core.texts import render
from gateway.core.wire import Command, CommandName

HOUR = 3600.0
SEEN, UNSEEN = Motion(detected=True), Motion(detected=False)
SENSORS = (
    LifeSensor("hall", place="hallway"),
    LifeSensor("bath", place="toilet"),
    LifeSensor("door", role="door"),
    LifeSensor("button"),
    LifeSensor("band"),
)
MORNING = 9 * HOUR


def at(seconds: float, *, boot: str = "b1", proven: bool = True, ahead_s: float = 0) -> At:
    """Return an instant; the boot was at local midnight."""
    ms = round(seconds * 1000)
    return At(boot, ms, ms + round(ahead_s * 1000), proven)


def heard(seconds: float, device: str, *values: Value, when: At | None = None) -> Heard:
    when = when or at(seconds)
    return Heard(when, device, tuple(Reading(when, device, value) for value in values))


def duty(*sensors: LifeSensor, levels: Levels | None = None) -> InactivityDuty:
    return InactivityDuty(
        sensors or SENSORS,
        levels or Levels(),
        lambda wall_ms: wall_ms,
        away_buttons=frozenset({"button"}),
    )


def ticks(start: float, end: float, step: float = 600.0) -> Iterator[Tick]:
    while start <= end:
        yield Tick(at(start))
        start += step


def feed(watch: InactivityDuty, *inputs: Input) -> list[Decision]:
    decisions = [d for given in inputs for d in watch.feed(given)]
    assert all(len(render(d.reason)) == 2 for d in decisions)
    return decisions


def stages(decisions: list[Decision]) -> list[tuple[Stage, float]]:
    return [(d.stage, d.at.mono_ms / 3_600_000) for d in decisions]


def test_eight_hours_of_silence_by_day_are_suspected_with_the_last_sign_as_onset() -> None:
    watch = duty()
    said = feed(watch, heard(MORNING, "hall", SEEN), *ticks(MORNING, MORNING + 8 * HOUR))
    assert stages(said) == [(Stage.SUSPECTED, 17.0)]
    assert said[0].kind is Kind.INACTIVITY
    assert said[0].onset == at(MORNING)
    assert said[0].reason.code == "inactivity.attention.home"


def test_each_higher_level_is_a_note_on_the_same_matter() -> None:
    watch = duty()
    said = feed(watch, heard(MORNING, "hall", SEEN), *ticks(MORNING, MORNING + 30 * HOUR))
    assert stages(said) == [
        (Stage.SUSPECTED, 17.0),
        (Stage.NOTED, 21.0),
        (Stage.SUSPECTED, 21.0),
        (Stage.NOTED, 33.0),
        (Stage.SUSPECTED, 33.0),
    ]
    assert {d.onset for d in said} == {at(MORNING)}
    assert [d.evidence["level"] for d in said[1::2]] == ["warning", "emergency"]


def test_a_sign_of_life_withdraws_it_and_the_next_silence_is_counted_anew() -> None:
    watch = duty()
    feed(watch, heard(MORNING, "hall", SEEN), *ticks(MORNING, MORNING + 9 * HOUR))
    said = feed(watch, heard(MORNING + 9.5 * HOUR, "bath", SEEN), Tick(at(MORNING + 10 * HOUR)))
    assert [(d.stage, d.reason.code) for d in said] == [(Stage.WITHDRAWN, "inactivity.over")]


def test_the_night_holds_attention_back_until_the_morning_but_not_warning() -> None:
    watch = duty()
    evening = 17 * HOUR
    said = feed(watch, heard(evening, "hall", SEEN), *ticks(evening, evening + 12 * HOUR))
    assert stages(said) == [(Stage.SUSPECTED, 29.0)]
    assert said[0].evidence["level"] == "warning"


def test_the_night_holds_nothing_back_when_the_last_sign_was_in_the_bathroom() -> None:
    watch = duty()
    evening = 17 * HOUR
    said = feed(watch, heard(evening, "bath", SEEN), *ticks(evening, evening + 8 * HOUR))
    assert stages(said) == [(Stage.SUSPECTED, 25.0)]


def test_the_night_holds_nothing_back_from_somebody_who_has_just_come_home() -> None:
    watch = duty()
    back = 19 * HOUR
    came_home = [
        heard(MORNING, "hall", SEEN),
        heard(MORNING + 100, "door", Contact(open=True)),
        heard(MORNING + 105, "door", Contact(open=False)),
        heard(back, "door", Contact(open=True)),
        heard(back + 5, "door", Contact(open=False)),
    ]
    said = feed(watch, *came_home, *ticks(back, back + 9 * HOUR))
    assert [d.reason.code for d in said] == ["inactivity.attention.arrived"]
    assert 22 < said[0].at.mono_ms / 3_600_000 < 28


NO_LIFE: list[Value] = [
    Battery(80),
    Measurement(Quantity.TEMPERATURE, 21.0),
    Measurement(Quantity.ILLUMINANCE, 90.0),
    UNSEEN,
    Contact(open=False),
    Button(Press.RELEASE),
    HeartRate(70, contact=None),
    HeartRate(70, contact=True),
    HeartRate(None, contact=True),
    Steps(100),
    Worn(worn=True),
]
LIFE: list[Value] = [SEEN, Contact(open=True), Button(Press.SINGLE)]


@pytest.mark.parametrize("value", NO_LIFE, ids=repr)
def test_a_sensor_that_speaks_proves_nothing_of_the_resident(value: Value) -> None:
    watch = duty()
    later = heard(MORNING + 4 * HOUR, "hall", value)
    feed(watch, heard(MORNING, "bath", SEEN), later)
    said = feed(watch, *ticks(MORNING + 4 * HOUR, MORNING + 8 * HOUR))
    assert len(said) == 1


@pytest.mark.parametrize("value", LIFE, ids=repr)
def test_a_sign_of_life_moves_the_deadline(value: Value) -> None:
    watch = duty()
    feed(watch, heard(MORNING, "bath", SEEN), heard(MORNING + 4 * HOUR, "hall", value))
    assert feed(watch, *ticks(MORNING + 4 * HOUR, MORNING + 11 * HOUR)) == []


def test_a_state_repeated_by_beacons_is_no_new_sign_of_life() -> None:
    watch = duty(LifeSensor("hall", promise_s=3600), LifeSensor("door", role="door"))
    said = feed(
        watch,
        heard(MORNING, "door", Contact(open=True)),
        heard(MORNING + 30, "hall", SEEN),
        *(
            one
            for s in range(60, 9 * 3600, 600)
            for one in (
                heard(MORNING + s, "hall", SEEN),
                heard(MORNING + s, "door", Contact(open=True)),
                Tick(at(MORNING + s)),
            )
        ),
    )
    assert [d.stage for d in said] == [Stage.SUSPECTED]


def block(seconds: float, swing: int) -> AccelerationBlock:
    t = round(seconds * 1000) + 20 * np.arange(50, dtype=np.int64)
    acc = np.zeros((50, 3), np.int16)
    acc[::2, 0] = swing
    return AccelerationBlock(t, acc)


def test_a_moving_arm_is_a_sign_of_life_unless_the_band_is_known_to_be_off() -> None:
    watch = duty()
    start, middle = MORNING, MORNING + 4 * HOUR
    feed(watch, heard(start, "hall", SEEN), heard(middle, "band", block(middle, 200)))
    assert feed(watch, *ticks(middle, middle + 7 * HOUR)) == []
    off = duty()
    feed(off, heard(start, "hall", SEEN), heard(start, "band", Worn(worn=False)))
    feed(off, heard(middle, "band", block(middle, 200)))
    assert len(feed(off, *ticks(middle, start + 8 * HOUR))) == 1


def test_steps_count_when_there_are_more_of_them() -> None:
    watch = duty()
    feed(watch, heard(MORNING, "band", Steps(100)), heard(MORNING + 1, "hall", SEEN))
    feed(watch, heard(MORNING + 4 * HOUR, "band", Steps(130)))
    assert feed(watch, *ticks(MORNING + 4 * HOUR, MORNING + 11 * HOUR)) == []


# ------------------------------------------------------------------------------- blindness
def test_time_in_which_the_adapter_was_deaf_is_not_inactivity() -> None:
    watch = duty()
    deaf = LinkChange(at(MORNING + HOUR), Link.ADAPTER, up=False)
    hears = LinkChange(at(MORNING + 4 * HOUR), Link.ADAPTER, up=True)
    feed(watch, heard(MORNING, "hall", SEEN), deaf)
    assert watch.outlook()["at"] is None
    feed(watch, *ticks(MORNING + HOUR, MORNING + 4 * HOUR))
    assert watch.presence == "unknown"
    feed(watch, hears)
    told = watch.outlook()
    assert told["presence"] == "unknown"
    assert "not counted: 3.0 h in which nobody could hear" in told["en"]
    assert "외출했는지 확인되지 않음" in told["ko"]
    said = feed(watch, *ticks(MORNING + 4 * HOUR, MORNING + 13 * HOUR))
    assert stages(said) == [(Stage.SUSPECTED, 21.0)]
    assert said[0].evidence["also"]["en"][0].startswith("not counted: 3.0 h")


def test_a_short_deafness_leaves_no_doubt() -> None:
    watch = duty()
    feed(watch, heard(MORNING, "door", Contact(open=True)), heard(MORNING + 60, "hall", SEEN))
    feed(watch, LinkChange(at(MORNING + HOUR), Link.ADAPTER, up=False))
    feed(watch, LinkChange(at(MORNING + 1.25 * HOUR), Link.ADAPTER, up=True))
    assert watch.presence == "home"
    said = feed(watch, *ticks(MORNING + 1.5 * HOUR, MORNING + 9 * HOUR))
    assert [d.stage for d in said] == [Stage.SUSPECTED]
    assert stages(said)[0][1] == pytest.approx(17.26, abs=0.2)


def test_an_absence_stays_one_when_nobody_could_hear_meanwhile() -> None:
    watch = duty()
    feed(watch, heard(MORNING, "hall", SEEN), heard(MORNING + 100, "door", Contact(open=True)))
    feed(watch, *ticks(MORNING + 600, MORNING + 3 * HOUR))
    due = watch.silence_ms[1]
    feed(watch, LinkChange(at(MORNING + 3 * HOUR), Link.ADAPTER, up=False))
    feed(watch, LinkChange(at(MORNING + 4 * HOUR), Link.ADAPTER, up=True))
    assert watch.silence_ms[1] == due
    assert watch.presence == "away"


ROOMS = (
    LifeSensor("hall", promise_s=600),
    LifeSensor("kitchen", promise_s=600),
    LifeSensor("door", role="door"),
)


def lively(watch: InactivityDuty, days: int, kitchen: int = 1) -> float:
    """Live so many days: of each hour's signs, `kitchen` from the kitchen; return when it ends."""
    end = days * 24 * HOUR
    for s in range(0, int(end), 3600):
        feed(watch, heard(s, "hall", SEEN), heard(s + 60, "hall", UNSEEN))
        for i in range(kitchen):
            feed(watch, heard(s + 120 + 60 * i, "kitchen", SEEN))
            feed(watch, heard(s + 130 + 60 * i, "kitchen", UNSEEN))
    feed(watch, heard(end, "hall", SEEN), heard(end, "kitchen", UNSEEN))
    return end


def beats(device: str, start: float, hours: float) -> Iterator[Input]:
    for s in range(0, int(hours * 3600), 600):
        yield heard(start + s, device, UNSEEN)
        yield Tick(at(start + s))


def test_a_dead_motion_sensor_stretches_the_silence_that_runs_and_says_why() -> None:
    watch = duty(*ROOMS)
    end = lively(watch, 10, kitchen=3)
    feed(watch, Tick(at(end)))
    before = watch.silence_ms[1]
    feed(watch, *beats("hall", end, 1.0))
    assert watch.silence_ms[1] == pytest.approx(1.5 * before, rel=0.05)
    told = watch.outlook()
    assert "not seen: kitchen, so 1.5 times as long is allowed" in told["en"]
    assert "kitchen" in told["ko"]
    feed(watch, heard(end + HOUR, "kitchen", UNSEEN), Tick(at(end + HOUR)))
    assert watch.silence_ms[1] == before


def test_a_sensor_that_says_little_stretches_little() -> None:
    watch = duty(*ROOMS, LifeSensor("attic", promise_s=600))
    end = lively(watch, 10)
    feed(watch, Tick(at(end)))
    before = watch.silence_ms[1]
    alive = zip(beats("hall", end, 1.0), beats("kitchen", end, 1.0), strict=True)
    feed(watch, *(one for pair in alive for one in pair))
    assert before < watch.silence_ms[1] < 1.01 * before
    assert "attic" not in watch.outlook()["en"]


def test_a_front_door_sensor_that_dies_is_named_and_stretches_the_silence_that_runs() -> None:
    door = LifeSensor("door", role="door", promise_s=600)
    watch = duty(LifeSensor("hall", promise_s=600), door)
    end = 10 * 24 * HOUR
    for s in range(0, int(end), 3600):
        feed(watch, heard(s, "hall", SEEN), heard(s + 60, "hall", UNSEEN))
        feed(watch, heard(s + 70, "door", Contact(open=s % 7200 == 0)))
        feed(watch, heard(s + 100, "hall", SEEN), heard(s + 160, "hall", UNSEEN))
    feed(watch, heard(end, "hall", SEEN), heard(end, "door", Contact(open=False)))
    feed(
        watch, heard(end + 60, "hall", UNSEEN), heard(end + 120, "hall", SEEN), Tick(at(end + 120))
    )
    before = watch.silence_ms[1]
    feed(watch, *beats("hall", end + 120, 1.0))
    assert watch.silence_ms[1] > 1.15 * before
    assert "front door not seen: door" in watch.outlook()["en"]
    assert "현관문 센서" in watch.outlook()["ko"]


def test_a_front_door_sensor_that_dies_while_the_resident_is_out_leaves_them_out() -> None:
    watch = duty(LifeSensor("hall", promise_s=600), LifeSensor("door", role="door", promise_s=600))
    feed(watch, heard(MORNING, "hall", SEEN), heard(MORNING + 100, "door", Contact(open=True)))
    due = watch.silence_ms[1]
    feed(watch, *beats("hall", MORNING + 200, 3.0))
    assert watch.silence_ms[1] == due
    assert watch.presence == "away"


def test_what_promises_nothing_is_believed_for_two_days_and_then_less_and_less() -> None:
    watch = duty(LifeSensor("hall"), LifeSensor("kitchen"), LifeSensor("door", role="door"))
    end = lively(watch, 4, kitchen=3)
    feed(watch, Tick(at(end)))
    before = watch.silence_ms[1]
    stretched = []
    for hour in range(8 * 24):
        now = end + hour * HOUR
        feed(watch, heard(now, "hall", SEEN), heard(now + 60, "hall", UNSEEN), Tick(at(now + 60)))
        stretched.append(watch.silence_ms[1])
    assert stretched[24] <= before
    assert "kitchen" in watch.outlook()["en"]
    assert watch.outlook()["presence"] == "unknown"  # the door has faded as well


def test_a_pulse_tells_that_who_may_have_left_has_not() -> None:
    belt = LifeSensor("belt", promise_s=10, wearable=True, signs=False)
    watch = duty(LifeSensor("hall"), LifeSensor("door", role="door"), belt)
    beat = HeartRate(70, contact=True)
    feed(watch, heard(MORNING, "hall", SEEN), heard(MORNING + 90, "belt", beat))
    feed(watch, heard(MORNING + 100, "door", Contact(open=True)))
    assert watch.silence_ms[1] > 9 * 3_600_000
    feed(watch, heard(MORNING + 150, "belt", beat))
    assert watch.presence in {"away", "ambiguous"}  # heard through the wall
    feed(watch, heard(MORNING + 400, "belt", beat))
    assert watch.presence == "home"
    assert watch.silence_ms[1] <= 8 * 3_600_000
    said = feed(
        watch,
        *(one for s in range(600, 9 * 3600, 60) for one in (
            heard(MORNING + s, "belt", beat), Tick(at(MORNING + s)),
        )),
    )  # fmt: skip
    assert [d.stage for d in said] == [Stage.SUSPECTED]


def test_a_pulse_that_comes_back_into_reach_is_a_return() -> None:
    belt = LifeSensor("belt", promise_s=10, wearable=True, signs=False)
    watch = duty(LifeSensor("hall"), LifeSensor("door", role="door"), belt)
    beat = HeartRate(70, contact=True)
    feed(watch, heard(MORNING, "hall", SEEN), heard(MORNING + 90, "belt", beat))
    feed(watch, heard(MORNING + 100, "door", Contact(open=True)))
    back = MORNING + 9 * HOUR
    feed(watch, *ticks(MORNING + 600, back), heard(back, "belt", beat))
    assert watch.last == "belt"
    assert watch.presence == "home"
    assert feed(watch, *ticks(back, back + 3 * HOUR)) == []


def test_where_a_band_is_all_that_watches_out_of_reach_has_the_limit_of_an_absence() -> None:
    watch = duty(LifeSensor("band", promise_s=10, wearable=True))
    feed(watch, heard(MORNING, "band", Steps(1)), heard(MORNING + 1, "band", Steps(2)))
    said = feed(watch, *ticks(MORNING, MORNING + 60 * HOUR))
    assert stages(said)[0][1] == pytest.approx(9 + 48, abs=0.2)
    assert said[0].reason.code == "inactivity.attention.out-of-reach"
    worn = duty(LifeSensor("band", promise_s=10, wearable=True))
    feed(worn, heard(MORNING, "band", Steps(1)), heard(MORNING + 1, "band", Steps(2)))
    said = feed(worn, *beats("band", MORNING, 9.0))
    assert [d.stage for d in said] == [Stage.SUSPECTED]
    assert stages(said)[0][1] == pytest.approx(17.0, abs=0.2)


def test_a_belt_that_only_tells_a_pulse_watches_over_no_silence() -> None:
    watch = duty(LifeSensor("belt", promise_s=10, wearable=True, signs=False))
    assert feed(watch, *ticks(MORNING, MORNING + 60 * HOUR)) == []
    assert "no device here gives signs of life" in watch.outlook()["en"]


def test_when_every_sensor_breaks_its_promise_the_home_is_blind_and_says_so() -> None:
    watch = duty(LifeSensor("hall", promise_s=600), LifeSensor("bath", promise_s=600))
    said = feed(watch, heard(MORNING, "hall", SEEN), *ticks(MORNING, MORNING + 20 * HOUR))
    assert said == []
    assert watch.outlook()["at"] is None
    assert "deadline" in watch.outlook()["en"]


def test_a_dead_front_door_sensor_makes_presence_unknown() -> None:
    watch = duty(LifeSensor("hall"), LifeSensor("door", role="door", promise_s=600))
    feed(watch, heard(MORNING, "door", Contact(open=True)), heard(MORNING + 60, "hall", SEEN))
    assert watch.outlook()["presence"] == "home"
    feed(watch, *ticks(MORNING, MORNING + 2 * HOUR))
    assert watch.outlook()["presence"] == "unknown"


def test_a_wall_clock_that_jumps_moves_no_deadline() -> None:
    watch = duty()
    jumped = [Tick(at(MORNING + s, ahead_s=9 * HOUR)) for s in range(600, 7 * 3600, 600)]
    assert feed(watch, heard(MORNING, "hall", SEEN), *jumped) == []
    assert stages(feed(watch, *ticks(MORNING + 7 * HOUR, MORNING + 8 * HOUR))) == [
        (Stage.SUSPECTED, 17.0)
    ]


def test_nothing_is_learnt_while_the_clock_is_not_proven() -> None:
    watch, empty = duty(), duty()
    for s in range(0, 40 * 3600, 3600):
        feed(watch, heard(s, "hall", SEEN, when=at(s, proven=False)))
    feed(empty, heard(40 * HOUR, "hall", SEEN))
    feed(watch, heard(40 * HOUR, "hall", SEEN))
    assert watch.outlook()["at"] == empty.outlook()["at"]


# -------------------------------------------------------------------------------- presence
def test_out_has_its_own_longer_but_finite_limit() -> None:
    watch = duty()
    door = heard(MORNING + 100, "door", Contact(open=True))
    said = feed(watch, heard(MORNING, "hall", SEEN), door, *ticks(MORNING, MORNING + 60 * HOUR))
    first = said[0]
    assert watch.presence == "away"
    assert 12 < (first.at.mono_ms / 3_600_000 - 9) <= 48


def test_an_arrival_that_nothing_answers_is_asked_about_within_hours() -> None:
    watch = duty()
    back = MORNING + 3 * HOUR
    feed(
        watch,
        heard(MORNING, "hall", SEEN),
        heard(MORNING + 100, "door", Contact(open=True)),
        heard(MORNING + 105, "door", Contact(open=False)),
        heard(back, "door", Contact(open=True)),
        heard(back + 5, "door", Contact(open=False)),
    )
    assert watch.presence == "arrived"
    said = feed(watch, *ticks(back, back + 8 * HOUR))
    assert stages(said)[0][1] <= 12 + 8


def test_away_by_command_lasts_until_home_is_said_or_somebody_moves() -> None:
    def command(seconds: float, name: CommandName) -> Asked:
        return Asked(at(seconds), Command("1", name, {}, 0))

    watch = duty()
    feed(watch, heard(MORNING, "hall", SEEN), command(MORNING + 60, CommandName.AWAY))
    feed(watch, heard(MORNING + 120, "hall", SEEN))
    assert feed(watch, *ticks(MORNING, MORNING + 40 * HOUR)) == []
    assert watch.presence == "said-away"
    back = MORNING + 41 * HOUR
    assert feed(watch, command(back, CommandName.HOME), *ticks(back, back + 3 * HOUR)) == []
    assert watch.presence == "home"
    assert len(feed(watch, *ticks(back, back + 8 * HOUR))) == 1
    feed(watch, command(back + 9 * HOUR, CommandName.AWAY))
    feed(watch, heard(back + 10 * HOUR, "hall", SEEN))
    assert watch.presence == "home"


def test_an_announced_return_is_believed_and_then_missed() -> None:
    watch = duty()
    until = {"until": timestamp(round((MORNING + 72 * HOUR) * 1000))}
    command = Asked(at(MORNING + 60), Command("1", CommandName.AWAY, until, 0))
    said = feed(watch, heard(MORNING, "hall", SEEN), command, *ticks(MORNING, 100 * HOUR))
    assert said[0].stage is Stage.SUSPECTED
    assert said[0].at.mono_ms / 3_600_000 == pytest.approx(9 + 72 + 8, abs=0.2)


def test_a_long_press_toggles_away() -> None:
    watch = duty()
    feed(watch, heard(MORNING, "button", Button(Press.LONG)))
    assert watch.presence == "said-away"
    feed(watch, heard(MORNING + 60, "button", Button(Press.LONG)))
    assert watch.presence == "home"


# -------------------------------------------------------------------------------- restarts
def test_after_a_restart_the_silence_goes_on_from_the_last_commit() -> None:
    before, after = duty(), duty()
    feed(before, heard(MORNING, "hall", SEEN), *ticks(MORNING, MORNING + 3 * HOUR))
    saved = before.save()
    last = at(MORNING + 4 * HOUR)
    after.load(saved)
    start = MORNING + 4.25 * HOUR
    feed(after, HubReturned(at(start), last))
    said = feed(after, *ticks(start, start + 5 * HOUR))
    assert stages(said) == [(Stage.SUSPECTED, (start + 4 * HOUR) / HOUR)]
    assert said[0].onset == at(MORNING)


@pytest.mark.parametrize("boot", ["b1", "b2"])
def test_after_a_long_time_off_an_absence_may_have_begun_and_presence_is_unknown(boot: str) -> None:
    before, after = duty(), duty()
    feed(before, heard(MORNING, "door", Contact(open=True)), heard(MORNING + 60, "hall", SEEN))
    feed(before, *ticks(MORNING, MORNING + 3 * HOUR))
    after.load(before.save())
    start = at(MORNING + 6 * HOUR, boot=boot, proven=boot == "b1")
    feed(after, HubReturned(start, at(MORNING + 3 * HOUR)))
    told = after.outlook()
    assert told["presence"] == "unknown"
    assert told["probability"] == 0.5
    assert "nobody saw whether the resident left" in told["en"]
    assert told["at"].startswith("1970-01-01T23:00:00")  # the ceiling, from the return on


def test_a_matter_still_open_after_a_restart_is_not_said_again_but_withdrawn() -> None:
    before, after = duty(), duty()
    feed(before, heard(MORNING, "hall", SEEN), *ticks(MORNING, MORNING + 8 * HOUR))
    after.load(before.save())
    start = MORNING + 8.5 * HOUR
    back = HubReturned(at(start), at(start), frozenset({(Kind.INACTIVITY, "home")}))
    assert feed(after, back, *ticks(start, start + HOUR)) == []
    assert [d.stage for d in feed(after, heard(start + 2 * HOUR, "hall", SEEN))] == [
        Stage.WITHDRAWN
    ]


@pytest.mark.parametrize("state", [b"", b"{}\n", b'{"version": 0}\nx', b"\xff\xfe"])
def test_a_state_of_another_version_is_dropped(state: bytes) -> None:
    watch = duty()
    watch.load(state)
    assert len(feed(watch, heard(MORNING, "hall", SEEN), *ticks(MORNING, MORNING + 8 * HOUR))) == 1


# --------------------------------------------------------------------------------- outlook
def test_the_outlook_names_the_deadline_in_both_languages() -> None:
    watch = duty()
    feed(watch, heard(MORNING, "hall", SEEN), Tick(at(MORNING + HOUR)))
    told = watch.outlook()
    assert told["at"].startswith("1970-01-01T17:00:00")
    assert told["presence"] == "home"
    assert 0.9 < told["probability"] < 1
    assert "7.0 h" in told["en"]
    assert "7.0시간" in told["ko"]


def test_the_outlook_says_that_the_night_will_hold_attention_back() -> None:
    watch = duty()
    feed(watch, heard(20 * HOUR, "hall", SEEN), Tick(at(21 * HOUR)))
    told = watch.outlook()
    assert told["at"].startswith("1970-01-02T04:00:00")
    assert told["held_until"].startswith("1970-01-02T06:00:00")
    assert "attention waits for the morning, 2.0 h longer" in told["en"]
    assert "아침까지 2.0시간" in told["ko"]


def test_the_outlook_lets_the_night_hold_attention_no_longer_than_until_warning() -> None:
    levels = Levels(
        attention_ms=4 * 3_600_000, warning_ms=6 * 3_600_000, emergency_ms=12 * 3_600_000
    )
    watch = duty(levels=levels)
    feed(watch, heard(19 * HOUR, "hall", SEEN), Tick(at(20 * HOUR)))
    told = watch.outlook()
    assert told["at"].startswith("1970-01-01T23:00:00")
    assert told["held_until"].startswith("1970-01-02T01:00:00")
    assert "attention waits for the warning, 2.0 h longer" in told["en"]
    assert stages(feed(watch, *ticks(20 * HOUR, 26 * HOUR)))[0] == (Stage.SUSPECTED, 25.0)


def test_the_centres_word_that_the_resident_is_home_withdraws_what_was_suspected() -> None:
    watch = duty()
    said = feed(watch, heard(MORNING, "hall", SEEN), *ticks(MORNING, MORNING + 8 * HOUR))
    assert [d.stage for d in said] == [Stage.SUSPECTED]
    home = Asked(at(MORNING + 8 * HOUR + 10), Command("1", CommandName.HOME, {}, 0))
    said = feed(watch, home)
    assert [(d.stage, d.reason.code) for d in said] == [(Stage.WITHDRAWN, "inactivity.said-home")]
    assert feed(watch, home) == []


def test_a_sensor_that_promises_a_sign_twice_a_day_does_not_blind_the_home_between_two() -> None:
    watch = duty(LifeSensor("hall", promise_s=12 * HOUR), LifeSensor("bath", promise_s=12 * HOUR))
    said = feed(watch, heard(MORNING, "hall", SEEN), *ticks(MORNING, MORNING + 9 * HOUR))
    assert stages(said) == [(Stage.SUSPECTED, 17.0)]


def test_a_long_announced_absence_stretches_no_level_beyond_its_own_hours() -> None:
    watch = duty()
    until = {"until": timestamp(round((MORNING + 240 * HOUR) * 1000))}
    feed(watch, heard(MORNING, "hall", SEEN))
    feed(watch, Asked(at(MORNING + 60), Command("1", CommandName.AWAY, until, 0)))
    said = feed(watch, *ticks(MORNING + 60, MORNING + 280 * HOUR, 1800.0))
    hours = [round(d.at.mono_ms / 3_600_000 - 9) for d in said if d.stage is Stage.SUSPECTED]
    assert hours == [248, 252, 264]


def test_a_home_without_a_sensor_that_tells_of_life_says_so() -> None:
    watch = InactivityDuty((), Levels(), lambda ms: ms)
    assert feed(watch, *ticks(0, 30 * HOUR)) == []
    assert watch.outlook()["at"] is None


# ------------------------------------------------------------------------------- whereabouts
def a_month(watch: InactivityDuty) -> float:
    """Live four weeks with the hall and nights of silence; return the last evening's end."""
    for day in range(28):
        for hour in range(7, 23):
            feed(watch, heard((day * 24 + hour) * HOUR, "hall", SEEN))
            feed(watch, heard((day * 24 + hour + 0.5) * HOUR, "hall", UNSEEN))
    return (27 * 24 + 22) * HOUR


def test_by_night_a_silence_is_called_sleep_and_may_pass_the_ceiling_of_the_day() -> None:
    watch = duty()
    evening = a_month(watch)
    feed(watch, Tick(at(evening + 4 * HOUR)))
    told = watch.outlook()
    assert told["presence"] == "asleep"
    due = (27 * 24 + 22) * HOUR + 12 * HOUR
    assert told["at"] > timestamp(round((evening + 8 * HOUR) * 1000))
    assert told["at"] <= timestamp(round(due * 1000))


def test_right_after_the_door_it_says_that_nobody_can_tell() -> None:
    watch = duty()
    evening = a_month(watch)
    for minute in range(0, 70, 10):  # the post, a neighbour: the resident stays
        feed(watch, heard(evening + minute * 60 + 700, "door", Contact(open=True)))
        feed(watch, heard(evening + minute * 60 + 704, "door", Contact(open=False)))
        if minute < 60:
            feed(watch, heard(evening + minute * 60 + 740, "hall", SEEN))
            feed(watch, heard(evening + minute * 60 + 750, "hall", UNSEEN))
    assert watch.presence == "ambiguous"
    told = watch.outlook()
    assert "still in" in told["en"]
    assert 0.5 < told["probability"] < 1
