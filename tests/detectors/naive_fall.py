"""Slow, obvious twins of the fall detector's kernels: numpy and lists, nothing streamed."""

import numpy as np
import numpy.typing as npt

from gateway.core.detectors import fall_kernels as fk
from gateway.core.detectors.fall_impact import BLOCK_NAMES, BLOCKS
from gateway.core.detectors.fall_score import LIMIT, Forest, Nets
from gateway.core.detectors.kernels import (
    DELAY_MS,
    GAP_LONG_MS,
    GAP_MS,
    NEAR_MS,
    PRE,
    TRIGGER_2,
)

Floats = npt.NDArray[np.float64]


def candidates(t_ms: list[int], acc_mg: npt.NDArray[np.int16]) -> list[tuple[int, int]]:
    """Return (peak or middle of a gap, index of the sample at which it is due)."""
    waiting: list[list[int]] = []
    gaps: list[int] = []
    found = []
    for i, t in enumerate(t_ms):
        if i and GAP_MS <= t - t_ms[i - 1] <= GAP_LONG_MS and not gaps:
            gaps = [(t + t_ms[i - 1]) // 2]
        square = sum(int(v) ** 2 for v in acc_mg[i])
        if square > TRIGGER_2:
            if waiting and t - waiting[-1][0] <= NEAR_MS:
                if square > waiting[-1][1]:
                    waiting[-1] = [t, square]
            else:
                waiting.append([t, square])
        while first := [q for q in (gaps[:1], *waiting[:1]) if q and t >= q[0] + DELAY_MS]:
            oldest = min(first, key=lambda q: q[0])
            found.append((oldest[0], i))
            if oldest == gaps:
                gaps = []
            else:
                waiting.pop(0)
    return found


def resample(t: Floats, acc_g: Floats, begin: int, points: int) -> tuple[Floats, list[bool]]:
    """Lay samples on the 20 ms grid: a triangle where they are dense, a line where they are not."""
    near = t >= begin - 300
    t, acc_g = t[near], acc_g[near]
    gaps = np.diff(t)
    step = gaps[gaps <= 2 * gaps.mean()].mean()
    half, far = max(25.0, step), max(3 * step, 100.0)
    rows, valid = [], []
    for at in begin + 20.0 * np.arange(points):
        left, right = t <= at, t > at
        if not left.any() or not right.any():
            edge = 0 if not left.any() else -1
            rows.append(acc_g[edge])
            valid.append(bool(abs(t[edge] - at) <= step))
            continue
        wide = t[right][0] - t[left][-1]
        valid.append(bool(wide <= far))
        if wide >= half:
            rows.append(np.array([np.interp(at, t, acc_g[:, i]) for i in range(3)]))
        else:
            w = np.maximum(1 - abs(t - at) / half, 0)
            rows.append((w[:, None] * acc_g).sum(0) / w.sum())
    return np.array(rows), valid


def mean_filter(x: Floats, half: int) -> Floats:
    return np.array([x[max(0, k - half) : k + half + 1].mean() for k in range(len(x))])


def some_features(grid: Floats, valid: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Return the features that a few lines of numpy can state, by name."""
    out: dict[str, float] = {}
    r = np.sqrt((grid**2).sum(1))
    steps = np.diff(grid, axis=0)
    jerk = np.sqrt((steps**2).sum(1))
    jerk = np.concatenate([jerk[:1], jerk])
    slow = np.stack([mean_filter(grid[:, i], 12) for i in range(3)], 1)
    dynamic = ((grid - slow) ** 2).sum(1)
    pulls = []
    for begin, end in fk.SEGMENTS:
        k = np.arange(PRE + begin, min(PRE + end, len(r)))
        k = k[valid[k]]
        name = f"[{begin / 50:+.1f},{end / 50:+.1f})"
        values = (r[k].mean(), r[k].std(), r[k].min(), r[k].max(), jerk[k].mean(),
                  np.sqrt(dynamic[k].mean()), np.linalg.norm(grid[k].mean(0)))  # fmt: skip
        out |= {s + name: float(v) for s, v in zip(fk.SEGMENT_STATS, values, strict=True)}
        pulls.append(grid[k].sum(0))
    for a, b in fk.TURNS:
        name = f"turn[{fk.SEGMENTS[a][0] / 50:+.1f}~{fk.SEGMENTS[b][0] / 50:+.1f}]"
        lengths = np.linalg.norm(pulls[a]) * np.linalg.norm(pulls[b])
        out[name] = float(pulls[a] @ pulls[b] / lengths)
    smooth = np.stack([mean_filter(grid[:, i], 2) for i in range(3)], 1)
    at = slice(PRE - 10, PRE + 11)
    out["peak"] = float(r[PRE - 5 : PRE + 6].max())
    out["peak_smooth5"] = float(np.sqrt((smooth[at] ** 2).sum(1)).max())
    out["peak_smooth11"] = float(mean_filter(r, 4)[at].max())
    out["lowest"] = float(r[PRE - 50 : PRE + 1].min())
    out["free_sum"] = float(np.maximum(1 - r[PRE - 50 : PRE + 1], 0).sum() / 50)
    out["push_sum"] = float(np.maximum(r[PRE - 25 : PRE + 26] - 1, 0).sum() / 50)
    out["over_20"] = float((r[PRE - 25 : PRE + 26] > 2.0).sum() / 50)
    after = np.arange(PRE + 50, len(r))
    after = after[valid[after]]
    out["still_10"] = float((abs(r[after] - 1) < 0.1).mean())
    out["calm_10"] = float((jerk[after] < 0.1).mean())
    for name, (begin, end) in zip(BLOCK_NAMES, BLOCKS, strict=True):
        part = grid[PRE + begin : min(PRE + end, len(r))]
        eig = np.linalg.eigvalsh(np.cov(part.T, bias=True))
        out[f"{name}_spread"] = float(np.sqrt(eig.sum()))
        pairs = eig[0] * eig[1] + eig[1] * eig[2] + eig[0] * eig[2]
        out[f"{name}_flat"] = float(3 * pairs / eig.sum() ** 2)
        out[f"{name}_round"] = float(27 * eig.prod() / eig.sum() ** 3)
    return out


def profiles(grid: Floats) -> Floats:
    """Return the whole second half of the features, in order."""
    r = np.sqrt((grid**2).sum(1))
    jerk = np.concatenate([[0.0], np.sqrt((np.diff(grid, axis=0) ** 2).sum(1))])
    jerk[0] = jerk[1]

    def bins(x: Floats, begin: int, end: int, width: int) -> Floats:
        return x[PRE + begin : PRE + end].reshape((end - begin) // width, width, *x.shape[1:])

    after, before = grid[PRE + 75 :].mean(0), grid[:50].mean(0)
    arm = bins(grid, -70, 70, 10).mean(1)
    leans = [
        (arm @ d) / (np.linalg.norm(arm, axis=1) + 1e-3) / (np.linalg.norm(d) + 1e-3)
        for d in (after, before)
    ]
    share = np.clip((np.arange(-60, 30) + 40) / 50, 0, 1)[:, None]
    gravity = before * (1 - share) + after * share
    gravity /= np.linalg.norm(gravity, axis=1)[:, None] + 0.05
    part = grid[PRE - 60 : PRE + 30]
    speed = np.linalg.norm(np.cumsum(part - gravity, 0), axis=1)[5::6] * 9.81 / 50
    rise = np.cumsum((part * gravity).sum(1) - 1)[5::6] * 9.81 / 50
    slow = [r[k : k + 25].mean() for k in range(20, 205, 12)]
    near = bins(r, -50, 50, 10)
    return np.concatenate(
        [bins(r, -50, 50, 5).mean(1), near.max(1), near.min(1), *leans, speed, rise,
         bins(jerk, -60, 120, 10).mean(1), slow]
    )  # fmt: skip


def score(x: npt.NDArray[np.float32], forest: Forest, nets: Nets) -> float:
    """Walk the trees and multiply the matrices."""
    total = 0.0
    for root in forest.roots:
        i = int(root)
        while forest.feature[i] >= 0:
            went = x[forest.feature[i]] <= forest.threshold[i]
            i = int(forest.left[i] if went else forest.right[i])
        total += float(forest.value[i])
    scaled = np.clip(
        (x[: len(nets.centre)].astype(float) - nets.centre) / nets.scale, -LIMIT, LIMIT
    )
    logits = []
    for n in range(len(nets.b2)):
        h = np.maximum(scaled @ nets.w0[n].astype(float) + nets.b0[n], 0)
        h = np.maximum(h @ nets.w1[n].astype(float) + nets.b1[n], 0)
        logits.append(float(h @ nets.w2[n].astype(float) + nets.b2[n]))
    return total + float(np.mean(logits))
