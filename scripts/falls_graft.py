"""Grafts: the same impact after another movement.

In the open data each kind of fall comes after one kind of movement, and only one set has people
who fall while they run. A model learns from that that whoever moves hard beforehand does not fall,
and misses a whole kind on a set it has not seen. So a window's beginning is replaced by the
beginning of somebody else's vigorous window, turned to meet it; windows that are no fall are
grafted in the same way, so that the seam itself says nothing. Ends are grafted too, a fall's on
another fall, another movement's on another: how people lie or go on afterwards is each set's own
habit as well. Giver and receiver come from the same fold of people, so that no graft carries a
person into the other side of a split.
"""

from typing import Any

import numpy as np

from gateway.core.detectors import fall_kernels
from gateway.core.detectors.kernels import POINTS

SEAM = (55, 95)  # grid points: 1.4 to 0.6 s before the impact
END_SEAM = (150, 185)  # 0.5 to 1.2 s after it
END_LEAN = 12
FADE = 10
LEAN = 25  # points whose mean direction is met


def about(axis: np.ndarray, sine: float, cosine: float) -> np.ndarray:
    """Return the rotation about a unit vector."""
    x, y, z = axis
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + sine * k + (1 - cosine) * k @ k)


def meeting(a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a rotation that takes direction `a` to `b`, with any turn about `b`."""
    a = a / max(float(np.linalg.norm(a)), 1e-6)
    b = b / max(float(np.linalg.norm(b)), 1e-6)
    axis = np.cross(a, b)
    sine = float(np.linalg.norm(axis))
    turn = about(axis / sine, sine, float(a @ b)) if sine > 1e-6 else np.eye(3)  # noqa: PLR2004
    angle = rng.uniform(0, 2 * np.pi)
    return np.asarray(about(b, np.sin(angle), np.cos(angle)) @ turn)


def graft(receiver: np.ndarray, giver: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return `receiver` with its beginning taken from `giver` (both [250, 3], g)."""
    seam = int(rng.integers(*SEAM))
    begin = int(rng.integers(0, POINTS // 2 - LEAN - seam + 1))
    piece = giver[begin : begin + seam]
    piece = piece @ meeting(piece[-LEAN:].mean(0), receiver[seam : seam + 20].mean(0), rng).T
    out = receiver.copy()
    out[: seam - FADE] = piece[:-FADE]
    share = np.linspace(0, 1, FADE)[:, None]
    out[seam - FADE : seam] = (1 - share) * piece[-FADE:] + share * receiver[seam - FADE : seam]
    return out


def graft_end(receiver: np.ndarray, giver: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return `receiver` with what follows the impact taken from `giver` (both [250, 3], g)."""
    seam = int(rng.integers(*END_SEAM))
    piece = giver[seam:]
    here = receiver[seam - END_LEAN : seam].mean(0)
    piece = piece @ meeting(piece[:END_LEAN].mean(0), here, rng).T
    share = np.linspace(0, 1, FADE)[:, None]
    out = receiver.copy()
    out[seam:] = piece
    out[seam : seam + FADE] = (1 - share) * receiver[seam : seam + FADE] + share * piece[:FADE]
    return out


def features_of(windows: np.ndarray) -> np.ndarray:
    """Return the features of grid windows in g."""
    scratch = fall_kernels.new_scratch()
    means = np.zeros((len(fall_kernels.SEGMENTS), 3))
    valid = np.ones(POINTS, np.bool_)
    out = np.zeros((len(windows), fall_kernels.FEATURES), np.float32)
    for window, row in zip(windows, out, strict=True):
        fall_kernels.describe(window, valid, scratch, means, row)
    return out


def grafts(
    grid: np.ndarray, receivers: np.ndarray, givers: np.ndarray, rng: Any, join: Any = graft
) -> np.ndarray:
    """Return the features of `grid[receivers]` (mg), each joined to one of `grid[givers]`."""
    chosen = rng.choice(givers, len(receivers))
    windows = [
        join(grid[r].astype(float) / 1000, grid[g].astype(float) / 1000, rng)
        for r, g in zip(receivers, chosen, strict=True)
    ]
    return features_of(np.array(windows))
