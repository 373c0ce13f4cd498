"""Smoke, gas, carbon monoxide, water: the sensor decides, we pass it on at once."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from gateway.core.inputs import Input
from gateway.core.model import (
    At,
    Decision,
    Hazard,
    HazardState,
    Heard,
    HubReturned,
    Kind,
    Reason,
    Stage,
)

KINDS: Mapping[Hazard, Kind] = MappingProxyType(
    {
        Hazard.SMOKE: Kind.SMOKE,
        Hazard.HEAT: Kind.SMOKE,
        Hazard.GAS: Kind.GAS,
        Hazard.CARBON_MONOXIDE: Kind.CO,
        Hazard.WATER: Kind.WATER,
        Hazard.TAMPER: Kind.FAULT_SENSOR,
    }
)


class HazardDetector:
    """All safety sensors of the home. A warning repeated while it lasts is one matter.

    Two hazards may be one kind to the centre (smoke and heat are a fire): the matter is over when
    none of them is left. What a sensor has not said since the start is not known: after a restart
    its first warning counts again, even if the centre then reads of one fire twice.
    """

    def __init__(self) -> None:
        self._present: dict[tuple[str, Hazard], bool] = {}
        self._open: set[tuple[Kind, str]] = set()

    def feed(self, given: Input) -> Iterable[Decision]:
        """Return a confirmed matter when a warning begins, and its end."""
        if isinstance(given, HubReturned):
            self._open = {(kind, device) for kind, device in given.open if kind in KINDS.values()}
        if not isinstance(given, Heard):
            return
        said: dict[Hazard, At] = {}
        for reading in given.readings:
            if isinstance(reading.value, HazardState):
                hazard, present = reading.value.hazard, reading.value.present
                if present != self._present.get((given.device, hazard)):
                    said[hazard] = reading.at
                self._present[given.device, hazard] = present
        for hazard, at in said.items():
            yield from self._changed(given.device, hazard, at)

    def _changed(self, device: str, hazard: Hazard, at: At) -> Iterator[Decision]:
        matter = (KINDS[hazard], device)
        if self._present[device, hazard]:
            self._open.add(matter)
            yield self._decision(Stage.CONFIRMED, at, device, hazard)
        elif matter in self._open and not any(
            self._present.get((device, other)) for other, kind in KINDS.items() if kind is matter[0]
        ):
            self._open.discard(matter)
            yield self._decision(Stage.ENDED, at, device, hazard)

    @staticmethod
    def _decision(stage: Stage, at: At, device: str, hazard: Hazard) -> Decision:
        code = "hazard.present" if stage is Stage.CONFIRMED else "hazard.over"
        reason = Reason(code, {"hazard": hazard.value})
        return Decision(kind=KINDS[hazard], stage=stage, at=at, device=device, reason=reason)
