"""Measure the fall detector on people and on whole sets that it was not fitted on: three tables.

    python scripts/evaluate_falls.py [--card]     (about 40 minutes on 2 cores)

Nothing is chosen on what is scored: for every group left out the model is fitted on the others,
and its frozen threshold comes from people left out *within* those others (INNER groups). The trials
are then run by the project's scorer through the streaming detector itself. Beside the frozen
threshold stands the one picked afterwards on the scored trials, as the field usually reports.
"People left out" are GROUPS groups of at most one falling person of each set: whoever is scored,
nothing of them was trained on.
"""

import argparse
import os
import pickle

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: one order of sums

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from falls_data import CONDITIONS, COPIES, Table, build_table, load_scorer, shared_falls
from falls_score import (
    Trials,
    best_scores,
    left_out_scores,
    operating,
    people_folds,
    singled_out,
    trials_of,
)
from train_fall import FOLDS, OUTPUT, POINTS, SEED, fit_many

from gateway.core.detectors.fall import COARSE_G, STRICT
from gateway.core.detectors.fall_score import Model
from gateway.evaluation import ScoredFallDetector

GROUPS = 16
INNER = 2
MERGE_S = 10.0  # as the scorer merges alarms
CARD = OUTPUT.with_suffix(".md")
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


@dataclass(frozen=True)
class Split:
    """One group left out."""

    name: str
    left_out: np.ndarray  # trials


def frozen_models(
    table: Table, trials: Trials, folds: np.ndarray, splits: list[Split], jobs: int,
    kept: Path | None,
) -> list[Model]:  # fmt: skip
    """Fit a model for each split, its threshold from people left out within its training part."""
    inner = people_folds(trials, INNER, SEED + 1)
    trains = [~s.left_out for s in splits]
    wanted = trains + [t & (inner != i) for t in trains for i in range(INNER)]
    fitted = kept_models(kept)
    if len(fitted) != len(wanted):
        fitted = fit_many(table, trials, folds, wanted, jobs)
        keep_models(kept, fitted)
    out = []
    for n, train in enumerate(trains):
        parts = fitted[len(trains) + n * INNER : len(trains) + (n + 1) * INNER]
        score = left_out_scores(table, trials, inner, dict(enumerate(parts)), range(2))
        clean, slow = (best_scores(table, trials, score, copy=c) for c in range(2))
        shift, thresholds = operating(clean, slow, trials, train, POINTS)
        out.append(fitted[n]._replace(thresholds=thresholds, slow_shift=shift))
    return out


def kept_models(kept: Path | None) -> list[Model]:
    """Return the models of a former run; none where there was none."""
    if kept is None or not kept.exists():
        return []
    models: list[Model] = pickle.loads(kept.read_bytes())  # noqa: S301 - our own file
    return models


def keep_models(kept: Path | None, models: list[Model]) -> None:
    """Keep what took half an hour to fit."""
    if kept is not None:
        kept.write_bytes(pickle.dumps(models))


def detector_of(model: Model) -> Callable[[float, float], ScoredFallDetector]:
    """Return the scorer's factory for one model."""
    return lambda rate, reach: ScoredFallDetector(rate, reach, model=model)


def run_splits(
    scorer: Any, packs: list[Any], trials: Trials, splits: list[Split], models: list[Model],
    condition: str, jobs: int,
) -> list[list[dict[str, Any]]]:  # fmt: skip
    """Run each split's left-out trials through its model, by the scorer."""
    out = []
    for split, model in zip(splits, models, strict=True):
        only: dict[str, set[str]] = {}
        for p, pack in enumerate(packs):
            mine = split.left_out[trials.pack == p]
            if mine.any():
                only[pack.name] = set(pack.subject[mine].astype(str))
        out.append(
            scorer.run(
                packs, detector_of(model), condition, SEED, jobs, want_candidates=True, only=only
            )
        )
    return out


def percent(value: float) -> str:
    """Return a share as people read it."""
    return f"{100 * value:.1f}"


def afterwards(scorer: Any, packs: list[Any], results: list[dict[str, Any]]) -> list[str]:
    """Return sensitivity at 98 and 99 % specificity, threshold picked on these very trials."""
    points = scorer.operating_points(packs, results, (0.98, 0.99))
    return [percent(p["sensitivity"]) for p in points]


def people_row(scorer: Any, packs: list[Any], results: list[dict[str, Any]], name: str) -> str:
    """Return one line of the tables of people left out."""
    r = scorer.score(packs, results)
    e, wear = r["pooled"]["E"], r["pooled"]["L"]
    sets = ", ".join(
        f"{n} {percent(r['sets'][n]['sensitivity'])}/{percent(r['sets'][n]['specificity'])}"
        for n in r["fall_sets"]
    )
    picked = " / ".join(afterwards(scorer, packs, results))
    return (
        f"| {name} | {picked} | {percent(e['sensitivity'])} / {percent(e['specificity'])} | {sets} "
        f"| {r['elderly']['false_trials']} of {r['elderly']['adl_trials']} "
        f"| {wear['alarms']} in {wear['hours']:.1f} h | {e['delay_p95_s']:.2f} s |"
    )


def set_rows(
    scorer: Any, packs: list[Any], splits: list[Split], parts: list[list[dict[str, Any]]],
    condition: str,
) -> list[str]:  # fmt: skip
    """Return the lines of the table of whole sets left out, and their mean."""
    lines, frozen, picked = [], [], []
    for split, part in zip(splits, parts, strict=True):
        block = scorer.score(packs, part)["pooled"]["E"]
        frozen.append((block["sensitivity"], block["specificity"]))
        picked.append(afterwards(scorer, packs, part))
        sens, spec = (percent(v) for v in frozen[-1])
        lines.append(
            f"| {split.name} | {condition} | {' / '.join(picked[-1])} | {sens} / {spec} "
            f"| {block['delay_p95_s']:.2f} s |"
        )
    sens, spec = (percent(v) for v in np.mean(frozen, 0))
    mean = " / ".join(f"{v:.1f}" for v in np.array(picked, float).mean(0))
    lines.append(f"| mean | {condition} | {mean} | {sens} / {spec} | |")
    return lines


def point_rows(
    packs: list[Any], models: list[Model], parts: list[list[dict[str, Any]]]
) -> list[str]:
    """Return what each operating point reached, frozen, from the candidates' scores.

    Long wear is counted twice: as shipped (a range below COARSE_G has a threshold of its own), and
    under the point's own threshold alone.
    """
    by_name = {pack.name: pack for pack in packs}
    lines = []
    for point in POINTS:
        caught, quiet, shipped, alone = [], [], 0, 0
        for model, part in zip(models, parts, strict=True):
            own = model.thresholds[point]
            for one in part:
                pack = by_name[one["set"]]
                alarms = [t for t, score in one["candidates"] if score > own]
                if not pack.is_fall.any():
                    coarse = max(own, model.thresholds[STRICT])
                    above = coarse if pack.range_g < COARSE_G else own
                    alone += len(merged(alarms))
                    shipped += len(merged([t for t, s in one["candidates"] if s > above]))
                elif pack.is_fall[one["k"]]:
                    low, high = pack.hit_window_s(one["k"])
                    caught.append(any(low <= t <= high for t in alarms))
                else:
                    quiet.append(not alarms)
        lines.append(
            f"| `{point}` | {percent(np.mean(caught))} | {percent(np.mean(quiet))} "
            f"| {shipped} | {alone} |"
        )
    return lines


def merged(alarms: list[float]) -> list[float]:
    """Return the alarms that count: those within MERGE_S of a kept one are merged into it."""
    kept: list[float] = []
    for t in alarms:
        if not kept or t - kept[-1] > MERGE_S:
            kept.append(t)
    return kept


def limits(scorer: Any, packs: list[Any], results: list[dict[str, Any]]) -> list[str]:
    """Return which falls are missed and which activities alarm most, people left out, clean."""
    r = scorer.score(packs, results)
    missed = [f"{m['set']} {m['activity']} {m['missed']}/{m['falls']}" for m in r["misses"]]
    false = [f"{m['set']} {m['activity']} {m['false']}/{m['adl']}" for m in r["false_alarms"]]
    return [
        "Most missed (people left out, clean): " + ", ".join(missed) + ".",
        "",
        "Most false alarms: " + ", ".join(false) + ".",
    ]


HEAD = (
    "| condition | picked afterwards: sens at spec 98 / 99 | frozen: sens / spec | each set, "
    "frozen | older people, false trials | alarms in long wear | delay p95 |\n"
    "|---|---|---|---|---|---|---|"
)
SET_HEAD = (
    "| left out | condition | picked afterwards: sens at spec 98 / 99 | frozen: sens / spec "
    "| delay p95 |\n|---|---|---|---|---|"
)

POINT_HEAD = (
    "| operating point | falls found | others left alone | alarms in long wear | "
    "without the threshold for coarse ranges |\n|---|---|---|---|---|"
)


def report(
    scorer: Any, packs: list[Any], trials: Trials, splits: list[Split], models: list[Model],
    jobs: int,
) -> str:  # fmt: skip
    """Run everything and return the tables as Markdown."""
    people = [i for i, s in enumerate(splits) if s.name.isdigit()]
    sets = [i for i, s in enumerate(splits) if not s.name.isdigit()]

    def run(which: list[int], condition: str) -> list[list[dict[str, Any]]]:
        chosen = [splits[i] for i in which], [models[i] for i in which]
        return run_splits(scorer, packs, trials, *chosen, condition, jobs)

    by_group = {c: run(people, c) for c in CONDITIONS}
    pooled = {c: [r for part in by_group[c] for r in part] for c in CONDITIONS}
    by_set = {c: run(sets, c) for c in CONDITIONS}
    left_out = [splits[i] for i in sets]
    lines = [f"**People left out** ({GROUPS} groups), sensitivity and specificity in %:", "", HEAD]
    lines.append(people_row(scorer, packs, pooled["clean"], "clean"))
    lines += ["", "Its operating points, frozen:", "", POINT_HEAD]
    lines += point_rows(packs, [models[i] for i in people], by_group["clean"])
    lines += ["", "**A whole set left out**:", "", SET_HEAD]
    lines += set_rows(scorer, packs, left_out, by_set["clean"], "clean")
    lines += ["", "**Degraded conditions**, thresholds as frozen on clean; people left out:", ""]
    lines += [HEAD, *(people_row(scorer, packs, pooled[c], c) for c in CONDITIONS)]
    lines += ["", "and a whole set left out:", "", SET_HEAD]
    for c in CONDITIONS[1:]:
        lines += set_rows(scorer, packs, left_out, by_set[c], c)
    lines += ["", *limits(scorer, packs, pooled["clean"])]
    return "\n".join(lines)


def into_card(text: str, card: Path) -> None:
    """Put the tables between the card's marks."""
    before, _, rest = card.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    card.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


def main() -> None:
    """Fit without, score on, print; with --card also write the model card's section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--card", action="store_true")
    parser.add_argument(
        "--kept", type=Path, help="fitted models of a former run of the same recipe, or for one"
    )
    options = parser.parse_args()
    scorer = load_scorer()
    packs = scorer.load_packs(str(shared_falls() / "open"))
    trials = trials_of(packs)
    folds = people_folds(trials, FOLDS, SEED)
    table = build_table(range(len(COPIES)), SEED, options.jobs, [p.name for p in packs])
    group = singled_out(trials, GROUPS, SEED)
    splits = [Split(str(g), group == g) for g in range(GROUPS)]
    splits += [
        Split(pack.name, trials.pack == p) for p, pack in enumerate(packs) if pack.is_fall.any()
    ]
    models = frozen_models(table, trials, folds, splits, options.jobs, options.kept)
    text = report(scorer, packs, trials, splits, models, options.jobs)
    print(text)
    if options.card:
        into_card(text, CARD)


if __name__ == "__main__":
    main()
