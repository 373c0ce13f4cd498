"""What the home says when nothing is the matter: batched events, summaries, its own record.

Raw band data stays at home: what leaves is one summary of five minutes (minutes of movement, heart
rate) and the events of doors, motion and buttons, in batches. What is kept at home is kept for the
hours that the technician set, so that a disputed alarm can be looked at.
"""

from collections.abc import Iterator, Mapping
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
from gateway.core.outputs import Keep, Stream
from gateway.core.wire import event_bodies, event_item, summary_body, summary_item

EVERY_MS = 300_000
RECORD_MS = 60_000
"""A value that goes up and down all day (a band's heart rate, once a second) is kept once a minute:
kept at every change it had the SD card write 25 MB a day, kept so it is 14 (bench_card.py)."""

MANY = 50  # events that do not wait for the five minutes
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


class Telemetry:
    """Gathers events and summaries; gives them out every five minutes, or when a message is full.

    `last` is each device's newest value of each kind, for the status.
    """

    def __init__(self) -> None:
        self._items: list[dict[str, Any]] = []
        self._sums: dict[tuple[str, str], list[float]] = {}
        self._since: At | None = None
        self._last: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._kept: dict[tuple[str, str], Keep] = {}

    @property
    def last(self) -> Mapping[tuple[str, str], Mapping[str, Any]]:
        """Return the newest value by (device, what)."""
        return self._last

    def heard(self, given: Heard) -> Iterator[Keep]:
        """Take what a device said; return what its home's record keeps: events, and changes."""
        for reading in given.readings:
            self._count(reading.device, reading.value)
            event = spoken(reading.value)
            if event is not None:
                what, value = event
                self._items.append(event_item(reading.at, reading.device, what, dict(value)))
            named = kept(reading.value)
            if named is not None:
                what, value = named
                self._last[reading.device, what] = value
                keep = Keep(reading.at, reading.device, what, value)
                if event is not None or self._worth_keeping(keep):
                    self._kept[reading.device, what] = keep
                    yield keep

    def _worth_keeping(self, new: Keep) -> bool:
        old = self._kept.get((new.device, new.what))
        if old is None:
            return True
        passed = elapsed_ms(old.at, new.at)
        return old.value != new.value and (passed is None or passed >= RECORD_MS)

    def note(self, at: At, device: str, what: str, value: Mapping[str, Any]) -> None:
        """Add an event of the hub's own."""
        self._items.append(event_item(at, device, what, dict(value)))

    def bodies(self, at: At) -> Iterator[tuple[Stream, dict[str, Any]]]:
        """Return events and summaries when five minutes are over, or many events wait."""
        if self._since is None:
            self._since = at
        passed = elapsed_ms(self._since, at)
        over = passed is None or passed >= EVERY_MS
        if over or len(self._items) >= MANY:
            for body in event_bodies(self._items):
                yield Stream.EVENT, body
            self._items = []
        if over:
            lines = [summary_item(*of, values) for of, values in self._sums.items() if values]
            if lines:
                yield Stream.SUM, summary_body(at, EVERY_MS // 1000, lines)
            self._since, self._sums = at, {}

    def _count(self, device: str, value: Value) -> None:
        match value:
            case Motion(detected=True):
                self._sum(device, "motion", 1)
            case Contact(open=True):
                self._sum(device, "opened", 1)
            case AccelerationBlock(acc_mg=acc_mg):
                size = np.sqrt(np.square(acc_mg, dtype=np.float64).sum(axis=1))
                moving = np.abs(size - size.mean()) > STILL_MG
                self._sum(device, "moving_share", round(float(moving.mean()), 3))
            case HeartRate(bpm=int(bpm)):
                self._sum(device, "bpm", bpm)
            case Steps(count=count):
                self._sum(device, "steps", count)
            case Battery(percent=int(percent)):
                self._sum(device, "battery_percent", percent)
            case _:
                pass

    def _sum(self, device: str, what: str, value: float) -> None:
        self._sums.setdefault((device, what), []).append(value)
