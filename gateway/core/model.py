"""What the house talks about: instants, readings, inputs, decisions. Frozen; nonsense is refused.

Units are in the names: `_ms` milliseconds, `_mg` thousandths of g, `_hz` per second. A millisecond
count named `mono_ms` runs from the hub's boot, never backwards; one named `wall_ms` is Unix time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

Int16Array = npt.NDArray[np.int16]
Int64Array = npt.NDArray[np.int64]
_INT16, _INT64 = np.dtype(np.int16), np.dtype(np.int64)


def _refuse(wrong: bool, why: str) -> None:  # noqa: FBT001 - reads as a sentence at its call
    if wrong:
        raise ValueError(why)


# ---------------------------------------------------------------------------------- instants
@dataclass(frozen=True, slots=True)
class At:
    """An instant, stamped once where the bytes came in.

    boot:    the kernel's boot id; two instants compare by `mono_ms` only within one boot.
    mono_ms: milliseconds since that boot, also while suspended (CLOCK_BOOTTIME).
    wall_ms: what the hub believes the Unix time is, in ms.
    proven:  whether that belief is known to be right (NTP has answered in this boot). When it is
             not, `wall_ms` is a lower bound and is repaired later (gateway.core.timeline).
    """

    boot: str
    mono_ms: int
    wall_ms: int
    proven: bool

    def __post_init__(self) -> None:
        _refuse(not self.boot, "an instant needs the boot it belongs to")
        if self.mono_ms < 0:  # the text costs more than the rest of an instant
            raise ValueError(f"time since boot cannot be negative: {self.mono_ms} ms")

    def plus(self, ms: int) -> "At":
        """Return the instant `ms` later in the same boot."""
        return At(self.boot, self.mono_ms + ms, self.wall_ms + ms, self.proven)


# ---------------------------------------------------------------------------------- readings
@dataclass(frozen=True, slots=True, eq=False)
class AccelerationBlock:
    """Consecutive samples of one band: one notification, never a Python object per sample.

    t_ms:   int64 [n], the hub's milliseconds since boot of each sample, from the band's own
            spacing (a frame of 57 samples at 52 Hz is 1.1 s old at its first sample).
    acc_mg: int16 [n, 3], milli-g on the sensor's axes, gravity included.
    """

    t_ms: Int64Array
    acc_mg: Int16Array

    def __post_init__(self) -> None:
        # One per notification: the texts are made only when they are needed (6 us otherwise).
        if self.t_ms.dtype != _INT64 or self.acc_mg.dtype != _INT16:
            raise ValueError(f"int64 and int16, not {self.t_ms.dtype} and {self.acc_mg.dtype}")
        if self.acc_mg.shape != (len(self.t_ms), 3) or len(self.t_ms) == 0:
            raise ValueError(f"{self.t_ms.shape} times for {self.acc_mg.shape} samples")

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, AccelerationBlock)
            and np.array_equal(self.t_ms, other.t_ms)
            and np.array_equal(self.acc_mg, other.acc_mg)
        )

    __hash__ = None  # type: ignore[assignment] # arrays do not hash


@dataclass(frozen=True, slots=True)
class Motion:
    """A motion sensor sees somebody (True) or its blind time has ended (False)."""

    detected: bool


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact is open (True) or closed (False)."""

    open: bool


@dataclass(frozen=True, slots=True)
class Occupied:
    """A bed, chair or mat carries somebody."""

    occupied: bool


class Press(StrEnum):
    """How a button was pressed."""

    SINGLE = "single"
    DOUBLE = "double"
    TRIPLE = "triple"
    LONG = "long"
    LONG_DOUBLE = "long_double"
    LONG_TRIPLE = "long_triple"
    HOLD = "hold"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class Button:
    """One press of a button, counted once however often its advert is heard. `button` from 1."""

    press: Press
    button: int = 1


@dataclass(frozen=True, slots=True)
class HeartRate:
    """Beats per minute (None: the band has no reading) and skin contact (None: not known)."""

    bpm: int | None
    contact: bool | None = None
    rr_ms: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        _refuse(self.bpm is not None and not 20 <= self.bpm <= 300, f"{self.bpm} bpm")  # noqa: PLR2004


@dataclass(frozen=True, slots=True)
class Worn:
    """The band says whether it is on an arm."""

    worn: bool


@dataclass(frozen=True, slots=True)
class Steps:
    """The band's own step counter; it may go back to 0 at its midnight."""

    count: int


@dataclass(frozen=True, slots=True)
class Battery:
    """Charge in percent, or, where the device has only a warning light, `low`."""

    percent: int | None
    low: bool | None = None

    def __post_init__(self) -> None:
        _refuse(self.percent is None and self.low is None, "a battery reading that says nothing")
        _refuse(self.percent is not None and not 0 <= self.percent <= 100, f"{self.percent} %")  # noqa: PLR2004


class Hazard(StrEnum):
    """What a safety sensor warns of."""

    SMOKE = "smoke"
    GAS = "gas"
    CARBON_MONOXIDE = "co"
    WATER = "water"
    TAMPER = "tamper"
    HEAT = "heat"


@dataclass(frozen=True, slots=True)
class HazardState:
    """A safety sensor warns (True) or has stopped warning (False)."""

    hazard: Hazard
    present: bool


class Quantity(StrEnum):
    """What a measurement is of; its unit is fixed here."""

    TEMPERATURE = "temperature_c"
    HUMIDITY = "humidity_percent"
    ILLUMINANCE = "illuminance_lx"
    PRESSURE = "pressure_hpa"
    VOLTAGE = "voltage_v"
    CO2 = "co2_ppm"
    MOISTURE = "moisture_percent"
    COUNT = "count"
    ROTATION = "rotation_deg"
    DISTANCE = "distance_m"
    DURATION = "duration_s"
    LIGHT = "light"
    VIBRATION = "vibration"
    STILL_FOR = "still_for_s"


@dataclass(frozen=True, slots=True)
class Measurement:
    """A number of the home that is no event: temperature, light, a counter."""

    quantity: Quantity
    value: float


Value = (
    AccelerationBlock
    | Motion
    | Contact
    | Occupied
    | Button
    | HeartRate
    | Worn
    | Steps
    | Battery
    | HazardState
    | Measurement
)


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of one device. `device` is the technician's name for it in the YAML file."""

    at: At
    device: str
    value: Value


@dataclass(frozen=True, slots=True)
class Memory:
    """What a decoder must know after a restart (replay and packet counters), as JSON values."""

    device: str
    values: Mapping[str, int | str]


# ------------------------------------------------------------------------------------ inputs
@dataclass(frozen=True, slots=True)
class Heard:
    """One packet of a configured device, decoded: a sign of life even when it carries no reading.

    `memory` is set when the packet moved the decoder's persistent counters: it is committed with
    whatever the readings cause (a button's with its alarm).
    """

    at: At
    device: str
    readings: tuple[Reading, ...] = ()
    memory: Memory | None = None
    rssi: int | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """Time went on. Ticks coalesce: the newest stands for those before it."""

    at: At


class Link(StrEnum):
    """Whose coming and going the core must know of."""

    ADAPTER = "adapter"  # the radio hears; down = deaf, device is the adapter
    BAND = "band"  # a GATT connection, device is the band
    BROKER = "broker"
    CENTRE = "centre"  # the centre's own retained state and its `stored` answers
    STORE = "store"  # the database commits
    KEY = "key"  # a device's bind key opens its packets
    BOND = "bond"  # a band and the hub know each other's keys
    ANNOUNCER = "announcer"  # what tells the resident can be run


@dataclass(frozen=True, slots=True)
class LinkChange:
    """A part of the way came up or went down; `detail` is for people.

    step: it is still down, and this was done about it (a rung of gateway.edge.recovery).
    """

    at: At
    link: Link
    up: bool
    device: str = ""
    detail: str = ""
    step: str = ""


@dataclass(frozen=True, slots=True)
class ClockProven:
    """The wall clock is known to be right at `at`, which repairs earlier stamps of its boot."""

    at: At


@dataclass(frozen=True, slots=True)
class HubReturned:
    """First input after a start.

    last_seen: the last instant that the previous run committed, if any.
    open: the matters whose alerts are still open: a detector knows what it has already said.
    """

    at: At
    last_seen: At | None
    open: frozenset[tuple["Kind", str]] = frozenset()


# --------------------------------------------------------------------------------- decisions
class Kind(StrEnum):
    """What an alarm is about: the `type` of the wire (reference contract, section 3)."""

    PERS = "pers"  # personal emergency: the SOS button
    FALL = "fall"
    INACTIVITY = "inactivity"
    VITALS = "vitals"
    SMOKE = "smoke"
    GAS = "gas"
    WATER = "water"
    EXIT = "exit"
    CO = "co"
    NOTWORN = "notworn"
    FAULT_MAINS = "fault.mains"
    FAULT_BATTERY = "fault.battery"
    FAULT_SENSOR = "fault.sensor"
    FAULT_ADAPTER = "fault.adapter"
    FAULT_CLOCK = "fault.clock"
    FAULT_STORE = "fault.store"
    FAULT_LINK = "fault.link"
    FAULT_HUB = "fault.hub"

    @property
    def technical(self) -> bool:
        """Whether it is a technician's matter, never a reason to send somebody to the resident."""
        return self.value.startswith("fault.") or self is Kind.NOTWORN


class Stage(StrEnum):
    """How far a detector has come with one matter."""

    SUSPECTED = "suspected"  # likely: the resident gets the cancel window
    CONFIRMED = "confirmed"  # certain enough to raise at once
    WITHDRAWN = "withdrawn"  # plain evidence of being well
    ENDED = "ended"  # a fault or hazard is over (an alert stays until the centre closes)
    NOTED = "noted"  # worth telling, changes no stage (a level reached, evidence added)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, as a code of gateway.core.texts with its numbers: rendered in Korean and English."""

    code: str
    values: Mapping[str, int | float | str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Decision:
    """What a detector says of one matter.

    (kind, device) names the matter: at most one alert of it is open at a time.
    onset: when it began (a fall's impact, the last sign of life), not after `at`.
    probability: calibrated, 0 to 1.
    """

    kind: Kind
    stage: Stage
    at: At
    device: str
    reason: Reason
    probability: float = 1.0
    onset: At | None = None
    evidence: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        _refuse(not 0.0 <= self.probability <= 1.0, f"a probability of {self.probability}")
