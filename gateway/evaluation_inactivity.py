"""The inactivity detector as the scorer of recorded homes wants it: shown times, no other clock.

The same routine, time repair and rules for what is not seen as in the daemon
(gateway.core.detectors.sight), without the service's own ceilings: the deadline is that of the
first level, attention, as learnt. Heartbeats are promised every ten minutes here; a sensor that
misses three is dead, and a call that comes much later than the last one is a fault of the gateway.
"""

from gateway.core.detectors.inactivity import Routine
from gateway.core.detectors.inactivity_survey import HOUR_MS
from gateway.core.detectors.presence import DOOR, LEFT
from gateway.core.detectors.sight import LEFT_UNSEEN_MS, stretch
from gateway.core.model import Int64Array
from gateway.core.timeline import MINUTE_MS, Break, HomeTime

NEVER = (1 << 63) - 1
DEAD_MS = 35 * MINUTE_MS
BEAT_MS = 10 * MINUTE_MS


class ScoredInactivityDetector:
    """One home, told of its sensors' kinds and of nothing else."""

    TICK_EVERY_MS = HOUR_MS

    def __init__(self, kinds: Int64Array) -> None:
        """Stand for one home; `kinds` has the kind of each sensor."""
        self._doors = frozenset(i for i, kind in enumerate(kinds) if int(kind) == DOOR)
        self._routine = Routine([str(i) for i in range(len(kinds))])
        self._time = HomeTime()
        self._heard: list[int | None] = [None] * len(kinds)
        self._dead: set[int] = set()
        self._round_ms = 0
        self._due_ms: int | None = None  # steady
        self._granted: tuple[int, int] | None = None  # by a sign of life: from when, and how long
        self._faults: list[tuple[int, int, str]] = []

    def event(self, t_ms: int, sensor: int, kind: int, state: int) -> int:
        """Take a sign of life; return when it would alarm."""
        time, routine = self._time, self._routine
        broke = time.go(t_ms)
        if broke:
            self._broke(broke)
        now_ms, other = time.steady_ms, time.other_tod_ms
        self._alive(sensor)
        doorless = bool(self._dead & self._doors)
        allowed_ms = routine.sign(
            now_ms, time.tod_ms, sensor, kind, state, learn=other is None, doorless=doorless
        )
        if other is not None:
            allowed_ms = max(allowed_ms, routine.allowed_ms(now_ms, other, doorless=doorless))
        self._granted = (now_ms, allowed_ms)
        self._limit()
        return time.shown_at(self._due_ms or 0)

    def heartbeat(self, t_ms: int, sensor: int) -> None:
        """Take a sensor's own sign of life, which is none of the resident's."""
        broke = self._time.go(t_ms)
        if broke:
            self._broke(broke)
        if self._heard[sensor] is None or self._dead:
            self._alive(sensor)
        now_ms = self._time.steady_ms
        self._heard[sensor] = now_ms
        if now_ms - self._round_ms >= BEAT_MS:
            self._round_ms = now_ms
            self._miss(now_ms)

    def tick(self, t_ms: int) -> int:
        """Let time go on; return when it would alarm."""
        broke = self._time.go(t_ms)
        if broke:
            self._broke(broke)
        return NEVER if self._due_ms is None else self._time.shown_at(self._due_ms)

    def faults(self) -> list[tuple[int, int, str]]:
        """Return every technical fault so far: (shown time, sensor or -1, what)."""
        return self._faults

    def _broke(self, broke: Break) -> None:
        minutes = broke.by_ms / MINUTE_MS
        text = f"the gateway was off, or its clock jumped, by {minutes:+.0f} min"
        self._faults.append((broke.shown_ms, -1, text))
        self._routine.spoil()
        if self._due_ms is not None and not 0 <= broke.by_ms < LEFT_UNSEEN_MS:
            # Nobody saw whether the resident left meanwhile.
            now_ms = self._time.steady_ms
            away_ms = self._routine.away_ms(now_ms, self._time.tod_ms)
            self._due_ms = max(self._due_ms, now_ms + away_ms)
            self._granted = None

    def _limit(self) -> None:
        """Let the deadline follow the sensors that are seen, from the last sign of life on."""
        if self._granted is None:
            return
        from_ms, allowed_ms = self._granted
        if self._routine.regime != LEFT:
            sights = [0.0 if i in self._dead else 1.0 for i in range(len(self._heard))]
            allowed_ms = round(allowed_ms * stretch(self._routine.share(sights)))
        self._due_ms = from_ms + allowed_ms

    def _alive(self, sensor: int) -> None:
        self._heard[sensor] = self._time.steady_ms
        if sensor in self._dead:
            self._dead.discard(sensor)
            self._limit()

    def _miss(self, now_ms: int) -> None:
        for sensor, heard_ms in enumerate(self._heard):
            if heard_ms is None or now_ms - heard_ms < DEAD_MS or sensor in self._dead:
                continue
            self._dead.add(sensor)
            self._limit()
            shown_ms = self._time.shown_ms or 0
            minutes = (now_ms - heard_ms) / MINUTE_MS
            self._faults.append((shown_ms, sensor, f"no heartbeat for {minutes:.0f} min"))


def new_inactivity_detector(kinds: Int64Array) -> ScoredInactivityDetector:
    """Return the inactivity detector of a home with these sensors, fresh, at its one setting."""
    return ScoredInactivityDetector(kinds)
