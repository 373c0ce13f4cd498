"""What a band's accelerometer feels: recordings played into it, a quiet wrist otherwise.

A recording at another rate than the band's is resampled by straight lines between its samples, as
nothing better is known about what happened in between. Everything is cut off at the band's range,
as the sensor does it. The quiet wrist is gravity with a little seeded noise, drawn once and
repeated, so that a night of rest costs no random numbers.
"""

from collections import deque

import numpy as np

from gateway.core.model import Int16Array

REST_MG = (-6, 33, 1012)  # a Verity Sense lying at rest
NOISE_MG = 2.5
IDLE_FRAMES = 64


class Wrist:
    """An endless supply of samples."""

    def __init__(self, frame: int, range_mg: int, seed: int) -> None:
        random = np.random.default_rng(seed)
        noise = random.normal(0.0, NOISE_MG, (IDLE_FRAMES * frame, 3))
        self._idle = np.rint(noise + REST_MG).astype(np.int16)
        self.range_mg = range_mg
        self._frame = frame
        self._at = 0
        self._queue: deque[Int16Array] = deque()

    @property
    def left(self) -> int:
        """How many samples of recordings are still to come."""
        return sum(len(part) for part in self._queue)

    def play(self, acc_mg: Int16Array, from_hz: float, to_hz: float) -> None:
        """Append a recording."""
        if from_hz <= 0:
            raise ValueError(f"a rate is positive: {from_hz}")
        self._queue.append(acc_mg if from_hz == to_hz else resample(acc_mg, from_hz, to_hz))

    def idle_frame(self) -> int | None:
        """Take a whole frame of rest: its number, when nothing else is to be felt."""
        if self._queue or self._at % self._frame:
            return None
        number = self._at // self._frame
        self._at = (self._at + self._frame) % len(self._idle)
        return number

    def idle(self, number: int) -> Int16Array:
        """Return the frame of rest with this number."""
        return self._idle[number * self._frame : (number + 1) * self._frame]

    def take(self, count: int) -> Int16Array:
        """Take so many samples: of recordings, then of rest."""
        parts: list[Int16Array] = []
        missing = count
        while missing and self._queue:
            part = self._queue.popleft()
            if len(part) > missing:
                self._queue.appendleft(part[missing:])
                part = part[:missing]
            parts.append(part)
            missing -= len(part)
        if missing:
            parts.append(self._idle[:missing])
        felt: Int16Array = np.clip(np.concatenate(parts), -self.range_mg, self.range_mg)
        return felt

    def give_back(self, acc_mg: Int16Array) -> None:
        """Put samples back that did not fit into a frame."""
        if len(acc_mg):
            self._queue.appendleft(acc_mg)


def resample(acc_mg: Int16Array, from_hz: float, to_hz: float) -> Int16Array:
    """Return the recording as a device with another rate would have sampled it.

    >>> resample(np.array([[0, 0, 0], [10, 20, 30]], np.int16), 1, 2).tolist()
    [[0, 0, 0], [5, 10, 15], [10, 20, 30]]
    """
    count = int((len(acc_mg) - 1) * to_hz / from_hz) + 1
    wanted = np.arange(count) * (from_hz / to_hz)
    given = np.arange(len(acc_mg))
    columns = [np.interp(wanted, given, acc_mg[:, axis]) for axis in range(3)]
    sampled: Int16Array = np.rint(np.stack(columns, axis=1)).astype(np.int16)
    return sampled
