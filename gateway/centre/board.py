"""The live board as a pure function: a view and a screen's size in, one frame out.

┌ title: time, counters, the broker ──────────────────────────────┐
│ open alarms, two lines each, worst first; those that do not fit │
│ are counted, and are not `presented`                            │
├ recently over ──────────────────────────────────────────────────┤
├ homes: gone first, when last heard ─────────────────────────────┤
├ the journal's newest line                                       │
└ keys, or the question that waits for one ───────────────────────┘
"""

from collections.abc import Iterator
from datetime import datetime

from gateway.centre.case import Case
from gateway.centre.cells import cells, fit, plain
from gateway.centre.household import Household
from gateway.centre.view import View
from gateway.centre.words import (
    CAUSES,
    KINDS,
    MATTERS,
    NOTICES,
    PEOPLE,
    SEVERITIES,
    also,
    phrase,
    place,
    reason,
    say,
    span,
)
from gateway.core.alerts import Matter, Word
from gateway.settings import Language

RESET = "\x1b[0m"
BAR, BOLD, DIM = "\x1b[7m", "\x1b[1m", "\x1b[2m"
RED, YELLOW, GREEN, WHITE_ON_RED = "\x1b[1;31m", "\x1b[33m", "\x1b[32m", "\x1b[1;37;41m"
COLOURS = {4: RED, 3: "\x1b[1;33m", 2: "\x1b[36m", 1: ""}
LINES_A_CASE = 2
MOST_OVER = 3
ROOM_FOR_OVER = 10
NARROW = 100
SILENT_MS = 90_000  # a heartbeat and a half: not gone yet, but worth a colour


def render(view: View, width: int, height: int, language: Language, now_ms: int) -> str:
    """Return one frame of exactly `height` lines of `width` cells."""
    cases, hidden = _on_screen(view, height)
    lines = [_title(view, width, language, now_ms)]
    if view.fault:
        text = f" {phrase('fault', language)}: {plain(view.fault)}"
        lines.append(_styled(WHITE_ON_RED, text, width))
    if not view.open:
        lines += [fit("", width), _styled(GREEN, f"  {phrase('none-open', language)}", width)]
    for case in cases:
        lines += _case_lines(view, case, width, language, now_ms)
    if hidden:
        lines.append(_styled(BOLD, f"  +{hidden} {phrase('more', language)}", width))
    foot = _foot(view, width, language)
    room = max(0, height - len(lines) - len(foot))
    over = list(_over(view, width, language, now_ms)) if room >= ROOM_FOR_OVER else []
    lines += _homes(view, width, room - len(over), language, now_ms)
    lines += over
    lines += [fit("", width)] * (height - len(lines) - len(foot))
    return "\r\n".join((lines + foot)[:height])


def visible(view: View, height: int) -> tuple[str, ...]:
    """Return the ids of the open alarms that a frame of this height really shows."""
    return tuple(case.id for case in _on_screen(view, height)[0])


def _on_screen(view: View, height: int) -> tuple[tuple[Case, ...], int]:
    """Return the open cases that fit (homes keep a third of the screen), and how many do not."""
    taken = 4 + bool(view.fault)  # title, counted rest, journal, keys
    fitting = max(1, (height - taken - min(height // 3, len(view.homes) + 1)) // LINES_A_CASE)
    first = min(view.typed.scroll, max(0, len(view.open) - fitting))
    shown = view.open[first : first + fitting]
    return shown, len(view.open) - len(shown)


def _title(view: View, width: int, language: Language, now_ms: int) -> str:
    clock = _clock(view, now_ms, "%Y-%m-%d %H:%M:%S")
    online = sum(home.online for home in view.homes)
    count = view.counters
    left = (
        f" {phrase('title', language)}  {clock}"
        f"  {phrase('open', language)} {len(view.open)}"
        f"  {phrase('homes', language)} {len(view.homes)}"
        f" ({phrase('online', language)} {online})"
        f"  {phrase('received', language)} {count.messages}"
        f" {phrase('stored', language)} {count.stored}"
        f" {phrase('repeated', language)} {count.duplicates}"
        f" {phrase('refused', language)} {count.refused}"
    )
    broker = phrase("broker" if view.broker_up else "no-broker", language)
    right = f"{broker} " if view.broker_up else f"{broker}: {plain(view.why)[:40]} "
    gap = width - cells(left) - cells(right)
    text = left + " " * gap + right if gap > 0 else left
    return _styled(BAR if view.broker_up else WHITE_ON_RED, text, width)


def _case_lines(
    view: View, case: Case, width: int, language: Language, now_ms: int
) -> Iterator[str]:
    colour = "" if case.word is Word.HANDLED else COLOURS[case.sev]
    severity = say(SEVERITIES[case.sev], language)
    age = span(now_ms - case.received_ms, language)
    where = place(case.loc, language) or plain(case.sensor)
    kinds, ages, names, places = (12, 11, 12, 10) if width < NARROW else (14, 14, 18, 13)
    head = (
        f"{view.numbers.get(case.id, 0):>4} {fit(severity, 6)}"
        f"{fit(say(KINDS[case.kind], language), kinds)} "
        f"{fit(age, ages)}{fit(view.label(case.hub), names)} {fit(where, places)} "
    )
    yield _styled(colour, head + _state(case, language, now_ms), width)
    told = [reason(case, language), *also(case, language)]
    marks = " · ".join([*told, *_marks(view, case, language)])
    yield _styled(DIM if case.word is Word.HANDLED else "", f"{'':5}{plain(marks)}", width)


def _state(case: Case, language: Language, now_ms: int) -> str:
    if case.matter is Matter.PENDING and case.due_ms is not None:
        return f"{say(MATTERS[case.matter], language)} {span(case.due_ms - now_ms, language)}"
    return f"{say(MATTERS[case.matter], language)} · {say(PEOPLE[case.word], language)}"


def _marks(view: View, case: Case, language: Language) -> Iterator[str]:
    began = _clock(view, case.onset_ms)
    yield f"{began} {phrase('began', language)}" if case.proven else phrase("unproven", language)
    if case.cert < 1.0:
        yield f"{phrase('certain', language)} {case.cert:.0%}"
    for name, holds in (
        ("here", case.raised_here),
        ("withdrawn", case.withdrawn),
        ("over", case.ended),
        ("not-durable", not case.durable),
        ("unseen", case.overdue and case.word is Word.STORED),
    ):
        if holds:
            yield phrase(name, language)
    if case.updates:
        yield f"{phrase('updates', language)} {case.updates}"
    if case.word is Word.HANDLED:
        yield f"({plain(case.operator)})"


def _over(view: View, width: int, language: Language, now_ms: int) -> Iterator[str]:
    if not view.over:
        return
    yield _rule(phrase("recent", language), width)
    for case in view.over[:MOST_OVER]:
        ended_ms = case.closed_ms or max(case.updated_ms, case.received_ms)
        cause = say(CAUSES[case.cause], language) if case.cause else ""
        text = (
            f"{'':5}{fit(say(KINDS[case.kind], language), 14)}"
            f"{fit(span(now_ms - ended_ms, language), 14)}{fit(view.label(case.hub), 18)}"
            f"{say(MATTERS[case.matter], language)} {cause}  {plain(reason(case, language))}"
        )
        yield _styled(DIM, text, width)


def _homes(view: View, width: int, room: int, language: Language, now_ms: int) -> Iterator[str]:
    """Give at most `room` lines: a rule, the hubs that fit, and how many do not."""
    if room < 2 or not view.homes:  # noqa: PLR2004 - a rule and one hub
        return
    yield _rule(f"{phrase('homes', language)} {len(view.homes)}", width)
    fitting = room - 1 if len(view.homes) < room else room - 2
    for home in view.homes[:fitting]:
        yield _styled(*_home(view, home, language, now_ms), width)
    if len(view.homes) > fitting:
        yield _styled(DIM, f"{'':5}+{len(view.homes) - fitting}", width)


def _home(view: View, home: Household, language: Language, now_ms: int) -> tuple[str, str]:
    there = home.online and not home.gone
    state = phrase("online" if there else "offline", language)
    heard = (
        f"{phrase('heard', language)} {span(now_ms - home.heard_ms, language)}"
        if home.heard_ms
        else phrase("never", language)
    )
    text = (
        f"{view.numbers.get(home.hub, 0):>4} {'●' if there else '○'} {fit(state, 8)}"
        f"{fit(view.label(home.hub), 20)}{fit(heard, 22)}"
        f"{fit(phrase('sensors', language) + f' {home.sensors}', 12)}"
        f"{fit(phrase('outbox', language) + f' {home.outbox}', 12)}"
    )
    if home.test_ms:
        text += f"{phrase('tested', language)} {span(now_ms - home.test_ms, language)}"
    if not home.proven and home.heard_ms:
        text += f"  {phrase('unproven', language)}"
    late = there and now_ms - home.heard_ms > SILENT_MS
    return (RED if home.gone else YELLOW if late or not there else ""), text


def _foot(view: View, width: int, language: Language) -> list[str]:
    lines = []
    if view.events:
        event = view.events[-1]
        when = _clock(view, event.at_ms)
        what = say(NOTICES[event.notice], language)
        text = f" {when} {what} · {view.label(event.hub)} · {plain(event.detail)}"
        lines.append(_styled(YELLOW, text, width))
    typed = view.typed
    if typed.closing:
        text = f" {typed.number} · {phrase('cause?', language)}"
    else:
        note = phrase(typed.note, language) if typed.note else plain(typed.said)
        text = f" {typed.number or '_'} {note}  {phrase('keys', language)}"
    lines.append(_styled(BAR, text, width))
    return lines


def _rule(title: str, width: int) -> str:
    return _styled(DIM, f"── {title} " + "─" * max(0, width - cells(title) - 4), width)


def _styled(style: str, text: str, width: int) -> str:
    """Colour a whole line: the cells are counted before any colour is in it."""
    return f"{style}{fit(text, width)}{RESET}" if style else fit(text, width)


def _clock(view: View, at_ms: int, form: str = "%H:%M:%S") -> str:
    """Return an instant as the operator's clock shows it; a hub may name one no clock has."""
    try:
        return datetime.fromtimestamp(at_ms / 1000, view.zone).strftime(form)
    except (ValueError, OverflowError, OSError):
        return "--:--:--"
