"""Homes as the search meets them: one fast replay a home, scored as the scorer scores.

The detector's deadline moves only with events, so the last event before each moment of collapse
tells the delay, and a silence that outlasts its allowance is a false alarm. The scorer itself has
the last word (scripts/evaluate_homes.py): this is its numba short cut for trying thousands.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import scorers
from homes_shuffled import shuffled
from homes_simulated import simulated
from numba import njit

from gateway.core.detectors import inactivity_bounds as b
from gateway.core.detectors import inactivity_kernels as k
from gateway.core.detectors import leaving
from gateway.core.detectors.inactivity import ROWS
from gateway.core.detectors.inactivity_survey import COLUMNS
from gateway.core.detectors.presence import LEFT, REGIMES, new_memory

HOUR = 3_600_000
DAY = 24 * HOUR
SHORT_H = 2.0  # no allowance is shorter: what is shorter cannot alarm
LATE_H = 12.0
BLUR = 0.1  # a silence at 90 % of its allowance is a sixth of a false alarm
FEWER = 150  # moments of a class where there are many homes
ALL_KINDS = range(12)
SPECIAL: dict[int, dict[str, Any]] = {
    0: {"door": False},
    5: {"bed": True},
    7: {"episodes": True},
}


def shared_homes() -> Path:
    """Return the folder of the recordings and the scorer."""
    return scorers.shared("homes")


def load_scorer() -> ModuleType:
    """Import score_inactivity.py from where it lies."""
    return scorers.load_scorer("homes", "score_inactivity")


@njit
def _replay(t, s, kind, state, wanted, sensors, memory, counts, p):  # pragma: no cover - compiled
    ring = np.zeros((ROWS, COLUMNS), np.int64)
    meta = np.zeros(b.META, np.int64)
    days, last = np.zeros((REGIMES, 24)), np.full((REGIMES, 24), -1)
    events, told = np.zeros((REGIMES, 2 * sensors)), np.zeros(leaving.SIGNS, np.int64)
    hours = np.full(len(t), 1e6)
    for i in range(len(t)):
        tod = t[i] % DAY
        regime = k.observe(
            t[i], tod, s[i], kind[i], state[i], 1,
            memory, ring, meta, days, last, events, told, counts, p,
        )  # fmt: skip
        if wanted[i]:
            gone = leaving.left(told, counts) if regime == LEFT else 0.0
            last_key = meta[b.LAST_SENSOR]
            hours[i] = b.allowed_h(
                t[i], tod, regime, last_key, gone, 0, ring, meta, days, events, p
            )
    return hours


@dataclass(frozen=True)
class Result:
    """What one setting gives in one home.

    blurred: false alarms, near ones counted in part. short: those on silences of at most 12 h (a
    longer one is an alarm of every rule that keeps the goal's "none later than 12 h").
    """

    alarms: int
    blurred: float
    short: float
    delays_min: dict[str, np.ndarray]


class Home:
    """One home with its moments of collapse."""

    def __init__(self, scorer: ModuleType, home: Any, moments: int = 600, seed: int = 1000) -> None:
        self.home = home
        self.name = home.name
        self._moments = {c: scorer.draw(home, c, moments, seed) for c in scorer.CLASSES}
        self._before = {
            c: np.searchsorted(home.t, u, "right") - 1 for c, u in self._moments.items()
        }
        gap = np.append(np.diff(home.t), 0)
        self._wanted = gap > SHORT_H * HOUR
        for index in self._before.values():
            self._wanted[index] = True
        self._long = (gap > SHORT_H * HOUR) & (home.t >= home.score_from)
        self._gap = gap[self._long]
        self._kind, self._state = home.kind.astype(np.int64), home.state.astype(np.int64)

    def result(self, p: np.ndarray) -> Result:
        """Replay the home with these constants."""
        home, sensors = self.home, len(self.home.kinds)
        hours = _replay(
            home.t, home.s, self._kind, self._state, self._wanted, sensors,
            new_memory(), leaving.new_counts(sensors), p,
        )  # fmt: skip
        due = np.ceil(np.minimum(hours, 1000.0) * 60) * 60_000
        ratios = self._gap / due[self._long]
        part = np.array([0.5 * (1 + math.erf(math.log(x) / BLUR / math.sqrt(2))) for x in ratios])
        delays = {
            c: np.clip(due[self._before[c]] - (u - home.t[self._before[c]]), 0, 72 * HOUR) / 60_000
            for c, u in self._moments.items()
        }
        short = part[self._gap <= LATE_H * HOUR]
        return Result(int((ratios > 1).sum()), float(part.sum()), float(short.sum()), delays)

    def waits(self, allowed_h: np.ndarray) -> Iterator[tuple[int, float]]:
        """Return each moment of collapse and its delay, given the allowance after each event."""
        for c, moments in self._moments.items():
            for u, before in zip(moments, self._before[c], strict=True):
                yield int(u), float(allowed_h[before]) - (u - self.home.t[before]) / HOUR


def open_homes(scorer: ModuleType) -> list[Home]:
    """Return the homes that are pooled."""
    folder = shared_homes() / "open"
    loaded = [scorer.load_home(str(path)) for path in sorted(folder.glob("*.npz"))]
    return [Home(scorer, home) for home in loaded if home.scored_days >= scorer.MIN_SCORED_DAYS]


def shuffled_homes(scorer: ModuleType, homes: list[Home], orders: int) -> list[list[Home]]:
    """Return each home with its days in so many other orders."""
    return [
        [Home(scorer, shuffled(scorer, one.home, seed), FEWER) for seed in range(orders)]
        for one in homes
    ]


def simulated_homes(scorer: ModuleType, seeds: Iterable[int]) -> list[Home]:
    """Return homes that nobody lives in: one in twelve without a door's sensor, and so on."""
    homes = []
    for seed in seeds:
        told = SPECIAL.get(seed % len(ALL_KINDS), {})
        homes.append(Home(scorer, simulated(scorer, seed, **told), FEWER))
    return homes


def pooled(scorer: ModuleType, results: list[Result]) -> float:
    """Return the scorer's score of several homes."""
    parts = []
    for c, (median, p90) in scorer.GOAL.items():
        told = scorer.summary([r.delays_min[c] * 60_000 for r in results])
        if told:
            parts.append(max(told["median"] / median, told["p90"] / p90))
    return max(parts)


def line(scorer: ModuleType, results: list[Result]) -> str:
    """Return the delays of several homes: median/p90 and late share of each class."""
    parts = []
    for c in scorer.GOAL:
        told = scorer.summary([r.delays_min[c] * 60_000 for r in results])
        if told:
            late = f"{100 * told['late']:.0f}%"
            parts.append(f"{c} {told['median']:.1f}/{told['p90']:.1f} {late}")
    return "  ".join(parts)
