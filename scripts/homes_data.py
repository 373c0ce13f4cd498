"""The open homes as the search meets them: one fast replay a home, scored as the scorer scores.

The detector's deadline moves only with events, so the last event before each moment of collapse
tells the delay, and a silence that outlasts its allowance is a false alarm. The scorer itself has
the last word (scripts/evaluate_homes.py): this is its numba short cut for trying thousands.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import scorers
from numba import njit

from gateway.core.detectors import inactivity_kernels as k
from gateway.core.detectors.inactivity import ROWS
from gateway.core.detectors.inactivity_survey import COLUMNS
from gateway.core.detectors.presence import REGIMES, new_memory

HOUR = 3_600_000
DAY = 24 * HOUR
SHORT_H = 2.0  # no allowance is shorter: what is shorter cannot alarm
BLUR = 0.1  # a silence at 90 % of its allowance is a sixth of a false alarm


def shared_homes() -> Path:
    """Return the folder of the recordings and the scorer."""
    return scorers.shared("homes")


def load_scorer() -> ModuleType:
    """Import score_inactivity.py from where it lies."""
    return scorers.load_scorer("homes", "score_inactivity")


@njit
def _replay(t, s, kind, state, wanted, sensors, memory, p):  # pragma: no cover - compiled
    ring = np.zeros((ROWS, COLUMNS), np.int64)
    meta = np.zeros(k.META, np.int64)
    days, last = np.zeros((REGIMES, 24)), np.full((REGIMES, 24), -1)
    events = np.zeros((REGIMES, sensors))
    hours = np.full(len(t), 1e6)
    for i in range(len(t)):
        tod = t[i] % DAY
        regime = k.observe(
            t[i], tod, s[i], kind[i], state[i], 1, memory, ring, meta, days, last, events, p
        )
        if wanted[i]:
            hours[i] = k.allowed_h(t[i], tod, regime, s[i], 0, ring, meta, days, events, p)
    return hours


@dataclass(frozen=True)
class Result:
    """What one setting gives in one home. `blurred`: false alarms, near ones counted in part."""

    alarms: int
    blurred: float
    delays_min: dict[str, np.ndarray]


class OpenHome:
    """One open home with its moments of collapse."""

    def __init__(self, scorer: ModuleType, path: Path, seed: int = 1000) -> None:
        self.home = home = scorer.load_home(str(path))
        self.name = home.name
        self._moments = {c: scorer.draw(home, c, 600, seed) for c in scorer.CLASSES}
        self._before = {
            c: np.searchsorted(home.t, u, "right") - 1 for c, u in self._moments.items()
        }
        self._gap = np.append(np.diff(home.t), 0)
        self._wanted = self._gap > SHORT_H * HOUR
        for index in self._before.values():
            self._wanted[index] = True

    def result(self, p: np.ndarray) -> Result:
        """Replay the home with these constants."""
        home = self.home
        kind, state = home.kind.astype(np.int64), home.state.astype(np.int64)
        hours = _replay(home.t, home.s, kind, state, self._wanted, len(home.kinds), new_memory(), p)
        due = np.ceil(np.minimum(hours, 1000.0) * 60) * 60_000
        long = (self._gap > SHORT_H * HOUR) & (home.t >= home.score_from)
        ratios = self._gap[long] / due[long]
        blurred = sum(0.5 * (1 + math.erf(math.log(x) / BLUR / math.sqrt(2))) for x in ratios)
        delays = {
            c: np.clip(due[self._before[c]] - (u - home.t[self._before[c]]), 0, 72 * HOUR) / 60_000
            for c, u in self._moments.items()
        }
        return Result(int((ratios > 1).sum()), blurred, delays)


def open_homes(scorer: ModuleType) -> list[OpenHome]:
    """Return the homes that are pooled."""
    folder = shared_homes() / "open"
    homes = [OpenHome(scorer, path) for path in sorted(folder.glob("*.npz"))]
    return [home for home in homes if home.home.scored_days >= scorer.MIN_SCORED_DAYS]


def pooled(scorer: ModuleType, results: list[Result]) -> float:
    """Return the scorer's score of several homes."""
    parts = []
    for c, (median, p90) in scorer.GOAL.items():
        told = scorer.summary([r.delays_min[c] * 60_000 for r in results])
        if told:
            parts.append(max(told["median"] / median, told["p90"] / p90))
    return max(parts)
