"""Why the detector decided as it did on a recording, as a picture.

    |a| over the whole recording    with the impact judged, and each step of the alarm
    the axes around the impact      what the detector looked at: 5 s at 50 Hz, gaps shaded
    what made the score             the features that added most, against an ordinary moment

The most fall-like candidate of the recording is drawn, however far from a fall. matplotlib is
wanted only here: it is no part of the daemon (`pip install 'ansim-gateway[plots]'`). The words are
English: the fonts that come with matplotlib have no Hangul.
"""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from gateway.core.detectors.fall import Candidate, FallDetector
from gateway.core.detectors.fall_score import contributions, load_model
from gateway.core.detectors.kernels import TRIGGER_MG
from gateway.core.model import Int16Array
from gateway.errors import ConfigurationError
from gateway.private import write_private
from gateway.replay.direct import FRAME, MONO_MS, Decided
from gateway.replay.trials import BEFORE_S

MISSING = (
    "a picture needs matplotlib: pip install 'ansim-gateway[plots]'"
    " / 그림을 그리려면 matplotlib이 필요합니다: pip install 'ansim-gateway[plots]'"
)
BARS = 12
GRID_HZ, PEAK_INDEX = 50.0, 125
G_MG = 1000.0


def candidate(acc_mg: Int16Array, rate_hz: float, range_g: float) -> Candidate | None:
    """Return the most fall-like moment of these samples; None if nothing was judged."""
    detector = FallDetector(
        "replay", sample_rate_hz=rate_hz, range_g=range_g, explain_below=float("inf")
    )
    t_ms = MONO_MS + np.rint(np.arange(len(acc_mg)) * (1000.0 / rate_hz)).astype(np.int64)
    best: Candidate | None = None
    for first in range(0, len(t_ms), FRAME):
        detector.feed_block(t_ms[first : first + FRAME], acc_mg[first : first + FRAME])
        for one in detector.explain():
            if best is None or one.score > best.score:
                best = one
    return best


def draw(
    path: Path,
    name: str,
    acc_mg: Int16Array,
    rate_hz: float,
    found: Candidate,
    said: Sequence[Decided],
) -> None:
    """Write the picture."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError:
        raise ConfigurationError(MISSING) from None
    figure = Figure(figsize=(11, 10), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(headline(name, found))
    whole, window, why = figure.subplots(3, 1, height_ratios=(2, 2, 3))
    _whole(whole, acc_mg, rate_hz, found, said)
    _window(window, found)
    _why(why, found)
    save(figure, path)


def save(figure: Any, path: Path) -> None:
    """Write a picture, for its owner's eyes only, in the form that its ending says (or PNG)."""
    drawn = BytesIO()
    try:
        figure.savefig(drawn, format=path.suffix[1:] or "png", dpi=110)
    except ValueError as wrong:
        raise ConfigurationError(f"{path}: cannot be written: {wrong}") from None
    write_private(path, drawn.getvalue())


def headline(name: str, found: Candidate) -> str:
    """Return the decision in a line."""
    word = "suspected" if found.score > found.threshold else "not a fall"
    sign = ">" if found.score > found.threshold else "<="
    return (
        f"{name}: {word}: score {found.score:.1f} {sign} {found.threshold:.1f},"
        f" probability {found.probability:.2f}"
    )


def _whole(
    axes: Any, acc_mg: Int16Array, rate_hz: float, found: Candidate, said: Sequence[Decided]
) -> None:
    seconds = np.arange(len(acc_mg)) / rate_hz - BEFORE_S
    size_g = np.sqrt((acc_mg.astype(np.float64) ** 2).sum(axis=1)) / G_MG
    axes.plot(seconds, size_g, linewidth=0.8, color="black")
    axes.axhline(TRIGGER_MG / G_MG, linestyle=":", color="0.5", label="trigger")
    peak_s = (found.peak_ms - MONO_MS) / 1000 - BEFORE_S
    axes.axvline(peak_s, color="tab:red", label=f"impact {peak_s:.1f} s")
    axes.axvspan(peak_s - 2.5, peak_s + 2.5, color="tab:red", alpha=0.1)
    for one in said:
        when = one.after_s - BEFORE_S
        axes.axvline(when, linestyle="--", color="tab:blue", label=f"{one.state} {when:.1f} s")
    axes.set(xlabel="seconds of the recording", ylabel="|a| in g")
    axes.legend(loc="upper right")


def _window(axes: Any, found: Candidate) -> None:
    seconds = (np.arange(len(found.grid)) - PEAK_INDEX) / GRID_HZ
    for index, axis in enumerate("xyz"):
        axes.plot(seconds, found.grid[:, index], linewidth=1.0, label=axis)
    low, high = axes.get_ylim()
    axes.fill_between(seconds, low, high, where=~found.valid, color="0.8", label=None)
    axes.set(xlabel="seconds from the impact", ylabel="g", ylim=(low, high))
    axes.legend(loc="upper right")


def _why(axes: Any, found: Candidate) -> None:
    rows = contributions(load_model(), found.features)[:BARS][::-1]
    places = np.arange(len(rows))
    colours = ["tab:red" if adds > 0 else "tab:green" for _, _, adds in rows]
    axes.barh(places, [adds for _, _, adds in rows], color=colours)
    axes.set_yticks(places, [f"{name} = {value:.2f}" for name, value, _ in rows])
    axes.axvline(0.0, color="black", linewidth=0.8)
    axes.set(xlabel="adds to the score, against an ordinary moment (right: more like a fall)")
