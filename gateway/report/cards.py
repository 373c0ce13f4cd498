"""The measures: the last day's value large, what is usual, and the four weeks as a small line."""

from html import escape
from typing import Final

from gateway.core.routine.measures import Change, Compared, What
from gateway.core.routine.words import NAMES, amount, standing
from gateway.report.home import Home
from gateway.report.svg import picture, polyline, tag
from gateway.report.words import Say

WIDTH, HEIGHT, EDGE = 260.0, 64.0, 6.0
LEAST_SPAN: Final = {
    What.FIRST: 120,
    What.LAST: 120,
    What.VISITS: 4,
    What.OUT: 120,
    What.ACTIVE: 60,
    What.PULSE: 10,
}


def cards(home: Home, say: Say) -> str:
    """Return a card for each measure that this home can take."""
    compared = home.compared()
    if not compared:
        return f"<p>{say('no-days')}</p>"
    latest = compared[home.whole[-1].number]
    made = [
        _card(latest[what], [day.get(what) for day in compared.values()], say)
        for what in What
        if latest[what].change is not Change.NO_SENSOR
    ]
    return f'<div class="cards">{"".join(made)}</div>'


def _card(one: Compared, weeks: list[Compared | None], say: Say) -> str:
    value = "-" if one.value is None else say.of(amount(one.value, one.unit))
    usual = ""
    if one.usual is not None:
        low, high = (say.of(amount(edge, one.unit)) for edge in (one.usual.low, one.usual.high))
        usual = say("usual", low=low, high=high)
    kind = "card changed" if one.changed else "card"
    return (
        f'<section class="{kind}"><h3>{escape(say.of(NAMES[one.what]))}</h3>'
        f'<p class="value">{escape(value)}</p>'
        f'<p class="standing">{escape(say.of(standing(one)))}</p>'
        f'{_line(one, weeks, say)}<p class="usual">{escape(usual)}&nbsp;</p></section>'
    )


def _line(one: Compared, weeks: list[Compared | None], say: Say) -> str:
    """Return the weeks as dots on a line over the usual range."""
    values = [each.value for each in weeks if each is not None and each.value is not None]
    if not values:
        return ""
    edges = [*values, *((one.usual.low, one.usual.high) if one.usual else ())]
    middle = (min(edges) + max(edges)) / 2
    span: float = max(max(edges) - min(edges), LEAST_SPAN[one.what])

    def height(value: float) -> float:
        share: float = 0.5 + (value - middle) / span
        return EDGE + (1 - share) * (HEIGHT - 2 * EDGE)

    step = (WIDTH - 2 * EDGE) / max(13, len(weeks) - 1)
    start = WIDTH - EDGE - step * (len(weeks) - 1)
    parts = ""
    if one.usual is not None:
        top, bottom = height(one.usual.high), height(one.usual.low)
        box = {"x": 0.0, "y": top, "width": WIDTH, "height": max(2.0, bottom - top)}
        parts += tag("rect", class_="range", **box)
    points = [
        (start + step * n, height(each.value), each)
        for n, each in enumerate(weeks)
        if each is not None and each.value is not None
    ]
    parts += polyline([(x, y) for x, y, _ in points], "thread")
    for x, y, each in points:
        last = each is one
        kind = "spot changed" if each.changed else "spot"
        parts += tag("circle", cx=x, cy=y, r=4.0 if last else 2.2, class_=kind)
    return picture(WIDTH, HEIGHT, parts, say.of(NAMES[one.what]))
