"""What each event teaches: the silence that it ends, how this home leaves, what is common when.

`observe` learns and returns the regime of the silence that may follow; `step` also says how long it
may last (gateway.core.detectors.inactivity_bounds). Time in which nothing is learnt lets nothing be
forgotten either.
"""

from typing import Final

from gateway.core.detectors import leaving
from gateway.core.detectors.inactivity_bounds import (
    FIRST_MS,
    LAST_INSIDE,
    LAST_MS,
    LAST_SENSOR,
    LAST_TOD,
    MISSED,
    NEXT_ROW,
    SPOILED,
    STARTED,
    TELLS,
    TODAY,
    allowed_h,
)
from gateway.core.detectors.inactivity_survey import (
    DAY_MS,
    HOUR_MS,
    INSIDE,
    KIND,
    LENGTH,
    SENSOR,
    SHORTEST_MS,
    START,
    TOD,
    Float64Array,
    sensors_tell,
)
from gateway.core.detectors.presence import (
    BED,
    DOOR,
    EPISODE,
    LEFT,
    PRESSURE,
    REGIME,
    advance,
)
from gateway.core.jit import kernel
from gateway.core.model import Int64Array

FORGET_A_DAY: Final = 1.0 - 1.0 / 28.0


@kernel
def key(sensor: int, kind: int, state: int) -> int:
    """Return what a silence follows: a sensor, or one that says that something has begun."""
    begun = kind in (PRESSURE, EPISODE) and state == 1
    return 2 * sensor + int(begun)


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
