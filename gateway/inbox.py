"""The one queue into the core: bounded, and it knows what may be lost.

    never shed      button presses, hazards, acknowledgements, commands, link changes, returns
    coalesced       ticks: one waits in its turn, the newest behind it; a flood starves none
    shed first      telemetry (a packet without a press, a hazard or acceleration), oldest first
    shed second     acceleration that has waited longer than 10 s: it becomes a gap, and is counted

A full queue means that the core stands still (a hanging disk); what is shed is reported, never
hidden.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Mapping

from gateway.core.inputs import Input
from gateway.core.model import AccelerationBlock, Button, HazardState, Heard, Tick

LIMIT = 2_000
STALE_MS = 10_000


def telemetry(given: Input) -> bool:
    """Return whether losing this input loses no cry for help."""
    return isinstance(given, Heard) and not any(
        isinstance(reading.value, Button | HazardState | AccelerationBlock)
        for reading in given.readings
    )


def stale_acceleration(given: Input, now_ms: int) -> bool:
    """Return whether this is acceleration that came too late to help."""
    return (
        isinstance(given, Heard)
        and given.at.mono_ms < now_ms - STALE_MS
        and any(isinstance(reading.value, AccelerationBlock) for reading in given.readings)
        and not any(isinstance(reading.value, Button | HazardState) for reading in given.readings)
    )


class Inbox:
    """A queue with one reader."""

    def __init__(self, limit: int = LIMIT, tap: Callable[[Input], None] | None = None) -> None:
        """Hold so many inputs; `tap` is shown each as it comes in (a recorder)."""
        self._limit = limit
        self._tap = tap
        self._queue: deque[Input] = deque()
        self._tick: Tick | None = None
        self._ticking = False  # a tick stands in the queue
        self._some = asyncio.Event()
        self._shed: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._queue) + (self._tick is not None)

    @property
    def shed(self) -> Mapping[str, int]:
        """Return how many inputs of each sort were shed since the start."""
        return dict(self._shed)

    def put(self, given: Input) -> None:
        """Take an input; never waits, never refuses what must not be lost."""
        if self._tap is not None:
            self._tap(given)
        if isinstance(given, Tick) and self._ticking:
            self._tick = given
        else:
            self._ticking = self._ticking or isinstance(given, Tick)
            self._queue.append(given)
            if len(self._queue) > self._limit:
                self._make_room(given.at.mono_ms)
        self._some.set()

    async def get(self) -> Input:
        """Return the next input, in order; the newest tick that came meanwhile queues up anew."""
        while not self._queue:
            self._some.clear()
            await self._some.wait()
        given = self._queue.popleft()
        if isinstance(given, Tick):
            self._ticking, newest, self._tick = False, self._tick, None
            if newest is not None:
                self._ticking = True
                self._queue.append(newest)
        return given

    def _make_room(self, now_ms: int) -> None:
        for number, given in enumerate(self._queue):
            if telemetry(given):
                del self._queue[number]
                self._shed["telemetry"] += 1
                return
        for number, given in enumerate(self._queue):
            if stale_acceleration(given, now_ms):
                del self._queue[number]
                self._shed["acceleration"] += 1
                return
