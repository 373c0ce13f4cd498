"""What the silences of the last weeks say about one that begins now: numba kernels on a ring.

A silence is a row of the ring: when it began, at what time of day, how long it was, in which regime
(gateway.core.detectors.presence) and after which sensor. Rows shorter than 24 minutes are never
kept: they bind nothing. A silence counts for six weeks, so that deadlines follow the season, and
for twelve on its own day of the week: what happens on Tuesdays is seen too rarely otherwise.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from gateway.core.detectors.inactivity_limits import (
    GONE_TOD,
    MEMORY_WEEKS,
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
KEEP_MS: Final = 42 * DAY_MS
COUNTED_MS: Final = 28 * DAY_MS
SHORTEST_MS: Final = 24 * 60_000
NIGHT_H: Final = 3.0  # a silence at home of more than this may be a night
MISSED_TOD_H: Final = 0.5

# Columns of the ring.
START, TOD, LENGTH, KIND, SENSOR, INSIDE = range(6)
COLUMNS: Final = 6

# What a survey of the ring finds, in hours; the last five are the longest silences.
(LONGEST, BY_TOD, BY_SENSOR, BY_BOTH, ABSENT) = range(5)
(NIGHTS_SEEN, GONE, LEAVES, BEGUN) = range(5, 9)
TOP: Final = 9
TOPS: Final = 5
RISE: Final = TOP + TOPS  # the longest rests: until the latest times of getting up
RISES: Final = 2
FOUND: Final = RISE + RISES


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
        if not _remembered(now_ms - ring[i, START], p):
            continue
        length = ring[i, LENGTH] / HOUR_MS
        after = hours_after(tod_ms, ring[i, TOD])
        kind = ring[i, KIND]
        if kind == LEFT:
            _absence(found, length, after, ring[i, INSIDE] == sensor // 2, p)
        if regime <= BED and kind <= BED:
            _at_home(found, length, after, sensor % 2 == 1 and ring[i, SENSOR] == sensor, p)
        if kind == regime:
            _like(found, length, after, regime, ring[i, SENSOR] == sensor, p)
    return found


@kernel
def _absence(
    found: Float64Array, length: float, after: float, leaves: int, p: Float64Array
) -> None:
    """Take an absence; `leaves`: after the sensor that is the last one now, too."""
    if abs(after) <= MISSED_TOD_H:
        found[ABSENT] = max(found[ABSENT], length)
    if abs(after) <= p[GONE_TOD]:
        found[GONE] = max(found[GONE], length)
    if leaves:
        found[LEAVES] += 1.0


@kernel
def _at_home(found: Float64Array, length: float, after: float, begun: int, p: Float64Array) -> None:
    """Take a silence at home; `begun`: after the same beginning of something as now."""
    if length > NIGHT_H:
        _rise(found, length, after, p)
    if begun:
        found[BEGUN] = max(found[BEGUN], length)


@kernel
def _remembered(age_ms: int, p: Float64Array) -> bool:
    """Return whether a silence still counts: six weeks, longer those of this weekday."""
    if age_ms <= KEEP_MS:
        return True
    same_day = (age_ms + DAY_MS // 2) // DAY_MS % 7 == 0
    remembered: bool = same_day and age_ms <= (p[MEMORY_WEEKS] * 7.0 + 0.5) * DAY_MS
    return remembered


@kernel
def _rise(found: Float64Array, length: float, after: float, p: Float64Array) -> None:
    """Take a night: how long after now its end lies."""
    found[NIGHTS_SEEN] += 1.0
    since = after if after >= -p[WAKE_LATER] else after + 24.0
    rest = length - since
    _insert(rest, found, RISE, RISES)


@kernel
def _insert(value: float, found: Float64Array, first: int, count: int) -> None:
    """Keep the largest values, in order."""
    place = count
    while place > 0 and value > found[first + place - 1]:
        place -= 1
    for j in range(count - 1, place, -1):
        found[first + j] = found[first + j - 1]
    if place < count:
        found[first + place] = value


@kernel
def _like(
    found: Float64Array, length: float, after: float, regime: int, same: int, p: Float64Array
) -> None:
    """Take a silence of this very regime."""
    _insert(length, found, TOP, TOPS)
    near = p[NEAR_HOME + regime]
    value = length * min(1.0, max(0.0, (2.0 * near - abs(after)) / near))
    if regime <= BED:
        since = after if after >= 0.0 else after + 24.0
        value = max(value, length - since)
    found[LONGEST] = max(found[LONGEST], length)
    found[BY_TOD] = max(found[BY_TOD], value)
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
        if ring[i, KIND] == regime and now_ms - ring[i, START] <= COUNTED_MS:
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
    known: bool = ring[i, KIND] == regime and now_ms - ring[i, START] <= COUNTED_MS
    return known and ring[i, LENGTH] > 0.3 * longest
