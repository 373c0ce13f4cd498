"""Rebuild gateway/core/detectors/models/fall.npz from ../shared/data/falls/open alone.

    python scripts/train_fall.py            (7 minutes on 2 shared cores; dependency group `train`)

The same seed, lock file and CPU give the same bits; another CPU the same decisions. Thresholds and
the probability's scale come from people left out of the fit (FOLDS groups), never from the scores
of the final model on the people it was fitted on.
"""

import argparse
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: one order of sums

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import falls_fit
import numpy as np
from falls_data import COPIES, Table, build_table, load_scorer, shared_falls
from falls_score import (
    Trials,
    alarms_of,
    best_scores,
    left_out_scores,
    operating,
    people_folds,
    trial_number,
    trials_of,
)
from scorers import ROOT

from gateway.core.detectors.fall_score import Model

SEED = 0
FOLDS = 5
# Specificity aimed at on trials of people left out; the alarms in long wear are looked at beside.
POINTS = {"balanced": 0.985, "quiet": 0.995, "sensitive": 0.97}
OUTPUT = ROOT / "gateway" / "core" / "detectors" / "models" / "fall.npz"

# What the forked workers share instead of copying a gigabyte to each.
_shared: dict[str, tuple[Table, Trials, np.ndarray]] = {}


def fit_without(train: np.ndarray, seed: int) -> Model:
    """Fit in a worker process on the trials of `train`."""
    table, trials, folds = _shared["all"]
    return falls_fit.fit(table, trials, folds, train, seed)


def fit_many(
    table: Table, trials: Trials, folds: np.ndarray, trains: list[np.ndarray], jobs: int
) -> list[Model]:
    """Fit one model for each set of training trials."""
    _shared["all"] = table, trials, folds
    with ProcessPoolExecutor(jobs) as pool:
        return list(pool.map(fit_without, trains, [SEED] * len(trains)))


def calibrate(score: np.ndarray, fall: np.ndarray) -> tuple[float, float]:
    """Return slope and offset of the logistic curve through scores of people left out."""
    slope, offset = 1.0, 0.0
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(slope * score + offset, -50, 50)))
        w = np.maximum(p * (1 - p), 1e-9)
        design = np.stack([score, np.ones_like(score)], 1)
        hessian = (design * w[:, None]).T @ design
        step = np.linalg.solve(hessian, design.T @ (fall - p))
        slope, offset = slope + step[0], offset + step[1]
    return round(float(slope), 4), round(float(offset), 4)


def measured(
    clean: np.ndarray, slow: np.ndarray, trials: Trials, folds: np.ndarray
) -> dict[str, Any]:
    """Return (sensitivity, specificity, alarmed trials an hour of long wear) of each point.

    Each fold is judged under thresholds from the others', so that none is set on what it judges.
    """
    alarm = {point: np.zeros(len(clean), bool) for point in POINTS}
    for f in np.unique(folds):
        shift, thresholds = operating(clean, slow, trials, folds != f, POINTS)
        best = clean + shift * trials.slow
        for point in POINTS:
            alarm[point] |= (folds == f) & alarms_of(best, trials, thresholds, point)
    falls, others = trials.fall_set & trials.is_fall, trials.fall_set & ~trials.is_fall
    wear = ~trials.fall_set
    hours = max(float(trials.hours[wear].sum()), 1e-9)
    return {
        point: (float(a[falls].mean()), float(1 - a[others].mean()), float(a[wear].sum()) / hours)
        for point, a in alarm.items()
    }


def main() -> None:
    """Train, set the operating points on people left out, write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    options = parser.parse_args()
    packs = load_scorer().load_packs(str(shared_falls() / "open"))
    trials = trials_of(packs)
    folds = people_folds(trials, FOLDS, SEED)
    table = build_table(range(len(COPIES)), SEED, options.jobs, [p.name for p in packs])
    print(f"{len(table.x)} candidates of {len(trials.pack)} trials in {len(COPIES)} copies")

    trains = [folds != f for f in range(FOLDS)] + [np.ones(len(folds), bool)]
    *parts, whole = fit_many(table, trials, folds, trains, options.jobs)
    score = left_out_scores(table, trials, folds, dict(enumerate(parts)), range(2))
    clean, slow = (best_scores(table, trials, score, copy=c) for c in range(2))
    shift, thresholds = operating(clean, slow, trials, np.ones(len(folds), bool), POINTS)
    figures = measured(clean, slow, trials, folds)
    print("shift", shift)
    for point, threshold in thresholds.items():
        print(point, f"{threshold:.3f}", *(f"{v:.4f}" for v in figures[point]))
    rows = np.flatnonzero((table.copy == 0) & (table.label >= 0))
    rows = rows[trials.fall_set[trial_number(table, trials)[rows]]]
    likely = score[rows] + shift * trials.slow[trial_number(table, trials)[rows]]
    slope, offset = calibrate(likely, table.label[rows] == 1)
    model = whole._replace(
        thresholds=thresholds, figures=figures, slope=slope, offset=offset, slow_shift=shift
    )
    falls_fit.save(options.output, model)
    print(f"{options.output}: {options.output.stat().st_size} bytes")


if __name__ == "__main__":
    main()
