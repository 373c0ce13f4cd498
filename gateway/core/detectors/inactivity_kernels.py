"""How long this silence may last: numba kernels over the silences of the last four weeks.

A silence is a row of the ring: when it began, at what time of day, how long it was, in which regime
(gateway.core.detectors.presence) and after which sensor. Rows shorter than 24 minutes are never
kept: they bind nothing, and 28 days of the others are 100 to 450 rows.

The allowance after an event is the smallest of these bounds, each the longest silence of its kind
(or what must be allowed while too few days or events are known), stretched by how much further
the longest silences reach than the next longest:

    all          silences of the same regime
    time of day  those that began about now, or, at home, were already running now (their rest)
    sensor       those after the same sensor, where long silences come after few, known ones
    getting up   at home, when nights are known: the second latest time of getting up, and an hour
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from gateway.core.detectors.inactivity_limits import (
    CEILING_ARRIVED,
    CEILING_HOME,
    DAYS_ALL,
    DAYS_TOD,
    DAYS_TOD_ARRIVED,
    EVENTS_SENSOR,
    FLOOR,
    MARGIN,
    MARGIN_ARRIVED,
    MARGIN_LEFT,
    MISSED_MOST,
    NOVEL_MOST,
    PRIOR_ARRIVED,
    PRIOR_HOME,
    PRIOR_LEFT,
    RATIO_LEAST,
    RATIO_LEFT,
    SCALE,
    SCALE_DOORLESS,
    SCALE_LEFT,
    SPREAD_MOST,
    SPREAD_PRIOR,
    SPREAD_TIMES,
    SPREAD_WEIGHT,
    WAKE_LATER,
    WAKE_MARGIN,
)
from gateway.core.detectors.presence import ARRIVED, BED, DOOR, LEFT, REGIME, advance
from gateway.core.jit import kernel
from gateway.core.model import Int16Array, Int64Array

Float64Array = npt.NDArray[np.float64]

DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000
KEEP_MS: Final = 28 * DAY_MS
SHORTEST_MS: Final = 24 * 60_000
NIGHT_H: Final = 3.0  # a silence at home of more than this may be a night
NIGHTS: Final = 5
MISSED_TOD_H: Final = 0.5

# Columns of the ring.
START, TOD, LENGTH, KIND, SENSOR = range(5)
COLUMNS: Final = 5

# What is known beside the ring. SPOILED: part of this silence was not seen, so it teaches nothing.
# MISSED: an absence has ended without a door event. TELLS: + regime, whether last sensors tell.
(LAST_MS, LAST_TOD, LAST_SENSOR, NEXT_ROW, FIRST_MS, MISSED, SPOILED, TODAY, STARTED) = range(9)
TELLS: Final = 9
META: Final = 14
FORGET_A_DAY: Final = 1.0 - 1.0 / 28.0

# What a survey of the ring finds, in hours; the last five are the longest silences.
(LONGEST, BY_TOD, BY_SENSOR, BY_BOTH, ABSENT, RISE_1, RISE_2, NIGHTS_SEEN) = range(8)
TOP: Final = 8
TOPS: Final = 5
FOUND: Final = TOP + TOPS

# A band on a table spans under 20 mg, a sleeping arm under 50; a hand that lifts a cup 300.
MOVES_MG: Final = 80


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
        if ring[i, LENGTH] <= 0 or now_ms - ring[i, START] > KEEP_MS:
            continue
        length = ring[i, LENGTH] / HOUR_MS
        after = hours_after(tod_ms, ring[i, TOD])
        kind = ring[i, KIND]
        if kind == LEFT and abs(after) <= MISSED_TOD_H:
            found[ABSENT] = max(found[ABSENT], length)
        if regime <= BED and kind <= BED and length > NIGHT_H:
            _rise(found, length, after, p)
        if kind == regime:
            _like(found, length, after, regime, ring[i, SENSOR] == sensor)
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
def _like(found: Float64Array, length: float, after: float, regime: int, same: int) -> None:
    """Take a silence of this very regime."""
    place = TOPS
    while place > 0 and length > found[TOP + place - 1]:
        place -= 1
    for j in range(TOPS - 1, place, -1):
        found[TOP + j] = found[TOP + j - 1]
    if place < TOPS:
        found[TOP + place] = length
    near = 3.0 if regime == LEFT else 1.0
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
def prior(least: float, weight: float, seen: float) -> float:
    """Return what must be allowed where `seen` days or events are all that is known."""
    allowed: float = least * weight / (weight + seen)
    return allowed


@kernel
def bound_h(
    now_ms: int,
    tod_ms: int,
    regime: int,
    sensor: int,
    found: Float64Array,
    meta: Int64Array,
    tod_days: Float64Array,
    sensor_events: Float64Array,
    p: Float64Array,
) -> float:
    """Return the longest normal silence by regime, time of day and sensor, not stretched yet."""
    least: float = p[PRIOR_HOME]
    if regime == LEFT:
        least = p[PRIOR_LEFT]
    elif regime == ARRIVED:
        least = p[PRIOR_ARRIVED]
    days = (now_ms - meta[FIRST_MS]) / DAY_MS
    bound: float = max(found[LONGEST], prior(least, p[DAYS_ALL], days))
    if tod_ms < 0:
        return bound
    weight = p[DAYS_TOD_ARRIVED] if regime == ARRIVED else p[DAYS_TOD]
    by_tod = prior(least, weight, tod_days[regime, tod_ms // HOUR_MS])
    bound = min(bound, max(found[BY_TOD], by_tod))
    if regime <= BED and sensor >= 0 and meta[TELLS + regime] == 1:
        by_sensor = prior(least, p[EVENTS_SENSOR], sensor_events[regime, sensor])
        bound = min(bound, max(found[BY_SENSOR], by_sensor))
        bound = min(bound, max(found[BY_BOTH], by_sensor, by_tod))
    return bound


@kernel
def allowed_h(
    now_ms: int,
    tod_ms: int,
    regime: int,
    sensor: int,
    doorless: int,
    ring: Int64Array,
    meta: Int64Array,
    tod_days: Float64Array,
    sensor_events: Float64Array,
    p: Float64Array,
) -> float:
    """Return how many hours of silence are still normal from now on; `tod_ms` < 0: not known."""
    found = survey(now_ms, tod_ms, regime, sensor, ring, p)
    bound = bound_h(now_ms, tod_ms, regime, sensor, found, meta, tod_days, sensor_events, p)
    scale = p[SCALE_LEFT] if regime == LEFT else p[SCALE]
    if regime == LEFT:
        limit = bound * p[RATIO_LEFT] + p[MARGIN_LEFT]
    elif regime == ARRIVED:
        limit = bound * max(np.exp(spread(found, p)), p[RATIO_LEAST]) + p[MARGIN_ARRIVED]
        limit = min(limit, p[CEILING_ARRIVED])
    else:
        factor = max(np.exp(p[SPREAD_TIMES] * spread(found, p)), p[RATIO_LEAST])
        limit = min(bound * factor + p[MARGIN], p[CEILING_HOME])
        if tod_ms >= 0 and found[NIGHTS_SEEN] >= NIGHTS:
            limit = min(limit, found[RISE_2] + p[WAKE_MARGIN])
        if meta[MISSED] == 1:
            limit = max(limit, min(found[ABSENT], p[MISSED_MOST]))
    if doorless:
        scale *= p[SCALE_DOORLESS]
    allowed: float = max(limit, p[FLOOR]) * scale
    return allowed


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


@kernel
def _learn(
    now_ms: int, kind: int, regime: int, ring: Int64Array, meta: Int64Array, p: Float64Array
) -> None:
    """Write the silence that ends now over the oldest one."""
    row = meta[NEXT_ROW]
    ring[row, START], ring[row, TOD] = meta[LAST_MS], meta[LAST_TOD]
    ring[row, LENGTH], ring[row, KIND] = now_ms - meta[LAST_MS], regime
    ring[row, SENSOR] = meta[LAST_SENSOR]
    meta[NEXT_ROW] = (row + 1) % ring.shape[0]
    if regime == LEFT and kind != DOOR and now_ms - meta[LAST_MS] > HOUR_MS:
        meta[MISSED] = 1
    for home in range(BED + 1):
        meta[TELLS + home] = sensors_tell(home, now_ms, ring, p)


@kernel
def step(
    now_ms: int,
    tod_ms: int,
    sensor: int,
    kind: int,
    state: int,
    learn: int,
    doorless: int,
    memory: Int64Array,
    ring: Int64Array,
    meta: Int64Array,
    tod_days: Float64Array,
    tod_last: Int64Array,
    sensor_events: Float64Array,
    p: Float64Array,
) -> float:
    """Learn from the silence that this event ends; return the hours that the next one may last."""
    today = now_ms // DAY_MS
    if meta[STARTED] == 0:
        meta[STARTED], meta[FIRST_MS], meta[TODAY] = 1, now_ms, today
    elif learn and meta[SPOILED] == 0 and now_ms - meta[LAST_MS] >= SHORTEST_MS:
        _learn(now_ms, kind, memory[REGIME], ring, meta, p)
    while meta[TODAY] < today:
        meta[TODAY] += 1
        for r in range(tod_days.shape[0]):
            for i in range(tod_days.shape[1]):
                tod_days[r, i] *= FORGET_A_DAY
            for i in range(sensor_events.shape[1]):
                sensor_events[r, i] *= FORGET_A_DAY
    regime = advance(memory, now_ms, kind, state)
    if learn:
        hour = tod_ms // HOUR_MS
        if tod_last[regime, hour] != today:
            tod_last[regime, hour] = today
            tod_days[regime, hour] += 1.0
        sensor_events[regime, sensor] += 1.0
    meta[LAST_MS], meta[LAST_TOD], meta[LAST_SENSOR] = now_ms, tod_ms, sensor
    meta[SPOILED] = 0 if tod_ms >= 0 else 1
    return allowed_h(
        now_ms, tod_ms, regime, sensor, doorless, ring, meta, tod_days, sensor_events, p
    )


@kernel
def moves(acc_mg: Int16Array) -> bool:
    """Return whether the arm moved within a block: any axis spans more than rest and breath do."""
    for axis in range(acc_mg.shape[1]):
        low = high = np.int64(acc_mg[0, axis])
        for i in range(1, acc_mg.shape[0]):
            value = np.int64(acc_mg[i, axis])
            low, high = min(low, value), max(high, value)
        if high - low > MOVES_MG:
            return True
    return False
