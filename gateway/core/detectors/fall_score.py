"""The trained part of the fall detector: boosted trees and small networks as plain arrays.

The score is the sum of the forest's leaves and the networks' mean, in log-odds (their shares are in
the weights); the model file also carries how a score becomes a probability, the thresholds of the
operating points and what each reached on people left out. It is built by
scripts/train_fall.py; its card lies beside it.
"""

from functools import cache
from importlib.resources import as_file, files
from math import exp
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gateway.core.detectors import fall_kernels
from gateway.core.detectors.kernels import GRID_MS, POINTS, PRE, BoolArray, Float64Array, resample
from gateway.core.jit import kernel
from gateway.core.model import Int64Array
from gateway.errors import Bug

Float32Array = npt.NDArray[np.float32]
Int32Array = npt.NDArray[np.int32]


class Forest(NamedTuple):
    """Trees one after another: node i asks `x[feature] <= threshold`; a leaf has feature -1."""

    roots: Int32Array
    feature: Int32Array
    threshold: Float64Array
    left: Int32Array
    right: Int32Array
    value: Float64Array


class Nets(NamedTuple):
    """Networks of two hidden layers [net, in, out], on features centred, scaled and limited."""

    centre: Float32Array
    scale: Float32Array
    w0: Float32Array
    b0: Float32Array
    w1: Float32Array
    b1: Float32Array
    w2: Float32Array
    b2: Float32Array


class Room(NamedTuple):
    """Working arrays of one detector, so that judging allocates nothing that lasts."""

    grid: Float64Array
    valid: BoolArray
    scratch: Float64Array
    means: Float64Array
    features: Float32Array


class Model(NamedTuple):
    """A whole model file."""

    forest: Forest
    nets: Nets
    thresholds: dict[str, float]  # operating point: alarm above this score
    slope: float  # probability = 1 / (1 + exp(-(slope * score + offset)))
    offset: float
    middle: Float32Array  # every feature's median over what it was fitted on
    figures: dict[str, tuple[float, float, float]]  # point: sensitivity, specificity, alarms/h
    slow_shift: float = 0.0  # added to the score of a slow band, so that one threshold serves all


# Nobody falls and goes on like this: |a| swings so much (g) in both of the window's last half
# seconds. None of the 645 falls does, and a quarter of the candidates of everyday wear stops here.
RESTLESS = 0.4
HOPELESS = -9.0  # their score
# After so many trees, below so much: of people and sets left out no such candidate came within
# 2.5 of the most sensitive threshold, and nine candidates of ten stop here.
PREVIEW = 230
NO_DOUBT = -1.1
LIMIT = 4.0  # a feature further from its centre says no more to a network


def new_room() -> Room:
    """Return the working arrays of one detector."""
    return Room(
        np.zeros((POINTS, 3)),
        np.zeros(POINTS, np.bool_),
        fall_kernels.new_scratch(),
        np.zeros((len(fall_kernels.SEGMENTS), 3)),
        np.zeros(fall_kernels.FEATURES, np.float32),
    )


@kernel
def forest_score(x: Float32Array, forest: Forest) -> float:
    """Sum the leaves that `x` falls into."""
    total = 0.0
    for root in forest.roots:
        i = root
        while forest.feature[i] >= 0:
            small = x[forest.feature[i]] <= forest.threshold[i]
            i = forest.left[i] if small else forest.right[i]
        total += forest.value[i]
    return total


@kernel
def nets_score(x: Float32Array, nets: Nets) -> float:
    """Return the networks' mean; sums in float64 and in one order, so every CPU agrees."""
    n_in = len(nets.centre)  # the first features
    n0 = nets.b0.shape[1]
    n1 = nets.b1.shape[1]
    scaled = np.zeros(n_in)
    first = np.zeros(n0)
    second = np.zeros(n1)
    for i in range(n_in):
        v = (np.float64(x[i]) - np.float64(nets.centre[i])) / np.float64(nets.scale[i])
        scaled[i] = min(max(v, -LIMIT), LIMIT)
    mean = 0.0
    for net in range(len(nets.b2)):
        for j in range(n0):
            first[j] = nets.b0[net, j]
        for i in range(n_in):
            v = scaled[i]
            for j in range(n0):
                first[j] += v * np.float64(nets.w0[net, i, j])
        for j in range(n1):
            second[j] = nets.b1[net, j]
        for i in range(n0):
            v = max(first[i], 0.0)
            for j in range(n1):
                second[j] += v * np.float64(nets.w1[net, i, j])
        total = np.float64(nets.b2[net])
        for i in range(n1):
            total += max(second[i], 0.0) * np.float64(nets.w2[net, i])
        mean += total / len(nets.b2)
    return mean


@kernel
def score_features(x: Float32Array, forest: Forest, nets: Nets) -> float:
    """Return the score of one candidate: log-odds, higher is more like a fall."""
    return forest_score(x, forest) + nets_score(x, nets)


@kernel
def quick_score(x: Float32Array, forest: Forest, nets: Nets) -> float:
    """Return the score, or HOPELESS and less where the first trees already leave no doubt."""
    total = 0.0
    for n in range(len(forest.roots)):
        if n == PREVIEW and total < NO_DOUBT:
            return HOPELESS + total
        i = forest.roots[n]
        while forest.feature[i] >= 0:
            small = x[forest.feature[i]] <= forest.threshold[i]
            i = forest.left[i] if small else forest.right[i]
        total += forest.value[i]
    return total + nets_score(x, nets)


@kernel
def restless(grid: Float64Array, valid: BoolArray) -> bool:
    """Return whether the wearer goes on moving hard, after all."""
    for half in range(2):
        n = 0
        total = squares = 0.0
        for k in range(POINTS - 50 + 25 * half, POINTS - 25 + 25 * half):
            if valid[k]:
                x, y, z = grid[k, 0], grid[k, 1], grid[k, 2]
                square = x * x + y * y + z * z
                n += 1
                total += np.sqrt(square)
                squares += square
        if n == 0 or squares / n - (total / n) * (total / n) <= RESTLESS * RESTLESS:
            return False
    return True


@kernel
def judge(memory: Int64Array, peak_t: int, room: Room, forest: Forest, nets: Nets) -> float:
    """Resample the window around `peak_t`, describe it and score it."""
    resample(memory, peak_t - PRE * GRID_MS, room.grid, room.valid)
    if restless(room.grid, room.valid):
        return HOPELESS
    fall_kernels.describe(room.grid, room.valid, room.scratch, room.means, room.features)
    return quick_score(room.features, forest, nets)


def probability(model: Model, score: float) -> float:
    """Return the calibrated probability behind a score."""
    return 1.0 / (1.0 + exp(-max(min(model.slope * score + model.offset, 50.0), -50.0)))


def contributions(model: Model, features: Float32Array) -> list[tuple[str, float, float]]:
    """Return (feature, its value, what it adds to the score against an ordinary moment).

    Each feature in turn is put back to its middle value and the candidate scored again; the
    largest effect comes first. For people, not for deciding.
    """
    whole = score_features(features, model.forest, model.nets)
    rows = []
    for i, name in enumerate(fall_kernels.feature_names()):
        without = features.copy()
        without[i] = model.middle[i]
        rest = score_features(without, model.forest, model.nets)
        rows.append((name, float(features[i]), whole - rest))
    return sorted(rows, key=lambda row: -abs(row[2]))


@cache
def load_model(name: str = "fall.npz") -> Model:
    """Read a model file of the package; refuse one made for other features."""
    with (
        as_file(files("gateway.core.detectors.models") / name) as path,
        np.load(path, allow_pickle=False) as file,
    ):
        if tuple(str(n) for n in file["features"]) != fall_kernels.feature_names():
            raise Bug(f"{name} was trained on other features: run scripts/train_fall.py")
        points = zip(file["point_names"], file["point_thresholds"], strict=True)
        return Model(
            Forest(*(file[f"forest_{field}"] for field in Forest._fields)),
            Nets(*(file[f"nets_{field}"] for field in Nets._fields)),
            {str(point): float(threshold) for point, threshold in points},
            float(file["calibration"][0]),
            float(file["calibration"][1]),
            file["middle"],
            {
                str(point): (float(row[0]), float(row[1]), float(row[2]))
                for point, row in zip(file["point_names"], file["point_figures"], strict=True)
            },
            float(file["slow_shift"]),
        )
