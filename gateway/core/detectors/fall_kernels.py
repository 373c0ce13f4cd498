"""What the fall classifier sees: numbers of a 5 s window that do not know how the band sits.

The grid is 250 points of acceleration in g at 50 Hz, the peak at index PRE. Every feature is made
of |a|, of angles between directions within the window and of invariants of its covariance, so
turning the band, or wearing it on the other arm, changes nothing. Samples that were not measured
(`valid` False) are interpolated for the running averages and left out of the statistics.

The order of the features is that of `feature_names`; the two are walked in the same way.
"""

import numpy as np

from gateway.core.detectors.fall_impact import (
    BLOCK_NAMES,
    PEAK_NAMES,
    FloatArray,
    aftermath,
    cosine,
    peak_shape,
    speeds,
    spreads,
)
from gateway.core.detectors.fall_profiles import profile_names, profiles
from gateway.core.detectors.kernels import POINTS, PRE, BoolArray, Float64Array
from gateway.core.jit import kernel

# Bounds of the segments, in grid steps from the peak: longer ones far away, short ones at it.
SEGMENTS = np.array(
    [
        [-125, -75],
        [-75, -50],
        [-50, -25],
        [-25, -5],
        [-5, 6],
        [6, 25],
        [25, 50],
        [50, 75],
        [75, 100],
        [100, 125],
    ],
    np.int64,
)
SEGMENT_STATS = ("mean", "std", "min", "max", "jerk", "dynamic", "pull")
# Segments whose mean directions are compared.
TURNS = np.array(
    [
        [0, 9],
        [0, 8],
        [0, 7],
        [0, 6],
        [1, 9],
        [2, 9],
        [3, 9],
        [6, 9],
        [7, 9],
        [8, 9],
        [0, 2],
        [0, 3],
        [2, 7],
        [3, 7],
        [1, 7],
        [5, 8],
    ],
    np.int64,
)
WIDE = np.array([[-125, -25], [50, 125]], np.int64)  # before, after
WIDE_NAMES = ("before", "after")
SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)
UNSEEN_NAMES = ("unseen_impact", "unseen_all")  # shares of the window that were not measured


def feature_names() -> tuple[str, ...]:
    """Return the features' names in the kernel's order."""
    names: list[str] = []
    for begin, end in SEGMENTS:
        names += [f"{stat}[{begin / 50:+.1f},{end / 50:+.1f})" for stat in SEGMENT_STATS]
    for a, b in TURNS:
        names.append(f"turn[{SEGMENTS[a][0] / 50:+.1f}~{SEGMENTS[b][0] / 50:+.1f}]")
    for name in WIDE_NAMES:
        names += [f"{name}_q{int(100 * share)}" for share in SHARES]
        names += [f"{name}_rhythm", f"{name}_rhythm_lag"]
    names += PEAK_NAMES
    for name in BLOCK_NAMES:
        names += [f"{name}_spread", f"{name}_flat", f"{name}_round"]
        names += [f"{name}_band{band}" for band in (3, 9, 25)]
    names += [f"travel_{name}" for name in ("in", "out", "after")]
    return (*names, *profile_names(), *UNSEEN_NAMES)


FEATURES = len(feature_names())
SCRATCH_ROWS = 12


def new_scratch() -> Float64Array:
    """Return the working rows of one detector."""
    return np.zeros((SCRATCH_ROWS, POINTS))


@kernel
def running_mean(source: Float64Array, half: int, out: Float64Array) -> None:
    """Average over 2 * half + 1 points, fewer at the ends."""
    n = len(source)
    total = 0.0
    for k in range(min(half, n)):
        total += source[k]
    low = 0
    high = min(half, n)
    for k in range(n):
        if k + half < n:
            total += source[k + half]
            high += 1
        if k - half - 1 >= 0:
            total -= source[k - half - 1]
            low += 1
        out[k] = total / (high - low)


@kernel
def fill_scratch(grid: Float64Array, s: Float64Array) -> None:
    """Rows: 0 |a|, 1-3 smooth a (5), 4 smooth |a|, 5 jerk, 6 dynamic, 7-9 |a| averaged 3, 9, 25."""
    n = len(grid)
    for axis in range(3):
        running_mean(grid[:, axis], 2, s[1 + axis])
    for axis in range(3):  # dynamic: distance from the mean of half a second, gathered in row 6
        running_mean(grid[:, axis], 12, s[10])
        for k in range(n):
            gap = grid[k, axis] - s[10, k]
            s[6, k] = gap * gap if axis == 0 else s[6, k] + gap * gap
    for k in range(n):
        x, y, z = grid[k, 0], grid[k, 1], grid[k, 2]
        s[0, k] = np.sqrt(x * x + y * y + z * z)
        s[4, k] = np.sqrt(s[1, k] * s[1, k] + s[2, k] * s[2, k] + s[3, k] * s[3, k])
        if k > 0:
            dx, dy, dz = x - grid[k - 1, 0], y - grid[k - 1, 1], z - grid[k - 1, 2]
            s[5, k] = np.sqrt(dx * dx + dy * dy + dz * dz)
    s[5, 0] = s[5, 1]
    running_mean(s[0], 1, s[7])
    running_mean(s[0], 4, s[8])
    running_mean(s[0], 12, s[9])


@kernel
def segments(
    grid: Float64Array, valid: BoolArray, s: Float64Array, means: Float64Array, out: FloatArray
) -> int:
    """Write the segments' statistics and turns; return how many features that were."""
    at = 0
    for g in range(len(SEGMENTS)):
        n = 0
        total = squares = jerk = dynamic = 0.0
        low = 1e9
        high = 0.0
        x = y = z = 0.0
        for k in range(PRE + SEGMENTS[g, 0], min(PRE + SEGMENTS[g, 1], POINTS)):
            if not valid[k]:
                continue
            r = s[0, k]
            n += 1
            total += r
            squares += r * r
            low = min(low, r)
            high = max(high, r)
            jerk += s[5, k]
            dynamic += s[6, k]
            x += grid[k, 0]
            y += grid[k, 1]
            z += grid[k, 2]
        if n == 0:  # nothing measured here: as unremarkable as can be
            n = 1
            total = squares = low = high = 1.0
        mean = total / n
        out[at] = mean
        out[at + 1] = np.sqrt(max(squares / n - mean * mean, 0.0))
        out[at + 2] = low
        out[at + 3] = high
        out[at + 4] = jerk / n
        out[at + 5] = np.sqrt(dynamic / n)
        out[at + 6] = np.sqrt(x * x + y * y + z * z) / n
        means[g, 0] = x
        means[g, 1] = y
        means[g, 2] = z
        at += 7
    for i in range(len(TURNS)):
        a, b = TURNS[i, 0], TURNS[i, 1]
        out[at] = cosine(
            means[a, 0], means[a, 1], means[a, 2], means[b, 0], means[b, 1], means[b, 2]
        )
        at += 1
    return at


@kernel
def rhythm(r: Float64Array, low: int, high: int) -> tuple[float, int]:
    """Return how well `r` repeats itself, and after how many points."""
    mean = 0.0
    for k in range(low, high):
        mean += r[k]
    mean /= high - low
    power = 1e-3
    for k in range(low, high):
        power += (r[k] - mean) * (r[k] - mean)
    best = 0.0
    best_lag = 0
    for lag in range(12, 56, 2):  # 0.24 to 1.1 s: steps, claps, strokes
        total = 0.0
        for k in range(low, high - lag):
            total += (r[k] - mean) * (r[k + lag] - mean)
        total /= power
        if total > best:
            best = total
            best_lag = lag
    return best, best_lag


@kernel
def wide(valid: BoolArray, s: Float64Array, out: FloatArray, at: int) -> int:
    """Write quantiles and rhythm of |a| well before and well after the peak."""
    shares = (0.1, 0.25, 0.5, 0.75, 0.9)
    for w in range(len(WIDE)):
        low, high = PRE + WIDE[w, 0], min(PRE + WIDE[w, 1], POINTS)
        n = 0
        for k in range(low, high):
            if valid[k]:
                s[10, n] = s[0, k]
                n += 1
        if n == 0:
            s[10, 0] = 1.0
            n = 1
        s[10, :n].sort()
        for share in shares:
            out[at] = s[10, int(share * (n - 1) + 0.5)]
            at += 1
        best, best_lag = rhythm(s[7], low, high)
        out[at] = best
        out[at + 1] = best_lag / 50.0
        at += 2
    return at


@kernel
def unseen(valid: BoolArray, out: FloatArray, at: int) -> int:
    """Write how much of the second around the peak, and of all, was lost."""
    near = everywhere = 0
    for k in range(POINTS):
        if not valid[k]:
            everywhere += 1
            near += PRE - 25 <= k < PRE + 25
    out[at] = near / 50.0
    out[at + 1] = everywhere / POINTS
    return at + 2


@kernel
def describe(
    grid: Float64Array, valid: BoolArray, s: Float64Array, means: Float64Array, out: FloatArray
) -> int:
    """Fill `out` with every feature of the window; return their number."""
    fill_scratch(grid, s)
    at = segments(grid, valid, s, means, out)
    at = wide(valid, s, out, at)
    at = peak_shape(s, out, at)
    at = aftermath(valid, s, out, at)
    at = speeds(grid, s, out, at)
    at = spreads(grid, s, out, at)
    return unseen(valid, out, profiles(grid, s[0], s[5], out, at))
