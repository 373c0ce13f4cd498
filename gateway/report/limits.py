"""The deadlines: how long a silence may last over the day, and how near it came each day."""

from typing import Final

from gateway.core.routine.day import HOURS
from gateway.core.routine.measures import quantile
from gateway.report.home import Home
from gateway.report.svg import picture, polyline, tag, text
from gateway.report.words import Say

LEFT, TOP, WIDTH, HEIGHT = 44.0, 12.0, 840.0, 150.0
FULL: Final = 100
TALLEST: Final = 130


def over_the_day(home: Home, say: Say) -> str:
    """Return the silence allowed at home by the hour: median and usual range."""
    hours: list[list[int]] = [
        [day.allowed[hour] for day in home.whole if day.allowed[hour]] for hour in range(HOURS)
    ]
    known = {hour: sorted(values) for hour, values in enumerate(hours) if values}
    top = max((quantile(values, 0.95) for values in known.values()), default=80.0) / 10
    scale = next((step for step in (4, 8, 12, 24, 48) if step >= top), 72)
    parts = _frame([(n, f"{n}") for n in range(0, scale + 1, max(1, scale // 4))], scale)

    def place(hour: int, tenths: float) -> tuple[float, float]:
        return LEFT + (hour + 0.5) * WIDTH / HOURS, TOP + HEIGHT * (1 - tenths / 10 / scale)

    upper = [place(hour, quantile(values, 0.95)) for hour, values in known.items()]
    lower = [place(hour, quantile(values, 0.05)) for hour, values in known.items()]
    if upper:
        ring = " ".join(f"{x:.1f},{y:.1f}" for x, y in [*upper, *reversed(lower)])
        middle = [place(hour, quantile(values, 0.5)) for hour, values in known.items()]
        parts += tag("polygon", points=ring, class_="range") + polyline(middle, "median")
    parts += _hour_ticks()
    return picture(LEFT + WIDTH + 36, TOP + HEIGHT + 24, parts, say("limits"))


def near_the_deadline(home: Home, say: Say) -> str:
    """Return the share of the deadline that each day's longest silence used up."""
    days = home.shown
    marks = [(share, f"{share} %") for share in (0, 50, 100)]
    parts = _frame(marks, TALLEST)
    if days:
        first = days[0].number
        step = WIDTH / max(14, days[-1].number - first + 1)
        for day in days:
            share = max(day.used)
            tall = HEIGHT * min(share, TALLEST) / TALLEST
            x = LEFT + (day.number - first) * step
            tip = tag("title", f"{say.day(day)}: {share} %")
            kind = "bar over" if share >= FULL else "bar"
            box = {"x": x + 1.5, "y": TOP + HEIGHT - tall, "width": step - 3, "height": tall}
            parts += tag("rect", tip, class_=kind, rx=2.0, **box)
            if (days[-1].number - day.number) % 7 == 0:
                parts += text(say.day(day), x + step / 2, TOP + HEIGHT + 16, "tick", "middle")
    y = TOP + HEIGHT * (1 - FULL / TALLEST)
    parts += tag("line", x1=LEFT, x2=LEFT + WIDTH, y1=y, y2=y, class_="deadline")
    return picture(LEFT + WIDTH + 36, TOP + HEIGHT + 24, parts, say("near"))


def _frame(marks: list[tuple[int, str]], scale: float) -> str:
    unit = "" if marks[-1][1].endswith("%") else " h"
    parts = ""
    for value, words in marks:
        y = TOP + HEIGHT * (1 - value / scale)
        parts += tag("line", x1=LEFT, x2=LEFT + WIDTH, y1=y, y2=y, class_="grid")
        parts += text(words + unit, LEFT - 6, y + 4, "tick", "end")
    return parts


def _hour_ticks() -> str:
    return "".join(
        text(f"{(hour + 4) % 24:02}", LEFT + hour * WIDTH / HOURS, TOP + HEIGHT + 16, "tick")
        for hour in range(0, HOURS, 2)
    )
