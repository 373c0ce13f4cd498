"""What a report shows: the days of a home, and how each stood to the weeks before it."""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.core.model import Kind
from gateway.core.routine.day import Day, Told
from gateway.core.routine.measures import WEEKS_4, Compared, Senses, What, compare


@dataclass(frozen=True, slots=True)
class Home:
    """A home's days, the oldest first, one for each date that is known.

    last: the newest day that is over; None: the newest but one.
    made: when the report was made, as its reader's clock shows it; empty for a replay.
    """

    name: str
    days: tuple[Day, ...]
    senses: Senses
    last: int | None = None
    made: str = ""
    simulated: bool = False

    @property
    def whole(self) -> tuple[Day, ...]:
        """Return the days that are over, of the last four weeks."""
        newest = self.days[-1].number - 1 if self.last is None else self.last
        return tuple(one for one in self.days if newest - WEEKS_4 < one.number <= newest)

    @property
    def shown(self) -> tuple[Day, ...]:
        """Return the days of the pictures: those that are over, and the one that runs."""
        whole = self.whole
        newest = whole[-1].number if whole else -1
        return (*whole, *(one for one in self.days if one.number > newest))

    def compared(self) -> dict[int, dict[What, Compared]]:
        """Return each whole day's measures against the four weeks before that day."""
        return {
            day.number: {one.what: one for one in compare(day, self.days, self.senses)}
            for day in self.whole
        }

    def told(self, *, technical: bool) -> Iterator[tuple[Day, Told]]:
        """Yield alarms, or technical faults, the newest first."""
        for day in reversed(self.shown):
            for one in sorted(day.alarms, key=lambda told: -told.at_min):
                if Kind(one.kind).technical is technical:
                    yield day, one
