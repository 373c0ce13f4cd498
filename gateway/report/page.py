"""The page: what changed, the measures, the map, the deadlines, what rang. One file, no script."""

from collections.abc import Iterable, Mapping
from html import escape
from importlib.resources import files
from pathlib import Path

from gateway.centre.words import KINDS, MATTERS
from gateway.core.alerts import Matter
from gateway.core.model import Kind, Reason
from gateway.core.routine.day import Day, Told
from gateway.core.routine.measures import Change, What
from gateway.core.routine.summary import summary_lines
from gateway.core.routine.words import DAY_MIN, NAMES, clock, title
from gateway.core.texts import render
from gateway.errors import Bug
from gateway.option import Language
from gateway.private import write_private
from gateway.report.cards import cards
from gateway.report.home import Home
from gateway.report.limits import near_the_deadline, over_the_day
from gateway.report.map import activity_map, legend
from gateway.report.words import Say

MOST_ROWS = 100
DAYS_7, OFTEN = 7, 3


def page(home: Home, language: Language) -> str:
    """Return the report of a home as one HTML file."""
    say = Say(language)
    style = files("gateway.report").joinpath("style.css").read_text("utf-8")
    parts = [
        _head(home, say),
        _open(home, say),
        _latest(home, say),
        cards(home, say),
        f"<h2>{say('map')}</h2><p class=help>{say('map-help')}</p>",
        _wide(activity_map(home, say)) + legend(say),
    ]
    if any(any(day.allowed) for day in home.shown):
        parts += [
            f"<h2>{say('near')}</h2><p class=help>{say('near-help')}</p>",
            _wide(near_the_deadline(home, say)),
            f"<h2>{say('limits')}</h2><p class=help>{say('limits-help')}</p>",
            _wide(over_the_day(home, say)),
        ]
    parts += [
        f"<h2>{say('alarms')}</h2>" + _table(home.told(technical=False), say),
        f"<h2>{say('faults')}</h2>" + _table(home.told(technical=True), say),
        f"<footer>{say('foot')}</footer>",
    ]
    name = f"{say('title')}: {home.name}"
    return (
        f'<!doctype html><html lang="{language.value}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(name)}</title><style>{style}</style></head><body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def write(path: Path, text: str) -> None:
    """Write a report, for its owner's eyes only."""
    write_private(path, text.encode())


def _head(home: Home, say: Say) -> str:
    stamp = f"<p class=stamp>{say('simulated')}</p>" if home.simulated else ""
    period = ""
    if home.shown:
        first, last = home.shown[0], home.shown[-1]
        period = say("period", first=first.date, last=last.date, days=len(home.shown))
    made = f" · {say('made', made=home.made)}" if home.made else ""
    under = escape(f"{home.name} · {period}{made}")
    return f"<h1>{say('title')}</h1><p class=sub>{under}</p>{stamp}"


def _wide(chart: str) -> str:
    """Let a chart keep its size on a telephone: it scrolls."""
    return f'<div class="wide">{chart}</div>'


def _open(home: Home, say: Say) -> str:
    """Return what still waits for somebody, before everything else."""
    waits = [
        f"<li>{escape(_told(day, one, say))}</li>"
        for day, one in home.told(technical=False)
        if Matter(one.matter) in (Matter.PENDING, Matter.RAISED)
    ]
    if not waits:
        return ""
    return f'<h2>{say("open")}</h2><div class="verdict rings"><ul>{"".join(waits)}</ul></div>'


def _told(day: Day, one: Told, say: Say) -> str:
    kind = say.of(KINDS[Kind(one.kind)][::-1])
    return f"{_moment(day, one.at_min, say)} · {kind}: {_why(day, one, say)}"


def _moment(day: Day, minute: int, say: Say, since: int | None = None) -> str:
    """Return a moment with its date by the calendar, or without where `since` has the same."""
    if since is not None and since // DAY_MIN == minute // DAY_MIN:
        return clock(minute)
    return f"{say.day(Day(day.number + minute // DAY_MIN))} {clock(minute)}"


def _latest(home: Home, say: Say) -> str:
    """Return what changed on the last whole day, and what was not seen of it."""
    if not home.whole:
        return ""
    day = home.whole[-1]
    before = [one for one in home.days if one.number < day.number]
    compared = home.compared()[day.number].values()
    lines = [say.of(pair) for pair in summary_lines(day, before, home.senses)]
    lines += _week(home, say)
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    differs = any(one.changed or one.change is Change.NONE for one in compared)
    kind = "verdict changed" if differs else "verdict"
    heading = say("latest", day=say.of(title(day)))
    return f'<h2>{escape(heading)}</h2><div class="{kind}"><ul>{items}</ul></div>'


def _week(home: Home, say: Say) -> list[str]:
    """Return the measures that were outside the usual range more than once in a week."""
    newest = home.whole[-1].number
    week = [day for number, day in home.compared().items() if newest - number < DAYS_7]
    lines = []
    for what in What:
        count = sum(day[what].changed for day in week)
        if count >= OFTEN:
            lines.append(say("week", name=say.of(NAMES[what]), count=count, days=len(week)))
    return lines


def _table(told: Iterable[tuple[Day, Told]], say: Say) -> str:
    rows = [_row(day, one, say) for day, one in told][:MOST_ROWS]
    if not rows:
        return f"<p>{say('none')}</p>"
    heads = "".join(f"<th>{say(key)}</th>" for key in ("when", "what", "where", "why", "state"))
    return f"<table><tr>{heads}</tr>{''.join(rows)}</table>"


def _row(day: Day, one: Told, say: Say) -> str:
    kind, matter = KINDS[Kind(one.kind)], MATTERS[Matter(one.matter)]
    told = "".join(
        f"<td>{escape(cell)}</td>"
        for cell in (_moment(day, one.at_min, say), say.of(kind[::-1]), one.device)
    )
    why, state = escape(_why(day, one, say)), escape(say.of(matter[::-1]))
    return f"<tr>{told}<td class=why>{why}</td><td>{state}</td></tr>"


def _why(day: Day, one: Told, say: Say) -> str:
    """Return why it rang, and what was said of it last, each with its own time."""
    why = _since(day, one, one.why_min, say) + _reason(one.code, one.values, say)
    if not one.then:
        return why
    then = _since(day, one, one.then_min, say) + _reason(one.then, one.then_values, say)
    return f"{why} → {then}"


def _since(day: Day, one: Told, minute: int | None, say: Say) -> str:
    """Return when a reason came; nothing where it came as the alarm began."""
    if minute is None:
        return ""
    return f"{_moment(day, minute, say, one.at_min)} "


def _reason(code: str, values: Mapping[str, int | float | str], say: Say) -> str:
    try:
        return say.of(render(Reason(code, values)))
    except Bug:  # of another version: its words are lost, the alarm is not
        return code
