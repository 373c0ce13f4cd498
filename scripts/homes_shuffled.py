"""The same home on other days: a recording whose days are put into another order.

A recording of two to four weeks has few long silences after its warm-up, and one order of days. In
another order each of them meets other memories, so that rules which only fit the one order show it.
Days are cut at the hour at which the home is most often awake, and only where at most 1.5 h lie
between the events on either side; what cannot be cut stays together. Times of day are kept, days of
the week are not.
"""

from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np

HOUR = 3_600_000
DAY = 24 * HOUR
SEAM_MS = 1.5 * HOUR


def _seams(t: np.ndarray, hour: int) -> list[tuple[int, int]]:
    """Return each day that can be cut at this hour, and the number of its first event."""
    cuts = np.arange(t[0] // DAY, t[-1] // DAY + 2) * DAY + hour * HOUR
    firsts = np.searchsorted(t, cuts)
    return [
        (int(cut), int(first))
        for cut, first in zip(cuts, firsts, strict=True)
        if 0 < first < len(t) and t[first] - t[first - 1] <= SEAM_MS
    ]


def shuffled(scorer: ModuleType, home: Any, seed: int) -> Any:
    """Return the home with its days in another order, labels included."""
    seams = max((_seams(home.t, hour) for hour in range(24)), key=len)
    chance = np.random.default_rng([seed, 7])
    blocks = [(a, b, i, j) for (a, i), (b, j) in pairwise(seams)]
    at = seams[0][0]
    moved = [(0, at, 0, seams[0][1], 0)]
    for number in chance.permutation(len(blocks)):
        start, end, i, j = blocks[number]
        moved.append((start, end, i, j, at - start))
        at += end - start
    moved.append((seams[-1][0], 1 << 62, seams[-1][1], len(home.t), 0))
    events = np.concatenate([np.arange(i, j) for _, _, i, j, _ in moved])
    shifts = np.concatenate([np.full(j - i, shift) for _, _, i, j, shift in moved])
    t = home.t[events] + shifts
    order = np.argsort(t, kind="stable")
    labels = np.stack(home.iv)
    parts = []
    for start, end, _, _, shift in moved:
        part = labels[:, (labels[1] >= start) & (labels[1] < end)].copy()
        part[1] += shift
        part[2] = np.minimum(part[2], end) + shift
        parts.append(part)
    rows = events[order]
    columns = (home.s[rows], home.kind[rows], home.state[rows])
    return scorer.Home(home.name, t[order], *columns, *np.concatenate(parts, axis=1))
