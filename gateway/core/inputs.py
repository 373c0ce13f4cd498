"""Everything that can move the core enters by one door, as one of these."""

from dataclasses import dataclass

from gateway.core.model import At, ClockProven, Heard, HubReturned, LinkChange, Tick
from gateway.core.wire import Ack, Command


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """The centre said how far messages or alerts have come."""

    at: At
    ack: Ack


@dataclass(frozen=True, slots=True)
class Asked:
    """The centre asks something of the hub; the uplink has already validated its form."""

    at: At
    command: Command


@dataclass(frozen=True, slots=True)
class Refused:
    """A command was not obeyed (not valid, or too late): it is only answered, by its `id`."""

    at: At
    id: str
    reason: str


Input = Heard | Tick | Acknowledge | Asked | Refused | LinkChange | ClockProven | HubReturned

__all__ = [
    "Acknowledge",
    "Asked",
    "ClockProven",
    "Heard",
    "HubReturned",
    "Input",
    "LinkChange",
    "Refused",
    "Tick",
]
