"""Who says that the resident goes out or is home again: the centre, or a button held long."""

from gateway.core.inputs import Asked, Input
from gateway.core.model import Button, Heard, Press
from gateway.core.wire import CommandName


def tells_of_outing(given: Input, buttons: frozenset[str]) -> bool:
    """Return whether this says so; `buttons`: those whose long press does (role sos-cancel)."""
    match given:
        case Asked(command=command):
            return command.name in (CommandName.AWAY, CommandName.HOME)
        case Heard(device=device, readings=readings):
            return device in buttons and any(
                isinstance(one.value, Button) and one.value.press is Press.LONG for one in readings
            )
        case _:
            return False
