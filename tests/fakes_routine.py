"""A resident by formula, and a diary that hears her live."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gateway.core.detectors.life import LifeSensor
from gateway.core.model import (
    AccelerationBlock,
    At,
    Heard,
    HeartRate,
    Motion,
    Reading,
    Tick,
    Value,
)
from gateway.core.routine.diary import Diary
from gateway.core.routine.measures import Senses

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
SENSORS = (
    LifeSensor("hall"),
    LifeSensor("bedroom", place="bedroom"),
    LifeSensor("bath", place="toilet"),
    LifeSensor("band"),
)
SENSES = Senses(
    inside=frozenset({"hall", "bedroom", "bath"}),
    bathroom=frozenset({"bath"}),
    bedroom=frozenset({"bedroom"}),
    doors=frozenset({"door"}),
    moves=frozenset({"band"}),
    pulse=frozenset({"band"}),
)
SEEN = Motion(detected=True)


def at(local_ms: int, *, boot: str = "b1", proven: bool = True, ahead_ms: int = 0) -> At:
    """Return an instant of a hub whose boot was at local midnight of day 0, in UTC."""
    return At(boot, local_ms, local_ms + ahead_ms, proven)


def block(*, moving: bool) -> AccelerationBlock:
    """Return a second of a band's samples."""
    acc = np.zeros((52, 3), np.int16)
    acc[::2, 0] = 400 if moving else 0
    return AccelerationBlock(np.arange(52, dtype=np.int64), acc)


@dataclass
class FakeWatch:
    """A watch over silence that says what the test says."""

    presence: str = "home"
    silence_ms: tuple[int, int] = (0, 8 * HOUR)


def new_diary(watch: FakeWatch | None = None, sensors: tuple[LifeSensor, ...] = SENSORS) -> Diary:
    """Return the diary of a home in UTC: nights from 22 to 6, told at 9."""
    return Diary(
        sensors,
        SENSES,
        lambda wall_ms: wall_ms,
        watch=watch or FakeWatch(),
        quiet_ms=(22 * HOUR, 6 * HOUR),
        tell_ms=9 * HOUR,
    )


@dataclass
class Living:
    """A diary and the minutes that pass before it; `told` are the bodies in order."""

    watch: FakeWatch = field(default_factory=FakeWatch)
    now_ms: int = 4 * HOUR
    boot: str = "b1"
    ahead_ms: int = 0
    proven: bool = True
    sensors: tuple[LifeSensor, ...] = SENSORS
    told: list[dict[str, Any]] = field(default_factory=list)
    kept: dict[str, bytes] = field(default_factory=dict)
    diary: Diary = field(init=False)

    def __post_init__(self) -> None:
        self.diary = new_diary(self.watch, self.sensors)
        self.tick()

    @property
    def at(self) -> At:
        return at(self.now_ms, boot=self.boot, proven=self.proven, ahead_ms=self.ahead_ms)

    def tick(self) -> None:
        self.diary.feed(Tick(self.at))
        self.told.extend(self.diary.bodies(self.at))

    def until(self, local_ms: int) -> None:
        """Let the minutes pass."""
        while self.now_ms < local_ms:
            self.now_ms += MINUTE
            self.tick()

    def hear(self, device: str, value: Value = SEEN) -> None:
        self.diary.feed(Heard(self.at, device, (Reading(self.at, device, value),)))

    def day(self, number: int, *, up: float = 7.0, bed: float = 22.0, visits: int = 1) -> None:
        """Live a day: up and to bed at these hours, every half hour a motion, visits at night."""
        moments = [(up * HOUR, "hall"), (bed * HOUR, "hall")]
        moments += [(h / 2 * HOUR, "hall") for h in range(int(up * 2) + 1, int(bed * 2))]
        moments += [((bed + 1 + n * 0.5) * HOUR, "bath") for n in range(visits)]
        for moment, device in sorted(moments):
            self.until(number * DAY + round(moment))
            self.hear(device)
        self.until((number + 1) * DAY + 6 * HOUR)

    def restarted(self, *, off_ms: int = 0, boot: str | None = None) -> None:
        """Stop and start anew from what was saved."""
        self.kept |= dict(self.diary.kept())
        running = self.diary.save()
        self.diary = new_diary(self.watch, self.sensors)
        for state in (*self.kept.values(), running):
            self.diary.load(state)
        self.now_ms += off_ms
        self.boot = boot or self.boot


def band_minutes(minutes: int, active: int) -> Iterator[AccelerationBlock]:
    """Yield a block a minute, so many of them of a moving arm."""
    for n in range(minutes):
        yield block(moving=n < active)


def pulse(bpm: int) -> HeartRate:
    """Return a pulse on the skin."""
    return HeartRate(bpm, contact=True)
