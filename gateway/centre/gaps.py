"""When to ask a hub again for what is missing from its streams.

The hub repeats by itself what was not `stored`, first after 5 s, so a hole is mostly healed before
it is worth a word: the first asking waits longer than that. A hub that cannot give a range any more
(its database was replaced, its telemetry evicted) is not asked for ever; the hole stays, and the
operator is told.
"""

from dataclasses import dataclass, replace

from gateway.centre.progress import Progress

FIRST_MS = 6_000
LONGEST_MS = 600_000
TIMES = 8


@dataclass(frozen=True, slots=True)
class Hole:
    """The lowest missing range of a stream, and how often the hub was asked for it."""

    first: int
    last: int
    next_ms: int
    asked: int = 0

    @property
    def given_up(self) -> bool:
        """Whether asking has ended."""
        return self.asked >= TIMES


def watch(hole: Hole | None, progress: Progress, at_ms: int) -> Hole | None:
    """Return the hole to watch now: a new one waits its turn, the same one goes on.

    A hole that shrinks counts as new, for the hub is answering.
    """
    lowest = next(progress.missing(), None)
    if lowest is None:
        return None
    first, last = lowest
    if hole is not None and first == hole.first and last >= hole.last:
        return replace(hole, last=last)
    return Hole(first, last, at_ms + FIRST_MS)


def nothing_left(hole: Hole, at_ms: int) -> Hole:
    """Return the hole after the hub said that it has none of it: asked once more, then given up.

    Once more, for what is missing may have been on its way when the hub looked.
    """
    return replace(hole, asked=max(hole.asked, TIMES - 1), next_ms=at_ms + FIRST_MS)


def asked(hole: Hole, at_ms: int) -> Hole:
    """Return the hole after one asking: 12, 24, 48 … 600 s until the next."""
    times = hole.asked + 1
    return replace(hole, asked=times, next_ms=at_ms + min(FIRST_MS << times, LONGEST_MS))
