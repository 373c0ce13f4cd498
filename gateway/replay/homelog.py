"""A home's log, of days or months, as readings: from a CSV of one's own, or from recorded homes.

CSV, a line each, in any order, times local:

    time,device,what,value[,place]
    2026-11-21 07:02:11,hall-motion,motion,1,hall

`what`: motion, door, inner-door, window, cupboard, bed, chair, flush (value 1 or 0: seen, open or
occupied), button (1), heart_rate (bpm), movement (1: the arm on which the band is worn moves, 0: it
rests). NPZ: arrays t, s, kind, state, as the recorded homes have them that the inactivity detector
is measured on; its labels and names are not read.
"""

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np

from gateway.core.model import (
    AccelerationBlock,
    Button,
    Contact,
    HeartRate,
    Motion,
    Occupied,
    Press,
    Value,
)
from gateway.driver import Capabilities
from gateway.errors import ConfigurationError
from gateway.settings import DeviceStanza, Role

Event = tuple[int, str, Value]
"""Local time in ms counted as if UTC, device, value."""

SAMPLES: Final = 52


def band_block(*, moving: bool) -> AccelerationBlock:
    """Return a second of a band's samples: of an arm that moves, or rests."""
    acc_mg = np.zeros((SAMPLES, 3), np.int16)
    acc_mg[:, 2] = 1000
    acc_mg[::2, 0] = 300 if moving else 0
    return AccelerationBlock(np.arange(SAMPLES, dtype=np.int64) * 19, acc_mg)


_MOVES, _RESTS = band_block(moving=True), band_block(moving=False)


@dataclass(frozen=True, slots=True)
class Sort:
    """One `what` of a log: the role it gives its device, what it provides, how it is read."""

    role: Role
    provides: str
    value: Callable[[float], Value]


SORTS: Mapping[str, Sort] = MappingProxyType(
    {
        "motion": Sort(Role.NONE, "Motion", lambda n: Motion(detected=n > 0)),
        "door": Sort(Role.DOOR, "Contact", lambda n: Contact(open=n > 0)),
        "inner-door": Sort(Role.INNER_DOOR, "Contact", lambda n: Contact(open=n > 0)),
        "window": Sort(Role.WINDOW, "Contact", lambda n: Contact(open=n > 0)),
        "cupboard": Sort(Role.CUPBOARD, "Contact", lambda n: Contact(open=n > 0)),
        "bed": Sort(Role.BED, "Occupied", lambda n: Occupied(occupied=n > 0)),
        "chair": Sort(Role.CHAIR, "Occupied", lambda n: Occupied(occupied=n > 0)),
        "flush": Sort(Role.FLUSH, "Contact", lambda n: Contact(open=n > 0)),
        "button": Sort(Role.SOS, "Button", lambda _n: Button(Press.SINGLE)),
        "heart_rate": Sort(Role.NONE, "HeartRate", lambda n: HeartRate(round(n), contact=True)),
        "movement": Sort(Role.NONE, "AccelerationBlock", lambda n: _MOVES if n > 0 else _RESTS),
    }
)
_KINDS = ("motion", "door", "inner-door", "cupboard", "bed", "flush", "flush", "cupboard")


@dataclass(frozen=True, slots=True)
class HomeLog:
    """What a home said, in order, and by which devices.

    until_ms: how long it was listened to; 0: until the last event.
    """

    name: str
    devices: tuple[DeviceStanza, ...]
    able: Mapping[str, Capabilities]
    events: tuple[Event, ...]
    simulated: bool = False
    until_ms: int = 0

    @property
    def days(self) -> float:
        """Return how many days it spans."""
        return (self.events[-1][0] - self.events[0][0]) / 86_400_000


def home_log(
    name: str,
    whats: Mapping[str, set[str]],
    places: Mapping[str, str],
    events: Iterator[Event],
    *,
    simulated: bool = False,
) -> HomeLog:
    """Put a log together; `whats`: each device's words of SORTS."""
    ordered = tuple(sorted(events, key=lambda event: event[0]))
    if not ordered:
        raise ConfigurationError(f"{name}: no events / 기록이 없습니다")
    devices, able = [], {}
    for number, (device, words) in enumerate(whats.items()):
        roles = [SORTS[word].role for word in sorted(words) if SORTS[word].role is not Role.NONE]
        address = f"02:00:00:00:{number // 256:02X}:{number % 256:02X}"
        role = roles[0] if roles else Role.NONE
        devices.append(DeviceStanza(device, "log", address, places.get(device, ""), role=role))
        able[device] = Capabilities(provides=tuple(SORTS[word].provides for word in sorted(words)))
    return HomeLog(name, tuple(devices), able, ordered, simulated)


def read_log(path: Path) -> HomeLog:
    """Return the log of a file, by its ending; ConfigurationError says what is wrong with it."""
    try:
        return _read_npz(path) if path.suffix == ".npz" else _read_csv(path)
    except OSError as wrong:
        raise ConfigurationError(f"{path}: {wrong.strerror}") from wrong


def _read_csv(path: Path) -> HomeLog:
    whats: dict[str, set[str]] = {}
    places: dict[str, str] = {}
    events: list[Event] = []
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        wanted = {"time", "device", "what", "value"}
        if not wanted <= set(rows.fieldnames or ()):
            raise ConfigurationError(f"{path}: the first line must name time,device,what,value")
        for number, row in enumerate(rows, 2):
            try:
                what, when = SORTS[row["what"]], datetime.fromisoformat(row["time"])
                value = what.value(float(row["value"]))
            except (KeyError, ValueError, TypeError) as wrong:
                raise ConfigurationError(f"{path}:{number}: {wrong}") from wrong
            local_ms = round(when.replace(tzinfo=UTC).timestamp() * 1000)
            whats.setdefault(row["device"], set()).add(row["what"])
            if row.get("place"):
                places[row["device"]] = row["place"]
            events.append((local_ms, row["device"], value))
    return home_log(path.stem, whats, places, iter(events))


def _read_npz(path: Path) -> HomeLog:
    try:
        with np.load(path) as arrays:
            t, s, kind, state = (arrays[name] for name in ("t", "s", "kind", "state"))
    except (ValueError, KeyError) as wrong:
        raise ConfigurationError(f"{path}: {wrong}") from wrong
    words = [_KINDS[k] if 0 <= k < len(_KINDS) else "cupboard" for k in range(int(kind.max()) + 1)]
    names = {
        (sensor, number): f"{words[number]}-{sensor}"
        for sensor, number in sorted(set(zip(s.tolist(), kind.tolist(), strict=True)))
    }
    whats = {name: {words[number]} for (_, number), name in names.items()}
    events = (
        (when, names[sensor, number], SORTS[words[number]].value(on))
        for when, sensor, number, on in zip(
            t.tolist(), s.tolist(), kind.tolist(), state.tolist(), strict=True
        )
    )
    return home_log(path.stem, whats, {}, events)


def write_csv(log: HomeLog, path: Path) -> None:
    """Write a log as CSV, so that it can be looked at, changed and read again."""
    places = {stanza.name: stanza.place for stanza in log.devices}
    roles = {stanza.name: stanza.role for stanza in log.devices}
    with path.open("w", encoding="utf-8", newline="") as file:
        if log.simulated:
            file.write("# SIMULATED: nobody lives here / 모의 자료\n")
        rows = csv.writer(file)
        rows.writerow(("time", "device", "what", "value", "place"))
        for local_ms, device, value in log.events:
            when = datetime.fromtimestamp(local_ms / 1000, UTC).replace(tzinfo=None)
            what, number = _spelled(roles[device], value)
            rows.writerow(
                (when.isoformat(" ", "milliseconds"), device, what, number, places[device])
            )


def _spelled(role: Role, value: Value) -> tuple[str, int]:
    match value:
        case Motion(detected=detected):
            return "motion", int(detected)
        case Contact(open=is_open):
            return role.value or "cupboard", int(is_open)
        case Occupied(occupied=occupied):
            return role.value or "bed", int(occupied)
        case HeartRate(bpm=bpm):
            return "heart_rate", bpm or 0
        case AccelerationBlock():
            return "movement", int(value == _MOVES)
        case _:
            return "button", 1
