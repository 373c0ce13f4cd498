"""One home's time, made of clocks that jump: how long it has been, and what time of day it is.

Two questions that a wrong clock must not mix:

    steady_ms   runs while the home is watched, and only then. It stands still while nobody could
                hear (hub off, adapter deaf), and no jump of a clock moves it. Silences are counted
                on it.
    shown_ms    what the hub's clock shows as local time; its time of day finds the routine.

A monotonic clock tells what has passed (`elapsed_ms`). Without one (a recording has only shown
times), calls come at least every ten minutes: a step of up to a quarter of an hour is time that has
passed, a longer one, or one backwards, is a break. Nobody can tell then whether the hub was off or
its clock was set, so for a day both times of day are kept: the one shown, and the one that would be
shown if the clock had jumped. A second break that undoes the first proves that it was the clock.
"""

from dataclasses import dataclass
from typing import Final

MINUTE_MS: Final = 60_000
DAY_MS: Final = 86_400_000
LONGEST_STEP_MS: Final = 15 * MINUTE_MS
JITTER_MS: Final = 2 * MINUTE_MS
DOUBT_MS: Final = DAY_MS


@dataclass(frozen=True, slots=True)
class Break:
    """The shown time did not follow the time that passed: by so much, forwards or backwards."""

    shown_ms: int
    by_ms: int


class HomeTime:
    """Turns shown times, and what is known to have passed, into the home's own time."""

    def __init__(self, steady_ms: int = 0) -> None:
        self.steady_ms = steady_ms
        self.shown_ms: int | None = None
        self._doubt_ms = 0
        self._doubt_until_ms = 0

    @property
    def tod_ms(self) -> int:
        """Return the time of day shown."""
        return (self.shown_ms or 0) % DAY_MS

    @property
    def other_tod_ms(self) -> int | None:
        """Return the time of day that it is if the last break was the clock's; None: no doubt."""
        if self._doubt_ms == 0 or self.steady_ms >= self._doubt_until_ms:
            return None
        return ((self.shown_ms or 0) - self._doubt_ms) % DAY_MS

    def shown_at(self, steady_ms: int) -> int:
        """Return what the clock will show at a steady time, if it does not jump again."""
        return steady_ms - self.steady_ms + (self.shown_ms or 0)

    def go(
        self, shown_ms: int, elapsed_ms: int | None = None, *, blind: bool = False
    ) -> Break | None:
        """Move on to a shown time; `blind` time passes without being counted."""
        if self.shown_ms is None:
            self.shown_ms = shown_ms
            return None
        step_ms = shown_ms - self.shown_ms
        self.shown_ms = shown_ms
        if elapsed_ms is None:
            if 0 <= step_ms <= LONGEST_STEP_MS:
                self.steady_ms += step_ms
                return None
            if -JITTER_MS <= step_ms < 0:
                return None
            self.doubt(step_ms)
            return Break(shown_ms, step_ms)
        if not blind:
            self.steady_ms += elapsed_ms
        by_ms = step_ms - elapsed_ms
        return None if abs(by_ms) <= JITTER_MS else Break(shown_ms, by_ms)

    def doubt(self, by_ms: int) -> None:
        """Take it that nobody knows for a day which of two times of day is right."""
        undone = self.other_tod_ms is not None and abs(self._doubt_ms + by_ms) <= LONGEST_STEP_MS
        self._doubt_ms = 0 if undone else by_ms
        self._doubt_until_ms = self.steady_ms + DOUBT_MS
