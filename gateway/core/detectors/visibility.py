"""What can still be seen of a home: a hub that hears, and sensors that keep their promises.

A sensor that promises to be heard at least every so often and is not, is dead until it is heard
again. One that promises nothing is believed for two days; then its sight fades, by half a day,
until it is heard (`ansim check` names such sensors). One that promises a sign less often than every
two hours counts as such: healthy, it would be called dead between two of its signs.

The home is blind when the hub is deaf, or when every fixed sensor has promised, none keeps it, and
no band is within reach either. A band alone blinds nobody: it goes out with its wearer, so where
nothing else watches, a band that is not heard is out of reach.
"""

from collections.abc import Iterable
from typing import Final

from gateway.core.detectors.life import LifeSensor

DEAD_AT_LEAST_MS: Final = 30 * 60_000
DEAD_AT_MOST_MS: Final = 2 * 3_600_000
MISSED: Final = 3
DAY_MS: Final = 86_400_000
FADES_AFTER_MS: Final = 2 * DAY_MS
FADED: Final = 0.1
"""Below this, what an unheard sensor would show is not counted on: after six days of nothing."""


class Visibility:
    """Which of the sensors can still be believed, on the home's steady time."""

    def __init__(self, sensors: Iterable[LifeSensor]) -> None:
        self._sensors = tuple(sensors)
        watching = [sensor for sensor in self._sensors if sensor.signs]
        self._doors = {sensor.name for sensor in watching if sensor.is_door}
        self._worn = {sensor.name for sensor in watching if sensor.wearable}
        self._limit_ms: dict[str, int] = {}
        for sensor in watching:
            if sensor.promise_s is not None and sensor.promise_s * 1000 <= DEAD_AT_MOST_MS:
                limit_ms = round(sensor.promise_s * 1000) * MISSED
                self._limit_ms[sensor.name] = max(DEAD_AT_LEAST_MS, min(limit_ms, DEAD_AT_MOST_MS))
        self._fading = {sensor.name for sensor in watching} - set(self._limit_ms)
        self._heard: dict[str, int] = {}
        self._dead: set[str] = set()
        self._faded: dict[str, float] = {}
        self._deaf = False

    @property
    def blind(self) -> bool:
        """Whether nothing that could be a sign of life can be heard, and that is a fault."""
        return self._deaf or (self._silent and len(self._worn) < len(self._limit_ms))

    @property
    def out_of_reach(self) -> bool:
        """Whether a band is all that watches, and it is not heard: its wearer may be anywhere."""
        return not self._deaf and self._silent and len(self._worn) == len(self._limit_ms)

    @property
    def _silent(self) -> bool:
        dead = len(self._dead)
        return bool(dead) and not self._fading and dead == len(self._limit_ms)

    @property
    def dead(self) -> frozenset[str]:
        """Return the sensors that have promised to be heard and are not."""
        return frozenset(self._dead)

    @property
    def sights(self) -> tuple[float, ...]:
        """Return how far each sensor can be believed, 0 to 1, in their order."""
        return tuple(
            0.0 if one.name in self._dead else self._faded.get(one.name, 1.0)
            for one in self._sensors
        )

    @property
    def doorless(self) -> bool:
        """Whether a front door's sensor is dead: who leaves is then not seen to leave."""
        return bool(self._doors & self._dead)

    @property
    def sees_door(self) -> bool:
        """Whether the way out is watched at all."""
        return any(self._faded.get(door, 1.0) > FADED for door in self._doors - self._dead)

    @property
    def unheard(self) -> dict[str, int]:
        """Return when each sensor without a promise was heard last: what a restart must keep."""
        return {name: self._heard[name] for name in sorted(self._fading & set(self._heard))}

    def remember(self, unheard: dict[str, int]) -> None:
        """Take back what `unheard` gave."""
        self._heard |= {name: at for name, at in unheard.items() if name in self._fading}

    def deaf(self, deaf: bool) -> None:  # noqa: FBT001 - the state itself
        """Say whether the hub hears anything at all; a new hearing starts every promise anew."""
        self._deaf = deaf
        self._heard = self.unheard

    def heard(self, device: str, now_ms: int) -> None:
        """Take any packet of a device."""
        if device in self._limit_ms:
            self._heard[device] = now_ms
            self._dead.discard(device)
        elif device in self._fading:
            self._heard[device] = now_ms
            self._faded.pop(device, None)

    def look(self, now_ms: int) -> None:
        """Find what has fallen silent by now."""
        for device, limit_ms in self._limit_ms.items():
            since_ms = self._heard.setdefault(device, now_ms)
            if now_ms - since_ms >= limit_ms:
                self._dead.add(device)
        for device in self._fading:
            over_ms = now_ms - self._heard.setdefault(device, now_ms) - FADES_AFTER_MS
            if over_ms >= 0:
                self._faded[device] = 0.5 ** (1 + over_ms // DAY_MS)
