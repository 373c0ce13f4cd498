"""The SOS button: any press is a cry for help, at once, without a window."""

from collections.abc import Iterable

from gateway.core.inputs import Input
from gateway.core.model import Button, Decision, Heard, Kind, Press, Reason, Stage

# Holding reports its end too; a release is not a second cry.
SILENT = frozenset({Press.RELEASE})


class SosDetector:
    """One button whose every press raises.

    The driver has already made one press of its many adverts (packet id, persisted), so nothing is
    limited here: a second press is a second cry, and the operator sees it.
    """

    def __init__(self, device: str, presses: frozenset[Press] = frozenset(Press) - SILENT) -> None:
        self._device = device
        self._presses = presses

    def feed(self, given: Input) -> Iterable[Decision]:
        """Return a confirmed matter for each press."""
        if not isinstance(given, Heard) or given.device != self._device:
            return
        for reading in given.readings:
            if isinstance(reading.value, Button) and reading.value.press in self._presses:
                yield Decision(
                    kind=Kind.PERS,
                    stage=Stage.CONFIRMED,
                    at=reading.at,
                    device=self._device,
                    reason=Reason("sos.pressed", {"press": reading.value.press.value}),
                )
