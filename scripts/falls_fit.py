"""Fitting the fall model: boosted trees (lightgbm) and small networks (numpy), as plain arrays."""

import itertools
from typing import Any

import lightgbm
import numpy as np

from gateway.core.detectors.fall_kernels import feature_names
from gateway.core.detectors.fall_score import LIMIT, Forest, Model, Nets

TREES = {
    "objective": "binary",
    "learning_rate": 0.05,
    "num_leaves": 24,
    "min_data_in_leaf": 40,
    "feature_fraction": 0.3,
    "bagging_fraction": 0.6,
    "bagging_freq": 1,
    "lambda_l2": 10.0,
    "verbose": -1,
    "deterministic": True,
    "force_col_wise": True,
}
ROUNDS = 300
HIDDEN = (48, 24)
EPOCHS = 12
BATCH = 256
RATE = 2e-3
DECAY = 1e-3
DROP = 0.2
FALLS_SHARE = 0.35  # of the falls' weight to that of all else


def case_weights(is_fall: np.ndarray) -> np.ndarray:
    """Return weights that give the falls FALLS_SHARE of what the rest weighs."""
    weights = np.ones(len(is_fall))
    weights[is_fall] = FALLS_SHARE * (~is_fall).sum() / is_fall.sum()
    return weights


def fit_forest(x: np.ndarray, y: np.ndarray, w: np.ndarray, seed: int, threads: int) -> Forest:
    """Boost trees and lay them out as arrays."""
    settings = TREES | {"seed": seed, "num_threads": threads}
    booster = lightgbm.train(settings, lightgbm.Dataset(x, y.astype(float), weight=w), ROUNDS)
    rows: list[tuple[int, float, int, int, float]] = []

    def lay(node: dict[str, Any]) -> int:
        here = len(rows)
        rows.append((-1, 0.0, -1, -1, float(node.get("leaf_value", 0.0))))
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


def scaling(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the middle and the half spread (10 to 90 %) of each feature."""
    low, high = np.percentile(x, [10, 90], axis=0)
    return (
        np.median(x, 0).astype(np.float32),
        np.maximum((high - low) / 2, 1e-3).astype(np.float32),
    )


def fit_net(x: np.ndarray, y: np.ndarray, w: np.ndarray, seed: int) -> list[np.ndarray]:
    """Fit one network with Adam, input dropout and weight decay; x is centred and limited."""
    rng = np.random.default_rng(seed)
    sizes = [x.shape[1], *HIDDEN, 1]
    weights = [
        rng.normal(0, np.sqrt(2 / a), (a, b)).astype(np.float32)
        for a, b in itertools.pairwise(sizes)
    ]
    weights[-1] *= np.float32(0.3)
    params = weights + [np.zeros(b, np.float32) for b in sizes[1:]]
    first = [np.zeros_like(p) for p in params]
    second = [np.zeros_like(p) for p in params]
    y, w = y.astype(np.float32), (w / w.mean()).astype(np.float32)
    steps = EPOCHS * -(-len(x) // BATCH)
    step = 0
    for _ in range(EPOCHS):
        order = rng.permutation(len(x))
        for i in range(0, len(x), BATCH):
            step += 1
            some = order[i : i + BATCH]
            grads = gradients(params, x[some], y[some], w[some], rng)
            rate = RATE * 0.5 * (1 + np.cos(np.pi * step / steps))
            for j, (p, g) in enumerate(zip(params, grads, strict=True)):
                first[j] += 0.1 * (g - first[j])
                second[j] += 0.001 * (g * g - second[j])
                move = first[j] / (1 - 0.9**step)
                move = move / (np.sqrt(second[j] / (1 - 0.999**step)) + 1e-8)
                decay = DECAY * p if p.ndim > 1 else 0
                params[j] = p - (rate * (move + decay)).astype(np.float32)
    return params


def gradients(
    params: list[np.ndarray], x: np.ndarray, y: np.ndarray, w: np.ndarray, rng: Any
) -> list[np.ndarray]:
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


def fit_nets(x: np.ndarray, y: np.ndarray, w: np.ndarray, seeds: range) -> Nets:
    """Fit one network a seed and stack them."""
    centre, scale = scaling(x)
    limited = np.clip((x - centre) / scale, -LIMIT, LIMIT).astype(np.float32)
    nets = [fit_net(limited, y, w, seed) for seed in seeds]
    w0, w1, w2, b0, b1, b2 = (np.stack(part) for part in zip(*nets, strict=True))
    return Nets(centre, scale, w0, b0, w1, b1, w2[:, :, 0], b2[:, 0])


def fit(x: np.ndarray, is_fall: np.ndarray, *, seed: int = 0, nets: int = 2, threads: int = 2
        ) -> Model:  # fmt: skip
    """Fit forest and networks; thresholds and calibration come later, from people left out."""
    w = case_weights(is_fall)
    return Model(
        fit_forest(x, is_fall, w, seed, threads),
        fit_nets(x, is_fall, w, range(seed, seed + nets)),
        {},
        1.0,
        0.0,
    )


def save(path: Any, model: Model, note: str) -> None:
    """Write a model file."""
    np.savez_compressed(
        path,
        features=np.array(feature_names()),
        point_names=np.array(list(model.thresholds)),
        point_thresholds=np.array(list(model.thresholds.values())),
        calibration=np.array([model.slope, model.offset]),
        note=np.array(note),
        **{f"forest_{k}": v for k, v in model.forest._asdict().items()},
        **{f"nets_{k}": v for k, v in model.nets._asdict().items()},
    )
