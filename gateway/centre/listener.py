"""What another program is told by a centre that runs in it: a demo, a test, an integrator's own."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.centre.case import Case
from gateway.centre.outcome import Event
from gateway.core.wire import UpMessage


def _nothing(*_: object) -> None:
    """Do nothing: the default of a callback."""


@dataclass(frozen=True, slots=True)
class Listener:
    """What another program wants to be told of, after the commit; called on the event loop.

    stored: a message was kept, at the centre's Unix ms. alarm: a case was raised, or changed.
    """

    stored: Callable[[UpMessage, int], None] = _nothing
    alarm: Callable[[Case, int], None] = _nothing
    event: Callable[[Event], None] = _nothing
