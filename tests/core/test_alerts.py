"""The alert tables: what may happen happens as drawn, all else is a bug."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.alerts import (
    TRANSITIONS,
    WORD_TRANSITIONS,
    Matter,
    Msg,
    Turn,
    Word,
    begin,
    move,
    repeat_after_s,
    told,
)
from gateway.core.model import Decision, Kind, Reason, Stage
from gateway.errors import Bug
from tests.fakes import at


def suspicion() -> Decision:
    return Decision(Kind.FALL, Stage.SUSPECTED, at(0), "band", Reason("test.alarm"), 0.8)


def test_a_suspicion_with_a_window_is_pending_and_due_at_its_end() -> None:
    alert, msg = begin("A", suspicion(), Turn.SUSPECT, 30_000)
    assert (alert.matter, alert.due, msg) == (Matter.PENDING, at(30), Msg.NEW)


def test_without_a_window_a_suspicion_is_raised_at_once() -> None:
    alert, msg = begin("A", suspicion(), Turn.SUSPECT, 0)
    assert (alert.matter, alert.due, msg) == (Matter.RAISED, None, Msg.NEW)


@pytest.mark.parametrize(
    ("turn", "matter", "says"),
    [
        (Turn.CONFIRM, Matter.RAISED, Msg.UPDATE),
        (Turn.DUE, Matter.RAISED, Msg.UPDATE),
        (Turn.WITHDRAW, Matter.CANCELLED, Msg.CANCEL),
        (Turn.RESIDENT, Matter.CANCELLED, Msg.CANCEL),
        (Turn.NOTE, Matter.PENDING, Msg.UPDATE),
        (Turn.CLOSE, Matter.CLOSED, None),
    ],
)
def test_a_pending_alert_moves_as_the_table_says(turn: Turn, matter: Matter, says: Msg) -> None:
    alert, _ = begin("A", suspicion(), Turn.SUSPECT, 30_000)
    moved, msg = move(alert, turn)
    assert (moved.matter, msg, moved.due is None) == (matter, says, matter is not Matter.PENDING)


def test_a_resident_cannot_end_a_raised_alert_but_the_operator_hears_of_it() -> None:
    alert, _ = begin("A", suspicion(), Turn.SUSPECT, 0)
    moved, msg = move(alert, Turn.RESIDENT)
    assert (moved.matter, msg) == (Matter.RAISED, Msg.UPDATE)


def test_only_the_centre_closes() -> None:
    assert {turn for (_, turn), step in TRANSITIONS.items() if step.to is Matter.CLOSED} == {
        Turn.CLOSE
    }


@given(st.lists(st.sampled_from(list(Turn))))
def test_any_sequence_of_turns_follows_the_table_or_raises_and_never_reopens(
    turns: list[Turn],
) -> None:
    alert, _ = begin("A", suspicion(), Turn.SUSPECT, 30_000)
    for turn in turns:
        if (alert.matter, turn) not in TRANSITIONS:
            with pytest.raises(Bug):
                move(alert, turn)
            continue
        before = alert.matter
        alert, _ = move(alert, turn)
        if before in (Matter.CANCELLED, Matter.CLOSED):
            assert alert.matter in (before, Matter.CLOSED)


def test_a_word_never_goes_back_and_an_overtaking_one_is_believed() -> None:
    order = list(Word)
    for (have, heard), new in WORD_TRANSITIONS.items():
        assert order.index(new) == max(order.index(have), order.index(heard))


def test_stored_is_stamped_once() -> None:
    alert, _ = begin("A", suspicion(), Turn.SUSPECT, 0)
    stored = told(alert, Word.STORED, at(5))
    assert stored.stored_at == at(5)
    assert told(stored, Word.HANDLED, at(9)).stored_at == at(5)


def test_repetition_is_5_10_20_40_then_every_60_seconds_without_end() -> None:
    assert [repeat_after_s(n) for n in (1, 2, 3, 4, 5, 6, 1000)] == [5, 10, 20, 40, 60, 60, 60]
    with pytest.raises(Bug):
        repeat_after_s(0)


def test_an_alert_that_is_due_without_being_pending_is_refused_at_birth() -> None:
    alert, _ = begin("A", suspicion(), Turn.SUSPECT, 30_000)
    with pytest.raises(Bug):
        replace(alert, matter=Matter.RAISED)
