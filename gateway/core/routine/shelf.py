"""The days that a home remembers: which are told, which run, and how they survive a restart.

Two states are saved: the days that are not told yet, which change by the minute, with what the
detectors learn; and those that are, once a day, to spare the SD card. A day's number is remembered
for longer than the day, so that no clock can make it told twice.
"""

import json
import zlib
from collections.abc import Iterable
from typing import Any, Final

from gateway.core.alerts import Alert
from gateway.core.routine.day import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    Day,
    Night,
    Told,
    hour_of,
    night_of,
    number_at,
)
from gateway.core.routine.measures import REMEMBERED, WEEKS_4

VERSION: Final = 1
KEPT: Final = "routine.days"
LATE_DAYS: Final = 7  # a day that ended longer ago is not told any more


class Shelf:
    """See the module."""

    def __init__(self, night: Night) -> None:
        self._night = night
        self._days: dict[int, Day] = {}
        self._told: list[int] = []  # numbers, the newest last
        self._stale = False  # a day already told has changed

    @property
    def days(self) -> tuple[Day, ...]:
        """Return what is remembered, the oldest first."""
        return tuple(self._days[number] for number in sorted(self._days))

    def day(self, local_ms: int) -> Day:
        """Return the day of a local time."""
        return self._of(number_at(local_ms))

    def night(self, local_ms: int) -> Day:
        """Return the day whose night it is."""
        return self._of(night_of(local_ms))

    def _of(self, number: int) -> Day:
        return self._days.setdefault(number, Day(number))

    # ------------------------------------------------------------------------------ taking down
    def alert(self, alert: Alert, local_ms: int) -> None:
        """Take down what rang at a local time, or what became of it."""
        day = next((one for one in self._days.values() if one.knows(alert.id)), None)
        day = day or self.day(local_ms)
        day.tell(
            Told(
                id=alert.id,
                at_min=(local_ms - day.number * DAY_MS) // MINUTE_MS,
                kind=alert.kind.value,
                device=alert.device,
                matter=alert.matter.value,
                code=alert.reason.code,
                values=dict(alert.reason.values),
            )
        )
        self._stale = self._stale or day.number in self._told

    def out(self, from_ms: int, to_ms: int) -> None:
        """Take down that the resident was out between two local times."""
        for start_ms, minutes in spread(from_ms, to_ms):
            day, hour = self.day(start_ms), hour_of(start_ms)
            day.out[hour] = min(60, day.out[hour] + minutes)

    def unseen(self, from_ms: int, to_ms: int) -> None:
        """Take down that nobody watched meanwhile; a day that never began stays so."""
        today = number_at(to_ms)
        for start_ms, minutes in spread(max(from_ms, to_ms - WEEKS_4 * DAY_MS), to_ms):
            number, night = number_at(start_ms), night_of(start_ms)
            if number == today or number in self._days:
                self._of(number).unseen(hour_of(start_ms), minutes)
                self._stale = self._stale or number in self._told
            if self._night.has(start_ms) and night in self._days:
                self._days[night].night_blind += minutes

    # ------------------------------------------------------------------------------ telling
    def due(self, local_ms: int, tell_ms: int) -> list[Day]:
        """Return the days whose time has come to be told, the oldest first."""
        today = number_at(local_ms)
        return [
            self._days[number]
            for number in range(today - LATE_DAYS, today)
            if number in self._days
            and local_ms >= (number + 1) * DAY_MS + tell_ms
            and number not in self._told
        ]

    def tell(self, day: Day) -> tuple[list[Day], int]:
        """Mark a day as told; return the days before it, and how many since the last are unknown.

        What is five weeks older is forgotten, and so is a day that a wrong clock invented.
        """
        number = day.number
        missed = self._missed(number, self._told[-1:])
        self._told = [*self._told, number][-2 * WEEKS_4 :]
        self._stale = True
        for n in list(self._days):
            if n < number - REMEMBERED or n > number + LATE_DAYS:
                del self._days[n]
        return [one for one in self.days if one.number < number], missed

    def latest(self) -> tuple[Day, list[Day], int] | None:
        """Return the last day told, if it is remembered, with what `tell` returned of it."""
        day = self._days.get(self._told[-1]) if self._told else None
        if day is None:
            return None
        missed = self._missed(day.number, self._told[-2:-1])
        return day, [one for one in self.days if one.number < day.number], missed

    def _missed(self, number: int, told_before: list[int]) -> int:
        """Return how many days nothing is known of, between the day told before and this one."""
        if not told_before or not number - WEEKS_4 <= told_before[0] < number - 1:
            return 0
        return sum(n not in self._days for n in range(told_before[0] + 1, number))

    # ------------------------------------------------------------------------------ surviving
    def running(self) -> dict[str, Any]:
        """Return what changes by the minute, as JSON values."""
        days = [day.to_json() for day in self.days if day.number not in self._told]
        return {"told": self._told, "days": days}

    def kept(self) -> tuple[tuple[str, bytes], ...]:
        """Return the days told, when they have changed."""
        if not self._stale:
            return ()
        self._stale = False
        days = [day.to_json() for day in self.days if day.number in self._told]
        return ((KEPT, packed({"days": days})),)

    def load(self, values: dict[str, Any]) -> None:
        """Take back either of the two."""
        self._days |= {day.number: day for day in days_of(values)}
        if "told" in values:
            self._told = [int(number) for number in values["told"]]


def spread(from_ms: int, to_ms: int) -> Iterable[tuple[int, int]]:
    """Yield (start, minutes) of each hour, or part of one, between two local times."""
    while from_ms < to_ms:
        end_ms = min(to_ms, from_ms - from_ms % HOUR_MS + HOUR_MS)
        minutes = round((end_ms - from_ms) / MINUTE_MS)
        if minutes:
            yield from_ms, minutes
        from_ms = end_ms


def packed(values: dict[str, Any]) -> bytes:
    whole = json.dumps({"version": VERSION, **values}, separators=(",", ":"))
    return zlib.compress(whole.encode())


def unpacked(state: bytes) -> dict[str, Any]:
    """Return a saved state as JSON values; one of another version, or broken, is empty."""
    try:
        values = json.loads(zlib.decompress(state))
    except (ValueError, zlib.error):
        return {}
    known = isinstance(values, dict) and values.get("version") == VERSION
    return values if known else {}


def days_of(values: dict[str, Any]) -> list[Day]:
    """Return the days of a saved state; what is none is left out."""
    days = []
    for one in values.get("days", ()):
        try:
            days.append(Day.from_json(one))
        except (TypeError, ValueError):
            continue
    return days
