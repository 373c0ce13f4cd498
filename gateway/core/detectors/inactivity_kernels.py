"""How long this silence may last: what is allowed after each event, and what each one teaches.

The allowance after an event is the smallest of these bounds, each the longest silence of its kind
(or what must be allowed while too few days or events are known):

    all          silences of the same regime
    time of day  those that began about now, or, at home, were already running now (their rest)
    sensor       those after the same sensor, where long silences come after few, known ones
    getting up   at home, when nights are known: the second latest time of getting up, and more

At home the first three are stretched by a factor: the longest of n days is no bound for the next
hundred; how far the tail reaches is estimated from the five longest (Hill, shrunk) and shrinks with
the days known. An absence gets a fixed time more: most are short, and a factor that would cover the
rare long ones only hides who has just come home. While a front door's sensor is dead, everything
at home is allowed more, and what follows a sensor that is the last one before leaving as much as
an absence at this hour.
"""

from typing import Final

import numpy as np

from gateway.core.detectors import leaving
from gateway.core.detectors.inactivity_limits import (
    AMPLE,
    CEILING_ARRIVED,
    CEILING_HOME,
    DAYS_ALL,
    DAYS_TOD,
    DAYS_TOD_ARRIVED,
    EVENTS_SENSOR,
    FLOOR,
    GONE_MARGIN,
    GONE_RATIO,
    MARGIN,
    MARGIN_ARRIVED,
    MARGIN_LEFT,
    MISSED_MOST,
    PRIOR_ARRIVED,
    PRIOR_HOME,
    PRIOR_LEFT,
    RATIO_LEAST,
    REACH_DAYS,
    SCALE_DOORLESS,
    SPREAD_LEFT,
    STAYED_MOST,
    WAKE_MARGIN,
)
from gateway.core.detectors.inactivity_survey import (
    ABSENT,
    BEGUN,
    BY_BOTH,
    BY_SENSOR,
    BY_TOD,
    COUNTED_MS,
    DAY_MS,
    GONE,
    HOUR_MS,
    INSIDE,
    KIND,
    LEAVES,
    LENGTH,
    LONGEST,
    NIGHTS_SEEN,
    RISE,
    SENSOR,
    SHORTEST_MS,
    START,
    TOD,
    Float64Array,
    sensors_tell,
    spread,
    survey,
)
from gateway.core.detectors.presence import (
    ARRIVED,
    BED,
    DOOR,
    EPISODE,
    HOME,
    LEFT,
    PRESSURE,
    REGIME,
    advance,
)
from gateway.core.jit import kernel
from gateway.core.model import Int64Array

NIGHTS: Final = 5

# What is known beside the ring. SPOILED: part of this silence was not seen, so it teaches nothing.
# MISSED: an absence has ended without a door event. TELLS: + regime, whether last sensors tell.
(LAST_MS, LAST_TOD, LAST_SENSOR, LAST_INSIDE) = range(4)
(NEXT_ROW, FIRST_MS, MISSED, SPOILED, TODAY, STARTED) = range(4, 10)
TELLS: Final = 10
META: Final = 14
FORGET_A_DAY: Final = 1.0 - 1.0 / 28.0


@kernel
def key(sensor: int, kind: int, state: int) -> int:
    """Return what a silence follows: a sensor, or one that says that something has begun."""
    begun = kind in (PRESSURE, EPISODE) and state == 1
    return 2 * sensor + int(begun)


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
    # A third of the days at most: in its first week a home has not shown its hours yet.
    by_tod = prior(least, weight, min(tod_days[regime, tod_ms // HOUR_MS], days / 3.0))
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
    gone: float,
    doorless: int,
    ring: Int64Array,
    meta: Int64Array,
    tod_days: Float64Array,
    sensor_events: Float64Array,
    p: Float64Array,
) -> float:
    """Return how many hours of silence are still normal from now on; `tod_ms` < 0: not known.

    gone: the probability that what looks like leaving is one.
    """
    if regime == LEFT:
        found = survey(now_ms, tod_ms, LEFT, sensor, ring, p)
        limit = _away_h(now_ms, tod_ms, sensor, found, meta, tod_days, sensor_events, p)
        if gone < p[STAYED_MOST]:
            at_home = survey(now_ms, tod_ms, HOME, sensor, ring, p)
            stay = _home_h(now_ms, tod_ms, HOME, sensor, at_home, meta, tod_days, sensor_events, p)
            limit = min(limit, stay)
    elif regime == ARRIVED:
        found = survey(now_ms, tod_ms, ARRIVED, sensor, ring, p)
        bound = bound_h(now_ms, tod_ms, ARRIVED, sensor, found, meta, tod_days, sensor_events, p)
        limit = bound * max(np.exp(spread(found, p)), p[RATIO_LEAST]) + p[MARGIN_ARRIVED]
        limit = min(limit, p[CEILING_ARRIVED])
    else:
        found = survey(now_ms, tod_ms, regime, sensor, ring, p)
        limit = _home_h(now_ms, tod_ms, regime, sensor, found, meta, tod_days, sensor_events, p)
    allowed: float = max(limit, p[FLOOR])
    if doorless:
        allowed *= p[SCALE_DOORLESS]
        if found[LEAVES] > 0.0:
            allowed = max(allowed, found[GONE] * p[GONE_RATIO] + p[GONE_MARGIN])
    return allowed


@kernel
def _reach(now_ms: int, meta: Int64Array, p: Float64Array) -> float:
    days = min(max((now_ms - meta[FIRST_MS]) / DAY_MS, 1.0), COUNTED_MS / DAY_MS)
    reach: float = max(np.log(p[REACH_DAYS] / days), 0.0)
    return reach


@kernel
def _away_h(
    now_ms: int,
    tod_ms: int,
    sensor: int,
    found: Float64Array,
    meta: Int64Array,
    tod_days: Float64Array,
    sensor_events: Float64Array,
    p: Float64Array,
) -> float:
    """Return what an absence may last; asking sooner than an ample time gains nobody anything."""
    bound = bound_h(now_ms, tod_ms, LEFT, sensor, found, meta, tod_days, sensor_events, p)
    limit = bound * np.exp(_reach(now_ms, meta, p) * p[SPREAD_LEFT]) + p[MARGIN_LEFT]
    away: float = max(limit, p[AMPLE])
    return away


@kernel
def _home_h(
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
    """Return what a silence at home may last."""
    bound = bound_h(now_ms, tod_ms, regime, sensor, found, meta, tod_days, sensor_events, p)
    factor = max(np.exp(_reach(now_ms, meta, p) * spread(found, p)), p[RATIO_LEAST])
    limit: float = bound * factor + p[MARGIN]
    limit = max(limit, min(2.0 * found[BEGUN], p[AMPLE]))
    limit = min(limit, p[CEILING_HOME])
    if tod_ms >= 0 and found[NIGHTS_SEEN] >= NIGHTS:
        limit = min(limit, found[RISE + 1] + p[WAKE_MARGIN])
    if meta[MISSED] == 1:
        limit = max(limit, min(found[ABSENT], p[MISSED_MOST]))
    return limit


@kernel
def _learn(
    now_ms: int, kind: int, regime: int, ring: Int64Array, meta: Int64Array, p: Float64Array
) -> None:
    """Write the silence that ends now over the oldest one."""
    row = meta[NEXT_ROW]
    ring[row, START], ring[row, TOD] = meta[LAST_MS], meta[LAST_TOD]
    ring[row, LENGTH], ring[row, KIND] = now_ms - meta[LAST_MS], regime
    ring[row, SENSOR], ring[row, INSIDE] = meta[LAST_SENSOR], meta[LAST_INSIDE]
    meta[NEXT_ROW] = (row + 1) % ring.shape[0]
    if regime == LEFT and kind != DOOR and now_ms - meta[LAST_MS] > HOUR_MS:
        meta[MISSED] = 1
    for home in range(BED + 1):
        meta[TELLS + home] = sensors_tell(home, now_ms, ring, p)


@kernel
def _pause(now_ms: int, ring: Int64Array, meta: Int64Array) -> None:
    """Let time pass in which nothing is learnt: nothing is forgotten either."""
    passed_ms = now_ms - meta[LAST_MS]
    for i in range(ring.shape[0]):
        ring[i, START] += passed_ms
    meta[FIRST_MS] += passed_ms
    meta[TODAY] = now_ms // DAY_MS


@kernel
def _forget(
    today: int,
    meta: Int64Array,
    tod_days: Float64Array,
    sensor_events: Float64Array,
    counts: Float64Array,
) -> None:
    """Let what was counted on earlier days weigh less."""
    while meta[TODAY] < today:
        meta[TODAY] += 1
        leaving.forget(counts, FORGET_A_DAY)
        for r in range(tod_days.shape[0]):
            for i in range(tod_days.shape[1]):
                tod_days[r, i] *= FORGET_A_DAY
            for i in range(sensor_events.shape[1]):
                sensor_events[r, i] *= FORGET_A_DAY


@kernel
def observe(
    now_ms: int,
    tod_ms: int,
    sensor: int,
    kind: int,
    state: int,
    learn: int,
    memory: Int64Array,
    ring: Int64Array,
    meta: Int64Array,
    tod_days: Float64Array,
    tod_last: Int64Array,
    sensor_events: Float64Array,
    told: Int64Array,
    counts: Float64Array,
    p: Float64Array,
) -> int:
    """Learn from the silence that this event ends; return the regime of the one that may follow."""
    today = now_ms // DAY_MS
    if meta[STARTED] == 0:
        meta[STARTED], meta[FIRST_MS], meta[TODAY] = 1, now_ms, today
    elif learn and meta[SPOILED] == 0:
        long = now_ms - meta[LAST_MS] >= SHORTEST_MS
        if memory[REGIME] == LEFT and (long or kind != DOOR):
            leaving.learn(told, int(long), counts)
        if long:
            _learn(now_ms, kind, memory[REGIME], ring, meta, p)
    if not learn:
        _pause(now_ms, ring, meta)
    _forget(today, meta, tod_days, sensor_events, counts)
    regime = advance(memory, now_ms, kind, state)
    if learn:
        hour = tod_ms // HOUR_MS
        if tod_last[regime, hour] != today:
            tod_last[regime, hour] = today
            tod_days[regime, hour] += 1.0
        sensor_events[regime, key(sensor, kind, state)] += 1.0
    meta[LAST_MS], meta[LAST_TOD] = now_ms, tod_ms
    meta[LAST_SENSOR] = key(sensor, kind, state)
    if kind != DOOR:
        meta[LAST_INSIDE] = sensor
    if regime == LEFT:
        leaving.signs(memory, tod_ms, meta[LAST_INSIDE], told)
    meta[SPOILED] = 0 if learn and tod_ms >= 0 else 1
    return regime


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
    told: Int64Array,
    counts: Float64Array,
    p: Float64Array,
) -> float:
    """Take one event; return the hours that the silence after it may last."""
    regime = observe(
        now_ms, tod_ms, sensor, kind, state, learn,
        memory, ring, meta, tod_days, tod_last, sensor_events, told, counts, p,
    )  # fmt: skip
    gone = leaving.left(told, counts) if regime == LEFT else 0.0
    return allowed_h(
        now_ms, tod_ms, regime, meta[LAST_SENSOR], gone, doorless,
        ring, meta, tod_days, sensor_events, p,
    )  # fmt: skip
