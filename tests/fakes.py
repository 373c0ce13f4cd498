"""Small stand-ins for the world, shared by the tests: ids that count, instants, a home's plan."""

from collections.abc import Iterable

from gateway.core.detector import Detector
from gateway.core.model import At, Button, Heard, Kind, Memory, Press, Reading, Tick, Value
from gateway.core.pipeline import Pipeline, Plan
from gateway.core.ulid import Ulids

BOOT = "b0" * 16
WALL_MS = 1_790_000_000_000


def at(seconds: float, boot: str = BOOT, *, proven: bool = True) -> At:
    """Return the instant so many seconds after the tests' beginning of time."""
    ms = round(seconds * 1000)
    return At(boot, 1_000_000 + ms, WALL_MS + ms, proven)


class CountingBits:
    """Random bits that are none: ids come out the same in every run."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, bits: int) -> int:
        self.count += 1
        return self.count % (1 << bits)


def counting_ids() -> Ulids:
    """Return a source of reproducible ids."""
    return Ulids(CountingBits())


def heard(seconds: float, device: str, *values: Value, counter: int | None = None) -> Heard:
    """Return a packet of `device` that carried these values."""
    now = at(seconds)
    return Heard(
        now,
        device,
        tuple(Reading(now, device, value) for value in values),
        Memory(device, {"packet": counter}) if counter is not None else None,
    )


def press(seconds: float, device: str = "sos", how: Press = Press.SINGLE) -> Heard:
    """Return one press of a button."""
    return heard(seconds, device, Button(how), counter=round(seconds) % 256)


def tick(seconds: float) -> Tick:
    """Return a tick."""
    return Tick(at(seconds))


def pipeline(
    *detectors: Detector,
    windows: dict[Kind, int] | None = None,
    cancel: Iterable[str] = (),
    sos: Iterable[str] = (),
) -> Pipeline:
    """Return a pipeline of these detectors with reproducible ids."""
    ids = counting_ids()
    plan = Plan(
        detectors=detectors,
        window_ms=windows or {},
        cancel_buttons=frozenset(cancel),
        sos_buttons=frozenset(sos),
        place={"sos": 3072},
    )
    return Pipeline(plan, lambda now: ids.new(now.wall_ms))
