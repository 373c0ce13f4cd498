"""A band's clock, put on the hub's time line.

A band's clock is right in nothing but its spacing: unset it starts in 2017 or 2019, and it may be
set while it runs. So:

    step     (stamp - stamp before) / samples, when that is near the nominal step; a greater one is
             a gap (lost notifications): the samples keep their step, and the gap stays a gap
    offset   the smallest (hub - stamp) heard: a packet can be late, never early. Smallest of the
             last 5 to 10 minutes, since two quartzes part by seconds a day
    order    hub times never run back: when a smaller offset is found, samples follow those already
             told at 95 % of their step until they have caught up
    back     a stamp that is not greater than the one before is refused once; if the next goes on
             from there, the band's clock was set back, and its stream begins anew
"""

import math

import numpy as np

from gateway.core.model import Int64Array
from gateway.core.samples import spread

_LEAST_STEP, _GREATEST_STEP = 0.8, 1.25
_WINDOW_MS = 300_000
_PACE = 0.95
_NS_IN_MS = 1e6


class BandClock:
    """One stream's stamps; `new_stream` at each start: a reconnect may bring another clock."""

    def __init__(self, rate_hz: float) -> None:
        self._nominal_ms = 1000.0 / rate_hz
        self._told_ms = -math.inf
        self.new_stream()

    def new_stream(self) -> None:
        """Forget stamps and offsets; what was told stays told."""
        self._step_ms = self._nominal_ms
        self._stamp: int | None = None
        self._refused: int | None = None
        self._frame = -1
        self._smallest = self._before = math.inf
        self._window_end = -1

    def times(self, hub_ms: int, stamp_ns: int, frame: int, count: int) -> Int64Array | None:
        """Return the hub's time of each of a frame's samples; None if its stamp went back.

        hub_ms: when it was heard. stamp_ns: the band's time of its last sample. frame: its type,
        to which stamps belong.
        """
        if not self._follow(stamp_ns, frame, count):
            return None
        stamp_ms = stamp_ns / _NS_IN_MS
        last_ms = stamp_ms + self._offset(hub_ms, hub_ms - stamp_ms)
        t_ms = np.empty(count, np.int64)
        self._told_ms = spread(t_ms, last_ms, self._step_ms, self._told_ms, _PACE)
        return t_ms

    def _follow(self, stamp: int, frame: int, count: int) -> bool:
        before = self._stamp
        if before is not None and frame == self._frame:
            if stamp <= before:
                if self._refused is None or stamp <= self._refused:
                    self._refused = stamp
                    return False
                self.new_stream()
            else:
                step_ms = (stamp - before) / _NS_IN_MS / count
                if _LEAST_STEP <= step_ms / self._nominal_ms <= _GREATEST_STEP:
                    self._step_ms = step_ms
        self._stamp, self._frame, self._refused = stamp, frame, None
        return True

    def _offset(self, hub_ms: int, offset: float) -> float:
        if hub_ms >= self._window_end:
            self._before, self._smallest = self._smallest, math.inf
            self._window_end = hub_ms + _WINDOW_MS
        self._smallest = min(self._smallest, offset)
        return min(self._smallest, self._before)
