"""What can still be seen of a home: a hub that hears, and sensors that keep their promises.

A sensor that promises to be heard at least every so often and is not, is dead until it is heard
again. One that promises nothing is believed: its visibility cannot be known, and `ansim check` says
so. One that promises a sign less often than every two hours is believed as well: healthy, it would
be called dead between two of its signs. The home is blind when the hub is deaf, or when every
sensor has promised and none keeps it.
"""

from collections.abc import Iterable
from typing import Final

from gateway.core.detectors.life import LifeSensor

DEAD_AT_LEAST_MS: Final = 30 * 60_000
DEAD_AT_MOST_MS: Final = 2 * 3_600_000
MISSED: Final = 3


class Visibility:
    """Which of the sensors can still be believed, on the home's steady time."""

    def __init__(self, sensors: Iterable[LifeSensor]) -> None:
        self._limit_ms: dict[str, int] = {}
        self._doors: set[str] = set()
        self._believed = False
        for sensor in sensors:
            if sensor.is_door:
                self._doors.add(sensor.name)
            if sensor.promise_s is None or sensor.promise_s * 1000 > DEAD_AT_MOST_MS:
                self._believed = True
                continue
            limit_ms = round(sensor.promise_s * 1000) * MISSED
            self._limit_ms[sensor.name] = max(DEAD_AT_LEAST_MS, min(limit_ms, DEAD_AT_MOST_MS))
        self._heard: dict[str, int] = {}
        self._dead: set[str] = set()
        self._deaf = False

    @property
    def blind(self) -> bool:
        """Whether nothing that could be a sign of life can be heard."""
        if self._deaf:
            return True
        return (
            bool(self._limit_ms) and not self._believed and len(self._dead) == len(self._limit_ms)
        )

    @property
    def dead(self) -> frozenset[str]:
        """Return the sensors that have promised to be heard and are not."""
        return frozenset(self._dead)

    @property
    def doorless(self) -> bool:
        """Whether a front door's sensor is dead: who leaves is then not seen to leave."""
        return bool(self._doors & self._dead)

    @property
    def sees_door(self) -> bool:
        """Whether the way out is watched at all."""
        return bool(self._doors - self._dead)

    def deaf(self, deaf: bool) -> None:  # noqa: FBT001 - the state itself
        """Say whether the hub hears anything at all; a new hearing starts every count anew."""
        self._deaf = deaf
        self._heard.clear()

    def heard(self, device: str, now_ms: int) -> None:
        """Take any packet of a device."""
        if device in self._limit_ms:
            self._heard[device] = now_ms
            self._dead.discard(device)

    def look(self, now_ms: int) -> None:
        """Find what has fallen silent by now."""
        for device, limit_ms in self._limit_ms.items():
            since_ms = self._heard.setdefault(device, now_ms)
            if now_ms - since_ms >= limit_ms:
                self._dead.add(device)
