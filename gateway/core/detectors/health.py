"""Technical faults of the devices: a sensor silent, a battery low, a band not worn.

None of these is ever a reason to send somebody to the resident, and none of them is evidence that
the resident is well: they say what the hub cannot see.
"""

from collections.abc import Iterable, Iterator

from gateway.core.inputs import Input
from gateway.core.instants import elapsed_ms
from gateway.core.model import (
    At,
    Battery,
    Decision,
    Heard,
    HeartRate,
    HubReturned,
    Kind,
    Link,
    LinkChange,
    Reason,
    Stage,
    Tick,
    Worn,
)

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
SILENT_AT_LEAST_MS = 2 * MINUTE_MS
SILENT_AT_MOST_MS = 24 * HOUR_MS


class SilenceDetector:
    """A sensor that promises a sign of life and lets two of its own intervals pass (at most 24 h).

    Time in which the hub itself could not hear (adapter deaf, hub off) is not the sensor's: the
    count starts anew when hearing returns.
    """

    def __init__(self, device: str, sign_of_life_s: float) -> None:
        self._device = device
        self._expected_ms = round(sign_of_life_s * 1000)
        self._limit_ms = min(max(2 * self._expected_ms, SILENT_AT_LEAST_MS), SILENT_AT_MOST_MS)
        self._since: At | None = None
        self._last: At | None = None
        self._deaf = False
        self._silent = False

    def feed(self, given: Input) -> Iterable[Decision]:
        """Return the fault when the limit passes, and its end when the sensor is heard."""
        match given:
            case Heard(device=device) if device == self._device:
                yield from self._heard(given.at)
            case LinkChange(link=Link.ADAPTER):
                self._deaf, self._since = not given.up, given.at
            case HubReturned():
                self._since = given.at
                self._silent = (Kind.FAULT_SENSOR, self._device) in given.open
            case Tick():
                yield from self._tick(given.at)
            case _:
                pass

    def _heard(self, at: At) -> Iterator[Decision]:
        last, self._last, self._since = self._last, at, at
        if not self._silent:
            return
        self._silent = False
        gone = (elapsed_ms(last, at) if last else None) or 0
        yield self._decision(
            Stage.ENDED, at, Reason("sensor.back", {"minutes": gone / MINUTE_MS}), onset=at
        )

    def _tick(self, at: At) -> Iterator[Decision]:
        if self._since is None:
            self._since = at
        silent_ms = elapsed_ms(self._since, at)
        if self._silent or self._deaf or silent_ms is None or silent_ms < self._limit_ms:
            return
        self._silent = True
        reason = Reason(
            "sensor.silent",
            {"minutes": silent_ms / MINUTE_MS, "expected": self._expected_ms / MINUTE_MS},
        )
        yield self._decision(Stage.CONFIRMED, at, reason, onset=self._since)

    def _decision(self, stage: Stage, at: At, reason: Reason, *, onset: At) -> Decision:
        return Decision(
            kind=Kind.FAULT_SENSOR,
            stage=stage,
            at=at,
            device=self._device,
            reason=reason,
            onset=onset,
        )


class BatteryDetector:
    """Every battery of the home. Low at 15 %, over at 30 %: a cold night must not ring twice."""

    LOW, BACK = 15, 30

    def __init__(self) -> None:
        self._low: set[str] = set()

    def feed(self, given: Input) -> Iterable[Decision]:
        """Return the fault when a battery becomes low, and its end."""
        if isinstance(given, HubReturned):
            self._low = {device for kind, device in given.open if kind is Kind.FAULT_BATTERY}
        if not isinstance(given, Heard):
            return
        for reading in given.readings:
            value = reading.value
            if isinstance(value, Battery) and (low := self._judge(given.device, value)) is not None:
                (self._low.add if low else self._low.discard)(given.device)
                yield Decision(
                    kind=Kind.FAULT_BATTERY,
                    stage=Stage.CONFIRMED if low else Stage.ENDED,
                    at=reading.at,
                    device=given.device,
                    reason=self._reason(value, low=low),
                )

    def _judge(self, device: str, value: Battery) -> bool | None:
        """Return the new state, or None when nothing changes."""
        known = device in self._low
        if value.percent is not None:
            if not known and value.percent <= self.LOW:
                return True
            return False if known and value.percent >= self.BACK else None
        return None if value.low == known else value.low

    @staticmethod
    def _reason(value: Battery, *, low: bool) -> Reason:
        if not low:
            return Reason("battery.back")
        if value.percent is None:
            return Reason("battery.light")
        return Reason("battery.low", {"percent": value.percent})


class WornDetector:
    """A band that says it is off the arm, or cannot be reached, for half an hour."""

    LIMIT_MS = 30 * MINUTE_MS

    def __init__(self, device: str) -> None:
        self._device = device
        self._off_since: tuple[At, str] | None = None
        self._told = False

    def feed(self, given: Input) -> Iterable[Decision]:
        """Return the fault after the limit, and its end."""
        match given:
            case Heard(device=device) if device == self._device:
                for reading in given.readings:
                    worn = worn_state(reading.value)
                    if worn is not None:
                        yield from self._changed(reading.at, "" if worn else "band.notworn")
            case LinkChange(link=Link.BAND, device=device) if device == self._device:
                yield from self._changed(given.at, "" if given.up else "band.away")
            case HubReturned():
                self._told = (Kind.NOTWORN, self._device) in given.open
            case Tick():
                yield from self._tick(given.at)
            case _:
                pass

    def _changed(self, at: At, off: str) -> Iterator[Decision]:
        if off:
            if self._off_since is None or self._off_since[1] != off:
                self._off_since = (at, off)
            return
        if self._told:
            self._told = False
            yield self._decision(Stage.ENDED, at, Reason("band.worn"), at)
        self._off_since = None

    def _tick(self, at: At) -> Iterator[Decision]:
        if self._off_since is None or self._told:
            return
        since, code = self._off_since
        off_ms = elapsed_ms(since, at) or 0
        if off_ms >= self.LIMIT_MS:
            self._told = True
            reason = Reason(code, {"minutes": off_ms / MINUTE_MS})
            yield self._decision(Stage.CONFIRMED, at, reason, since)

    def _decision(self, stage: Stage, at: At, reason: Reason, onset: At) -> Decision:
        return Decision(Kind.NOTWORN, stage, at, self._device, reason, onset=onset)


def worn_state(value: object) -> bool | None:
    """Return whether a reading says the band is on an arm; None: it says nothing of it."""
    if isinstance(value, Worn):
        return value.worn
    if isinstance(value, HeartRate):
        return value.contact
    return None
