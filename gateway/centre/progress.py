"""How far one stream of one hub has come: what has arrived, and what is missing.

A stream counts its messages from 1 without holes, so whatever arrived is `1..high` and some islands
above it; what lies between is missing. Sets and ranges, so the order of arrival does not matter.

    high = 4        islands = ((7, 9),)        announced = 11
    1 2 3 4 . . 7 8 9 . .                      missing: 5-6, 10-11
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Progress:
    """Arrived sequence numbers of one (hub, epoch, stream).

    announced: the highest number the hub says it has given out (birth, heartbeat): a lost tail is
    seen by it, since nothing after the tail shows the hole.
    """

    high: int = 0
    islands: tuple[tuple[int, int], ...] = ()
    announced: int = 0

    def has(self, seq: int) -> bool:
        """Return whether this number has arrived."""
        return seq <= self.high or any(low <= seq <= top for low, top in self.islands)

    def add(self, seq: int) -> "Progress":
        """Return the progress with this number arrived."""
        if seq < 1:
            raise ValueError(f"a stream counts from 1, not {seq}")
        if self.has(seq):
            return self
        high, islands = self.high, _joined([*self.islands, (seq, seq)])
        if islands[0][0] == high + 1:
            high, islands = islands[0][1], islands[1:]
        return replace(self, high=high, islands=tuple(islands))

    def announce(self, seq: int) -> "Progress":
        """Return the progress with the hub's own high-water; an older one changes nothing."""
        return replace(self, announced=max(self.announced, seq))

    def missing(self) -> Iterator[tuple[int, int]]:
        """Give every missing range, lowest first."""
        expected = self.high + 1
        for low, top in self.islands:
            yield expected, low - 1
            expected = top + 1
        if expected <= self.announced:
            yield expected, self.announced


def _joined(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the ranges in order, neighbours grown together."""
    joined: list[tuple[int, int]] = []
    for low, top in sorted(ranges):
        if joined and low == joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], top)
        else:
            joined.append((low, top))
    return joined
