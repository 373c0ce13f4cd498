"""Chooses the constants of the inactivity detector on the open homes, each left out in turn.

    python scripts/fit_homes.py [--seconds 300] [--seed 1] [--cap 1.0]

A random search with local steps. For each home, the setting that was best on the others is tried on
it; only the pooled result of those five trials says what to expect of homes that nobody has seen.
The setting chosen on all homes is printed last, ready for gateway/core/detectors/inactivity_limits.
"""

import argparse
import time

import numpy as np
from homes_data import OpenHome, Result, load_scorer, open_homes, pooled

from gateway.core.detectors import inactivity_limits as names
from gateway.core.detectors.inactivity_limits import CHOSEN, limits

RANGES = {
    "PRIOR_HOME": (8.0, 16.0),
    "PRIOR_ARRIVED": (2.0, 6.0),
    "PRIOR_LEFT": (15.0, 40.0),
    "DAYS_ALL": (3.0, 14.0),
    "DAYS_TOD": (0.5, 4.0),
    "DAYS_TOD_ARRIVED": (1.0, 5.0),
    "EVENTS_SENSOR": (3.0, 120.0),
    "REACH_DAYS": (40.0, 1500.0),
    "SPREAD_PRIOR": (0.05, 0.25),
    "SPREAD_LEFT": (0.02, 0.25),
    "MARGIN": (0.25, 2.0),
    "MARGIN_ARRIVED": (0.5, 2.0),
    "MARGIN_LEFT": (0.25, 3.0),
    "RATIO_LEAST": (1.05, 1.4),
    "RATIO_SENSOR": (1.0, 1.8),
    "NOVEL_MOST": (0.2, 0.6),
    "WAKE_MARGIN": (0.5, 4.0),
    "WAKE_LATER": (1.0, 5.0),
    "WAKE_LATEST": (0.0, 1.0),
    "MISSED_MOST": (6.0, 8.0),
    "NEAR_HOME": (0.5, 3.0),
    "NEAR_BED": (0.5, 8.0),
    "NEAR_LEFT": (1.0, 6.0),
}
PENALTY = 0.5  # score that one blurred false alarm beyond the cap costs
EXPLORE = 0.3  # share of the time before any local step


class Search:
    """Settings tried so far, and the best for all homes and for all but each."""

    def __init__(self, homes: list[OpenHome], cap: float, seed: int) -> None:
        self.scorer = load_scorer()
        self.homes = homes
        self._chance = np.random.default_rng(seed)
        everyone = range(len(homes))
        self.folds = [[j for j in everyone if j != i] for i in everyone] + [list(everyone)]
        self._cap = [cap * len(fold) / len(homes) for fold in self.folds]
        self.best: list[tuple[float, np.ndarray, list[Result]]] = []

    def attempt(self, p: np.ndarray) -> None:
        """Try one setting."""
        results = [home.result(p) for home in self.homes]
        costs = [
            pooled(self.scorer, [results[i] for i in fold])
            + PENALTY * max(0.0, sum(results[i].blurred for i in fold) - cap)
            for fold, cap in zip(self.folds, self._cap, strict=True)
        ]
        if not self.best:
            self.best = [(cost, p, results) for cost in costs]
        for i, cost in enumerate(costs):
            if cost < self.best[i][0]:
                self.best[i] = (cost, p, results)

    def run(self, seconds: float) -> None:
        """Search for so long."""
        start = time.perf_counter()
        self.attempt(limits())
        while (spent := time.perf_counter() - start) < seconds:
            near = spent > EXPLORE * seconds and self._chance.random() > EXPLORE
            self.attempt(self._near() if near else self._anywhere())

    def _anywhere(self) -> np.ndarray:
        p = limits()
        for name, (low, high) in RANGES.items():
            p[getattr(names, name)] = self._chance.uniform(low, high)
        return p

    def _near(self) -> np.ndarray:
        p = self.best[self._chance.integers(len(self.best))][1].copy()
        for name in self._chance.choice(list(RANGES), self._chance.integers(1, 6), replace=False):
            low, high = RANGES[name]
            i = getattr(names, name)
            p[i] = np.clip(p[i] + self._chance.normal() * 0.2 * (high - low), low, high)
        return p


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cap", type=float, default=1.0, help="blurred false alarms, all homes")
    asked = parser.parse_args()
    scorer = load_scorer()
    homes = open_homes(scorer)
    search = Search(homes, asked.cap, asked.seed)
    search.run(asked.seconds)
    held = []
    for i, home in enumerate(homes):
        left_out = search.best[i][2][i]
        held.append(left_out)
        print(
            f"{home.name:12s} left out: {left_out.alarms} alarms ({left_out.blurred:.2f} blurred)"
        )
    print(
        f"left out, pooled: score {pooled(scorer, held):.2f}, {sum(h.alarms for h in held)} alarms"
    )
    _, p, results = search.best[-1]
    alarms, blurred = sum(r.alarms for r in results), sum(r.blurred for r in results)
    print(f"all homes: score {pooled(scorer, results):.2f}, {alarms} alarms, {blurred:.2f} blurred")
    for name in RANGES:
        i = getattr(names, name)
        print(f"        {name}: {p[i]:.2f},  # was {CHOSEN[i]:g}")


if __name__ == "__main__":
    main()
