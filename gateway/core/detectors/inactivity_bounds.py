"""How long a silence may last that begins now: the bounds, and the smallest of them.

The allowance after an event is the smallest of these bounds, each the longest silence of its kind
(or what must be allowed while too few days or events are known):

    all          silences of the same regime
    time of day  those that began about now, or, at home, were already running now (their rest)
    sensor       those after the same sensor, where long silences come after few, known ones
    getting up   at home, when nights are known: the second latest time of getting up, and more

At home the first three are stretched by a factor: the longest of n days is no bound for the next
hundred; how far the tail reaches is estimated from the five longest (Hill, shrunk) and shrinks with
the days known. It ends at 12 h: whoever lies there is not left longer. What has begun (a bed that
carries somebody, an activity) may last twice what it has lasted.

An absence gets a fixed time more, and nine hours in any case: most are short, so that asking sooner
helps few and alarms at every day out; a factor that would cover the rare long ones only hides who
has just come home. Where the home's own way of leaving makes it improbable that anybody left
(gateway.core.detectors.leaving), the allowance is that of a silence at home.

While a front door's sensor is dead, everything at home is allowed more, and what follows a sensor
that is the last one before leaving as much as an absence at this hour.
"""

from typing import Final

import numpy as np

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
    LEAVES,
    LONGEST,
    NIGHTS_SEEN,
    RISE,
    Float64Array,
    spread,
    survey,
)
from gateway.core.detectors.presence import (
    ARRIVED,
    BED,
    HOME,
    LEFT,
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
    found = survey(now_ms, tod_ms, regime, sensor, ring, p)
    limit = _limit_h(now_ms, tod_ms, regime, sensor, found, meta, tod_days, sensor_events, p)
    if regime == LEFT and gone < p[STAYED_MOST]:
        home = survey(now_ms, tod_ms, HOME, sensor, ring, p)
        stay = _limit_h(now_ms, tod_ms, HOME, sensor, home, meta, tod_days, sensor_events, p)
        limit = min(limit, stay)
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
def _limit_h(
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
    """Return what a silence of this regime may last."""
    bound = bound_h(now_ms, tod_ms, regime, sensor, found, meta, tod_days, sensor_events, p)
    limit: float
    if regime == LEFT:
        limit = bound * np.exp(_reach(now_ms, meta, p) * p[SPREAD_LEFT]) + p[MARGIN_LEFT]
        limit = max(limit, p[AMPLE])
        return limit
    if regime == ARRIVED:
        limit = bound * max(np.exp(spread(found, p)), p[RATIO_LEAST]) + p[MARGIN_ARRIVED]
        limit = min(limit, p[CEILING_ARRIVED])
        return limit
    factor = max(np.exp(_reach(now_ms, meta, p) * spread(found, p)), p[RATIO_LEAST])
    limit = max(bound * factor + p[MARGIN], min(2.0 * found[BEGUN], p[AMPLE]))
    limit = min(limit, p[CEILING_HOME])
    if tod_ms >= 0 and found[NIGHTS_SEEN] >= NIGHTS:
        limit = min(limit, found[RISE + 1] + p[WAKE_MARGIN])
    if meta[MISSED] == 1:
        limit = max(limit, min(found[ABSENT], p[MISSED_MOST]))
    return limit
