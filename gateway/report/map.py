"""The activity map: a row a day, a column an hour, and what rang where it rang."""

from typing import Final

from gateway.core.model import Kind
from gateway.core.routine.day import HOURS, TURN_MS, Day
from gateway.report.home import Home
from gateway.report.svg import picture, tag, text
from gateway.report.words import Say

LEFT: Final = 92.0
CELL: Final = (35.0, 17.0)
HEAD: Final = 22.0
SHADES: Final = 5
MOSTLY: Final = 20  # minutes of an hour that make it one of being out, or unseen


def activity_map(home: Home, say: Say) -> str:
    """Return the map."""
    days = tuple(reversed(home.shown))
    most = _most(days)
    parts = [
        text(f"{(hour + 4) % 24:02}", LEFT + hour * CELL[0], 14, "tick")
        for hour in range(0, HOURS, 2)
    ]
    newest = days[0].number if days else 0
    rows = newest - days[-1].number + 1 if days else 0
    for day in days:
        top = HEAD + (newest - day.number) * CELL[1]
        weekend = " weekend" if day.date.weekday() > 4 else ""  # noqa: PLR2004 - Saturday
        parts.append(text(say.day(day), LEFT - 8, top + 12.5, "label" + weekend, "end"))
        parts += [_cell(day, hour, top, most, say) for hour in range(HOURS)]
    for day in days:
        top = HEAD + (newest - day.number) * CELL[1]
        parts += [_mark(one.at_min, one.kind, top) for one in day.alarms]
    width = LEFT + HOURS * CELL[0] + 4
    inside = HATCH + "".join(parts)
    return picture(width, HEAD + rows * CELL[1] + 4, inside, say("map"))


HATCH: Final = (
    '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse"'
    ' patternTransform="rotate(45)"><rect width="6" height="6" class="hatch-paper"/>'
    '<line x1="0" y1="0" x2="0" y2="6" class="hatch-line"/></pattern></defs>'
)


def _most(days: tuple[Day, ...]) -> float:
    """Return the signs of life in an hour that count as much: the 95th percentile of live hours."""
    live = sorted(count for day in days for count in day.signs if count)
    return max(4.0, live[int(0.95 * (len(live) - 1))]) if live else 4.0


def _cell(day: Day, hour: int, top: float, most: float, say: Say) -> str:
    signs, out, blind = day.signs[hour], day.out[hour], day.blind[hour]
    shade = 0 if not signs else min(SHADES, 1 + int(SHADES * signs / most))
    kind = f"a{shade}"
    if out >= MOSTLY and shade <= 2:  # noqa: PLR2004 - more than a step through the door
        kind = "out"
    told = [say("events", count=signs)]
    told += [say("out-min", count=out)] if out else []
    told += [say("blind-min", count=blind)] if blind else []
    tip = tag("title", f"{say.day(day)} {(hour + 4) % 24:02}:00 · " + ", ".join(told))
    box = {"x": LEFT + hour * CELL[0], "y": top, "width": CELL[0] - 1.5, "height": CELL[1] - 1.5}
    cell = tag("rect", tip, class_=kind, rx=2.0, **box)
    if blind >= MOSTLY:
        cell += tag("rect", class_="unseen", fill="url(#hatch)", rx=2.0, **box)
    return cell


def _mark(at_min: int, kind: str, top: float) -> str:
    x = LEFT + (at_min - TURN_MS / 60_000) / 60 * CELL[0]
    y = top + CELL[1] / 2 - 0.75
    if Kind(kind).technical:
        return tag("path", d=f"M{x:.1f} {y - 5:.1f}l5 5l-5 5l-5 -5z", class_="fault")
    return tag("circle", cx=x, cy=y, r=6.0, class_="alarm") + text("!", x, y + 4, "bang", "middle")


def legend(say: Say) -> str:
    """Return what the colours mean, as HTML."""
    shades = "".join(f'<i class="box a{shade}"></i>' for shade in range(1, SHADES + 1))
    return (
        f'<p class="legend">{say("less")} {shades} {say("more")}'
        f'<span><i class="box out"></i> {say("out")}</span>'
        f'<span><i class="box hatched"></i> {say("blind")}</span>'
        f'<span><i class="dot alarm-dot">!</i> {say("alarm")}</span>'
        f'<span><i class="diamond"></i> {say("fault")}</span></p>'
    )
