"""Smoke, gas, carbon monoxide, water: the sensor decides, we pass it on at once."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from gateway.core.inputs import Input
from gateway.core.model import (
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
    """All safety sensors of the home. A warning repeated while it lasts is one matter."""

    def __init__(self) -> None:
        self._present: set[tuple[str, Hazard]] = set()

    def feed(self, given: Input) -> Iterable[Decision]:
        """Return a confirmed matter when a warning begins, and its end."""
        if isinstance(given, HubReturned):
            self._present = {
                (device, hazard)
                for kind, device in given.open
                for hazard, its_kind in KINDS.items()
                if its_kind is kind
            }
        if not isinstance(given, Heard):
            return
        for reading in given.readings:
            state = reading.value
            if not isinstance(state, HazardState):
                continue
            key = (given.device, state.hazard)
            if state.present == (key in self._present):
                continue
            (self._present.add if state.present else self._present.discard)(key)
            yield Decision(
                kind=KINDS[state.hazard],
                stage=Stage.CONFIRMED if state.present else Stage.ENDED,
                at=reading.at,
                device=given.device,
                reason=Reason(
                    "hazard.present" if state.present else "hazard.over",
                    {"hazard": state.hazard.value},
                ),
            )
