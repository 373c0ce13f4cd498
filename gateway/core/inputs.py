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
class Published:
    """A message of the alarm stream was handed to a broker (which proves nothing yet)."""

    at: At
    id: str


@dataclass(frozen=True, slots=True)
class Asked:
    """The centre asks something of the hub; the uplink has already validated its form.

    left: of a `resend`, how many of the messages it names the outbox still has (None: not known).
    """

    at: At
    command: Command
    left: int | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A command was not obeyed (not valid, or too late): it is only answered, by its `id`."""

    at: At
    id: str
    reason: str


FromCentre = Acknowledge | Published | Asked | Refused
Input = Heard | Tick | FromCentre | LinkChange | ClockProven | HubReturned

__all__ = [
    "Acknowledge",
    "Asked",
    "ClockProven",
    "FromCentre",
    "Heard",
    "HubReturned",
    "Input",
    "LinkChange",
    "Published",
    "Refused",
    "Tick",
]
