"""Months of a home as a picture: what was heard, how long a silence was allowed, what rang.

    the map          a row a day, a column an hour from 4:00: the darker, the more was heard; green:
                     out; red: an alarm
    the deadlines    each silence of two hours or more as a bar, with a dash where its deadline was;
                     red where it was told

matplotlib is wanted only here (`pip install 'ansim-gateway[plots]'`). The words are English: the
fonts that come with matplotlib have no Hangul.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np

from gateway.core.routine.day import HOURS, TURN_MS
from gateway.errors import ConfigurationError
from gateway.replay.explain import MISSING, save
from gateway.replay.homelife import HOUR_MS, Lived, Silence, moment

LISTED_MS: Final = 2 * HOUR_MS
DAY_MS: Final = 24 * HOUR_MS
MOST_H: Final = 52.0
QUIET, RED, GREEN = "#8fa3b5", "#c62828", "#2e7d32"


def draw(path: Path, lived: Lived) -> None:
    """Write the picture as PNG, or as SVG by its ending."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError:
        raise ConfigurationError(MISSING) from None
    days = len(lived.days)
    figure = Figure(figsize=(12, 6.5 + min(8.0, 0.12 * days)), layout="constrained")
    FigureCanvasAgg(figure)
    raised = sum(one.rang_ms is not None for one in lived.silences)
    note = " (SIMULATED)" if lived.simulated else ""
    figure.suptitle(f"{lived.name}{note}: {days} days, {raised} silences told")
    chart, limits = figure.subplots(2, 1, height_ratios=(2 + 0.06 * days, 3))
    _map(chart, lived)
    _limits(limits, lived)
    save(figure, path)


def _map(axes: Any, lived: Lived) -> None:
    days = [lived.days[number] for number in sorted(lived.days)]
    first = days[0].number
    rows = days[-1].number - first + 1
    heard = np.full((rows, HOURS), np.nan)
    out = np.zeros((rows, HOURS))
    for day in days:
        heard[day.number - first] = np.log1p(np.array(day.signs))
        out[day.number - first] = np.array(day.out) / 60
    axes.imshow(heard, aspect="auto", cmap="Blues", interpolation="nearest")
    axes.imshow(np.ones_like(out), aspect="auto", cmap="Greens", alpha=0.55 * out, vmin=0, vmax=1.4)
    for one in lived.silences:
        if one.rang_ms is not None:
            row, column = _place(one.rang_ms, first)
            axes.plot(column, row, marker="v", color=RED, markersize=7, linestyle="none")
    axes.set_xticks(range(0, HOURS, 2), [f"{(hour + 4) % 24:02}" for hour in range(0, HOURS, 2)])
    step = max(1, rows // 12)
    names = {day.number - first: day.date.isoformat() for day in days}
    axes.set_yticks(range(0, rows, step), [names.get(row, "") for row in range(0, rows, step)])
    axes.set(xlabel="hour of the day", title="heard (blue), out (green), told (red)")


def _place(local_ms: int, first: int) -> tuple[int, float]:
    since = local_ms - TURN_MS - first * DAY_MS
    return since // DAY_MS, since % DAY_MS / HOUR_MS - 0.5


def _limits(axes: Any, lived: Lived) -> None:
    shown = [one for one in lived.silences if one.to_ms - one.from_ms >= LISTED_MS]
    top = min(MOST_H, 1.15 * max((hours(one) for one in shown), default=8.0))
    wide = 0.06 if len(lived.days) < 45 else 0.2  # noqa: PLR2004 - days on the picture
    for colour, label, some in (
        (QUIET, "silence at home", [s for s in shown if s.rang_ms is None and not s.out]),
        (GREEN, "silence while out", [s for s in shown if s.rang_ms is None and s.out]),
        (RED, "silence, told", [s for s in shown if s.rang_ms is not None]),
    ):
        if not some:  # an empty bar has no colour, and its legend one of matplotlib's own
            continue
        lengths = [(one.to_ms - one.from_ms) / HOUR_MS for one in some]
        axes.bar([moment(s.from_ms) for s in some], lengths, width=wide, color=colour, label=label)
    axes.plot(
        [moment(one.from_ms) for one in shown],
        [min(one.allowed_ms / HOUR_MS, top) for one in shown],
        marker="_",
        linestyle="none",
        color="black",
        label="allowed until attention",
    )
    axes.set(ylabel="hours", ylim=(0, top), title="silences against deadlines")
    axes.tick_params(axis="x", labelrotation=20)
    axes.legend(loc="upper left", ncols=4, fontsize="small")


def hours(silence: Silence) -> float:
    """Return the longer of a silence and what it was allowed."""
    return max(silence.to_ms - silence.from_ms, silence.allowed_ms) / HOUR_MS
