"""Fitting the fall model: two kinds of boosted trees (lightgbm) and small networks (numpy).

Rows: every fall, every candidate that a first coarse forest finds at all fall-like, and some of the
rest at as many times the weight. The random trees see grafts of falls and of hard others too, the
greedy trees and the networks do not: the mean of both kinds holds on people and on sets.
"""

import itertools
from dataclasses import dataclass, fields
from typing import Any

import lightgbm
import numpy as np
from falls_data import Table
from falls_graft import graft_end, grafts
from falls_score import Trials, trial_number

from gateway.core.detectors.fall_kernels import FEATURES, UNSEEN_NAMES, feature_names
from gateway.core.detectors.fall_profiles import profile_names
from gateway.core.detectors.fall_score import LIMIT, Forest, Model, Nets

Array = np.ndarray
COMMON = {
    "objective": "binary",
    "learning_rate": 0.05,
    "num_leaves": 24,
    "min_data_in_leaf": 40,
    "max_bin": 63,
    "bagging_fraction": 0.6,
    "bagging_freq": 1,
    "lambda_l2": 10.0,
    "verbose": -1,
    "deterministic": True,
    "force_col_wise": True,
}
GREEDY = COMMON | {"feature_fraction": 0.2, "learning_rate": 0.06}
RANDOM = COMMON | {"feature_fraction": 0.4, "learning_rate": 0.06, "extra_trees": True}
COARSE = COMMON | {"feature_fraction": 0.3, "num_leaves": 12, "learning_rate": 0.15}
COARSE_ROUNDS, GREEDY_ROUNDS, RANDOM_ROUNDS = 30, 230, 320
HARD = -4.2  # coarse log-odds; below are four candidates of five, and no fall worth winning
KEEP_EASY = 0.05
SHARES = (0.25, 0.55, 0.2)  # of the log-odds
NETS = 2
NET_FEATURES = (
    FEATURES - len(profile_names()) - len(UNSEEN_NAMES)
)  # networks do worse with the profiles
HIDDEN = (48, 24)
EPOCHS = 10
BATCH = 256
RATE = 2e-3
DECAY = 1e-3
DROP = 0.2
FALLS_SHARE = 0.35  # of the falls' weight to that of all else
GRAFT_WEIGHT = 0.25
END_WEIGHT = 0.5
OTHER_ENDS = 3  # for each fall with another's end, so many others
GRAFT_COPIES = 8
LIVELY = 0.45  # before_spread in g of a window that may give its beginning
GIVER_FOLDS = 5


@dataclass(frozen=True)
class Rows:
    """What is trained on."""

    x: Array
    fall: Array
    weight: Array

    def first(self, n: int) -> "Rows":
        """Return the first `n` rows, weighed anew."""
        fall = self.fall[:n]
        return Rows(self.x[:n], fall, balanced(fall, self.weight[:n]))


ROWS = tuple(field.name for field in fields(Rows))


def balanced(fall: Array, weight: Array) -> Array:
    """Return weights under which the falls weigh FALLS_SHARE of the rest."""
    out = weight.astype(float)
    out[fall] *= FALLS_SHARE * out[~fall].sum() / out[fall].sum()
    return out


def boost(rows: Rows, settings: dict[str, Any], rounds: int, seed: int) -> lightgbm.Booster:
    """Fit one forest, on one thread: the same bits whatever the machine is doing."""
    data = lightgbm.Dataset(rows.x, rows.fall.astype(float), weight=rows.weight)
    return lightgbm.train(settings | {"seed": seed, "num_threads": 1}, data, rounds)


def choose(table: Table, trials: Trials, folds: Array, train: Array, seed: int) -> tuple[Rows, int]:
    """Return the rows that `train` (trials) gives to fit on; grafts come after the number said."""
    rng = np.random.default_rng(seed)
    number = trial_number(table, trials)
    usable = train[number] & (table.label >= 0)
    fall = table.label == 1
    some = np.flatnonzero(usable & (table.copy < 2) & (fall | (rng.random(len(fall)) < 0.4)))  # noqa: PLR2004
    first = Rows(table.x[some], fall[some], balanced(fall[some], np.ones(len(some))))
    coarse = boost(first, COARSE, COARSE_ROUNDS, seed)
    every = np.flatnonzero(usable)
    like = coarse.predict(table.x[every], raw_score=True, num_threads=1) > HARD
    easy = ~like & ~fall[every]
    kept = ~easy | (rng.random(len(every)) < KEEP_EASY)
    rows = every[kept]
    weight = np.where(easy, 1 / KEEP_EASY, 1.0)[kept]

    parts = [Rows(table.x[rows], fall[rows], weight)]
    some = rows[table.copy[rows] < GRAFT_COPIES]
    for f in range(GIVER_FOLDS):
        mine = some[folds[number[some]] == f]
        parts += end_grafts(table, mine[fall[mine]], mine[~fall[mine]], rng)
    plain = sum(len(part.x) for part in parts)

    receivers = every[(fall[every] | (like & (rng.random(len(every)) < 0.6)))]  # noqa: PLR2004
    receivers = receivers[table.copy[receivers] < GRAFT_COPIES]
    spread = table.x[:, feature_names().index("before_spread")]
    givers = usable & ~fall & (spread > LIVELY)
    for f in range(GIVER_FOLDS):
        mine = receivers[folds[number[receivers]] == f]
        theirs = np.flatnonzero(givers & (folds[number] == f))
        if len(mine):
            x = grafts(table.grid, mine, theirs, rng)
            parts.append(Rows(x, fall[mine], np.full(len(x), GRAFT_WEIGHT)))
    x, falls, weight = (np.concatenate([getattr(p, name) for p in parts]) for name in ROWS)
    return Rows(x, falls, balanced(falls, weight)), plain


def end_grafts(table: Table, falls: Array, others: Array, rng: Any) -> list[Rows]:
    """Return falls that end as other falls do, and others that end as others do."""
    others = rng.choice(others, min(len(others), OTHER_ENDS * len(falls)), replace=False)
    out = []
    for rows, fall in ((falls, True), (others, False)):
        if len(rows):
            x = grafts(table.grid, rows, rows, rng, graft_end)
            out.append(Rows(x, np.full(len(x), fall), np.full(len(x), END_WEIGHT)))
    return out


def arrays(booster: lightgbm.Booster, share: float) -> Forest:
    """Lay a forest out as arrays, its leaves scaled by its share of the score."""
    rows: list[tuple[int, float, int, int, float]] = []

    def lay(node: dict[str, Any]) -> int:
        here = len(rows)
        rows.append((-1, 0.0, -1, -1, share * float(node.get("leaf_value", 0.0))))
        if "split_feature" in node:
            left, right = lay(node["left_child"]), lay(node["right_child"])
            rows[here] = (int(node["split_feature"]), float(node["threshold"]), left, right, 0.0)
        return here

    roots = [lay(tree["tree_structure"]) for tree in booster.dump_model()["tree_info"]]
    feature, threshold, left, right, value = (np.array(c) for c in zip(*rows, strict=True))
    return Forest(
        np.array(roots, np.int32),
        feature.astype(np.int32),
        threshold.astype(np.float64),
        left.astype(np.int32),
        right.astype(np.int32),
        value.astype(np.float64),
    )


def joined(a: Forest, b: Forest) -> Forest:
    """Return both forests as one."""
    n = np.int32(len(a.feature))
    left, right = (np.where(side >= 0, side + n, side) for side in (b.left, b.right))
    moved = b._replace(roots=b.roots + n, left=left, right=right)
    return Forest(*(np.concatenate(pair) for pair in zip(a, moved, strict=True)))


def fit_net(x: Array, rows: Rows, seed: int) -> list[Array]:
    """Fit one network with Adam, input dropout and weight decay; x is centred and limited."""
    rng = np.random.default_rng(seed)
    sizes = [x.shape[1], *HIDDEN, 1]
    params = [
        rng.normal(0, np.sqrt(2 / a), (a, b)).astype(np.float32)
        for a, b in itertools.pairwise(sizes)
    ]
    params[-1] *= np.float32(0.3)
    params += [np.zeros(b, np.float32) for b in sizes[1:]]
    first = [np.zeros_like(p) for p in params]
    second = [np.zeros_like(p) for p in params]
    y, w = rows.fall.astype(np.float32), (rows.weight / rows.weight.mean()).astype(np.float32)
    steps = EPOCHS * -(-len(x) // BATCH)
    step = 0
    for _ in range(EPOCHS):
        order = rng.permutation(len(x))
        for i in range(0, len(x), BATCH):
            step += 1
            some = order[i : i + BATCH]
            rate = RATE * 0.5 * (1 + np.cos(np.pi * step / steps))
            for j, g in enumerate(gradients(params, x[some], y[some], w[some], rng)):
                first[j] += 0.1 * (g - first[j])
                second[j] += 0.001 * (g * g - second[j])
                move = first[j] / (1 - 0.9**step)
                move = move / (np.sqrt(second[j] / (1 - 0.999**step)) + 1e-8)
                decay = DECAY * params[j] if params[j].ndim > 1 else 0
                params[j] = params[j] - (rate * (move + decay)).astype(np.float32)
    return params


def gradients(params: list[Array], x: Array, y: Array, w: Array, rng: Any) -> list[Array]:
    """Return the gradients of the weighted log loss of one batch."""
    w0, w1, w2, b0, b1, b2 = params
    x = x * (rng.random(x.shape, dtype=np.float32) > DROP) / np.float32(1 - DROP)
    h0 = np.maximum(x @ w0 + b0, 0)
    h1 = np.maximum(h0 @ w1 + b1, 0)
    z = (h1 @ w2 + b2)[:, 0]
    g = (((1 / (1 + np.exp(-z)) - y) * w) / np.float32(len(y)))[:, None]
    g1 = (g @ w2.T) * (h1 > 0)
    g0 = (g1 @ w1.T) * (h0 > 0)
    return [x.T @ g0, h0.T @ g1, h1.T @ g, g0.sum(0), g1.sum(0), g.sum(0)]


def fit_nets(rows: Rows, seed: int) -> Nets:
    """Fit NETS networks and stack them, their last layer scaled by their share of the score."""
    x = rows.x[:, :NET_FEATURES]
    low, high = np.percentile(x, [10, 90], axis=0)
    centre = np.median(x, 0).astype(np.float32)
    scale = np.maximum((high - low) / 2, 1e-3).astype(np.float32)
    x = np.clip((x - centre) / scale, -LIMIT, LIMIT).astype(np.float32)
    nets = [fit_net(x, rows, seed + i) for i in range(NETS)]
    w0, w1, w2, b0, b1, b2 = (np.stack(part) for part in zip(*nets, strict=True))
    share = np.float32(SHARES[2])
    return Nets(centre, scale, w0, b0, w1, b1, share * w2[:, :, 0], share * b2[:, 0])


def fit(table: Table, trials: Trials, folds: Array, train: Array, seed: int) -> Model:
    """Fit on the trials of `train`; thresholds and calibration come from people left out."""
    rows, plain = choose(table, trials, folds, train, seed)
    greedy = arrays(boost(rows.first(plain), GREEDY, GREEDY_ROUNDS, seed), SHARES[0])
    random = arrays(boost(rows, RANDOM, RANDOM_ROUNDS, seed + 1), SHARES[1])
    middle = np.median(rows.x, 0).astype(np.float32)
    return Model(
        joined(greedy, random), fit_nets(rows.first(plain), seed), {}, 1.0, 0.0, middle, {}
    )


def save(path: Any, model: Model) -> None:
    """Write a model file."""
    np.savez_compressed(
        path,
        features=np.array(feature_names()),
        point_names=np.array(list(model.thresholds)),
        point_thresholds=np.array(list(model.thresholds.values())),
        point_figures=np.array([model.figures[p] for p in model.thresholds]),
        middle=model.middle,
        calibration=np.array([model.slope, model.offset]),
        slow_shift=np.array(model.slow_shift),
        **{f"forest_{k}": v for k, v in model.forest._asdict().items()},
        **{f"nets_{k}": v for k, v in model.nets._asdict().items()},
    )
