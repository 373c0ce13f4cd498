"""A home in which nobody lives: months of an older person's days, by formula and a seed.

SIMULATED. For trying `ansim replay` and `ansim report` without a log of one's own, and for pictures
that show nobody's life. Habits are drawn, not measured; what a detector reaches here says nothing
about people. In the last tenth of the months the nights grow restless, so that the report has a
change to show; `collapse` makes the last day end in a silence.
"""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from gateway.core.model import Contact, HeartRate, Motion
from gateway.replay.homelog import Event, HomeLog, band_block, home_log

MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
PLACES: Final = {
    "bedroom-motion": "bedroom",
    "living-motion": "living",
    "kitchen-motion": "kitchen",
    "bathroom-motion": "toilet",
    "hall-motion": "hall",
    "front-door": "frontdoor",
    "band": "",
}
WHATS: Final = {name: {"motion"} for name in PLACES} | {
    "front-door": {"door"},
    "band": {"heart_rate", "movement"},
}
_MOVES, _RESTS = band_block(moving=True), band_block(moving=False)


def simulated(days: int, seed: int, *, end: datetime, collapse: bool = False) -> HomeLog:
    """Return a home's log of so many days, the last of which is the day before `end`."""
    last = round(end.replace(tzinfo=UTC).timestamp() * 1000) // DAY
    chance = random.Random(seed)  # noqa: S311 - a simulation, repeatable
    events: list[Event] = []
    for number in range(days):
        restless = number >= days - max(3, days // 10)
        events.extend(_day((last - days + number) * DAY, number, chance, restless=restless))
    if collapse:
        events = [one for one in events if one[0] < last * DAY - 15 * HOUR]
    name = f"simulated-{days}d-seed{seed}"
    made = home_log(name, WHATS, PLACES, iter(events), simulated=True)
    return replace(made, until_ms=last * DAY)


def _day(midnight: int, number: int, chance: random.Random, *, restless: bool) -> Iterator[Event]:
    up = midnight + round(chance.gauss(6.6 + 0.5 * restless, 0.35) * HOUR)
    bed = midnight + round(chance.gauss(22.2, 0.5) * HOUR)
    outings = list(_outings(midnight, number, chance, up, bed))
    away = tuple(outings)
    yield from _stirs(bed, chance)
    yield from _night(bed, chance, visits=chance.choice((3, 4, 5) if restless else (0, 1, 1, 2)))
    now = up
    while now < bed:
        gone = next((one for one in outings if one[0] <= now < one[1]), None)
        if gone is not None:
            yield from _passage(gone[0], "leave")
            yield from _passage(gone[1], "return")
            outings.remove(gone)
            now = gone[1] + 2 * MINUTE
            continue
        yield now, _room(now - midnight, chance), Motion(detected=True)
        now += round(chance.expovariate(1 / (7 if chance.random() < 0.8 else 35)) * MINUTE) + MINUTE  # noqa: PLR2004 - mostly busy, at times at rest
    yield bed, "bedroom-motion", Motion(detected=True)
    for one in _band(midnight, up, bed, chance, slow=restless):
        if not any(leave <= one[0] < back for leave, back in away):  # it goes out with its wearer
            yield one


def _outings(
    midnight: int, number: int, chance: random.Random, up: int, bed: int
) -> Iterator[tuple[int, int]]:
    """Yield from when to when: the market three times a week, some Sundays most of the day."""
    if number % 7 == 6 and chance.random() < 0.5:  # noqa: PLR2004 - a Sunday, every other
        leave = midnight + round(chance.gauss(10.0, 0.4) * HOUR)
        yield max(up + HOUR // 2, leave), min(bed - HOUR, leave + round(chance.gauss(6, 1) * HOUR))
    elif number % 7 in (0, 2, 4):
        leave = midnight + round(chance.gauss(14.0, 0.8) * HOUR)
        yield leave, leave + round(max(0.4, chance.gauss(1.6, 0.4)) * HOUR)


def _passage(at_ms: int, way: str) -> Iterator[Event]:
    if way == "leave":
        yield at_ms - 20_000, "hall-motion", Motion(detected=True)
    yield at_ms, "front-door", Contact(open=True)
    yield at_ms + 6_000, "front-door", Contact(open=False)
    if way == "return":
        yield at_ms + 40_000, "hall-motion", Motion(detected=True)
        yield at_ms + 90_000, "living-motion", Motion(detected=True)


def _room(into_day: int, chance: random.Random) -> str:
    hour = into_day / HOUR
    at_table = any(abs(hour - meal) < 0.7 for meal in (7.5, 12.3, 18.5))  # noqa: PLR2004 - meals
    rooms = ("kitchen-motion",) * (6 if at_table else 1)
    return chance.choice((*rooms, *("living-motion",) * 4, "bathroom-motion", "hall-motion"))


def _stirs(bed: int, chance: random.Random) -> Iterator[Event]:
    """Yield the turning over in bed that a motion sensor in a bedroom sees."""
    at_ms = bed
    while (at_ms := at_ms + round((0.3 + chance.expovariate(1 / 1.2)) * HOUR)) < bed + 8 * HOUR:
        yield at_ms, "bedroom-motion", Motion(detected=True)


def _night(bed: int, chance: random.Random, visits: int) -> Iterator[Event]:
    for _ in range(visits):
        at_ms = bed + round(chance.uniform(1.0, 7.0) * HOUR)
        yield at_ms, "bedroom-motion", Motion(detected=True)
        yield at_ms + MINUTE, "bathroom-motion", Motion(detected=True)
        yield at_ms + 5 * MINUTE, "bedroom-motion", Motion(detected=True)


def _band(
    midnight: int, up: int, bed: int, chance: random.Random, *, slow: bool
) -> Iterator[Event]:
    """Yield a band worn by day: a second of samples a minute, a pulse every other."""
    resting = chance.gauss(63 + 4 * slow, 1.2)
    busy = 0.22 if slow else 0.3
    for at_ms in range(up + 20 * MINUTE, bed - 20 * MINUTE, MINUTE):
        moving = chance.random() < busy
        yield at_ms, "band", _MOVES if moving else _RESTS
        if (at_ms - midnight) // MINUTE % 2:
            bpm = resting + chance.gauss(14 if moving else 3, 3)
            yield at_ms + 1000, "band", HeartRate(max(40, round(bpm)), contact=True)
