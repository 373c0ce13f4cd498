"""What counts as a sign of life: a motion, a door, a moving arm; not a battery.

A sensor that speaks proves that it works, never that somebody lives: light, temperature, battery
and a motion sensor's end of motion move no deadline.

    Motion               it begins                                      motion
    Contact, Occupied    it changes, either way                         by its role; else a contact
    Button               pressed (a release is the same press)          contact
    Steps                the count has grown                            band
    AccelerationBlock    the arm moves, and the band is not known off   band

A pulse under a band is none of them (`pulse`): it goes on in whoever lies on the floor with the
band on, and that is the case to be noticed. It says that the band is worn, and where: within reach.

Beacons repeat a state for as long as it lasts: a repetition is a sign of the sensor's life only. A
motion sensor that sends no beacons and never says that motion has ended begins each time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from gateway.core.detectors.life_kernels import moves
from gateway.core.detectors.presence import (
    BAND,
    CONTACT,
    DOOR,
    FLUSH,
    INNER_DOOR,
    MOTION,
    PRESSURE,
)
from gateway.core.model import (
    AccelerationBlock,
    Button,
    Contact,
    HeartRate,
    Motion,
    Occupied,
    Press,
    Reading,
    Steps,
    Value,
    Worn,
)

# The roles of gateway.settings.Role that say what a sensor is; the others leave it to its readings.
KIND_OF_ROLE: Final = MappingProxyType(
    {
        "door": DOOR,
        "inner-door": INNER_DOOR,
        "window": INNER_DOOR,
        "cupboard": CONTACT,
        "bed": PRESSURE,
        "chair": PRESSURE,
        "flush": FLUSH,
    }
)
TELLS_OF_LIFE: Final = frozenset(
    {"Motion", "Contact", "Occupied", "Button", "Steps", "AccelerationBlock"}
)
TELLS_OF_REACH: Final = frozenset({"HeartRate"})
WORN_ON_A_BODY: Final = frozenset({"Steps", "HeartRate", "AccelerationBlock", "Worn"})


@dataclass(frozen=True, slots=True)
class LifeSensor:
    """One device that can give signs of life, or tell that somebody is within reach.

    role: the technician's word for it (gateway.settings.Role), or empty.
    promise_s: the longest time it stays unheard when it is well; None: it promises nothing.
    wearable: it goes out with whoever wears it, so its silence is no fault by itself.
    signs: whether it gives signs of life at all; a belt that only tells a pulse does not.
    """

    name: str
    role: str = ""
    place: str = ""
    promise_s: float | None = None
    wearable: bool = False
    signs: bool = True

    @property
    def is_door(self) -> bool:
        """Whether it is the way out."""
        return KIND_OF_ROLE.get(self.role) == DOOR


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign of life of sensor number `sensor`; kind and state as the presence machine has them."""

    sensor: int
    kind: int
    state: int


class LifeSigns:
    """Picks the signs of life out of what the home's devices say."""

    def __init__(self, sensors: Iterable[LifeSensor]) -> None:
        self._sensors = {sensor.name: (i, sensor) for i, sensor in enumerate(sensors)}
        self._steps: dict[str, int] = {}
        self._off: set[str] = set()
        self.states: dict[str, bool] = {}  # what each device said last; survives a restart
        self._ends: set[str] = set()

    @property
    def off(self) -> frozenset[str]:
        """Return the bands that say they are not worn."""
        return frozenset(self._off)

    def pulse(self, reading: Reading) -> int | None:
        """Return which sensor feels a pulse under its skin contact, if this reading says so."""
        found, value = self._sensors.get(reading.device), reading.value
        if found is None or not isinstance(value, HeartRate):
            return None
        return found[0] if value.bpm and value.contact is True else None

    def of(self, reading: Reading) -> Sign | None:
        """Return the sign of life that a reading is, if it is one."""
        found = self._sensors.get(reading.device)
        if found is None:
            return None
        index, sensor = found
        kind, state = self._judge(sensor, reading.value)
        if kind is None:
            return None
        return Sign(index, KIND_OF_ROLE.get(sensor.role, kind), state)

    def _judge(self, sensor: LifeSensor, value: Value) -> tuple[int | None, int]:
        device = sensor.name
        match value:
            case Motion(detected=detected):
                if not detected:
                    self._ends.add(device)
                beacons = sensor.promise_s is not None or device in self._ends
                again = self._repeats(device, state=detected) and beacons
                return (MOTION if detected and not again else None), 1
            case Contact(open=state):
                return (None if self._repeats(device, state=state) else CONTACT), int(state)
            case Occupied(occupied=state):
                return (None if self._repeats(device, state=state) else PRESSURE), int(state)
            case Button(press=press) if press is not Press.RELEASE:
                return CONTACT, 1
            case _:
                return self._band(device, value)

    def _repeats(self, device: str, *, state: bool) -> bool:
        """Return whether a device only says again what it said; its first word changes nothing."""
        known = self.states.get(device, False)
        self.states[device] = state
        return known == state

    def _band(self, device: str, value: Value) -> tuple[int | None, int]:
        alive = False
        match value:
            case Worn(worn=worn):
                (self._off.discard if worn else self._off.add)(device)
            case HeartRate(contact=contact) if contact is not None:
                (self._off.discard if contact else self._off.add)(device)
            case Steps(count=count):
                alive = count > self._steps.get(device, count)
                self._steps[device] = count
            case AccelerationBlock(acc_mg=acc_mg):
                alive = device not in self._off and bool(moves(acc_mg))
            case _:
                pass
        return (BAND if alive else None), 1
