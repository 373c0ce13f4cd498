"""The heart before and after an impact, where the band measures it.

No public set holds the heart of somebody who fell, so nothing is decided by it: the two medians go
with the alarm, for whoever must decide whether to send somebody.
"""

from collections import deque
from statistics import median

KEEP_MS = 10 * 60_000  # what counts as before
ENOUGH = 3  # readings on a side; one may be an artefact of the blow
MOST = 1200  # two a second for KEEP_MS


class Heart:
    """The last minutes of one band's heart rate."""

    def __init__(self) -> None:
        self._beats: deque[tuple[int, int]] = deque(maxlen=MOST)

    def beat(self, at_ms: int, bpm: int | None) -> None:
        """Take one reading; None: the band has none to give."""
        if bpm is not None:
            self._beats.append((at_ms, bpm))

    def around(self, onset_ms: int, now_ms: int) -> dict[str, float]:
        """Return the medians (beats a minute) before and since the impact, those that are known."""
        sides = {
            "heart_before_bpm": [b for t, b in self._beats if onset_ms - KEEP_MS <= t < onset_ms],
            "heart_after_bpm": [b for t, b in self._beats if onset_ms <= t <= now_ms],
        }
        return {name: float(median(b)) for name, b in sides.items() if len(b) >= ENOUGH}
