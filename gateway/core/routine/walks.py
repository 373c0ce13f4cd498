"""Signs of life in the home as a day sees them: getting up, going to bed, the bathroom by night.

A stretch of signs ends with 40 minutes of silence. In the night a stretch of less than half an hour
is a walk, to the bathroom or for a glass of water, and neither the day's first motion nor its last;
nor is what a bed or a bedroom's sensor says by night, where people turn over.
Signs from the bathroom less than ten minutes apart are one visit.
"""

from typing import Final

from gateway.core.routine.day import DAY_MS, MINUTE_MS, Day, Night, hour_of, number_at
from gateway.core.routine.shelf import Shelf

APART_MS: Final = 40 * MINUTE_MS
UP_MS: Final = 30 * MINUTE_MS
VISIT_MS: Final = 10 * MINUTE_MS


class Walks:
    """See the module. All times are local."""

    def __init__(self, night: Night, bathroom: frozenset[str], bedroom: frozenset[str]) -> None:
        self._night, self._bathroom, self._bedroom = night, bathroom, bedroom
        self._begun_ms, self._latest_ms, self._up = 0, -DAY_MS, False
        self._wet_ms = -DAY_MS

    def sign(self, local_ms: int, device: str, shelf: Shelf) -> None:
        """Take a sign of life."""
        day = shelf.day(local_ms)
        day.signs[hour_of(local_ms)] += 1
        if device in self._bathroom:
            self._visit(local_ms, shelf)
        if device not in self._bedroom or not self._night.has(local_ms):
            self._step(local_ms, day)

    def _step(self, local_ms: int, day: Day) -> None:
        """Take a sign of somebody about; it moves the day's first and last motion when up."""
        if not 0 <= local_ms - self._latest_ms < APART_MS:
            self._begun_ms, self._up = local_ms, False
        self._latest_ms = local_ms
        asleep = self._night.has(local_ms) and local_ms - self._begun_ms < UP_MS
        self._up = self._up or not asleep
        if self._up:
            begun_ms = self._begun_ms if number_at(self._begun_ms) == day.number else local_ms
            midnight_ms = day.number * DAY_MS
            day.up((begun_ms - midnight_ms) // MINUTE_MS, (local_ms - midnight_ms) // MINUTE_MS)

    def _visit(self, local_ms: int, shelf: Shelf) -> None:
        fresh = not 0 <= local_ms - self._wet_ms < VISIT_MS
        self._wet_ms = local_ms
        if fresh and self._night.has(local_ms):
            shelf.night(local_ms).visits += 1
