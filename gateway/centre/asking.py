"""An operator's commands that no hub has answered: said again until one does, or they are void.

A broker may keep no message for a hub that is away (subscriptions with QoS 0, as on NATS), and a
hub may be killed with a command in its hands. It knows a command by its id and does it once.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.centre.outcome import Event, Notice
from gateway.core.from_hub import UpMessage
from gateway.core.wire import Command

AGAIN_MS = 5_000


@dataclass(frozen=True, slots=True)
class Asked:
    """A command and whom it is for. again_ms: when it is said again."""

    district: str
    hub: str
    command: Command
    again_ms: int


class Asking:
    """What has been asked and not been answered, in memory: a centre that dies asks no more."""

    def __init__(self) -> None:
        self._open: dict[str, Asked] = {}

    def ask(self, district: str, hub: str, command: Command, at_ms: int) -> None:
        """Remember a command that has been said."""
        self._open[command.id] = Asked(district, hub, command, at_ms + AGAIN_MS)

    def hear(self, messages: Iterable[UpMessage]) -> None:
        """Forget what is answered."""
        for message in messages:
            if message.leaf == "res":
                self._open.pop(str(message.body.get("cmd", "")), None)

    def again(self, at_ms: int) -> list[Asked]:
        """Return what is to be said again now."""
        due = [one for one in self._open.values() if one.again_ms <= at_ms]
        for one in due:
            self.ask(one.district, one.hub, one.command, at_ms)
        return due

    def void(self, at_ms: int) -> list[Event]:
        """Return what no hub has answered in time, and forget it."""
        late = [one for one in self._open.values() if one.command.not_after_ms < at_ms]
        for one in late:
            del self._open[one.command.id]
        return [
            Event(at_ms, Notice.UNANSWERED, one.hub, one.command.id, one.command.name.value)
            for one in late
        ]
