"""Trial-level scores of candidate tables by the scorer's rules; folds of people and of sets."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from falls_data import Table

from gateway.core.detectors.fall import COARSE_G, SLOW_HZ, STRICT
from gateway.core.detectors.fall_kernels import feature_names
from gateway.core.detectors.fall_score import HOPELESS, RESTLESS, Model, score_features


@dataclass(frozen=True)
class Trials:
    """One row a trial of the packs, in pack order."""

    pack: np.ndarray
    subject: np.ndarray  # number of the person, packs apart
    is_fall: np.ndarray
    elder: np.ndarray
    window: np.ndarray  # hit window of a fall, seconds
    hours: np.ndarray
    fall_set: np.ndarray  # the pack holds falls: E of the scorer, else L
    first: np.ndarray  # first trial number of each pack
    coarse: np.ndarray  # worn with a range that has a threshold of its own
    slow: np.ndarray  # worn with a rate whose scores are shifted


def trials_of(packs: list[Any]) -> Trials:
    """Return the trials of all packs, numbered."""
    sizes = [len(p) for p in packs]
    pack = np.repeat(np.arange(len(packs)), sizes)
    people = np.concatenate([np.char.add(f"{p.name}:", p.subject.astype(str)) for p in packs])
    rows = [(p, k) for p in packs for k in range(len(p))]
    return Trials(
        pack,
        np.unique(people, return_inverse=True)[1],
        np.concatenate([p.is_fall for p in packs]),
        np.array([p.is_elder(k) for p, k in rows]),
        np.array([p.hit_window_s(k) if p.is_fall[k] else (0.0, 0.0) for p, k in rows]),
        np.array([p.hours(k) for p, k in rows]),
        np.array([bool(p.is_fall.any()) for p in packs])[pack],
        np.concatenate([[0], np.cumsum(sizes)[:-1]]),
        np.array([p.range_g < COARSE_G for p in packs])[pack],
        np.array([p.range_g >= COARSE_G and p.rate < SLOW_HZ for p in packs])[pack],
    )


def people_folds(trials: Trials, folds: int, seed: int) -> np.ndarray:
    """Return each trial's fold; a person is in one fold, each set's people spread over all."""
    rng = np.random.default_rng(seed)
    fold = np.zeros(trials.subject.max() + 1, np.int64)
    for pack in np.unique(trials.pack):
        people = np.unique(trials.subject[trials.pack == pack])
        rng.shuffle(people)
        fold[people] = np.arange(len(people)) % folds
    return fold[trials.subject]


def singled_out(trials: Trials, groups: int, seed: int) -> np.ndarray:
    """Return each trial's group; of every set at most one person who falls is in a group.

    As leaving out one person at a time, and stricter: whoever is left out, one of each other set
    is left out too. Sets with more people than groups have several in each.
    """
    rng = np.random.default_rng(seed)
    group = np.zeros(trials.subject.max() + 1, np.int64)
    fallers = np.unique(trials.subject[trials.is_fall])
    for pack in np.unique(trials.pack):
        people = np.unique(trials.subject[trials.pack == pack])
        falling = np.isin(people, fallers)
        for some in (people[falling], people[~falling]):
            rng.shuffle(some)
            group[some] = np.linspace(0, groups, len(some), endpoint=False).astype(int)
    return group[trials.subject]


def trial_number(table: Table, trials: Trials) -> np.ndarray:
    """Return the trial number of each candidate."""
    return trials.first[table.pack] + table.trial


def best_scores(table: Table, trials: Trials, score: np.ndarray, copy: int) -> np.ndarray:
    """Return each trial's highest score: of a fall within its hit window, else anywhere."""
    number = trial_number(table, trials)
    inside = (table.stamp >= trials.window[number, 0]) & (table.stamp <= trials.window[number, 1])
    use = (table.copy == copy) & (inside | ~trials.is_fall[number])
    best = np.full(len(trials.pack), -np.inf)
    np.maximum.at(best, number[use], score[use])
    return best


def slow_shift(
    clean: np.ndarray, slow: np.ndarray, trials: Trials, among: np.ndarray, specificity: float
) -> float:
    """Return by how much slow bands' scores lie below others' at the same specificity.

    clean, slow: best scores as recorded and at 25 Hz. Slow are all trials at 25 Hz, and those of
    sets that were recorded so; fast is the rest.
    """
    others = among & trials.fall_set & ~trials.is_fall
    fast = clean[others & ~trials.slow]
    blurred = np.concatenate([slow[others], clean[others & trials.slow]])
    return round(at_specificity(fast, specificity) - at_specificity(blurred, specificity), 3)


def operating(
    clean: np.ndarray, slow: np.ndarray, trials: Trials, among: np.ndarray, points: dict[str, float]
) -> tuple[float, dict[str, float]]:
    """Return the shift of slow bands and each operating point's threshold, by what it aims at."""
    # Rounded: the last bits of the fits behind it shall not matter.
    shift = slow_shift(clean, slow, trials, among, points["balanced"])
    best = clean + shift * trials.slow
    return shift, {p: round(threshold_at(best, trials, among, s), 3) for p, s in points.items()}


def alarms_of(best: np.ndarray, trials: Trials, thresholds: dict[str, float], point: str) -> Any:
    """Return which trials alarm at an operating point."""
    own = thresholds[point]
    return best > np.where(trials.coarse, max(own, thresholds[STRICT]), own)


def threshold_at(best: np.ndarray, trials: Trials, among: np.ndarray, specificity: float) -> float:
    """Return the lowest threshold with that specificity on the fall sets' other trials."""
    return at_specificity(best[among & trials.fall_set & ~trials.is_fall], specificity)


def at_specificity(scores: np.ndarray, specificity: float) -> float:
    """Return the lowest threshold that leaves that share of the scores alone."""
    highest = np.sort(scores)[::-1]
    return float(highest[int((1 - specificity) * len(highest) + 1e-9)])


def score_rows(model: Model, x: np.ndarray) -> np.ndarray:
    """Score candidates with the detector's own kernel."""
    score = np.array([score_features(row, model.forest, model.nets) for row in x])
    names = feature_names()
    last = [x[:, names.index(f"std[{half})")] for half in ("+1.5,+2.0", "+2.0,+2.5")]
    return np.where(np.minimum(*last) > RESTLESS, HOPELESS, score)


def left_out_scores(
    table: Table, trials: Trials, group: np.ndarray, models: dict[int, Model], copies: range
) -> np.ndarray:
    """Score each candidate of `copies` with the model of its own group, which has not seen it."""
    out = np.full(len(table.x), -np.inf)
    mine = group[trial_number(table, trials)]
    for g, model in models.items():
        rows = np.flatnonzero((mine == g) & np.isin(table.copy, list(copies)))
        out[rows] = score_rows(model, table.x[rows])
    return out
