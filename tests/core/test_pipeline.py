"""The pipeline whole: presses, windows, acknowledgements, commands, returns; the same twice."""

from collections.abc import Callable

import numpy as np
import pytest

from gateway.core.alerts import Matter, Word
from gateway.core.commands import REMEMBERED
from gateway.core.detectors.hazard import HazardDetector
from gateway.core.detectors.health import BatteryDetector
from gateway.core.detectors.sos import SosDetector
from gateway.core.inputs import Acknowledge, Asked, Input, Published, Refused
from gateway.core.model import (
    AccelerationBlock,
    At,
    Battery,
    Button,
    ClockProven,
    Contact,
    Decision,
    Hazard,
    HazardState,
    Heard,
    HubReturned,
    Kind,
    Motion,
    Press,
    Reading,
    Reason,
    Stage,
)
from gateway.core.outputs import Outputs, Post, Sound, Stream
from gateway.core.pipeline import Plan
from gateway.core.wire import Ack, AckStatus, Cause, Command, CommandName
from gateway.replay.direct import pipeline_of
from tests.fakes import BOOT, at, heard, pipeline, press, tick


class Says:
    """A detector that says what it was told to, when a device speaks."""

    def __init__(self, device: str, *decisions: Callable[[At], Decision]) -> None:
        self.device, self.decisions = device, list(decisions)

    def feed(self, given: Input) -> list[Decision]:
        if isinstance(given, Heard) and given.device == self.device and self.decisions:
            return [self.decisions.pop(0)(given.at)]
        return []


def fall(stage: Stage, onset: float = 0.0) -> Callable[[At], Decision]:
    reason = Reason("test.alarm")
    return lambda now: Decision(Kind.FALL, stage, now, "band", reason, 0.9, onset=at(onset))


def stored(ids: tuple[str, ...], seconds: float, status: AckStatus = AckStatus.STORED) -> Input:
    return Acknowledge(at(seconds), Ack("E", "alarm", status, ids, cause=Cause.REAL))


def alarms(outputs: Outputs) -> list[Post]:
    return [post for post in outputs.posts if post.stream is Stream.ALARM]


def test_a_press_is_raised_at_once_with_its_counter_in_the_same_outputs() -> None:
    outputs = pipeline(SosDetector("sos")).feed(press(7))
    (post,) = alarms(outputs)
    (alert,) = outputs.alerts
    assert outputs.urgent
    assert (alert.matter, alert.word, alert.id) == (Matter.RAISED, Word.UNSENT, post.id)
    assert [memory.values for memory in outputs.memories] == [{"packet": 7}]
    assert post.body["type"] == "pers"
    assert post.body["state"] == "raised"
    assert post.body["loc"] == 3072
    assert post.body["mdc"] == 2
    assert post.body["evid"]["ko"] == "응급호출 버튼을 눌렀습니다 (한 번)"


def test_a_second_press_updates_until_a_person_has_handled_the_first() -> None:
    home = pipeline(SosDetector("sos"))
    (first,) = alarms(home.feed(press(0)))
    (again,) = alarms(home.feed(press(5)))
    assert (again.body["msg"], again.body["refs"]) == ("update", [first.id])
    home.feed(stored((first.id,), 6, AckStatus.HANDLED))
    (third,) = alarms(home.feed(press(500)))
    assert (third.body["msg"], third.body["refs"]) == ("new", [])


def test_a_release_is_no_second_cry() -> None:
    assert not pipeline(SosDetector("sos")).feed(press(0, how=Press.RELEASE)).urgent


def test_a_suspected_fall_is_published_pending_with_its_due_time_and_raised_when_due() -> None:
    home = pipeline(Says("band", fall(Stage.SUSPECTED)), windows={Kind.FALL: 30_000})
    outputs = home.feed(heard(2, "band"))
    (pending,) = alarms(outputs)
    assert (pending.body["state"], pending.body["msg"]) == ("pending", "new")
    assert pending.body["due"] > pending.body["sent_t"]
    assert [told.sound for told in outputs.announcements] == [Sound.PENDING]
    assert not alarms(home.feed(tick(31)))
    outputs = home.feed(tick(32))
    (raised,) = alarms(outputs)
    assert (raised.body["state"], raised.body["msg"], raised.body["due"]) == (
        "raised",
        "update",
        None,
    )
    assert raised.body["refs"] == [pending.id]
    assert [told.sound for told in outputs.announcements] == [Sound.RAISED]
    assert not alarms(home.feed(tick(33)))


def test_a_second_fall_soon_after_a_cancelled_one_is_another_happening() -> None:
    says = (fall(Stage.SUSPECTED, 2), fall(Stage.WITHDRAWN, 2), fall(Stage.CONFIRMED, 2))
    home = pipeline(Says("band", *says, fall(Stage.SUSPECTED, 45)), windows={Kind.FALL: 30_000})
    (first,) = alarms(home.feed(heard(4, "band")))
    home.feed(heard(20, "band"))
    assert not alarms(home.feed(heard(25, "band"))), "the same fall again"
    (second,) = alarms(home.feed(heard(47, "band")))
    assert (second.body["msg"], second.body["state"]) == ("new", "pending")
    assert second.id != first.id


@pytest.mark.parametrize("stage", [Stage.CONFIRMED, Stage.WITHDRAWN])
def test_what_follows_a_suspicion_decides_it(stage: Stage) -> None:
    home = pipeline(Says("band", fall(Stage.SUSPECTED), fall(stage)), windows={Kind.FALL: 30_000})
    home.feed(heard(2, "band"))
    (post,) = alarms(home.feed(heard(9, "band")))
    assert (post.body["state"], post.body["msg"]) == (
        ("raised", "update") if stage is Stage.CONFIRMED else ("cancelled", "cancel")
    )
    assert not alarms(home.feed(tick(60)))


def test_the_cancel_button_ends_a_pending_alarm_and_only_informs_of_a_raised_one() -> None:
    home = pipeline(
        Says("band", fall(Stage.SUSPECTED), fall(Stage.SUSPECTED, 100)),
        windows={Kind.FALL: 30_000},
        cancel=["ok"],
    )
    home.feed(heard(2, "band"))
    outputs = home.feed(press(10, "ok"))
    assert [post.body["msg"] for post in alarms(outputs)] == ["cancel"]
    assert [told.sound for told in outputs.announcements] == [Sound.CANCELLED]
    home.feed(heard(102, "band"))
    home.feed(tick(140))
    (post,) = alarms(home.feed(press(150, "ok")))
    assert (post.body["msg"], post.body["state"]) == ("update", "raised")


def test_what_the_resident_cancelled_is_not_opened_again_by_the_same_fall() -> None:
    home = pipeline(
        Says("band", fall(Stage.SUSPECTED), fall(Stage.CONFIRMED), fall(Stage.SUSPECTED, 200)),
        windows={Kind.FALL: 30_000},
        cancel=["ok"],
    )
    home.feed(heard(2, "band"))
    home.feed(press(5, "ok"))
    assert not alarms(home.feed(heard(20, "band"))), "still confirmed of the cancelled fall"
    assert [p.body["msg"] for p in alarms(home.feed(heard(202, "band")))] == ["new"]


def test_one_button_for_both_cancels_only_while_something_is_pending() -> None:
    home = pipeline(
        SosDetector("sos"),
        Says("band", fall(Stage.SUSPECTED)),
        windows={Kind.FALL: 30_000},
        cancel=["sos"],
        sos=["sos"],
    )
    home.feed(heard(2, "band"))
    assert [p.body["msg"] for p in alarms(home.feed(press(5)))] == ["cancel"]
    assert [p.body["type"] for p in alarms(home.feed(press(8)))] == ["pers"]


@pytest.mark.parametrize("how", [Press.DOUBLE, Press.TRIPLE, Press.HOLD])
def test_one_button_for_both_pressed_in_distress_calls_for_help_while_something_is_pending(
    how: Press,
) -> None:
    home = pipeline(
        SosDetector("sos"),
        Says("band", fall(Stage.SUSPECTED)),
        windows={Kind.FALL: 30_000},
        cancel=["sos"],
        sos=["sos"],
    )
    home.feed(heard(2, "band"))
    (post,) = alarms(home.feed(press(5, how=how)))
    assert (post.body["type"], post.body["msg"]) == ("pers", "new")
    assert home.book.pending, "the fall still waits for its due time"


def test_the_battery_in_a_cancelling_press_is_heard_too() -> None:
    home = pipeline(BatteryDetector(), cancel=["ok"])
    (post,) = alarms(home.feed(heard(5, "ok", Button(Press.SINGLE), Battery(5))))
    assert post.body["type"] == "fault.battery"


def test_a_second_fall_rings_though_the_centre_never_closed_the_first() -> None:
    home = pipeline(Says("band", fall(Stage.SUSPECTED, 0), fall(Stage.SUSPECTED, 7200)))
    (first,) = alarms(home.feed(heard(2, "band")))
    home.feed(stored((first.id,), 3))
    (second,) = alarms(home.feed(heard(7202, "band")))
    assert (second.body["msg"], second.id != first.id) == ("new", True)


def test_walking_on_after_a_second_fall_calls_off_that_one_and_not_the_first() -> None:
    home = pipeline(
        Says("band", fall(Stage.SUSPECTED), fall(Stage.SUSPECTED, 100), fall(Stage.WITHDRAWN, 100)),
        windows={Kind.FALL: 30_000},
        cancel=["ok"],
    )
    (first,) = alarms(home.feed(heard(2, "band")))
    home.feed(tick(40))
    (second,) = alarms(home.feed(heard(102, "band")))
    home.feed(press(105, "ok"))
    assert not alarms(home.feed(heard(110, "band"))), "the second is over already"
    assert {alert.id: alert.matter for alert in home.book} == {
        first.id: Matter.RAISED,
        second.id: Matter.CANCELLED,
    }


def test_the_words_of_the_centre_move_the_alert_and_the_resident_hears_of_them() -> None:
    home = pipeline(SosDetector("sos"))
    (post,) = alarms(home.feed(press(0)))
    assert [t.sound for t in home.feed(stored((post.id,), 1)).announcements] == [Sound.STORED]
    (alert,) = home.feed(stored((post.id,), 2, AckStatus.PRESENTED)).alerts
    assert alert.word is Word.PRESENTED
    assert not home.feed(stored((post.id,), 3)).alerts, "a late stored moves nothing"
    outputs = home.feed(stored((post.id,), 4, AckStatus.CLOSED))
    assert [(a.matter, a.cause) for a in outputs.alerts] == [(Matter.CLOSED, "real")]
    assert outputs.forget == (post.id,)
    assert not list(home.book)


def test_what_was_handed_to_a_broker_is_sent_and_costs_no_commit() -> None:
    home = pipeline(SosDetector("sos"))
    (post,) = alarms(home.feed(press(0)))
    assert home.feed(Published(at(1), post.id)) == Outputs()
    assert [alert.word for alert in home.book] == [Word.SENT]
    home.feed(stored((post.id,), 2))
    home.feed(Published(at(3), post.id))
    assert [alert.word for alert in home.book] == [Word.STORED], "a repetition takes nothing back"


def test_an_acknowledgement_of_something_unknown_moves_nothing() -> None:
    assert pipeline().feed(stored(("01ARZ3NDEKTSV4RRFFQ69G5FAV",), 0)) == Outputs()


def test_the_resident_is_told_after_30_s_without_stored_and_60_s_without_eyes_once_each() -> None:
    home = pipeline(SosDetector("sos"))
    (post,) = alarms(home.feed(press(0)))
    assert not home.feed(tick(29)).announcements
    assert [t.sound for t in home.feed(tick(30)).announcements] == [Sound.NOT_STORED]
    assert not home.feed(tick(31)).announcements
    home.feed(stored((post.id,), 40))
    assert not home.feed(tick(99)).announcements
    assert [t.sound for t in home.feed(tick(100)).announcements] == [Sound.NOT_PRESENTED]


def test_the_home_is_told_when_a_second_cry_is_not_stored_although_the_first_was_seen() -> None:
    home = pipeline(SosDetector("sos"))
    (first,) = alarms(home.feed(press(0)))
    home.feed(stored((first.id,), 1))
    home.feed(stored((first.id,), 2, AckStatus.PRESENTED))
    (heard_again,) = alarms(home.feed(press(100)))
    home.feed(stored((heard_again.id,), 101))
    assert not home.feed(tick(140)).announcements
    assert alarms(home.feed(press(200)))
    assert not home.feed(tick(229)).announcements
    assert [t.sound for t in home.feed(tick(230)).announcements] == [Sound.NOT_STORED]
    assert not home.feed(tick(300)).announcements


def test_a_cancelled_alert_is_forgotten_when_the_centre_has_stored_its_cancel() -> None:
    home = pipeline(Says("band", fall(Stage.SUSPECTED)), windows={Kind.FALL: 30_000}, cancel=["ok"])
    (first,) = alarms(home.feed(heard(2, "band")))
    (cancel,) = alarms(home.feed(press(10, "ok")))
    home.feed(stored((first.id,), 11))
    assert home.feed(stored((cancel.id,), 12)).forget == (first.id,)


def test_a_hazard_rings_when_it_begins_and_says_when_it_is_over() -> None:
    home = pipeline(HazardDetector())
    begun = home.feed(heard(0, "smoke", HazardState(Hazard.SMOKE, present=True)))
    assert [p.body["type"] for p in alarms(begun)] == ["smoke"]
    assert not alarms(home.feed(heard(5, "smoke", HazardState(Hazard.SMOKE, present=True))))
    over = home.feed(heard(60, "smoke", HazardState(Hazard.SMOKE, present=False)))
    assert [p.body["evid"]["ended"] for p in alarms(over)] == [True]


def test_a_command_is_done_once_and_answered_each_time() -> None:
    home = pipeline()
    command = Command("C1", CommandName.TEST_ALARM, {}, at(60).wall_ms)
    first = home.feed(Asked(at(0), command))
    assert [p.body["msg"] for p in alarms(first)] == ["test"]
    assert [p.body["ok"] for p in first.posts if p.stream is Stream.RES] == [True]
    assert [m.values for m in first.memories] == [{"C1": command.not_after_ms}]
    again = home.feed(Asked(at(1), command))
    assert not alarms(again)
    assert [p.body["result"] for p in again.posts] == [{"repeated": True}]


def test_a_command_is_remembered_until_its_time_is_over_whatever_else_is_asked() -> None:
    home = pipeline()
    command = Command("C1", CommandName.TEST_ALARM, {}, at(3600).wall_ms)
    home.feed(Asked(at(0), command))
    kept = 0
    for number in range(300):  # each over before the next
        brief = Command(f"B{number}", CommandName.STATUS, {}, at(number + 1).wall_ms)
        kept = len(home.feed(Asked(at(number), brief)).memories[0].values)
    assert not alarms(home.feed(Asked(at(600), command)))
    assert kept < 5


def test_of_more_commands_than_can_be_remembered_those_go_that_are_over_first() -> None:
    home = pipeline()
    last = Command("C1", CommandName.TEST_ALARM, {}, at(3600).wall_ms)
    home.feed(Asked(at(0), last))
    kept = 0
    for number in range(REMEMBERED + 10):
        other = Command(f"B{number}", CommandName.STATUS, {}, at(600 + number).wall_ms)
        kept = len(home.feed(Asked(at(1), other)).memories[0].values)
    assert kept == REMEMBERED
    assert not alarms(home.feed(Asked(at(2), last)))


def test_a_refused_command_is_answered_and_moves_nothing_else() -> None:
    home = pipeline()
    (post,) = home.feed(Refused(at(0), "C9", "its time is over (not_after)")).posts
    assert post.stream is Stream.RES
    assert (post.body["cmd"], post.body["ok"]) == ("C9", False)
    assert post.body["reason"] == "its time is over (not_after)"


def test_a_test_alarm_goes_the_whole_way_every_day() -> None:
    home = pipeline()
    home.feed(tick(0))
    assert not alarms(home.feed(tick(86_399)))
    assert [p.body["msg"] for p in alarms(home.feed(tick(86_400)))] == ["test"]
    assert not alarms(home.feed(tick(86_401)))


def test_a_hub_restarted_within_the_day_still_sends_the_test_alarm_when_a_day_is_over() -> None:
    first = pipeline()
    first.feed(tick(0))
    memories = {m.device: m.values for m in first.feed(tick(86_400)).memories}
    second = pipeline()
    second.restore((), memories, {})
    second.feed(tick(90_000))
    assert not alarms(second.feed(tick(172_799)))
    assert [p.body["msg"] for p in alarms(second.feed(tick(172_800)))] == ["test"]


def test_a_time_repaired_later_is_sent_as_an_update() -> None:
    home = pipeline(SosDetector("sos"))
    unproven = At(BOOT, 5_000, 1_000, proven=False)
    reading = Reading(unproven, "sos", press(0).readings[0].value)
    (new,) = alarms(home.feed(Heard(unproven, "sos", (reading,))))
    assert (new.body["t"], new.body["clock"]) == ("1970-01-01T00:00:01.000Z", "estimated")
    proven = At(BOOT, 9_000, 1_790_000_004_000, proven=True)
    (update,) = alarms(home.feed(ClockProven(proven)))
    assert (update.body["msg"], update.body["refs"]) == ("update", [new.id])
    assert (update.body["t"], update.body["clock"]) == ("2026-09-21T14:13:20.000Z", "proven")


def test_a_pending_alarm_of_an_earlier_boot_is_raised_when_nobody_can_know_the_time() -> None:
    first = pipeline(Says("band", fall(Stage.SUSPECTED)), windows={Kind.FALL: 30_000})
    first.feed(heard(2, "band"))
    second = pipeline()
    second.restore(tuple(first.book), {}, {})
    later = At("c1" * 16, 500, 7, proven=False)
    second.feed(HubReturned(later, at(3)))
    (post,) = alarms(second.feed(tick_at(later.plus(1000))))
    assert post.body["state"] == "raised"


def test_a_pending_alarm_does_not_wait_for_a_clock_that_has_gone_back_over_a_reboot() -> None:
    first = pipeline(Says("band", fall(Stage.SUSPECTED)), windows={Kind.FALL: 30_000})
    first.feed(heard(9 * 3600, "band"))
    second = pipeline()
    second.restore(tuple(first.book), {}, {})
    later = at(60, boot="c1" * 16)
    second.feed(HubReturned(later, None))
    (post,) = alarms(second.feed(tick_at(later)))
    assert post.body["state"] == "raised"


def tick_at(now: At) -> Input:
    return type(tick(0))(now)


def test_a_fall_takes_its_evidence_along_ten_seconds_after_the_impact() -> None:
    home = pipeline(Says("band", fall(Stage.SUSPECTED, 10)))
    t0 = at(0).mono_ms
    home.feed(heard(0, "hall", Motion(detected=True)))
    for second in range(20):
        samples = np.arange(50, dtype=np.int64) * 20 + t0 + second * 1000
        acc = np.full((50, 3), second, np.int16)
        now = at(second + 1)
        block = Reading(now, "band", AccelerationBlock(samples, acc))
        home.feed(Heard(now, "band" if second >= 12 else "x", (block,)))
    assert not [p for p in home.feed(tick(19.9)).posts if p.stream is Stream.EVIDENCE]
    parts = [p for p in home.feed(tick(20)).posts if p.stream is Stream.EVIDENCE]
    assert [p.body["what"] for p in parts] == ["home", *["acceleration"] * 3]
    assert {p.alert for p in parts} == {p.body["alert"] for p in parts}


def test_events_leave_in_batches_and_raw_acceleration_stays_at_home() -> None:
    home = pipeline()
    home.feed(tick(0))
    for second in range(20):
        home.feed(heard(second, "hall", Motion(detected=second % 2 == 0)))
    outputs = home.feed(tick(300))
    events = [p for p in outputs.posts if p.stream is Stream.EVENT]
    assert sum(len(p.body["items"]) for p in events) == 20
    (summary,) = [p for p in outputs.posts if p.stream is Stream.SUM]
    assert [(i["device"], i["what"], i["count"]) for i in summary.body["items"]] == [
        ("hall", "motion", 10)
    ]


def test_the_same_inputs_give_the_same_outputs_twice() -> None:
    inputs: list[Input] = [
        tick(0),
        press(1),
        heard(2, "door", Contact(open=True)),
        tick(40),
        heard(41, "smoke", HazardState(Hazard.GAS, present=True)),
        tick(400),
    ]
    runs = [
        [home.feed(given) for given in inputs]
        for home in (pipeline(SosDetector("sos"), HazardDetector()) for _ in range(2))
    ]
    assert runs[0] == runs[1]
    assert any(outputs.urgent for outputs in runs[0])


def test_a_replay_that_wants_no_telemetry_rings_all_the_same() -> None:
    home = pipeline_of(Plan(detectors=(SosDetector("sos"),), telemetry=False))
    outputs = [home.feed(press(7)), *(home.feed(tick(seconds)) for seconds in (60, 400, 800))]
    assert [post.stream for one in outputs for post in one.posts] == [Stream.ALARM]
    assert not any(one.keeps for one in outputs)
    assert not home.telemetry.last
