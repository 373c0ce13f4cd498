"""The ledger: every message once, whatever the order, and never a `stored` that is not true."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.centre import desk
from gateway.centre.ledger import Ledger
from gateway.centre.outcome import Ask, Event, Notice, Outcome, Say
from gateway.centre.watch import tick
from gateway.core.alerts import Matter, Word
from gateway.core.wire import Ack, AckStatus, Cause, CommandName
from gateway.errors import CentreError
from tests.fakes_centre import (
    DISTRICT,
    EPOCH,
    HUB,
    T0,
    FakeShelf,
    alarm,
    birth,
    counted,
    death,
    heartbeat,
    received,
)


class Bench:
    """A ledger with a shelf that keeps what the ledger said to keep."""

    def __init__(self) -> None:
        self.shelf = FakeShelf()
        self.ledger = Ledger(self.shelf)

    def take(self, body: dict[str, Any], at_ms: int = T0, *, retained: bool = False) -> Outcome:
        outcome = self.ledger.receive(received(body), at_ms, retained=retained)
        for kept in outcome.kept:
            self.shelf.ids[kept.hub, kept.epoch, kept.stream, kept.seq] = kept.id
        return outcome

    def tick(self, at_ms: int, listening_ms: int | None = T0) -> Outcome:
        return tick(self.ledger, at_ms, listening_ms=listening_ms)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def stored(stream: str = "alarm", *ids: str, upto: int | None = None) -> Say:
    return Say(DISTRICT, HUB, Ack(EPOCH, stream, AckStatus.STORED, ids, upto))


# ------------------------------------------------------------------------------- the same again
def test_an_alarm_is_kept_and_stored_by_its_id(bench: Bench) -> None:
    outcome = bench.take(alarm(1))
    assert [kept.id for kept in outcome.kept] == ["A1"]
    assert outcome.says == (stored("alarm", "A1"),)
    assert outcome.raised == ("A1",)


def test_a_repeated_message_is_not_kept_again_but_stored_again(bench: Bench) -> None:
    bench.take(alarm(1))
    again = bench.take(alarm(1, attempt=2))
    assert again.kept == ()
    assert again.raised == ()
    assert again.says == (stored("alarm", "A1"),)


def test_another_id_under_the_same_number_is_never_stored_and_yet_somebody_sees_it(
    bench: Bench,
) -> None:
    bench.take(alarm(1))
    outcome = bench.take(alarm(1, ident="OTHER"))
    assert outcome.kept == ()
    assert outcome.says == ()
    assert [event.notice for event in outcome.events] == [Notice.PROTOCOL]
    assert outcome.raised == ("OTHER",)
    assert list(bench.ledger.cases) == ["A1", "OTHER"]
    again = bench.take(alarm(1, ident="OTHER"))
    assert (again.says, again.events, again.raised, again.cases) == ((), (), (), ())


def test_a_hub_cannot_cancel_the_alarm_of_another(bench: Bench) -> None:
    bench.take(alarm(1, state="pending", due_ms=T0 + 30_000))
    intruder = alarm(1, ident="X", msg="cancel", state="cancelled", refs=("A1",), hub="intruder")
    outcome = bench.take(intruder)
    assert outcome.says == ()
    assert [event.notice for event in outcome.events] == [Notice.PROTOCOL]
    assert bench.ledger.cases["A1"].matter is Matter.PENDING


def test_a_new_epoch_counts_from_one_again(bench: Bench) -> None:
    bench.take(alarm(1))
    outcome = bench.take(alarm(1, ident="B1", epoch="01JEPOCH00000000000000000B"))
    assert [kept.id for kept in outcome.kept] == ["B1"]
    assert set(bench.ledger.cases) == {"A1", "B1"}


def test_a_whole_run_is_stored_by_its_end_and_what_is_above_a_hole_by_id(bench: Bench) -> None:
    assert bench.take(counted("event", 1)).says == (stored("event", upto=1),)
    assert bench.take(counted("event", 3)).says == (stored("event", "event-3"),)
    assert bench.take(counted("event", 2)).says == (stored("event", upto=3),)


# -------------------------------------------------------------------------------------- holes
def test_a_hole_is_asked_for_after_the_hub_had_its_own_turn(bench: Bench) -> None:
    bench.take(birth())
    bench.take(counted("event", 1))
    bench.take(counted("event", 4))
    assert bench.tick(T0 + 5_000).asks == ()
    (ask,) = bench.tick(T0 + 6_000).asks
    assert ask.name is CommandName.RESEND
    assert dict(ask.args) == {"epoch": EPOCH, "stream": "event", "from": 2, "to": 3}
    assert bench.tick(T0 + 7_000).asks == ()


def test_a_hole_that_the_hub_fills_is_not_asked_for(bench: Bench) -> None:
    bench.take(birth())
    for seq in (1, 3, 2):
        bench.take(counted("event", seq))
    assert bench.tick(T0 + 60_000).asks == ()


def test_a_lost_tail_is_seen_by_the_heartbeat(bench: Bench) -> None:
    bench.take(birth())
    bench.take(counted("sum", 1))
    bench.take(heartbeat(sum=3))
    (ask,) = bench.tick(T0 + 6_000).asks
    assert dict(ask.args) == {"epoch": EPOCH, "stream": "sum", "from": 2, "to": 3}


def test_a_range_that_never_comes_is_told_and_left(bench: Bench) -> None:
    bench.take(birth())
    bench.take(counted("event", 3))
    asks: list[Ask] = []
    events: list[Event] = []
    for second in range(3600):
        bench.take(heartbeat(at_ms=T0 + second * 1000), T0 + second * 1000)
        outcome = bench.tick(T0 + second * 1000)
        asks += outcome.asks
        events += outcome.events
    assert len(asks) == 8
    assert [event.notice for event in events] == [Notice.GAP]
    assert bench.take(counted("event", 4)).says == (stored("event", "event-4"),)


def test_what_the_hub_says_is_gone_is_asked_for_once_more_and_told(bench: Bench) -> None:
    bench.take(birth())
    bench.take(counted("event", 3))
    (ask,) = bench.tick(T0 + 6_000).asks
    result = {"resend": dict(ask.args), "left": 0}
    bench.take(counted("res", 1) | {"cmd": "c1", "ok": True, "result": result}, T0 + 7_000)
    last = bench.tick(T0 + 13_000)
    assert [dict(each.args) for each in last.asks] == [dict(ask.args)]
    assert [event.notice for event in last.events] == [Notice.GAP]
    bench.take(heartbeat(at_ms=T0 + 600_000), T0 + 600_000)
    assert bench.tick(T0 + 600_000).asks == ()


# ------------------------------------------------------------------------------------ pending
def test_a_pending_alarm_is_raised_here_when_nothing_follows(bench: Bench) -> None:
    bench.take(birth())
    bench.take(alarm(1, state="pending", due_ms=T0 + 30_000))
    assert bench.tick(T0 + 29_999).raised == ()
    outcome = bench.tick(T0 + 30_000)
    assert outcome.raised == ("A1",)
    assert [event.notice for event in outcome.events] == [Notice.RAISED_HERE]
    assert bench.ledger.cases["A1"].raised_here


@pytest.mark.parametrize(
    ("clock", "sent_ms", "arrives_ms", "raised_ms"),
    [
        pytest.param("proven", T0, T0, T0 + 30_000, id="clocks agree"),
        pytest.param("estimated", T0 - 10**12, T0, T0 + 30_000, id="a hub in another century"),
        pytest.param("proven", T0 + 60_000, T0, T0 + 30_000, id="a hub a minute ahead"),
        pytest.param("proven", T0 - 20_000, T0, T0 + 10_000, id="20 s on the way, clocks agree"),
        pytest.param("proven", T0 - 600_000, T0, T0 + 2_000, id="10 min in a queue"),
    ],
)
def test_due_is_counted_from_where_it_can_be_trusted(
    bench: Bench, clock: str, sent_ms: int, arrives_ms: int, raised_ms: int
) -> None:
    ahead_ms = sent_ms - arrives_ms if sent_ms > arrives_ms or clock != "proven" else 0
    bench.take(birth(at_ms=arrives_ms + ahead_ms, clock=clock), arrives_ms)
    pending = alarm(1, state="pending", due_ms=sent_ms + 30_000, sent_ms=sent_ms, clock=clock)
    bench.take(pending, arrives_ms)
    assert bench.ledger.cases["A1"].due_ms == raised_ms


def test_without_a_birth_of_this_session_the_window_is_counted_from_the_arrival(
    bench: Bench,
) -> None:
    late = alarm(1, state="pending", due_ms=T0 - 5_000, sent_ms=T0 - 35_000)
    bench.take(late)
    assert bench.ledger.cases["A1"].due_ms == T0 + 30_000


def test_a_cancel_ends_a_pending_alarm_and_the_centre_closes_it(bench: Bench) -> None:
    bench.take(alarm(1, state="pending", due_ms=T0 + 30_000))
    evid = {"reason": "cancel.resident"}
    bench.take(alarm(2, msg="cancel", state="cancelled", refs=("A1",), evid=evid))
    assert bench.tick(T0 + 59_000).raised == ()
    (say,) = bench.tick(T0 + 60_000).says
    assert (say.ack.status, say.ack.ids, say.ack.cause) == (
        AckStatus.CLOSED,
        ("A1",),
        Cause.RESIDENT,
    )


def test_a_cancel_after_the_centre_raised_it_leaves_it_raised(bench: Bench) -> None:
    bench.take(alarm(1, state="pending", due_ms=T0 + 30_000))
    bench.tick(T0 + 30_000)
    bench.take(alarm(2, msg="cancel", state="cancelled", refs=("A1",)), T0 + 90_000)
    case = bench.ledger.cases["A1"]
    assert (case.matter, case.withdrawn) == (Matter.RAISED, True)


def test_raised_opens_what_only_the_centres_own_rule_had_closed(bench: Bench) -> None:
    bench.take(alarm(2, msg="cancel", state="cancelled", refs=("A1",)))
    bench.tick(T0 + 60_000)
    outcome = bench.take(alarm(3, msg="update", state="raised", refs=("A1",)), T0 + 61_000)
    assert outcome.raised == ("A1",)


def test_what_a_person_closed_stays_closed(bench: Bench) -> None:
    bench.take(alarm(1))
    desk.close(bench.ledger, "A1", Cause.FALSE, "kim", T0)
    bench.take(alarm(2, msg="update", refs=("A1",)))
    assert bench.ledger.cases["A1"].matter is Matter.CLOSED


def test_a_test_alarm_closes_itself_and_is_noted_of_the_hub(bench: Bench) -> None:
    outcome = bench.take(alarm(1, msg="test"))
    assert [say.ack.status for say in outcome.says] == [AckStatus.STORED, AckStatus.CLOSED]
    assert bench.ledger.households[HUB].test_ms == T0
    assert list(bench.ledger.open_cases()) == []


# -------------------------------------------------------------------------------- words of people
def test_the_word_goes_from_presented_over_handled_to_closed(bench: Bench) -> None:
    bench.take(alarm(1))
    shown = desk.present(bench.ledger, ["A1"], "kim", T0 + 1)
    assert [say.ack.status for say in shown.says] == [AckStatus.PRESENTED]
    assert desk.present(bench.ledger, ["A1"], "kim", T0 + 2).says == ()
    handled = desk.handle(bench.ledger, "A1", "kim", T0 + 3)
    assert [say.ack.status for say in handled.says] == [AckStatus.HANDLED]
    closed = desk.close(bench.ledger, "A1", Cause.REAL, "kim", T0 + 4)
    (say,) = closed.says
    assert (say.ack.status, say.ack.cause, say.ack.operator) == (
        AckStatus.CLOSED,
        Cause.REAL,
        "kim",
    )
    assert [(entry.operator, entry.action) for entry in closed.access] == [("kim", "closed")]


def test_nobody_handles_or_closes_what_is_not_there_or_over(bench: Bench) -> None:
    with pytest.raises(CentreError, match="no alert A9"):
        desk.handle(bench.ledger, "A9", "kim", T0)
    bench.take(alarm(1))
    desk.close(bench.ledger, "A1", Cause.REAL, "kim", T0)
    with pytest.raises(CentreError, match="closed already"):
        desk.handle(bench.ledger, "A1", "kim", T0)
    with pytest.raises(CentreError, match="closed already, as real"):
        desk.close(bench.ledger, "A1", Cause.FALSE, "kim", T0)


def test_an_alarm_nobody_saw_for_a_minute_is_an_event_once(bench: Bench) -> None:
    bench.take(alarm(1))
    assert bench.tick(T0 + 59_999).events == ()
    assert [event.notice for event in bench.tick(T0 + 60_000).events] == [Notice.NOT_PRESENTED]
    assert bench.tick(T0 + 61_000).events == ()


def test_a_hub_that_comes_back_is_told_where_its_alerts_stand(bench: Bench) -> None:
    bench.take(birth(1))
    bench.take(alarm(1))
    bench.take(alarm(2))
    desk.handle(bench.ledger, "A1", "kim", T0)
    desk.close(bench.ledger, "A2", Cause.FALSE, "kim", T0)
    says = bench.take(birth(2)).says
    assert {(say.ack.ids, say.ack.status) for say in says} == {
        (("A1",), AckStatus.HANDLED),
        (("A2",), AckStatus.CLOSED),
    }
    assert bench.take(birth(2), retained=True).says == ()


# --------------------------------------------------------------------------------- hubs
def test_a_death_of_an_older_session_is_ignored(bench: Bench) -> None:
    bench.take(birth(6))
    bench.take(death(5))
    assert bench.ledger.households[HUB].online
    bench.take(death(6))
    assert not bench.ledger.households[HUB].online


def test_what_another_broker_remembers_of_an_earlier_session_changes_nothing(bench: Bench) -> None:
    bench.take(birth(7))
    bench.take(birth(5), retained=True)
    assert bench.ledger.households[HUB].session == 7
    bench.take(death(7))
    bench.take(birth(5), retained=True)
    assert not bench.ledger.households[HUB].online


def test_a_replaced_database_counts_its_sessions_anew(bench: Bench) -> None:
    bench.take(birth(7))
    bench.take(birth(1, epoch="01JEPOCH00000000000000000B"))
    home = bench.ledger.households[HUB]
    assert (home.session, home.online) == (1, True)


def test_a_short_absence_is_no_event_and_a_long_one_is_told_once(bench: Bench) -> None:
    bench.take(birth(1))
    bench.take(death(1), T0 + 1_000)
    assert bench.tick(T0 + 30_000).events == ()
    assert [e.notice for e in bench.tick(T0 + 31_000).events] == [Notice.HUB_GONE]
    assert bench.tick(T0 + 32_000).events == ()
    bench.take(birth(2), T0 + 40_000)
    assert [e.notice for e in bench.tick(T0 + 41_000).events] == [Notice.HUB_BACK]


def test_a_hub_that_had_run_all_the_while_had_only_lost_its_link(bench: Bench) -> None:
    bench.take(birth(1))
    bench.take(death(1), T0 + 1_000)
    bench.tick(T0 + 31_000)
    bench.take(birth(2) | {"uptime_s": 3600}, T0 + 90_000)
    (event,) = bench.tick(T0 + 91_000).events
    assert (event.notice, event.detail) == (Notice.LINK_BACK, "after 90 s")


def test_a_silent_hub_is_gone_within_180_seconds(bench: Bench) -> None:
    bench.take(birth(1))
    bench.take(heartbeat(at_ms=T0 + 60_000), T0 + 60_000)
    assert bench.tick(T0 + 209_000).events == ()
    assert [e.notice for e in bench.tick(T0 + 210_000).events] == [Notice.HUB_GONE]


def test_a_centre_that_was_cut_off_blames_no_hub(bench: Bench) -> None:
    bench.take(birth(1))
    hour = T0 + 3_600_000
    assert bench.tick(hour, listening_ms=None).events == ()
    assert bench.tick(hour + 1_000, listening_ms=hour).events == ()


def test_a_centre_that_stays_cut_off_says_so_of_itself_once_and_says_when_it_hears(
    bench: Bench,
) -> None:
    bench.take(birth(1))
    notices = [
        [event.notice for event in bench.tick(T0 + ms, listening_ms=since).events]
        for ms, since in ((0, None), (29_000, None), (30_000, None), (300_000, None))
    ]
    assert notices == [[], [], [Notice.CUT_OFF], []]
    back = bench.tick(T0 + 301_000, listening_ms=T0 + 301_000).events
    assert [(event.notice, event.hub) for event in back] == [(Notice.HEARING, "")]


def test_a_hub_whose_daily_test_alarm_does_not_come_is_told_once(bench: Bench) -> None:
    hour = 3_600_000
    bench.take(birth(1))
    bench.take(alarm(1, msg="test"), T0 + hour)
    bench.take(heartbeat(at_ms=T0 + 27 * hour), T0 + 27 * hour - 1_000)
    assert bench.tick(T0 + 27 * hour - 1, listening_ms=T0).events == ()
    (event,) = bench.tick(T0 + 27 * hour, listening_ms=T0).events
    assert (event.notice, event.detail) == (Notice.UNTESTED, "for 26 h")
    assert bench.tick(T0 + 27 * hour + 1_000, listening_ms=T0).events == ()
    bench.take(alarm(2, ident="T2", msg="test"), T0 + 28 * hour)
    bench.tick(T0 + 28 * hour, listening_ms=T0)
    assert not bench.ledger.households[HUB].untested


def test_what_a_hub_threw_away_for_want_of_room_is_told_once(bench: Bench) -> None:
    bench.take(birth(1))
    said = [
        bench.take(heartbeat() | {"evicted": counts}, T0 + 1_000).events
        for counts in ({"event": 500}, {"event": 500}, {"event": 700, "sum": 3}, {"event": 1})
    ]
    details = [[event.detail for event in events] for events in said]
    assert details == [["event 500"], [], ["event 200, sum 3"], []], "a new card counts anew"


def test_what_became_of_a_command_is_told_and_a_resend_is_not(bench: Bench) -> None:
    home = bench.take(counted("res", 1) | {"cmd": "c1", "ok": True, "result": {"presence": "away"}})
    (event,) = home.events
    assert (event.notice, event.subject, event.detail) == (
        Notice.RESULT,
        "c1",
        "done presence away",
    )
    refused = bench.take(counted("res", 2) | {"cmd": "c2", "ok": False, "reason": "too late"})
    assert refused.events[0].detail == "refused: too late"
    resent = counted("res", 3) | {"cmd": "c3", "ok": True, "result": {"resend": {"from": 1}}}
    assert bench.take(resent).events == ()


# --------------------------------------------------------------------------------- any order
STORY = [
    alarm(1, state="pending", due_ms=T0 + 30_000),
    alarm(2, msg="update", state="raised", refs=("A1",), cert=0.99),
    alarm(3, ident="B", state="pending", due_ms=T0 + 30_000),
    alarm(4, msg="cancel", state="cancelled", refs=("B",)),
    alarm(5, ident="C", msg="test"),
    alarm(6, msg="update", state="raised", refs=("A1",), evid={"reason": "resident"}),
    *(counted("event", seq) for seq in range(1, 5)),
]


def standing(bench: Bench) -> object:
    cases = {
        case.id: (case.matter, case.cert, dict(case.reason), case.withdrawn, case.word)
        for case in bench.ledger.cases.values()
    }
    return cases, bench.ledger.progress, bench.shelf.ids


@given(st.permutations(range(len(STORY))), st.lists(st.sampled_from(range(len(STORY))), max_size=8))
def test_any_order_with_any_repeats_ends_in_the_same_ledger(
    order: list[int], repeats: list[int]
) -> None:
    straight, shuffled = Bench(), Bench()
    for body in STORY:
        straight.take(body)
    answered = set()
    for index in [*order, *repeats]:
        says = shuffled.take(STORY[index]).says
        answered |= {ident for say in says for ident in say.ack.ids}
    assert standing(shuffled) == standing(straight)
    assert {f"A{n}" for n in (1, 2, 4, 6)} | {"B", "C"} <= answered
    assert shuffled.ledger.cases["A1"].word is Word.STORED


def test_a_day_unlike_the_weeks_before_it_is_a_line_of_the_journal_and_another_is_none(
    bench: Bench,
) -> None:
    usual = counted("routine", 1) | {"day": "2026-11-20", "items": [{"change": "usual"}]}
    assert bench.take(usual).events == ()
    changed = counted("routine", 2) | {"day": "2026-11-21", "items": [{"change": "later"}]}
    outcome = bench.take(changed | {"ko": "늦음", "en": "late"})
    (event,) = outcome.events
    assert (event.notice, event.subject, event.detail) == (
        Notice.ROUTINE,
        "2026-11-21",
        "늦음 / late",
    )
    assert len(outcome.kept) == 1
    assert bench.take(changed).events == (), "a repetition is no news"
    strange = counted("routine", 3) | {"items": [{"change": ["later"]}, "later", None]}
    assert bench.take(strange).events == ()
