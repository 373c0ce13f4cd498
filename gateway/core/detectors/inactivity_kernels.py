"""How long this silence may last: numba kernels over the silences of the last four weeks.

A silence is a row of the ring: when it began, at what time of day, how long it was, in which regime
(gateway.core.detectors.presence) and after which sensor. Rows shorter than 24 minutes are never
kept: they bind nothing, and 28 days of the others are 100 to 450 rows.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from gateway.core.detectors.presence import ARRIVED, BED, DOOR, HOME, LEFT, REGIME, advance
from gateway.core.jit import kernel
from gateway.core.model import Int16Array, Int64Array

Float64Array = npt.NDArray[np.float64]

DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000
KEEP_MS: Final = 28 * DAY_MS
SHORTEST_MS: Final = 24 * 60_000

# Columns of the ring.
START, TOD, LENGTH, KIND, SENSOR = range(5)
COLUMNS: Final = 5

TOP: Final = 5
# A band on a table spans under 20 mg, a sleeping arm under 50; a hand that lifts a cup 300.
MOVES_MG: Final = 80

# What is known beside the ring. SPOILED: part of this silence was not seen, so nothing is learnt.
LAST_MS, LAST_TOD, LAST_SENSOR, NEXT_ROW, FIRST_MS, MISSED, SPOILED, TODAY, STARTED, TELLS = range(
    10
)
META: Final = 14
FORGET_A_DAY: Final = 1.0 - 1.0 / 28.0

# What was chosen on open homes, each without the home it was then judged on. Hours, unless named.
(
    PRIOR_HOME,
    PRIOR_ARRIVED,
    PRIOR_LEFT,
    DAYS_ALL,
    DAYS_TOD,
    DAYS_TOD_ARRIVED,
    EVENTS_SENSOR,
    SPREAD_TIMES,
    SPREAD_PRIOR,
    SPREAD_WEIGHT,
    SPREAD_MOST,
    MARGIN,
    MARGIN_ARRIVED,
    RATIO_LEAST,
    RATIO_LEFT,
    MARGIN_LEFT,
    CEILING_HOME,
    CEILING_ARRIVED,
    NOVEL_MOST,
    WAKE_MARGIN,
    WAKE_LATER,
    MISSED_MOST,
    FLOOR,
    SCALE,
    SCALE_LEFT,
    SCALE_DOORLESS,
) = range(26)
PARAMETERS: Final = 26

LIMITS: Final[Float64Array] = np.zeros(PARAMETERS)
LIMITS[PRIOR_HOME], LIMITS[PRIOR_ARRIVED], LIMITS[PRIOR_LEFT] = 12.0, 4.0, 30.0
LIMITS[DAYS_ALL], LIMITS[DAYS_TOD], LIMITS[DAYS_TOD_ARRIVED] = 7.0, 1.0, 3.0
LIMITS[EVENTS_SENSOR] = 20.0
LIMITS[SPREAD_TIMES], LIMITS[SPREAD_PRIOR] = 3.0, 0.15
LIMITS[SPREAD_WEIGHT], LIMITS[SPREAD_MOST] = 8.0, 0.4
LIMITS[MARGIN], LIMITS[MARGIN_ARRIVED], LIMITS[MARGIN_LEFT] = 0.5, 1.0, 0.5
LIMITS[RATIO_LEAST], LIMITS[RATIO_LEFT] = 1.1, 1.2
LIMITS[CEILING_HOME], LIMITS[CEILING_ARRIVED] = 24.0, 12.0
LIMITS[NOVEL_MOST] = 0.5
LIMITS[WAKE_MARGIN], LIMITS[WAKE_LATER] = 1.0, 3.0
LIMITS[MISSED_MOST] = 8.2
LIMITS[FLOOR] = 3.75
LIMITS[SCALE], LIMITS[SCALE_LEFT], LIMITS[SCALE_DOORLESS] = 1.3, 1.1, 1.5
LIMITS.flags.writeable = False


@kernel
def prior(least: float, weight: float, seen: float) -> float:
    """Return what must be allowed where `seen` days or events is all that is known."""
    return least * weight / (weight + seen)


@kernel
def spread(top: Float64Array, count: int, p: Float64Array) -> float:
    """Return how far beyond the longest silence the next longest may go: a shrunk Hill estimate."""
    total, n = 0.0, 0
    if count >= 2 and top[count - 1] > 0.0:
        for i in range(count - 1):
            total += np.log(top[i] / top[count - 1])
            n += 1
    xi = (total + p[SPREAD_WEIGHT] * p[SPREAD_PRIOR]) / (n + p[SPREAD_WEIGHT])
    return min(xi, p[SPREAD_MOST])


@kernel
def allowed_h(
    now_ms: int,
    tod_ms: int,
    regime: int,
    sensor: int,
    doorless: bool,
    ring: Int64Array,
    meta: Int64Array,
    tod_days: Float64Array,
    sensor_events: Float64Array,
    p: Float64Array,
) -> float:
    """Return how many hours of silence are still normal, beginning now."""
    days_known = (now_ms - meta[FIRST_MS]) / DAY_MS
    near = 3.0 if regime == LEFT else 1.0
    far = 2.0 * near
    at_home = regime in (HOME, BED)
    top = np.zeros(TOP)
    longest = by_tod = by_sensor = by_both = absent = 0.0
    wake_1 = wake_2 = 0.0
    naps = 0
    for i in range(ring.shape[0]):
        length = ring[i, LENGTH] / HOUR_MS
        if length <= 0.0 or now_ms - ring[i, START] > KEEP_MS:
            continue
        # Hours by which this time of day is later than that silence's beginning, -12 to 12.
        after = ((tod_ms - ring[i, TOD] + DAY_MS // 2) % DAY_MS - DAY_MS // 2) / HOUR_MS
        kind = ring[i, KIND]
        if kind == LEFT and abs(after) <= 0.5 and length > absent:
            absent = length
        if at_home and kind in (HOME, BED) and length > 3.0:
            naps += 1
            since = after if after >= -p[WAKE_LATER] else after + 24.0
            rest = length - since
            if rest > wake_1:
                wake_1, wake_2 = rest, wake_1
            elif rest > wake_2:
                wake_2 = rest
        if kind != regime:
            continue
        place = TOP
        while place > 0 and length > top[place - 1]:
            place -= 1
        for j in range(TOP - 1, place, -1):
            top[j] = top[j - 1]
        if place < TOP:
            top[place] = length
        longest = max(longest, length)
        weight = min(1.0, max(0.0, (far - abs(after)) / (far - near)))
        value = length * weight
        if at_home:
            since = after if after >= 0.0 else after + 24.0
            value = max(value, length - since)
        by_tod = max(by_tod, value)
        if ring[i, SENSOR] == sensor:
            by_sensor = max(by_sensor, length)
            by_both = max(by_both, value)
    found = 0
    while found < TOP and top[found] > 0.0:
        found += 1
    xi = spread(top, found, p)
    if regime == LEFT:
        least, margin, ceiling = p[PRIOR_LEFT], p[MARGIN_LEFT], 1e9
        factor = p[RATIO_LEFT]
    elif regime == ARRIVED:
        least, margin, ceiling = p[PRIOR_ARRIVED], p[MARGIN_ARRIVED], p[CEILING_ARRIVED]
        factor = max(np.exp(xi), p[RATIO_LEAST])
    else:
        least, margin, ceiling = p[PRIOR_HOME], p[MARGIN], p[CEILING_HOME]
        factor = max(np.exp(p[SPREAD_TIMES] * xi), p[RATIO_LEAST])
    hour = max(tod_ms, 0) // HOUR_MS
    known = tod_ms >= 0
    days_tod = p[DAYS_TOD_ARRIVED] if regime == ARRIVED else p[DAYS_TOD]
    rest_all = prior(least, p[DAYS_ALL], days_known)
    rest_tod = prior(least, days_tod, tod_days[regime, hour])
    bound = max(longest, rest_all)
    if known:
        bound = min(bound, max(by_tod, rest_tod))
    if at_home and known and sensor >= 0 and meta[TELLS + regime] == 1:
        rest_sensor = prior(least, p[EVENTS_SENSOR], sensor_events[regime, sensor])
        bound = min(bound, max(by_sensor, rest_sensor))
        bound = min(bound, max(by_both, rest_sensor, rest_tod))
    limit = min(bound * factor + margin, ceiling)
    if at_home and known and naps >= 5:
        limit = min(limit, max(wake_2, 0.0) + p[WAKE_MARGIN])
    if at_home and meta[MISSED] == 1:
        limit = max(limit, min(absent, p[MISSED_MOST]))
    scale = p[SCALE_LEFT] if regime == LEFT else p[SCALE]
    if doorless:
        scale *= p[SCALE_DOORLESS]
    return max(limit, p[FLOOR]) * scale


@kernel
def _sensors_tell(regime: int, now_ms: int, ring: Int64Array, p: Float64Array) -> bool:
    """Return whether long silences come after few, known sensors (Good-Turing)."""
    longest = 0.0
    for i in range(ring.shape[0]):
        if ring[i, KIND] == regime and now_ms - ring[i, START] <= KEEP_MS:
            longest = max(longest, ring[i, LENGTH] / HOUR_MS)
    long = single = 0
    for i in range(ring.shape[0]):
        if not _is_long(i, longest, regime, now_ms, ring):
            continue
        long += 1
        same = 0
        for j in range(ring.shape[0]):
            if ring[j, SENSOR] == ring[i, SENSOR] and _is_long(j, longest, regime, now_ms, ring):
                same += 1
        if same == 1:
            single += 1
    return (single + 1.0) / (long + 2.0) <= p[NOVEL_MOST]


@kernel
def _is_long(i: int, longest: float, regime: int, now_ms: int, ring: Int64Array) -> bool:
    return (
        ring[i, KIND] == regime
        and ring[i, LENGTH] > 0.3 * longest * HOUR_MS
        and now_ms - ring[i, START] <= KEEP_MS
    )


@kernel
def step(
    now_ms: int,
    tod_ms: int,
    sensor: int,
    kind: int,
    state: int,
    learn: bool,
    doorless: bool,
    memory: Int64Array,
    ring: Int64Array,
    meta: Int64Array,
    tod_days: Float64Array,
    tod_last: Int64Array,
    sensor_events: Float64Array,
    p: Float64Array,
) -> float:
    """Learn from the silence that this event ends; return the hours that the next one may last."""
    before = memory[REGIME]
    if meta[STARTED] == 0:
        meta[STARTED], meta[FIRST_MS], meta[TODAY] = 1, now_ms, now_ms // DAY_MS
    elif learn and meta[SPOILED] == 0 and now_ms - meta[LAST_MS] >= SHORTEST_MS:
        row = meta[NEXT_ROW]
        ring[row, START], ring[row, TOD] = meta[LAST_MS], meta[LAST_TOD]
        ring[row, LENGTH], ring[row, KIND] = now_ms - meta[LAST_MS], before
        ring[row, SENSOR] = meta[LAST_SENSOR]
        meta[NEXT_ROW] = (row + 1) % ring.shape[0]
        if before == LEFT and kind != DOOR and now_ms - meta[LAST_MS] > HOUR_MS:
            meta[MISSED] = 1
        for r in range(2):
            meta[TELLS + r] = _sensors_tell(r, now_ms, ring, p)
    while meta[TODAY] < now_ms // DAY_MS:
        meta[TODAY] += 1
        for r in range(sensor_events.shape[0]):
            for i in range(sensor_events.shape[1]):
                sensor_events[r, i] *= FORGET_A_DAY
            for i in range(24):
                tod_days[r, i] *= FORGET_A_DAY
    regime = advance(memory, now_ms, kind, state)
    hour = tod_ms // HOUR_MS
    if learn and tod_last[regime, hour] != now_ms // DAY_MS:
        tod_last[regime, hour] = now_ms // DAY_MS
        tod_days[regime, hour] += 1.0
    if learn:
        sensor_events[regime, sensor] += 1.0
    meta[LAST_MS], meta[LAST_TOD], meta[LAST_SENSOR], meta[SPOILED] = now_ms, tod_ms, sensor, 0
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
