"""Homes that nobody lives in: a seeded older person, for checking false alarms over many months.

SIMULATED. The habits are drawn, not measured: bed times, nights with bathroom visits, naps, fixed
outings by weekday, rare long days, visitors, holidays. What such a home shows is whether the rules
survive more nights and outings than the recordings have; it says nothing about real people, and no
constant may be praised for what it reaches here. A home is the recordings' format with labels.
"""

from dataclasses import dataclass, field
from functools import cached_property
from types import ModuleType
from typing import Any

import numpy as np

HOUR = 3_600_000
DAY = 24 * HOUR
SECOND = 1000
FIRST_DAY = 18_627  # a Friday
BEDROOM, LIVING, KITCHEN, BATH, HALL = range(5)
DOOR, BED, BACK = 5, 6, 7  # the front door's contact, a bed's, and a second way out
PIR, FRONT, PRESSURE, EPISODE, BAND = 0, 1, 4, 7, 8
SLEEP, AWAY = 0, 1


@dataclass(frozen=True)
class Habits:
    """One simulated resident and what their home can see. Hours, and counts a day or a night."""

    days: int
    up: float
    up_varies: float
    down: float
    down_varies: float
    bathroom: float  # visits a night
    bedroom: float  # share of lying down that the bedroom's sensor sees
    stirs: float  # motions an hour while asleep
    quiet: float  # motions an hour while reading, watching, dozing
    busy: float  # motions an hour while up and about
    naps: float
    outings: tuple[tuple[int, float, float], ...]  # weekday, hour, how long
    whims: float  # unplanned outings a day
    long_days: float  # days out of 5 to 10 h, a day
    opens: float  # the door opened without leaving, a day
    visits: float  # a day
    missed: float  # share of passages of which the door says nothing
    holidays: float = 0.0
    door: bool = True
    bed: bool = False
    band: bool = False
    back_door: float = 0.0  # share of outings by a second way out
    back_seen: bool = False
    episodes: bool = False  # only beginnings and ends of activities are told


def habits(seed: int, **told: Any) -> Habits:
    """Draw a resident; `told`: what is not left to chance."""
    chance = np.random.default_rng([seed, 4])
    between = chance.uniform
    outings = tuple(
        (int(chance.integers(7)), between(8.5, 17.0), between(0.7, 3.5))
        for _ in range(chance.integers(1, 7))
    )
    up = between(5.0, 8.0)
    drawn: dict[str, Any] = {
        "days": int(chance.integers(60, 121)),
        "up": up,
        "up_varies": between(0.3, 0.8),
        "down": 24.0 + up - between(6.5, 9.0),
        "down_varies": between(0.3, 0.7),
        "bathroom": between(0.3, 2.5),
        "bedroom": between(0.94, 1.0) * (chance.random() < 0.85),
        "stirs": between(0.0, 1.5) * (chance.random() < 0.6),
        "quiet": between(1.5, 10.0),
        "busy": between(12.0, 36.0),
        "naps": between(0.0, 0.8),
        "outings": outings,
        "whims": between(0.0, 0.5),
        "long_days": between(0.0, 0.03),
        "opens": between(0.3, 3.0),
        "visits": between(0.0, 0.5),
        "missed": between(0.0, 0.1) * (chance.random() < 0.4),
    }
    return Habits(**drawn | told)


@dataclass
class _Log:
    """What the sensors said, and what was true."""

    chance: np.random.Generator
    rows: list[tuple[int, int, int, int]] = field(default_factory=list)
    truth: list[tuple[int, int, int]] = field(default_factory=list)

    def motion(self, at: float, room: int) -> None:
        lasts = self.chance.uniform(2, 12) * SECOND
        self.rows.append((int(at), room, PIR, 1))
        self.rows.append((int(at + lasts), room, PIR, 0))

    def motions(self, start: float, end: float, an_hour: float, rooms: tuple[int, ...]) -> None:
        """Motions as they come, in rooms that change every few minutes."""
        count = self.chance.poisson(max(0.0, end - start) / HOUR * an_hour)
        stay = 0.3 * HOUR
        for at in np.sort(self.chance.uniform(start, max(start, end), count)):
            room = rooms[hash((int(at // stay), len(rooms))) % len(rooms)]
            self.motion(at, room)

    def door(self, at: float, sensor: int = DOOR) -> None:
        self.rows.append((int(at), sensor, FRONT, 1))
        self.rows.append((int(at + self.chance.uniform(2, 9) * SECOND), sensor, FRONT, 0))

    def activity(self, start: float, end: float, which: int) -> None:
        self.rows.append((int(start), which, EPISODE, 1))
        self.rows.append((int(end), which, EPISODE, 0))


class _Life:
    """One resident's days, one after the other."""

    def __init__(self, h: Habits, seed: int) -> None:
        self.h = h
        self.log = _Log(np.random.default_rng([seed, 5]))
        self.chance = self.log.chance
        self._away_until = 0.0

    def live(self) -> _Log:
        """Return the whole log."""
        up = self._up(0)
        for day in range(self.h.days):
            down = (FIRST_DAY + day) * DAY + self.h.down * HOUR
            down += float(self.chance.normal()) * self.h.down_varies * HOUR
            next_up = max(self._up(day + 1), down + 3 * HOUR)
            self._by_day(day, up, down)
            self._by_night(down, next_up)
            up = next_up
        if self.h.band:
            self._wear()
        return self.log

    def _wear(self) -> None:
        """Move the arm that wears a band: often by day, now and then asleep, unheard when out."""
        end = (FIRST_DAY + self.h.days) * DAY
        for which, an_hour in ((None, 12.0), (SLEEP, 3.0)):
            count = self.chance.poisson(self.h.days * 24 * an_hour)
            for at in self.chance.uniform(FIRST_DAY * DAY, end, count):
                if self._true_at(at) == which:
                    self.log.rows.append((int(at), BACK + 1, BAND, 1))

    def _true_at(self, at: float) -> int | None:
        """Return what was true at a moment: asleep, away, or neither."""
        starts = self._starts
        place = int(np.searchsorted(starts, at, "right")) - 1
        for kind, start, end in self.log.truth[max(0, place - 3) : place + 1]:
            if start <= at <= end:
                return kind
        return None

    @cached_property
    def _starts(self) -> np.ndarray:
        self.log.truth.sort(key=lambda one: one[1])
        return np.array([start for _, start, _ in self.log.truth])

    def _up(self, day: int) -> float:
        late = float(self.chance.normal()) * self.h.up_varies
        late += float(self.chance.random() < 0.04) * float(self.chance.uniform(0.5, 1.5))
        return (FIRST_DAY + day) * DAY + (self.h.up + late) * HOUR

    def _by_day(self, day: int, up: float, down: float) -> None:
        h, chance, at = self.h, self.chance, up
        for start, hours in self._plans(day, down):
            if start < at + 0.3 * HOUR:
                continue
            end = start + hours * HOUR
            self._at_home(at, min(start, down))
            if end > down - 0.5 * HOUR and hours < 24:
                self._at_home(start, down)
                return
            self._out(start, end)
            at = end
        self._at_home(at, down)
        if chance.random() < h.visits and at < down - 3 * HOUR:
            self._visit(float(chance.uniform(at, down - 3 * HOUR)))

    def _plans(self, day: int, down: float) -> list[tuple[float, float]]:
        h, chance, midnight = self.h, self.chance, (FIRST_DAY + day) * DAY
        plans = []
        if chance.random() < h.holidays:
            return [(midnight + 10 * HOUR, float(chance.uniform(30, 100)))]
        if chance.random() < h.long_days:
            return [(midnight + chance.uniform(8, 11) * HOUR, float(chance.uniform(5, 9.5)))]
        for weekday, hour, hours in h.outings:
            if (FIRST_DAY + day + 3) % 7 == weekday and chance.random() < 0.85:
                start = midnight + (hour + chance.normal() * 0.4) * HOUR
                plans.append((start, hours * float(np.exp(chance.normal() * 0.25))))
        if chance.random() < h.whims:
            start = midnight + chance.uniform(9, 19) * HOUR
            plans.append((start, float(np.exp(chance.normal() * 0.6))))
        return sorted(plan for plan in plans if plan[0] < down)

    def _at_home(self, start: float, end: float) -> None:
        """Busy and quiet spells, a nap, the door opened for the post."""
        h, chance, at = self.h, self.chance, max(start, self._away_until)
        if end <= at:
            return
        if h.episodes:
            self._spells(at, end)
            return
        nap = chance.random() < h.naps
        while at < end:
            busy = min(end, at + chance.exponential(0.5) * HOUR)
            self.log.motions(at, busy, h.busy, (KITCHEN, LIVING, HALL, BATH, BEDROOM))
            at = min(end, busy + chance.exponential(0.8) * HOUR)
            if nap and 12.5 < busy % DAY / HOUR < 15.5:
                nap, at = False, min(end, busy + chance.uniform(0.5, 2.2) * HOUR)
                self.log.motions(busy, at, max(h.stirs, 0.5), (LIVING,))
            else:
                self.log.motions(busy, at, h.quiet, (LIVING,))
            self.log.motion(at, LIVING)
        for opened in chance.uniform(
            start, end, chance.poisson(h.opens * (end - start) / DAY * 1.6)
        ):
            self._open(float(opened))

    def _spells(self, at: float, end: float) -> None:
        while at < end:
            lasts = min(end - at, self.chance.exponential(0.4) * HOUR + 60_000)
            self.log.activity(at, at + lasts - SECOND, int(self.chance.integers(1, 5)))
            at += lasts + self.chance.exponential(0.25) * HOUR

    def _open(self, at: float) -> None:
        """Open the door from inside, and go on living there."""
        if self.h.door:
            self.log.door(at)
        self.log.motion(at + self.chance.exponential(25) * SECOND, HALL)

    def _out(self, start: float, end: float) -> None:
        h, chance = self.h, self.chance
        self.log.truth.append((AWAY, int(start), int(end)))
        self._away_until = end
        if h.episodes:
            self.log.activity(start, end, 0)
            return
        back = chance.random() < h.back_door
        sensor = BACK if back else DOOR
        seen = h.back_seen if back else h.door
        self.log.motion(start - 8 * SECOND, HALL)
        if seen and chance.random() >= h.missed:
            self.log.door(start, sensor)
        if seen and chance.random() >= h.missed:
            self.log.door(end, sensor)
        self.log.motion(end + chance.uniform(2, 40) * SECOND, HALL)

    def _visit(self, start: float) -> None:
        """Somebody comes and goes by the door while the resident stays."""
        end = start + self.chance.uniform(0.5, 2.5) * HOUR
        for at in (start, end):
            self._open(at)
        self.log.motions(start, end, self.h.busy / 2, (LIVING, KITCHEN, HALL))

    def _by_night(self, down: float, up: float) -> None:
        h, chance = self.h, self.chance
        if down < self._away_until:
            return
        self.log.truth.append((SLEEP, int(down), int(up)))
        if h.episodes:
            self._night_told(down, up)
            return
        visits = np.sort(chance.uniform(down + HOUR, up, chance.poisson(h.bathroom)))
        lain = down
        for at in [*visits, up]:
            if h.bed:
                self.log.rows.append((int(lain), BED, PRESSURE, 1))
                self.log.rows.append((int(at) - 5 * SECOND, BED, PRESSURE, 0))
            if chance.random() < h.bedroom:
                self.log.motion(lain, BEDROOM)
            self.log.motions(lain, at, h.stirs * (h.bedroom > 0), (BEDROOM,))
            if at < up:
                self.log.motions(at, at + 240 * SECOND, 100, (BATH, HALL))
                lain = at + 300 * SECOND
        self.log.motion(up, BEDROOM)

    def _night_told(self, down: float, up: float) -> None:
        visits = np.sort(self.chance.uniform(down + HOUR, up - HOUR, self.chance.poisson(0.4)))
        at = down
        for visit in visits:
            self.log.activity(at, visit, 6)
            self.log.activity(visit, visit + 240 * SECOND, 5)
            at = visit + 300 * SECOND
        self.log.activity(at, max(up, at + 60_000), 6)


def simulated(scorer: ModuleType, seed: int, **told: Any) -> Any:
    """Return a simulated home as the scorer holds one; `told` as for `habits`."""
    log = _Life(habits(seed, **told), seed).live()
    rows = np.array(sorted(log.rows), np.int64)
    truth = np.array(log.truth, np.int64)
    columns = (rows[:, i] for i in range(4))
    return scorer.Home(f"simulated-{seed}", *columns, *(truth[:, i] for i in range(3)))
