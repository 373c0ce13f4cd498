"""What the home says when nothing is the matter: batched events, summaries, its own record.

Raw band data stays at home: what leaves is one summary of five minutes (minutes of movement, heart
rate) and the events of doors, motion and buttons, in batches. What is kept at home is kept for the
hours that the technician set, so that a disputed alarm can be looked at.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gateway.core.instants import elapsed_ms
from gateway.core.model import (
    AccelerationBlock,
    At,
    Battery,
    Button,
    Contact,
    HazardState,
    Heard,
    HeartRate,
    Measurement,
    Motion,
    Occupied,
    Steps,
    Value,
    Worn,
)
from gateway.core.outputs import Keep
from gateway.core.wire import instant_fields

EVERY_MS = 300_000
ITEMS = 14  # of about 120 bytes each: with the envelope under the contract's 2 KiB
STILL_MG = 60  # |a| within this of its own mean over a block: the arm did not move


def spoken(  # noqa: PLR0911 - one return for each kind of value is the table itself
    value: Value,
) -> tuple[str, Mapping[str, Any]] | None:
    """Return the name and JSON of an event value; None for what is only summarised."""
    match value:
        case Motion(detected=detected):
            return "motion", {"detected": detected}
        case Contact(open=is_open):
            return "contact", {"open": is_open}
        case Occupied(occupied=occupied):
            return "occupied", {"occupied": occupied}
        case Button(press=press, button=button):
            return "button", {"press": press.value, "button": button}
        case Worn(worn=worn):
            return "worn", {"worn": worn}
        case HazardState(hazard=hazard, present=present):
            return "hazard", {"hazard": hazard.value, "present": present}
        case _:
            return None


def kept(value: Value) -> tuple[str, Mapping[str, Any]] | None:
    """Return the name and JSON of any value that the home's own record keeps."""
    match value:
        case HeartRate(bpm=bpm, contact=contact):
            return "heart_rate", {"bpm": bpm, "contact": contact}
        case Steps(count=count):
            return "steps", {"count": count}
        case Battery(percent=percent, low=low):
            return "battery", {"percent": percent, "low": low}
        case Measurement(quantity=quantity, value=number):
            return quantity.value, {"value": number}
        case AccelerationBlock():
            return None
        case _:
            return spoken(value)


@dataclass(slots=True)
class _Device:
    """One device's last five minutes."""

    motions: int = 0
    opened: int = 0
    samples: int = 0
    moving: int = 0
    bpm: list[int] = field(default_factory=list)
    steps: int | None = None
    battery: int | None = None

    def summary(self) -> dict[str, Any]:
        told: dict[str, Any] = {}
        if self.motions:
            told["motions"] = self.motions
        if self.opened:
            told["opened"] = self.opened
        if self.samples:
            told["moving_share"] = round(self.moving / self.samples, 3)
        if self.bpm:
            told["bpm"] = [min(self.bpm), round(sum(self.bpm) / len(self.bpm)), max(self.bpm)]
        if self.steps is not None:
            told["steps"] = self.steps
        if self.battery is not None:
            told["battery"] = self.battery
        return told


class Telemetry:
    """Gathers events and summaries; gives them out every five minutes, or when a message is full.

    `last` is each device's newest value of each kind, for the status.
    """

    def __init__(self) -> None:
        self._items: list[dict[str, Any]] = []
        self._devices: dict[str, _Device] = {}
        self._since: At | None = None
        self._kept: dict[tuple[str, str], Mapping[str, Any]] = {}

    @property
    def last(self) -> Mapping[tuple[str, str], Mapping[str, Any]]:
        """Return the newest kept value by (device, what)."""
        return self._kept

    def heard(self, given: Heard) -> Iterator[Keep]:
        """Take what a device said; return what its home's record keeps (changes only)."""
        for reading in given.readings:
            self._count(reading.device, reading.value)
            event = spoken(reading.value)
            if event is not None:
                what, value = event
                self._items.append(
                    {
                        **instant_fields(reading.at),
                        "device": reading.device,
                        "what": what,
                        "value": dict(value),
                    }
                )
            named = kept(reading.value)
            if named is not None:
                what, value = named
                if event is not None or self._kept.get((reading.device, what)) != value:
                    self._kept[reading.device, what] = value
                    yield Keep(reading.at, reading.device, what, value)

    def note(self, at: At, device: str, what: str, value: Mapping[str, Any]) -> None:
        """Add an event of the hub's own."""
        self._items.append(
            {**instant_fields(at), "device": device, "what": what, "value": dict(value)}
        )

    def events(self, at: At) -> Iterator[dict[str, Any]]:
        """Return event messages: full ones at once, the rest when five minutes are over."""
        while len(self._items) >= ITEMS or (self._items and self._over(at)):
            batch, self._items = self._items[:ITEMS], self._items[ITEMS:]
            yield {"items": batch}

    def summary(self, at: At) -> dict[str, Any] | None:
        """Return the summary of the last five minutes when they are over, and start anew."""
        if self._since is None:
            self._since = at
        if not self._over(at):
            return None
        devices = {name: told for name, d in self._devices.items() if (told := d.summary())}
        since, self._since = self._since, at
        self._devices = {}
        if not devices:
            return None
        return {**instant_fields(at), "from": instant_fields(since)["t"], "devices": devices}

    def _over(self, at: At) -> bool:
        if self._since is None:
            return False
        passed = elapsed_ms(self._since, at)
        return passed is None or passed >= EVERY_MS

    def _count(self, name: str, value: Value) -> None:
        device = self._devices.setdefault(name, _Device())
        match value:
            case Motion(detected=True):
                device.motions += 1
            case Contact(open=True):
                device.opened += 1
            case AccelerationBlock(acc_mg=acc_mg):
                squares = np.square(acc_mg, dtype=np.float64).sum(axis=1)
                size = np.sqrt(squares)
                device.samples += len(size)
                device.moving += int((np.abs(size - size.mean()) > STILL_MG).sum())
            case HeartRate(bpm=int(bpm)):
                device.bpm.append(bpm)
            case Steps(count=count):
                device.steps = count
            case Battery(percent=int(percent)):
                device.battery = percent
            case _:
                pass
