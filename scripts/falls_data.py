"""Streams of the open packs as the detector meets them, and the table of candidates they give.

Every trial passes through `build_stream` of the project's scorer first, for training as for
scoring: it brings mixed rates to one (in one set the sampling interval alone tells the class) and
hides how long after a trial's start a fall comes. Then it is copied under other conditions: rate,
range, gain, impact height, speed, loss, noise, another way round on the wrist.
"""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from itertools import repeat
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import scorers

from gateway.core.detectors import fall_kernels, kernels

CONDITIONS = ("clean", "ble25", "clip4", "rate12")
FREE = "free"
# What each copy of a trial is built under; lossy radio again and again, with other losses.
COPIES = (*CONDITIONS, FREE, FREE, FREE, FREE, "ble25", "ble25", FREE, FREE)
G_MG = 1000
HALF = 0.5
NEAR_S = 1.0  # a candidate so near the impact is the fall
BEFORE_S = 2.5  # one so long before it is what the person did before


def shared_falls() -> Path:
    """Return the folder of the recordings and the scorer."""
    return scorers.shared("falls")


def load_scorer() -> ModuleType:
    """Import score_falls.py from where it lies."""
    return scorers.load_scorer("falls", "score_falls")


@dataclass(frozen=True)
class Table:
    """Candidates of every trial of every copy, one a row; `stamp` is when the alarm would come.

    label: 1 the fall, 0 not a fall, -1 in a fall trial but neither (not trained on). grid: the
    window in milli-g, from which grafts are made.
    """

    x: np.ndarray
    grid: np.ndarray
    pack: np.ndarray
    trial: np.ndarray
    copy: np.ndarray
    stamp: np.ndarray
    label: np.ndarray


class Candidates:
    """Runs the detector's own kernels over a whole stream and keeps what they see."""

    def __init__(self) -> None:
        self.grid = np.zeros((kernels.POINTS, 3))
        self.valid = np.zeros(kernels.POINTS, np.bool_)
        self.scratch = fall_kernels.new_scratch()
        self.means = np.zeros((len(fall_kernels.SEGMENTS), 3))
        self.features = np.zeros(fall_kernels.FEATURES)

    def of(
        self, t_ms: np.ndarray, acc_mg: np.ndarray
    ) -> list[tuple[int, int, np.ndarray, np.ndarray]]:
        """Return (peak time, decision time, features, grid in mg) of each candidate."""
        memory = kernels.new_memory()
        found = []
        i = 0
        while code := kernels.scan(t_ms, acc_mg, memory, i):
            i = code // 4
            while kernels.earliest(memory) + kernels.DELAY_MS <= memory[kernels.LAST_T]:
                peak = kernels.take(memory)
                kernels.resample(
                    memory, peak - kernels.PRE * kernels.GRID_MS, self.grid, self.valid
                )
                fall_kernels.describe(
                    self.grid, self.valid, self.scratch, self.means, self.features
                )
                window = np.clip(np.round(self.grid * G_MG), -32000, 32000).astype(np.int16)
                found.append(
                    (peak, int(memory[kernels.LAST_T]), self.features.astype(np.float32), window)
                )
        return found


def turned(rng: np.random.Generator) -> np.ndarray:
    """Return a random rotation."""
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    return np.asarray(q * np.sign(np.diag(r)))


def augmented(
    scorer: Any, t: np.ndarray, a: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the stream as another device, arm or person might have given it, and its slowness."""
    a = a.astype(float) @ turned(rng) * rng.uniform(0.94, 1.06)
    size = np.sqrt((a**2).sum(1)) + 1.0
    stress = rng.uniform(0.75, 1.3)  # softer or harder, where it is above 1 g
    a *= np.where(size > G_MG, (G_MG + (size - G_MG) * stress) / size, 1.0)[:, None]
    t0 = t[0]
    slow = float(rng.uniform(0.87, 1.15))
    t = t0 + (t - t0) * slow
    rate = 1000.0 * (len(t) - 1) / (t[-1] - t[0])
    target = float(rng.choice([12.5, 20.0, 25.0, 26.0, 32.0, 40.0, 50.0, 52.0, 64.0, 100.0]))
    if target < rate:
        t, a = scorer.resample(t, a, target, kernel=bool(rng.random() < HALF))
    reach = float(rng.choice([2000, 4000, 4000, 8000, 8000, 16000]))
    a = np.clip(a + rng.normal(0, rng.uniform(2, 15), a.shape), -reach, reach)
    t = np.round(t + rng.uniform(-3, 3, len(t))).astype(np.int64)
    keep = np.ones(len(t), bool)
    if rng.random() < HALF:
        lost = scorer.lost_notifications(len(t) // 5 + 1, rng, rng.uniform(0.01, 0.08))
        keep = ~np.repeat(lost, 5)[: len(t)]
    a16 = np.clip(np.round(a), -32768, 32767).astype(np.int16)
    return np.ascontiguousarray(t[keep]), np.ascontiguousarray(a16[keep]), slow


def trial_stream(
    scorer: Any, pack: Any, k: int, copy: int, seed: int
) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Return copy number `copy` of a stream, the stream time of the trial's start, its slowness."""
    name = COPIES[copy]
    t, a, lost, origin = scorer.build_stream(
        pack, k, "clean" if name == FREE else name, seed + copy
    )
    if name != FREE:
        keep = np.repeat(~lost, 5)
        return np.ascontiguousarray(t[keep]), np.ascontiguousarray(a[keep]), origin, 1.0
    rng = scorer.trial_rng(seed + copy, pack.name, k, 5)
    first = t[0]
    t, a, slow = augmented(scorer, t, a, rng)
    return t, a, first + (origin - first) * slow, slow


def build_copy(copy: int, seed: int, chosen: Sequence[str]) -> Table:
    """Return the candidates of every trial of the chosen sets under one copy's conditions."""
    scorer = load_scorer()
    packs = scorer.load_packs(str(shared_falls() / "open"))
    finder = Candidates()
    rows = []
    for p, pack in enumerate(packs):
        if pack.name not in chosen:
            continue
        for k in range(len(pack)):
            t, a, origin, slow = trial_stream(scorer, pack, k, copy, seed)
            impact = pack.peak_s(k) * slow if pack.is_fall[k] else 0.0
            for peak, decided, features, window in finder.of(t, a):
                when = (peak - origin) / 1000
                label = 0
                if pack.is_fall[k]:
                    near = abs(when - impact) <= NEAR_S
                    label = 1 if near else 0 if when < impact - BEFORE_S else -1
                rows.append((features, window, p, k, copy, (decided - origin) / 1000, label))
    return Table(*(np.array([row[i] for row in rows]) for i in range(7)))


def build_table(copies: range, seed: int, jobs: int, chosen: Sequence[str]) -> Table:
    """Return all copies' candidates, in the copies' order whatever the number of jobs."""
    with ProcessPoolExecutor(jobs) as pool:
        parts = list(pool.map(build_copy, copies, repeat(seed), repeat(chosen)))
    return Table(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Table)))
