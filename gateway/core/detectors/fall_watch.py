"""What follows a suspected fall, second by second: lying still, walking away, or neither.

Once a second, while a suspicion is open, the last second is looked at for stillness and the last
four for walking: |a| swings by at least WALK_STD and repeats itself after a step or a stride.
Seconds that were not measured count for nothing.

    impact ──2.5 s── suspected ── 8 s of walking ──────────────────────────► withdrawn
                         │        20 s after the impact, 12 s of them still ► confirmed
                         └─────── 30 s after the suspicion, not walked ────► confirmed

Confirming early costs the resident the rest of the cancel window, so it takes real stillness:
somebody who is well reaches for the button, and reaching moves the arm.
"""

from dataclasses import dataclass

import numpy as np

from gateway.core.detectors.kernels import (
    LAST_T,
    BoolArray,
    Float64Array,
    resample,
)
from gateway.core.jit import kernel
from gateway.core.model import Int64Array

LOOK_MS = 1000
WALK_POINTS = 200  # 4 s on the grid
SECOND = 50
STILL_STD = 0.03  # g; a still wrist has 0.005 to 0.02, breathing and pulse included
WALK_STD = 0.12  # g; the open data's walking has 0.15 to 0.5 at the wrist
WALK_RHYTHM = 0.5
WALK_SECONDS = 5  # looks in a row, so 8 s of walking
STILL_SECONDS = 12
EARLY_MS = 20_000
WATCH_MS = 30_000
OUT = 5  # measured share, std of |a| in the last second, in 4 s, rhythm, step in s


@kernel
def look(memory: Int64Array, grid: Float64Array, valid: BoolArray, out: Float64Array) -> None:
    """Fill `out` with what the last seconds are like; see OUT."""
    n = len(grid)
    resample(memory, memory[LAST_T] - 20 * (n - 1), grid, valid)
    measured = 0
    total = squares = last_total = last_squares = 0.0
    for k in range(n):
        x, y, z = grid[k, 0], grid[k, 1], grid[k, 2]
        r = np.sqrt(x * x + y * y + z * z)
        grid[k, 0] = r
        total += r
        squares += r * r
        if k >= n - SECOND:
            measured += valid[k]
            last_total += r
            last_squares += r * r
    mean = total / n
    last_mean = last_total / SECOND
    best = 0.0
    best_lag = 0
    power = squares - n * mean * mean + 1e-6
    for lag in range(15, 66):  # a step takes 0.35 to 0.75 s, a stride up to 1.3 s
        together = 0.0
        for k in range(lag, n):
            together += (grid[k, 0] - mean) * (grid[k - lag, 0] - mean)
        together *= n / (n - lag) / power
        if together > best:
            best = together
            best_lag = lag
    out[0] = measured / SECOND
    out[1] = np.sqrt(max(last_squares / SECOND - last_mean * last_mean, 0.0))
    out[2] = np.sqrt(max(squares / n - mean * mean, 0.0))
    out[3] = best
    out[4] = best_lag / 50.0


@dataclass(slots=True)
class Watch:
    """The open suspicion of one band."""

    onset_ms: int
    since_ms: int
    probability: float
    impact_g: float
    still_s: int = 0
    walking_s: int = 0
    measured_s: int = 0

    def second(self, seen: Float64Array) -> None:
        """Take one look into account."""
        if seen[0] < 0.5:  # noqa: PLR2004 - half of the second is missing: it says nothing
            return
        self.measured_s += 1
        self.still_s += bool(seen[1] < STILL_STD)
        walking = seen[2] >= WALK_STD and seen[3] >= WALK_RHYTHM
        self.walking_s = self.walking_s + 1 if walking else 0

    @property
    def walked(self) -> bool:
        """Whether the wearer is on their feet."""
        return self.walking_s >= WALK_SECONDS

    def lies_still(self, t_ms: int) -> bool:
        """Whether to confirm before the watch is over."""
        return t_ms >= self.onset_ms + EARLY_MS and self.still_s >= STILL_SECONDS

    def over(self, t_ms: int) -> bool:
        """Whether the watch has run its length."""
        return t_ms >= self.since_ms + WATCH_MS
