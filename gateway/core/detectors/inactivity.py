"""How long the resident may be silent before somebody should ask: the learnt routine.

    sign of life ──► presence (door machine) ──► regime of the silence that may follow
         │                                             │
         └──► the silence that it ends is learnt       ▼
              (six weeks, a ring)  ──────────────► bounds by regime, time of day, last sensor,
                                                 time of getting up ──► the smallest, stretched
                                                                        = the deadline

After each sign the deadline is known; a tick only compares. There is no training step: a home of
which nothing is known has the priors, and each bound counts as soon as days or events stand behind
it. All times are the home's own (gateway.core.timeline): steady for lengths, time of day for
routine. The bounds follow what was measured on open homes; see the kernels for each of them.

Invariants
1. The deadline after an event depends on past events only.
2. A silence of which a part was not seen teaches nothing (`spoil`).
3. A state of another version is dropped, not guessed at; one with other sensors keeps its times.
"""

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from gateway.core.detectors import inactivity_bounds as b
from gateway.core.detectors import inactivity_kernels as k
from gateway.core.detectors import inactivity_survey as ring
from gateway.core.detectors import leaving
from gateway.core.detectors.belief import ASLEEP, AWAY, HOME_AWAKE, believe
from gateway.core.detectors.inactivity_limits import limits as chosen
from gateway.core.detectors.inactivity_survey import DAY_MS, HOUR_MS, Float64Array
from gateway.core.detectors.life_kernels import moves
from gateway.core.detectors.presence import BED, DOOR, HOME, LEFT, REGIME, REGIMES, new_memory
from gateway.core.model import Int64Array

VERSION: Final = 3
ROWS: Final = 1024
UNKNOWN_TOD: Final = -1


@dataclass(frozen=True, slots=True)
class Belief:
    """Where the resident probably is: probabilities that add up to one."""

    home: float
    asleep: float
    away: float

    @property
    def at_home(self) -> float:
        """Return how probable it is that they are at home, awake or not."""
        return self.home + self.asleep


class Routine:
    """One home's rhythm. `sensors` are names: what is learnt of a sensor follows its name."""

    def __init__(self, sensors: Sequence[str], limits: Float64Array | None = None) -> None:
        self._sensors = tuple(sensors)
        self._limits = chosen() if limits is None else limits
        self._memory = new_memory()
        self._ring = np.zeros((ROWS, ring.COLUMNS), np.int64)
        self._meta = np.zeros(b.META, np.int64)
        self._tod_days = np.zeros((REGIMES, 24))
        self._tod_last = np.full((REGIMES, 24), -1, np.int64)
        self._events = np.zeros((REGIMES, 2 * max(1, len(self._sensors))))
        self._told = np.zeros(leaving.SIGNS, np.int64)
        self._counts = leaving.new_counts(len(self._sensors))

    @property
    def regime(self) -> int:
        """Return the regime of the silence since the last sign."""
        return int(self._memory[REGIME])

    @property
    def gone(self) -> float:
        """Return how probable it is that who opened the door has left, at the last sign."""
        return float(leaving.left(self._told, self._counts)) if self.regime == LEFT else 0.0

    @property
    def last_ms(self) -> int | None:
        """Return the steady time of the last sign of life, if there was one."""
        return int(self._meta[b.LAST_MS]) if self._meta[b.STARTED] else None

    @property
    def last_sensor(self) -> str:
        """Return the name of the sensor that gave the last sign."""
        if not self._meta[b.STARTED] or not self._sensors:
            return ""
        index = int(self._meta[b.LAST_SENSOR])
        return self._sensors[index // 2] if index >= 0 else ""

    @property
    def days(self) -> float:
        """Return for how many days the routine has been watched."""
        last = self.last_ms
        return 0.0 if last is None else (last - int(self._meta[b.FIRST_MS])) / DAY_MS

    def sign(
        self,
        now_ms: int,
        tod_ms: int,
        sensor: int,
        kind: int,
        state: int,
        *,
        learn: bool = True,
        doorless: bool = False,
    ) -> int:
        """Take a sign of life; return how long a silence may follow, in ms.

        Without a front door's sensor absences look like silences at home: nothing is learnt.
        """
        allowed_h = k.step(
            now_ms,
            tod_ms,
            sensor,
            kind,
            state,
            learn and not doorless,
            doorless,
            self._memory,
            self._ring,
            self._meta,
            self._tod_days,
            self._tod_last,
            self._events,
            self._told,
            self._counts,
            self._limits,
        )
        return round(allowed_h * HOUR_MS)

    def allowed_ms(
        self,
        now_ms: int,
        tod_ms: int,
        *,
        regime: int | None = None,
        doorless: bool = False,
    ) -> int:
        """Return how long a silence may last that begins now, at a time of day (or none known)."""
        allowed_h = b.allowed_h(
            now_ms,
            tod_ms,
            self.regime if regime is None else regime,
            int(self._meta[b.LAST_SENSOR]),
            self.gone if regime is None else 1.0,
            doorless,
            self._ring,
            self._meta,
            self._tod_days,
            self._events,
            self._limits,
        )
        return round(allowed_h * HOUR_MS)

    def again_ms(self, *, doorless: bool) -> int:
        """Return what the last sign allows, where the front door is seen differently by now."""
        last_ms, tod_ms = int(self._meta[b.LAST_MS]), int(self._meta[b.LAST_TOD])
        return self.allowed_ms(last_ms, tod_ms, doorless=doorless)

    def share(self, sights: Sequence[float]) -> float:
        """Return which share of the usual signs at home is still seen; sights: 0 to 1 a sensor."""
        usual = 1.0 + self._events[: BED + 1].reshape(BED + 1, -1, 2).sum(axis=(0, 2))
        return float(usual @ np.asarray(sights) / usual.sum()) if self._sensors else 1.0

    def away_ms(self, now_ms: int, tod_ms: int) -> int:
        """Return how long an absence may last that begins now."""
        return self.allowed_ms(now_ms, tod_ms, regime=LEFT)

    def belief(self, now_ms: int, length_ms: int) -> Belief:
        """Return where the resident probably is when the silence has lasted so long."""
        told = believe(
            now_ms,
            int(self._meta[b.LAST_TOD]),
            length_ms,
            self.regime,
            self.gone,
            int(self._meta[b.MISSED]),
            float(self._events[: BED + 1].sum()),
            self._ring,
        )
        return Belief(float(told[HOME_AWAKE]), float(told[ASLEEP]), float(told[AWAY]))

    def spoil(self) -> None:
        """Say that a part of the present silence was not seen."""
        self._meta[b.SPOILED] = 1

    def returned(self) -> None:
        """Say that the resident is known to be home."""
        self._memory[REGIME] = HOME

    # ------------------------------------------------------------------------------ surviving
    def save(self) -> bytes:
        """Return what must survive a restart."""
        rows = self._ring[self._ring[:, ring.LENGTH] > 0]
        state = {
            "version": VERSION,
            "sensors": self._sensors,
            "memory": self._memory.tolist(),
            "meta": self._meta.tolist(),
            "rows": rows[np.argsort(rows[:, ring.START], kind="stable")].tolist(),
            "tod_days": np.round(self._tod_days, 4).tolist(),
            "tod_last": self._tod_last.tolist(),
            "events": np.round(self._events, 2).tolist(),
            "leaving": np.round(self._counts, 4).tolist(),
            "told": self._told.tolist(),
        }
        return zlib.compress(json.dumps(state, separators=(",", ":")).encode())

    def load(self, saved: bytes) -> bool:
        """Take back what `save` returned; return whether it could be used."""
        try:
            state = json.loads(zlib.decompress(saved))
            if state["version"] != VERSION:
                return False
            index = [
                self._sensors.index(name) if name in self._sensors else -1
                for name in state["sensors"]
            ]
            rows = np.array(state["rows"], np.int64).reshape(-1, ring.COLUMNS)[-ROWS:]
            meta = np.array(state["meta"], np.int64).reshape(b.META)
            memory = np.array(state["memory"], np.int64).reshape(self._memory.shape)
            tod_days = np.array(state["tod_days"]).reshape(REGIMES, 24)
            tod_last = np.array(state["tod_last"], np.int64).reshape(REGIMES, 24)
            events = np.array(state["events"]).reshape(REGIMES, -1)
            counts = np.array(state["leaving"]).reshape(leaving.SIGNS + 1, -1, 2)
            told = np.array(state["told"], np.int64).reshape(leaving.SIGNS)
        except (ValueError, KeyError, TypeError, zlib.error):
            return False
        for row in rows:
            row[ring.SENSOR] = _moved(row[ring.SENSOR] // 2, index, 2, int(row[ring.SENSOR]) % 2)
            row[ring.INSIDE] = _moved(row[ring.INSIDE], index)
        last = int(meta[b.LAST_SENSOR])
        meta[b.LAST_SENSOR] = _moved(last // 2, index, 2, last % 2)
        meta[b.LAST_INSIDE] = _moved(meta[b.LAST_INSIDE], index)
        self._ring[:] = 0
        self._ring[: len(rows)] = rows
        meta[b.NEXT_ROW] = len(rows) % ROWS
        self._meta[:], self._memory[:] = meta, memory
        self._tod_days[:], self._tod_last[:] = tod_days, tod_last
        for old, new in enumerate(index):
            if new >= 0:
                self._events[:, 2 * new : 2 * new + 2] = events[:, 2 * old : 2 * old + 2]
        self._remember_leaving(counts, told, index)
        return True

    def _remember_leaving(
        self, counts: Float64Array, told: Int64Array, index: Sequence[int]
    ) -> None:
        """Take back how this home leaves; the sign of the last room follows the sensors' names."""
        kept = leaving.VALUES_AT_LEAST
        self._counts[:, :kept] = counts[:, :kept]
        self._counts[leaving.ROOM] = 0.0
        self._counts[leaving.ROOM, 0] = counts[leaving.ROOM, 0]
        for old, new in enumerate(index):
            if new >= 0:
                self._counts[leaving.ROOM, new + 1] = counts[leaving.ROOM, old + 1]
        self._told[:] = told
        self._told[leaving.ROOM] = _moved(told[leaving.ROOM] - 1, index) + 1


def _moved(sensor: int, index: Sequence[int], step: int = 1, rest: int = 0) -> int:
    """Return what a sensor's number (times `step`, plus `rest`) is now; -1: it is gone."""
    if not 0 <= sensor < len(index) or index[sensor] < 0:
        return -1
    return index[sensor] * step + rest


def warm() -> None:
    """Compile, or load from the cache, every kernel of this module."""
    routine = Routine(("any",))
    routine.sign(0, 0, 0, DOOR, 1)
    routine.allowed_ms(0, UNKNOWN_TOD)
    routine.belief(0, 0)
    moves(np.zeros((2, 3), np.int16))
