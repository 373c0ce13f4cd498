"""The board: aligned in both languages, worst first, and honest about what it does not show."""

import re
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.centre.board import render, visible
from gateway.centre.case import Case
from gateway.centre.cells import cells, fit, plain
from gateway.centre.household import Household
from gateway.centre.keys import (
    NOTHING_TYPED,
    Action,
    Close,
    Handle,
    Order,
    OtherLanguage,
    Quit,
    Typed,
    press,
)
from gateway.centre.ledger import Ledger
from gateway.centre.lines import case_line
from gateway.centre.outcome import Event, Notice
from gateway.centre.view import Counters, Numbers, View, homes, open_cases, over_cases
from gateway.centre.words import place, span
from gateway.core.model import Kind
from gateway.core.wire import Cause, CommandName
from gateway.settings import Language
from tests.fakes_centre import HUB, T0, FakeShelf, alarm, birth, received

KO, EN = Language.KO, Language.EN
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
NOW = T0 + 134_000


def ledger_of(*bodies: dict[str, Any]) -> Ledger:
    ledger = Ledger(FakeShelf())
    for body in bodies:
        ledger.receive(received(body), T0)
    return ledger


def view_of(*bodies: dict[str, Any], **more: Any) -> View:
    ledger = ledger_of(*bodies)
    shown, hubs = open_cases(ledger), homes(ledger)
    view = View(
        open=shown,
        over=over_cases(ledger),
        homes=hubs,
        numbers=Numbers().of(shown, hubs),
        labels={HUB: "김순자 댁"},
        counters=Counters(messages=9, stored=7, duplicates=1, refused=1),
        zone=ZoneInfo("Asia/Seoul"),
    )
    return replace(view, **more)


def frame(view: View, language: Language = KO, width: int = 110, height: int = 24) -> list[str]:
    return [
        COLOUR.sub("", line) for line in render(view, width, height, language, NOW).split("\r\n")
    ]


HOME = (
    birth(),
    alarm(1),
    alarm(2, state="pending", due_ms=NOW + 12_000, loc=3072),
    alarm(3, type="fault.battery", sev=2, cert=1.0, loc=0, sensor="문 센서"),
)


def test_a_korean_frame_shows_the_worst_first_with_age_home_place_and_reason() -> None:
    lines = frame(view_of(*HOME))
    assert "열린 경보 3" in lines[0]
    assert lines[1].split() == [
        "1",
        "출동",
        "낙상",
        "2분",
        "14초",
        "김순자",
        "댁",
        "욕실",
        "발령",
        "·",
        "저장",
    ]
    assert lines[2].strip().startswith("강한 충격 · ")
    assert lines[3].split()[:3] == ["2", "출동", "낙상"]
    assert "취소 대기" in lines[3]
    assert lines[5].split() == [
        "3",
        "점검",
        "배터리",
        "부족",
        "2분",
        "14초",
        "김순자",
        "댁",
        "문",
        "센서",
        "발령",
        "·",
        "저장",
    ]


def test_an_english_frame_says_the_same() -> None:
    lines = frame(view_of(*HOME), EN)
    assert lines[1].split() == [
        "1",
        "GO",
        "Fall",
        "2",
        "min",
        "14",
        "s",
        "김순자",
        "댁",
        "shower",
        "raised",
        "·",
        "stored",
    ]
    assert lines[2].strip().startswith("hard impact · ")


@pytest.mark.parametrize("width", [40, 80, 81, 120, 200])
@pytest.mark.parametrize("height", [5, 8, 24, 50])
@pytest.mark.parametrize("language", list(Language))
def test_every_frame_fills_its_screen_exactly(width: int, height: int, language: Language) -> None:
    event = Event(T0, Notice.HUB_GONE, HUB, "", "for 180 s")
    view = view_of(*HOME, events=(event,), fault="디스크가 가득 찼습니다", typed=Typed("12"))
    lines = frame(view, language, width, height)
    assert [cells(line) for line in lines] == [width] * height


def test_alarms_that_do_not_fit_are_counted_and_not_visible() -> None:
    view = view_of(*(alarm(n, ident=f"A{n:02}") for n in range(1, 31)))
    shown = visible(view, 24)
    text = "\n".join(frame(view))
    assert 0 < len(shown) < 30
    assert f"+{30 - len(shown)}" in text
    numbers = {int(line.split()[0]) for line in frame(view) if "출동" in line}
    assert numbers == {view.numbers[ident] for ident in shown}


def test_moving_brings_every_alarm_on_the_screen() -> None:
    view = view_of(*(alarm(n, ident=f"A{n:02}") for n in range(1, 31)))
    seen: set[str] = set()
    for scroll in range(40):
        seen |= set(visible(replace(view, typed=Typed(scroll=scroll)), 12))
    assert len(seen) == 30


def test_what_a_hub_sends_cannot_move_the_cursor() -> None:
    evil = {"reason": "x", "ko": "\x1b[2J\x1b[31m\u202e위험\n\r\x9b", "en": ""}
    lines = frame(view_of(alarm(1, evid=evil, sensor="\x1b]0;x\x07", loc=0)))
    assert "위험" in lines[2]
    assert not any(char in line for line in lines for char in "\x1b\n\r\x07\x9b\u202e")


SILENCE = {
    "reason": "inactivity.attention.home",
    "en": "5 h without a sign of life",
    "ko": "5시간 동안 무활동",
    "also": {"en": ["not heard: hall", "2 h unseen"], "ko": ["수신 안 됨: hall", "2시간 못 봄"]},
}


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (KO, ("5시간 동안 무활동", "수신 안 됨: hall", "2시간 못 봄")),
        (EN, ("5 h without a sign of life", "not heard: hall", "2 h unseen")),
    ],
)
def test_what_of_a_silence_was_not_seen_stands_beside_its_reason(
    language: Language, said: tuple[str, ...]
) -> None:
    view = view_of(alarm(1, type="inactivity", evid=SILENCE))
    assert frame(view, language, width=140)[2].strip().startswith(" · ".join(said))
    assert "; ".join(said) in case_line(view.open[0], "home 3", T0, language)


@pytest.mark.parametrize("also", [None, "x", 3, [], {"en": "x"}, {"en": [1, None], "ko": {}}])
def test_notes_of_any_form_keep_no_alarm_off_the_board(also: object) -> None:
    view = view_of(alarm(1, type="inactivity", evid={**SILENCE, "also": also}))
    assert frame(view, width=140)[2].strip().startswith("5시간 동안 무활동 · ")


def test_an_onset_that_no_clock_can_show_does_not_break_the_board() -> None:
    lines = frame(view_of(alarm(1, t="0001-01-01T00:00:00.000Z")))
    assert "발생" in lines[2]


def test_an_alarm_raised_here_says_so_and_an_unproven_time_too() -> None:
    (case,) = open_cases(ledger_of(alarm(1, clock="estimated")))
    case = replace(case, raised_here=True, withdrawn=True, durable=False, updates=2)
    second = frame(view_of(open=(case,)), width=160)[2]
    for words in ("관제 발령", "본인 취소", "허브 저장 실패", "추가 신호 2", "시각 미확인"):
        assert words in second


def test_a_centre_that_cannot_store_shows_it_first() -> None:
    assert "저장 불가" in frame(view_of(*HOME, fault="disk full"))[1]
    assert "중계 끊김: no route" in frame(view_of(broker_up=False, why="no route"), width=140)[0]


def test_gone_homes_come_first_and_the_rest_is_counted() -> None:
    hubs = [Household(f"hub{n:03}", "1", online=True, heard_ms=NOW) for n in range(60)]
    hubs[40] = replace(hubs[40], gone=True)
    ledger = Ledger(FakeShelf(), households={hub.hub: hub for hub in hubs})
    lines = frame(view_of(homes=homes(ledger)))
    first = next(index for index, line in enumerate(lines) if "가구 60" in line and "──" in line)
    assert "hub040" in lines[first + 1]
    assert any(re.fullmatch(r" +\+\d+ *", line) for line in lines)


def test_numbers_never_change_hands() -> None:
    numbers = Numbers()
    first, second = open_cases(ledger_of(alarm(1), alarm(2)))
    assert numbers.of((first,), ())[first.id] == 1
    assert numbers.of((second, first), ()) == {first.id: 1, second.id: 2}
    assert numbers.of((second,), ())[second.id] == 2


def test_a_line_carries_all_of_an_alarm() -> None:
    (case,) = open_cases(ledger_of(alarm(1)))
    line = case_line(case, "home 3", T0, EN)
    assert line.split("  ")[1:] == [
        "GO", "Fall", "home 3", "shower", "raised", "stored", "hard impact", "A1",
    ]  # fmt: skip


# ------------------------------------------------------------------------------------- keys
def typed(keys: str) -> tuple[Typed, list[Action]]:
    state, actions = NOTHING_TYPED, list[Action]()
    for key in keys:
        state, action = press(state, key)
        if action is not None:
            actions.append(action)
    return state, actions


@pytest.mark.parametrize(
    ("keys", "actions"),
    [
        ("12h", [Handle(12)]),
        ("3cr", [Close(3, Cause.REAL)]),
        ("3cxf", [Close(3, Cause.FALSE)]),
        ("3ct", [Close(3, Cause.TEST)]),
        ("3cp", [Close(3, Cause.RESIDENT)]),
        ("3c\x1b4h", [Handle(4)]),
        ("12\x7fh", [Handle(1)]),
        ("2t", [Order(2, CommandName.TEST_ALARM)]),
        ("2s3a", [Order(2, CommandName.STATUS), Order(3, CommandName.AWAY)]),
        ("4o", [Order(4, CommandName.HOME)]),
        ("l", [OtherLanguage()]),
        ("q", [Quit()]),
        ("1qh", [Quit()]),
        ("h", []),
        ("c", []),
        ("3cq", []),
    ],
)  # fmt: skip
def test_keys_do_what_the_foot_says(keys: str, actions: list[Action]) -> None:
    assert typed(keys)[1] == actions


def test_a_letter_without_its_number_asks_for_it() -> None:
    assert typed("h")[0].note == "number?"
    assert typed("h1")[0] == Typed("1")


@given(st.text("0123456789hcrftpsaolqjk\x1b\x7f\b ?한", max_size=30))
def test_any_keys_give_a_prompt_that_can_be_drawn(keys: str) -> None:
    state, _ = typed(keys)
    assert [cells(line) for line in frame(view_of(typed=state), width=60, height=6)] == [60] * 6


# ------------------------------------------------------------------------------------- cells
@given(st.text(max_size=40), st.integers(1, 60))
def test_fitted_text_takes_exactly_its_cells(text: str, width: int) -> None:
    assert cells(fit(plain(text), width)) == width


def test_every_kind_and_place_has_words_in_both_languages() -> None:
    for kind in Kind:
        for language in Language:
            (case,) = open_cases(ledger_of(alarm(1, type=kind.value)))
            assert isinstance(case, Case)
            assert case_line(case, "x", T0, language)
    assert (place(3073, KO), place(9216, EN), place(77, KO)) == ("침실 2", "front door", "")
    assert (span(59_000, KO), span(3_600_000, EN), span(90_000_000, KO)) == (
        "59초",
        "1 h 00 min",
        "1일 1시간",
    )
