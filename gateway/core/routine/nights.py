"""The nights of a week with many visits to the bathroom."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from typing import Final

from gateway.core.routine.day import Day
from gateway.core.routine.measures import WEEK, Senses, What, behind, usual_of, value_of

MANY: Final = 3
MANY_NIGHTS: Final = 3


@dataclass(frozen=True, slots=True)
class Nights:
    """How many of the last week's nights that were seen had so many visits as `limit`."""

    many: int
    seen: int
    limit: int

    @property
    def told(self) -> bool:
        """Whether they are worth a word."""
        return self.many >= MANY_NIGHTS


def many_nights(day: Day, before: Iterable[Day], senses: Senses) -> Nights:
    """Return in how many of the last seven nights there were many visits to the bathroom.

    Many: at least three, and more than in the usual range of this day.
    """
    known = tuple(before)
    usual = usual_of(behind(What.VISITS, day, known, senses))
    limit = MANY if usual is None else max(MANY, ceil(usual.high + 1))
    week = [
        count
        for one in (*known, day)
        if 0 <= day.number - one.number < WEEK
        and (count := value_of(What.VISITS, one, senses)) is not None
    ]
    return Nights(sum(count >= limit for count in week), len(week), limit)
