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
        self._told: set[tuple[str, Kind]] = set()  # by an earlier run, which hazard it does not say

    def feed(self, given: Input) -> Iterable[Decision]:
        """Return a confirmed matter when a warning begins, and its end."""
        if isinstance(given, HubReturned):
            self._told = {(device, kind) for kind, device in given.open}
        if not isinstance(given, Heard):
            return
        for reading in given.readings:
            state = reading.value
            if not isinstance(state, HazardState):
                continue
            key, told = (given.device, state.hazard), (given.device, KINDS[state.hazard])
            if told in self._told:
                self._told.discard(told)
                self._present.add(key)
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
