"""Our own code broken on purpose, in the child that runs it: what the harness must find.

A harness that finds nothing proves nothing until it was seen to find what is there.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from gateway import app
from gateway.centre.ledger import Ledger
from gateway.centre.outcome import Outcome
from gateway.core.wire import UpMessage
from gateway.edge.lanes import Alarm, AlarmLane
from gateway.edge.unfinished import Row


def _said_once() -> None:
    """A hub for which an alarm that was handed to the socket is done with."""
    real_next, real_offer = AlarmLane.next, AlarmLane.offer
    done: set[str] = set()

    def following(self: AlarmLane, now: float) -> Alarm | None:
        alarm = real_next(self, now)
        if alarm is not None:
            done.add(alarm.row.id)
            self.settle([alarm.row.id])
        return alarm

    def offer(self: AlarmLane, row: Row, now: float) -> bool:
        return row.id not in done and real_offer(self, row, now)

    AlarmLane.next = following  # type: ignore[method-assign] # the sabotage itself
    AlarmLane.offer = offer  # type: ignore[method-assign] # the sabotage itself


def _no_counters() -> None:
    """A hub that forgets, when it starts, which packets it has already heard."""
    real = app.radio_device

    def radio_device(stanza: Any, memory: Any) -> Any:
        return real(stanza, None)

    app.radio_device = radio_device


def _stored_unstored() -> None:
    """A centre that says `stored` of every third alarm and keeps nothing of it."""
    real = Ledger.receive
    count = 0

    def receive(self: Ledger, message: UpMessage, at_ms: int, *, retained: bool = False) -> Outcome:
        nonlocal count
        outcome = real(self, message, at_ms, retained=retained)
        count += bool(outcome.kept) and message.leaf == "alarm"
        if outcome.kept and message.leaf == "alarm" and count % 3 == 0:
            return Outcome(says=outcome.says)
        return outcome

    Ledger.receive = receive  # type: ignore[method-assign] # the sabotage itself


SABOTAGE: Mapping[str, tuple[str, str, Callable[[], None]]] = MappingProxyType(
    {
        "said-once": ("hub", "network", _said_once),
        "no-counters": ("hub", "kills", _no_counters),
        "stored-unstored": ("centre", "calm", _stored_unstored),
    }
)
"""Name: who is broken, the theme that shows it, how."""


def broken(name: str, role: str) -> None:
    """Break this process, if it is the one that is meant."""
    if name and SABOTAGE[name][0] == role:
        SABOTAGE[name][2]()
