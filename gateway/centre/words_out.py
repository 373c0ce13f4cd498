"""What goes out after the commit: acknowledgements and commands, in as few messages as will do."""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol

from gateway.centre.outcome import Ask, Outcome, Say
from gateway.core.wire import (
    AckStatus,
    Command,
    Topics,
    ack_payload,
    command_payload,
)
from gateway.edge.mqtt import Publication

COMMAND_VALID_MS = 60_000


class Way(Protocol):
    """One district's way out, over one broker."""

    district: str

    def send(self, publication: Publication) -> bool:
        """Send; False when the line is down."""
        ...


class WordsOut:
    """Speaks on the lines of a centre; what no line can carry is dropped (see line.py)."""

    def __init__(
        self, lines: Iterable[Way], new_id: Callable[[], str] = lambda: secrets.token_hex(16)
    ) -> None:
        self._lines = tuple(lines)
        self._new_id = new_id

    def speak(self, outcomes: Iterable[Outcome], at_ms: int) -> None:
        """Say and ask what committed outcomes want."""
        done = tuple(outcomes)
        for say in together(say for outcome in done for say in outcome.says):
            topic = Topics(say.district, say.hub).dn("ack")
            self._send(say.district, Publication(topic, ack_payload(say.ack)))
        for outcome in done:
            for ask in outcome.asks:
                self.ask(ask, at_ms)

    def ask(self, ask: Ask, at_ms: int) -> Command | None:
        """Send a command and return it; None when the line is down."""
        command = Command(self._new_id(), ask.name, dict(ask.args), at_ms + COMMAND_VALID_MS)
        return command if self.command(ask.district, ask.hub, command) else None

    def command(self, district: str, hub: str, command: Command) -> bool:
        """Send a command, perhaps not for the first time; False when the line is down."""
        topic = Topics(district, hub).dn("cmd")
        expiry_s = COMMAND_VALID_MS // 1000
        return self._send(district, Publication(topic, command_payload(command), expiry_s=expiry_s))

    def _send(self, district: str, publication: Publication) -> bool:
        """Say it on every line of the district: a hub may be at any broker, and takes it once."""
        sent = [line.send(publication) for line in self._lines if line.district == district]
        return any(sent)


def together(says: Iterable[Say]) -> list[Say]:
    """Return the words of a batch in fewer messages: `stored` ids of one stream in one, one upto.

    >>> from gateway.core.wire import Ack
    >>> [say.ack.ids for say in together([Say("d", "h", Ack("e", "alarm", AckStatus.STORED, (i,)))
    ...                                   for i in ("A", "B")])]
    [('A', 'B')]
    """
    joined: dict[object, Say] = {}
    for say in says:
        ack = say.ack
        key: object = (say.hub, ack.epoch, ack.stream, ack.upto is None)
        if ack.status is not AckStatus.STORED:
            key = (say.hub, ack)
        before = joined.get(key)
        if before is not None:
            upto = None if ack.upto is None else max(ack.upto, before.ack.upto or 0)
            ids = tuple(dict.fromkeys(before.ack.ids + ack.ids))
            say = replace(say, ack=replace(ack, ids=ids, upto=upto))  # noqa: PLW2901 - the same word
        joined[key] = say
    return list(joined.values())
