"""Homes made by formula, and the slow twins of the inactivity kernels."""

import math
from collections.abc import Iterator, Mapping, Sequence

from gateway.core.detectors import inactivity_limits as c

HOUR = 3_600_000
DAY = 24 * HOUR
HALL, DOOR, BED = 0, 1, 2
KINDS = (0, 1, 4)

Event = tuple[int, int, int, int]  # time, sensor, kind, state
Row = tuple[int, int, int, int, int, int]  # as the ring's columns


def day_of(day: int, *, out: tuple[float, float] | None = None) -> Iterator[Event]:
    """Return a day: up about 7, in bed about 22:30, something moves every 10 to 30 minutes."""
    start = day * DAY
    minute = 7 * 60 + (day * 7) % 23
    while minute < 22 * 60 + 30:
        if out is not None and out[0] * 60 <= minute < out[1] * 60:
            minute = round(out[1] * 60)
            yield (start + round(out[0] * 60) * 60_000, DOOR, 1, 1)
            yield (start + round(out[0] * 60) * 60_000 + 5_000, DOOR, 1, 0)
            yield (start + minute * 60_000, DOOR, 1, 1)
            yield (start + minute * 60_000 + 5_000, DOOR, 1, 0)
            yield (start + minute * 60_000 + 40_000, HALL, 0, 1)
        else:
            yield (start + minute * 60_000, HALL, 0, 1)
        minute += 10 + (minute * 7 + day) % 21
    yield (start + (22 * 60 + 35) * 60_000, BED, 4, 1)


def life(days: int) -> list[Event]:
    """Return weeks of days, with an outing from 14 to 17 h on every third."""
    events: list[Event] = []
    for day in range(days):
        events.extend(day_of(day, out=(14.0, 17.0) if day % 3 == 0 else None))
    return sorted(events)


# ------------------------------------------------------------------------------ slow twins
def hours_later(tod: int, then: int) -> float:
    """Return how much later a time of day is than another, the short way round."""
    difference = (tod - then) / HOUR
    while difference >= 12:
        difference -= 24
    while difference < -12:
        difference += 24
    return difference


def remembered(age: int) -> bool:
    """Return whether a silence so long ago still counts: for twelve weeks on its own weekday."""
    same_weekday = math.floor(age / DAY + 0.5) % 7 == 0
    return age <= 42 * DAY or (same_weekday and age <= 84.5 * DAY)


def survey(now: int, tod: int, regime: int, key: int, rows: Sequence[Row]) -> dict[str, float]:
    """Return what the remembered silences say, by lists."""
    p = c.CHOSEN
    rows = [row for row in rows if row[2] > 0 and remembered(now - row[0])]
    hours = [(row[2] / HOUR, hours_later(tod, row[1]), row[3], row[4]) for row in rows]
    absent = [length for length, after, kind, _ in hours if kind == 2 and abs(after) <= 0.5]
    gone = [length for length, after, kind, _ in hours if kind == 2 and abs(after) <= p[c.GONE_TOD]]
    leaves = [row for row in rows if row[3] == 2 and row[5] == key // 2]
    at_home = [one for one in hours if one[2] < 2 and regime < 2]
    nights = [(n, a) for n, a, *_ in at_home if n > 3.0]
    rests = [n - (a if a >= -p[c.WAKE_LATER] else a + 24) for n, a in nights]
    rises = [*sorted((rest for rest in rests if rest > 0), reverse=True), 0.0, 0.0]
    begun = [n for n, _, _, s in at_home if key % 2 == 1 and s == key]
    like = [one for one in hours if one[2] == regime]
    near = p[c.NEAR_HOME + regime]
    by_tod = [(value_of(n, a, near, at_home=regime < 2), s) for n, a, _, s in like]
    longest = sorted((n for n, *_ in like), reverse=True)
    return (
        {
            "longest": max(longest, default=0.0),
            "by_tod": max((value for value, _ in by_tod), default=0.0),
            "by_sensor": max((n for n, _, _, s in like if s == key), default=0.0),
            "by_both": max((value for value, s in by_tod if s == key), default=0.0),
            "absent": max(absent, default=0.0),
            "nights": float(len(nights)),
            "gone": max(gone, default=0.0),
            "leaves": float(len(leaves)),
            "begun": max(begun, default=0.0),
        }
        | {f"top_{i}": length for i, length in enumerate([*longest, 0, 0, 0, 0, 0][:5])}
        | {f"rise_{i}": rest for i, rest in enumerate(rises[:2])}
    )


def value_of(length: float, after: float, near: float, *, at_home: bool) -> float:
    """Return how long a silence says that one at this time of day may be."""
    weight = 1.0 if abs(after) <= near else max(0.0, 2 - abs(after) / near)
    running = length - (after if after >= 0 else after + 24)
    return max(length * weight, running) if at_home else length * weight


def spread(top: Sequence[float], p: Mapping[int, float] = c.CHOSEN) -> float:
    """Return the shrunk Hill estimate of the longest silences."""
    known = [length for length in top if length > 0]
    logs = [math.log(length / known[-1]) for length in known[:-1]]
    weight = p[c.SPREAD_WEIGHT]
    return min((sum(logs) + weight * p[c.SPREAD_PRIOR]) / (len(logs) + weight), p[c.SPREAD_MOST])
