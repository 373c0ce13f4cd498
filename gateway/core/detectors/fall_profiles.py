"""The second half of what the fall classifier sees: how the window goes, step by step in time.

    r, high, low    |a| around the impact, in bins of 0.1 and 0.2 s
    lean            cosine between the arm's direction in bins of 0.2 s and the direction it had
                    before (first second) and has afterwards (last second): when it turned
    speed, rise     the speed gained since 1.2 s before the impact, and its part along gravity,
                    gravity turning evenly from its direction before to the one afterwards
    jerk            change within 20 ms, in bins of 0.2 s
    slow            |a| averaged over half a second, along the whole window

All are lengths and angles, so turning the band changes nothing.
"""

import numpy as np
import numpy.typing as npt

from gateway.core.detectors.kernels import POINTS, PRE, Float64Array
from gateway.core.jit import kernel

FloatArray = npt.NDArray[np.floating]

R_BINS, R_STEP = 20, 5  # from -50
HIGH_BINS, HIGH_STEP = 10, 10  # from -50
LEAN_BINS, LEAN_STEP = 14, 10  # from -70
SPEED_FROM, SPEED_POINTS, SPEED_STEP = -60, 90, 6
SPEED_BINS = SPEED_POINTS // SPEED_STEP
JERK_BINS, JERK_STEP = 18, 10  # from -60
SLOW_BINS, SLOW_FROM, SLOW_STEP, SLOW_WIDTH = 16, 20, 12, 25
SECOND = 50


def profile_names() -> list[str]:
    """Return the features' names in the kernel's order."""

    def at(name: str, begin: int, step: int, bins: int) -> list[str]:
        return [f"{name}[{(begin + step * i) / SECOND:+.2f}]" for i in range(bins)]

    speed = (SPEED_FROM + SPEED_STEP - 1, SPEED_STEP, SPEED_BINS)
    return [
        *at("r", -50, R_STEP, R_BINS),
        *at("high", -50, HIGH_STEP, HIGH_BINS),
        *at("low", -50, HIGH_STEP, HIGH_BINS),
        *at("lean_after", -70, LEAN_STEP, LEAN_BINS),
        *at("lean_before", -70, LEAN_STEP, LEAN_BINS),
        *at("speed", *speed),
        *at("rise", *speed),
        *at("jerk", -60, JERK_STEP, JERK_BINS),
        *at("slow", SLOW_FROM - PRE, SLOW_STEP, SLOW_BINS),
    ]


@kernel
def mean_direction(grid: Float64Array, low: int, high: int, out: Float64Array) -> None:
    """Write the mean acceleration of the points from `low` to `high`."""
    for axis in range(3):
        total = 0.0
        for k in range(low, high):
            total += grid[k, axis]
        out[axis] = total / (high - low)


@kernel
def lean(a: Float64Array, b: Float64Array) -> float:
    """Cosine between two directions, near 0 where one has no length."""
    dot = a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
    na = np.sqrt(a[0] * a[0] + a[1] * a[1] + a[2] * a[2]) + 1e-3
    nb = np.sqrt(b[0] * b[0] + b[1] * b[1] + b[2] * b[2]) + 1e-3
    return float(dot / na / nb)


@kernel
def speed_profile(
    grid: Float64Array, before: Float64Array, after: Float64Array, out: FloatArray, at: int
) -> int:
    """Write speed and rise (m/s): what is left of the acceleration without gravity, summed up."""
    x = y = z = rise = 0.0
    dt = 9.81 / SECOND
    for i in range(SPEED_POINTS):
        share = min(max((SPEED_FROM + i + 40) / 50.0, 0.0), 1.0)
        gx = before[0] * (1.0 - share) + after[0] * share
        gy = before[1] * (1.0 - share) + after[1] * share
        gz = before[2] * (1.0 - share) + after[2] * share
        length = np.sqrt(gx * gx + gy * gy + gz * gz) + 0.05
        gx /= length
        gy /= length
        gz /= length
        k = PRE + SPEED_FROM + i
        x += grid[k, 0] - gx
        y += grid[k, 1] - gy
        z += grid[k, 2] - gz
        rise += grid[k, 0] * gx + grid[k, 1] * gy + grid[k, 2] * gz - 1.0
        if i % SPEED_STEP == SPEED_STEP - 1:
            n = at + i // SPEED_STEP
            out[n] = np.sqrt(x * x + y * y + z * z) * dt
            out[n + SPEED_BINS] = rise * dt
    return at + 2 * SPEED_BINS


@kernel
def profiles(
    grid: Float64Array, r: Float64Array, jerk: Float64Array, out: FloatArray, at: int
) -> int:
    """Write every profile; return where they end."""
    for i in range(R_BINS):
        total = 0.0
        for k in range(PRE - 50 + i * R_STEP, PRE - 50 + (i + 1) * R_STEP):
            total += r[k]
        out[at + i] = total / R_STEP
    at += R_BINS
    for i in range(HIGH_BINS):
        high = 0.0
        low = 99.0
        for k in range(PRE - 50 + i * HIGH_STEP, PRE - 50 + (i + 1) * HIGH_STEP):
            high = max(high, r[k])
            low = min(low, r[k])
        out[at + i] = high
        out[at + HIGH_BINS + i] = low
    at += 2 * HIGH_BINS
    before, after, here = np.zeros(3), np.zeros(3), np.zeros(3)
    mean_direction(grid, 0, SECOND, before)
    mean_direction(grid, PRE + 75, POINTS, after)
    for i in range(LEAN_BINS):
        low_k = PRE - 70 + i * LEAN_STEP
        mean_direction(grid, low_k, low_k + LEAN_STEP, here)
        out[at + i] = lean(here, after)
        out[at + LEAN_BINS + i] = lean(here, before)
    at = speed_profile(grid, before, after, out, at + 2 * LEAN_BINS)
    for i in range(JERK_BINS):
        total = 0.0
        for k in range(PRE - 60 + i * JERK_STEP, PRE - 60 + (i + 1) * JERK_STEP):
            total += jerk[k]
        out[at + i] = total / JERK_STEP
    at += JERK_BINS
    for i in range(SLOW_BINS):
        total = 0.0
        for k in range(SLOW_FROM + i * SLOW_STEP, SLOW_FROM + i * SLOW_STEP + SLOW_WIDTH):
            total += r[k]
        out[at + i] = total / SLOW_WIDTH
    return at + SLOW_BINS
