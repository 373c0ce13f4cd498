"""The measures of a day, and what is usual of each: median and range of four weeks.

The usual range runs from the 5th to the 95th percentile of the days on which the measure was seen,
in the four weeks that ended a week before the day. The last week is left out because a new habit
must not make itself usual: three nights of many visits to the bathroom out of 28 are enough to move
the 95th percentile, and the fourth would go untold. With the week left out a new habit is told for
ten days. Fences about the quartiles (Tukey's) would stand as long, but they call what somebody
does every Sunday unusual every Sunday. In a home so young, or so long blind, that too little is
known of those weeks, the last one counts too.

A day is said to differ only when it lies outside that range and at least `step` from the median:
of six measures one would otherwise be outside on most days. It says what changed and by how much;
what it means is not for a hub to say.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from gateway.core.detectors.inactivity_levels import WET_ROOMS
from gateway.core.routine.day import Day

WEEK: Final = 7
WEEKS_4: Final = 28
REMEMBERED: Final = WEEK + WEEKS_4  # days before one that are needed to compare it
ENOUGH_DAYS: Final = 14
BLIND_MIN: Final = 30  # of unseen time at the edge of a day hide its first or last sign
OUT_BLIND_MIN: Final = 120
WORN_MIN: Final = 480  # a band worn for less says little of the day
PULSES: Final = 24  # five-minute means: two hours

INSIDE: Final = frozenset({"Motion", "Contact", "Occupied"})
"""What a sensor of a home's rooms provides."""
BATHROOM: Final = WET_ROOMS
"""Places (gateway.core.bodies.PLACES) where a sign of life is a visit to the bathroom."""
BEDROOM: Final = frozenset({"bedroom", "bed"})


class What(StrEnum):
    """The measures."""

    FIRST = "first_motion"
    LAST = "last_motion"
    VISITS = "night_bathroom_visits"
    OUT = "time_out"
    ACTIVE = "activity"
    PULSE = "resting_heart_rate"


class Unit(StrEnum):
    """What the numbers are."""

    CLOCK = "min_of_day"
    MINUTES = "min"
    TIMES = "times"
    BPM = "bpm"


class Change(StrEnum):
    """How a day's value stands to what is usual."""

    USUAL = "usual"
    EARLIER = "earlier"
    LATER = "later"
    MORE = "more"
    LESS = "less"
    NONE = "none"  # nothing moved in the home all day, and the hub saw it
    NOT_KNOWN = "not-known"  # too few days behind it
    NOT_SEEN = "not-seen"  # the hub or the sensor was blind
    NO_SENSOR = "no-sensor"


@dataclass(frozen=True, slots=True)
class Senses:
    """What a home can see: which of its devices watch what."""

    inside: frozenset[str] = frozenset()
    bathroom: frozenset[str] = frozenset()
    bedroom: frozenset[str] = frozenset()
    doors: frozenset[str] = frozenset()
    moves: frozenset[str] = frozenset()
    pulse: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Usual:
    """What was usual: of so many days the median, the 5th and the 95th percentile.

    The days: those seen in the four weeks that ended a week before, so that nothing younger than a
    week is usual yet; all that were seen, where fewer than a fortnight of those were.
    """

    days: int
    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Compared:
    """One measure of one day against what is usual of it; `days`: of so many."""

    what: What
    unit: Unit
    value: int | None
    usual: Usual | None
    change: Change
    days: int

    @property
    def by(self) -> float:
        """Return how far the value lies from the median."""
        return 0.0 if self.value is None or self.usual is None else self.value - self.usual.median

    @property
    def changed(self) -> bool:
        """Whether it differs from what is usual."""
        return self.change in (Change.EARLIER, Change.LATER, Change.MORE, Change.LESS)


def first(day: Day) -> int | None:
    """Return the first sign of life in the home."""
    return None if day.jumped or day.early_blind >= BLIND_MIN else day.first


def last(day: Day) -> int | None:
    """Return the last sign of life in the home."""
    return None if day.jumped or day.late_blind >= BLIND_MIN else day.last


def visits(day: Day) -> int | None:
    """Return the visits to the bathroom in the night that follows."""
    return None if day.jumped or day.night_blind >= BLIND_MIN else day.visits


def time_out(day: Day) -> int | None:
    """Return the minutes out."""
    return None if day.guessed + sum(day.blind) >= OUT_BLIND_MIN else sum(day.out)


def activity(day: Day) -> int | None:
    """Return the minutes in which the arm mostly moved."""
    return day.active if day.worn >= WORN_MIN else None


def resting(day: Day) -> int | None:
    """Return the resting heart rate: the lower tenth of the day's five-minute means."""
    count = sum(day.pulse.values())
    if count < PULSES:
        return None
    left = count / 10
    for bpm in sorted(int(key) for key in day.pulse):
        left -= day.pulse[str(bpm)]
        if left <= 0:
            return bpm
    return None  # pragma: no cover - the counts add up to more than their tenth


@dataclass(frozen=True, slots=True)
class Measure:
    """How one is taken: which devices it needs, and what least difference is worth a word."""

    unit: Unit
    step: int
    of: Callable[[Day], int | None]
    needs: Callable[[Senses], frozenset[str]]


MEASURES: Mapping[What, Measure] = MappingProxyType(
    {
        What.FIRST: Measure(Unit.CLOCK, 45, first, lambda senses: senses.inside),
        What.LAST: Measure(Unit.CLOCK, 45, last, lambda senses: senses.inside),
        What.VISITS: Measure(Unit.TIMES, 2, visits, lambda senses: senses.bathroom),
        What.OUT: Measure(Unit.MINUTES, 60, time_out, lambda senses: senses.doors),
        What.ACTIVE: Measure(Unit.MINUTES, 30, activity, lambda senses: senses.moves),
        What.PULSE: Measure(Unit.BPM, 5, resting, lambda senses: senses.pulse),
    }
)


def value_of(what: What, day: Day, senses: Senses) -> int | None:
    """Return a measure of a day; None where a sensor that it needs was not heard long enough."""
    needs = MEASURES[what].needs(senses)
    if not needs or sum(day.unheard.get(device, 0) for device in needs) >= OUT_BLIND_MIN:
        return None
    return MEASURES[what].of(day)


def usual_of(values: Iterable[int]) -> Usual | None:
    """Return what is usual of these values; None: too few to say."""
    known = sorted(values)
    if len(known) < ENOUGH_DAYS:
        return None
    return Usual(len(known), quantile(known, 0.5), quantile(known, 0.05), quantile(known, 0.95))


def behind(what: What, day: Day, before: Iterable[Day], senses: Senses) -> list[int]:
    """Return the values of a measure that a day's is compared with: see Usual."""
    seen = [
        (day.number - one.number, value)
        for one in before
        if 0 < day.number - one.number <= REMEMBERED
        and (value := value_of(what, one, senses)) is not None
    ]
    settled = [value for ago, value in seen if ago > WEEK]
    if len(settled) >= ENOUGH_DAYS:
        return settled
    return [value for ago, value in seen if ago <= WEEKS_4]


def quantile(known: list[int], share: float) -> float:
    """Return a quantile of sorted values, between two of them where it falls between.

    >>> quantile([1, 2, 3, 4], 0.5)
    2.5
    """
    place = share * (len(known) - 1)
    below = int(place)
    above = min(below + 1, len(known) - 1)
    return known[below] + (known[above] - known[below]) * (place - below)


def compare(day: Day, before: Iterable[Day], senses: Senses) -> tuple[Compared, ...]:
    """Return every measure of a day against the days before it."""
    known = tuple(before)
    return tuple(_compared(what, day, known, senses) for what in What)


def _compared(what: What, day: Day, before: Sequence[Day], senses: Senses) -> Compared:
    measure = MEASURES[what]
    value = value_of(what, day, senses)
    others = behind(what, day, before, senses)
    usual = usual_of(others)
    change = Change.USUAL
    if not measure.needs(senses):
        change = Change.NO_SENSOR
    elif value is None:
        silent = measure.unit is Unit.CLOCK and day.first is None
        change = Change.NONE if silent and _watched(day, senses) else Change.NOT_SEEN
    elif usual is None:
        change = Change.NOT_KNOWN
    elif abs(value - usual.median) >= measure.step and not usual.low <= value <= usual.high:
        up = value > usual.median
        if measure.unit is Unit.CLOCK:
            change = Change.LATER if up else Change.EARLIER
        else:
            change = Change.MORE if up else Change.LESS
    return Compared(what, measure.unit, value, usual, change, len(others))


def _watched(day: Day, senses: Senses) -> bool:
    """Whether the hub would have seen a sign of life in the home: some sensor of it was heard."""
    heard = any(day.unheard.get(device, 0) < OUT_BLIND_MIN for device in senses.inside)
    return heard and not day.jumped and day.early_blind < BLIND_MIN
