"""What the silences of the last four weeks say about one that begins now: numba kernels on a ring.

A silence is a row of the ring: when it began, at what time of day, how long it was, in which regime
(gateway.core.detectors.presence) and after which sensor. Rows shorter than 24 minutes are never
kept: they bind nothing, and 28 days of the others are 100 to 450 rows.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from gateway.core.detectors.inactivity_limits import (
    NEAR_HOME,
    NOVEL_MOST,
    SPREAD_MOST,
    SPREAD_PRIOR,
    SPREAD_WEIGHT,
    WAKE_LATER,
)
from gateway.core.detectors.presence import BED, LEFT
from gateway.core.jit import kernel
from gateway.core.model import Int64Array

Float64Array = npt.NDArray[np.float64]

DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000
KEEP_MS: Final = 28 * DAY_MS
SHORTEST_MS: Final = 24 * 60_000
NIGHT_H: Final = 3.0  # a silence at home of more than this may be a night
MISSED_TOD_H: Final = 0.5

# Columns of the ring.
START, TOD, LENGTH, KIND, SENSOR = range(5)
COLUMNS: Final = 5

# What a survey of the ring finds, in hours; the last five are the longest silences.
(LONGEST, BY_TOD, BY_SENSOR, BY_BOTH, ABSENT, RISE_1, RISE_2, NIGHTS_SEEN, BY_TOD_2) = range(9)
TOP: Final = 9
TOPS: Final = 5
FOUND: Final = TOP + TOPS


@kernel
def hours_after(tod_ms: int, then_ms: int) -> float:
    """Return by how many hours one time of day is later than another, -12 to 12."""
    later: float = ((tod_ms - then_ms + DAY_MS // 2) % DAY_MS - DAY_MS // 2) / HOUR_MS
    return later


@kernel
def survey(
    now_ms: int, tod_ms: int, regime: int, sensor: int, ring: Int64Array, p: Float64Array
) -> Float64Array:
    """Return what the ring holds about a silence that begins now."""
    found = np.zeros(FOUND)
    for i in range(ring.shape[0]):
        if ring[i, LENGTH] <= 0:
            break  # the ring is filled from its first row on
        if now_ms - ring[i, START] > KEEP_MS:
            continue
        length = ring[i, LENGTH] / HOUR_MS
        after = hours_after(tod_ms, ring[i, TOD])
        kind = ring[i, KIND]
        if kind == LEFT and abs(after) <= MISSED_TOD_H:
            found[ABSENT] = max(found[ABSENT], length)
        if regime <= BED and kind <= BED and length > NIGHT_H:
            _rise(found, length, after, p)
        if kind == regime:
            _like(found, length, after, regime, ring[i, SENSOR] == sensor, p)
    return found


@kernel
def _rise(found: Float64Array, length: float, after: float, p: Float64Array) -> None:
    """Take a night: how long after now its end lies, the two latest kept."""
    found[NIGHTS_SEEN] += 1.0
    since = after if after >= -p[WAKE_LATER] else after + 24.0
    rest = length - since
    if rest > found[RISE_1]:
        found[RISE_2] = found[RISE_1]
        found[RISE_1] = rest
    elif rest > found[RISE_2]:
        found[RISE_2] = rest


@kernel
def _like(
    found: Float64Array, length: float, after: float, regime: int, same: int, p: Float64Array
) -> None:
    """Take a silence of this very regime."""
    place = TOPS
    while place > 0 and length > found[TOP + place - 1]:
        place -= 1
    for j in range(TOPS - 1, place, -1):
        found[TOP + j] = found[TOP + j - 1]
    if place < TOPS:
        found[TOP + place] = length
    near = p[NEAR_HOME + regime]
    value = length * min(1.0, max(0.0, (2.0 * near - abs(after)) / near))
    if regime <= BED:
        since = after if after >= 0.0 else after + 24.0
        value = max(value, length - since)
    found[LONGEST] = max(found[LONGEST], length)
    if value > found[BY_TOD]:
        found[BY_TOD_2] = found[BY_TOD]
        found[BY_TOD] = value
    else:
        found[BY_TOD_2] = max(found[BY_TOD_2], value)
    if same:
        found[BY_SENSOR] = max(found[BY_SENSOR], length)
        found[BY_BOTH] = max(found[BY_BOTH], value)


@kernel
def spread(found: Float64Array, p: Float64Array) -> float:
    """Return how far beyond the longest silence the next longest may go: a shrunk Hill estimate."""
    last = 0
    while last < TOPS and found[TOP + last] > 0.0:
        last += 1
    total = p[SPREAD_WEIGHT] * p[SPREAD_PRIOR]
    for i in range(last - 1):
        total += np.log(found[TOP + i] / found[TOP + last - 1])
    xi: float = min(total / (max(0, last - 1) + p[SPREAD_WEIGHT]), p[SPREAD_MOST])
    return xi


@kernel
def sensors_tell(regime: int, now_ms: int, ring: Int64Array, p: Float64Array) -> bool:
    """Return whether long silences come after few, known sensors (Good-Turing)."""
    longest = 0
    for i in range(ring.shape[0]):
        if ring[i, KIND] == regime and now_ms - ring[i, START] <= KEEP_MS:
            longest = max(longest, int(ring[i, LENGTH]))
    long, single = 0, 0
    for i in range(ring.shape[0]):
        if not _is_long(i, longest, regime, now_ms, ring):
            continue
        same = 0
        for j in range(ring.shape[0]):
            if ring[j, SENSOR] == ring[i, SENSOR] and _is_long(j, longest, regime, now_ms, ring):
                same += 1
        long += 1
        single += int(same == 1)
    tell: bool = (single + 1.0) / (long + 2.0) <= p[NOVEL_MOST]
    return tell


@kernel
def _is_long(i: int, longest: int, regime: int, now_ms: int, ring: Int64Array) -> bool:
    known: bool = ring[i, KIND] == regime and now_ms - ring[i, START] <= KEEP_MS
    return known and ring[i, LENGTH] > 0.3 * longest
