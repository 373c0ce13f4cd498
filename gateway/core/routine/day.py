"""One day of a home, as small as it can be kept: counts by the hour and a few moments.

A routine day runs from 4:00 to 4:00, as in the diaries of time-use surveys (the American Time Use
Survey's among them): few people are up then, so an evening that ends after midnight stays whole.
The night that belongs to it is the one that follows it. Hours are numbered from 4:00: 0 is 4 to 5
o'clock, 23 is 3 to 4. All times are the home's local time.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import date, timedelta
from typing import Any, Final, Self

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
TURN_MS: Final = 4 * HOUR_MS
HOURS: Final = 24
MOST_TOLD: Final = 20
"""Alarms that a day remembers: a sensor that fails every minute must not fill the disk."""


HIGHER: Final = ("inactivity.warning.", "inactivity.emergency.")
EMPTY: Final[tuple[object, ...]] = (None, False, {})


@dataclass(frozen=True, slots=True)
class Told:
    """An alarm or technical fault as the day remembers it.

    at_min: when it began to ring, minutes from midnight of its date. code, values: why it rang, at
    its highest level; why_min: when it came to that. then, then_values: what was said of it last,
    empty while that is the same; then_min: when. Of None nothing is known but `at_min`: an older
    version wrote it down.
    """

    id: str
    at_min: int
    kind: str
    device: str
    matter: str
    code: str
    values: Mapping[str, int | float | str]
    then: str = ""
    then_values: Mapping[str, int | float | str] = field(default_factory=dict)
    why_min: int | None = None
    then_min: int | None = None

    def after(self, before: Self) -> Self:
        """Return it as what became of `before`: since when it rings, and for its highest reason."""
        if self.code == before.code:
            return replace(self, at_min=before.at_min, why_min=before.why_min)
        if self.code.startswith(HIGHER):
            return replace(self, at_min=before.at_min, why_min=self.at_min)
        return replace(
            before,
            matter=self.matter,
            then=self.code,
            then_values=self.values,
            then_min=before.then_min if before.then == self.code else self.at_min,
        )


def _hours() -> list[int]:
    return [0] * HOURS


@dataclass(slots=True)
class Day:
    """What one day held. Lists have an entry for each hour.

    number:   days since 1970-01-01 of its date.
    signs:    signs of life in the home (the band's not counted).
    blind:    minutes that the hub could not see: off, deaf, or without the right time.
    deaf:     minutes of those in which the hub ran and heard nothing.
    out:      minutes that the resident was out.
    allowed:  the silence allowed at the end of the hour, in tenths of an hour (0: out, or not
              known).
    used:     the most that a silence had used of what was allowed, in percent.
    first, last: first and last sign of life in the home, minutes from midnight of the date; short
              walks in the night do not count (gateway.core.routine.diary).
    early_blind, late_blind: minutes not seen before the first sign and since the last.
    visits:   visits to the bathroom in the night that follows; night_blind: minutes of it not seen.
    guessed:  minutes in which nobody could know whether the resident was out.
    worn, active: minutes with a band on the arm, and those in which the arm mostly moved.
    pulse:    how many five-minute means of the heart rate there were of each bpm.
    unheard:  minutes that each dead sensor was not heard.
    jumped:   the clock jumped: its times of day cannot be compared.
    """

    number: int
    signs: list[int] = field(default_factory=_hours)
    blind: list[int] = field(default_factory=_hours)
    out: list[int] = field(default_factory=_hours)
    allowed: list[int] = field(default_factory=_hours)
    used: list[int] = field(default_factory=_hours)
    first: int | None = None
    last: int | None = None
    early_blind: int = 0
    late_blind: int = 0
    deaf: int = 0
    visits: int = 0
    night_blind: int = 0
    guessed: int = 0
    worn: int = 0
    active: int = 0
    pulse: dict[str, int] = field(default_factory=dict)
    unheard: dict[str, int] = field(default_factory=dict)
    jumped: bool = False
    alarms: list[Told] = field(default_factory=list)

    @property
    def date(self) -> date:
        """Return its date."""
        return date(1970, 1, 1) + timedelta(days=self.number)

    def up(self, since: int, minute: int) -> None:
        """Take it that the resident is up at a minute from midnight of the date, since another."""
        if self.first is None:
            self.first = since
        self.last = minute if self.last is None else max(self.last, minute)
        self.late_blind = 0

    def unseen(self, hour: int, minutes: int) -> None:
        """Take time in which the hub could not see."""
        self.blind[hour] = min(60, self.blind[hour] + minutes)
        self.late_blind += minutes
        if self.first is None:
            self.early_blind += minutes

    def tell(self, told: Told) -> None:
        """Take an alarm, or what has become of one."""
        known = {one.id: n for n, one in enumerate(self.alarms)}
        if told.id in known:
            self.alarms[known[told.id]] = told.after(self.alarms[known[told.id]])
        elif len(self.alarms) < MOST_TOLD:
            self.alarms.append(told)

    def knows(self, alert: str) -> bool:
        """Whether it remembers this alarm."""
        return any(one.id == alert for one in self.alarms)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values, without what is empty."""
        told = [asdict(one) for one in self.alarms]
        whole = {f.name: getattr(self, f.name) for f in fields(self)} | {"alarms": told}
        return {
            name: value
            for name, value in whole.items()
            if name == "number" or (any(value) if isinstance(value, list) else value not in EMPTY)
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the day that `to_json` took apart; TypeError or ValueError if it is none."""
        alarms = [Told(**one) for one in values.get("alarms", ())]
        day = cls(**{**values, "alarms": alarms})
        for name in ("signs", "blind", "out", "allowed", "used"):
            if len(getattr(day, name)) != HOURS:
                raise ValueError(f"{name} of day {day.number}: {len(getattr(day, name))} hours")
        return day


@dataclass(frozen=True, slots=True)
class Night:
    """The local times of day at which the night begins and ends."""

    begins_ms: int
    ends_ms: int

    def has(self, local_ms: int) -> bool:
        """Whether a local time lies in it."""
        length_ms = (self.ends_ms - self.begins_ms) % DAY_MS
        return (local_ms - self.begins_ms) % DAY_MS < length_ms


def number_at(local_ms: int) -> int:
    """Return the number of the day to which a local time belongs."""
    return (local_ms - TURN_MS) // DAY_MS


def hour_of(local_ms: int) -> int:
    """Return the hour of its day, from 4:00.

    >>> hour_of(4 * HOUR_MS), hour_of(27 * HOUR_MS + 1)
    (0, 23)
    """
    return (local_ms - TURN_MS) % DAY_MS // HOUR_MS


def night_of(local_ms: int) -> int:
    """Return the number of the day whose night this is: nights run from noon to noon."""
    return (local_ms - DAY_MS // 2) // DAY_MS
