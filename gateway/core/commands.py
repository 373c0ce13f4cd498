"""What the centre may ask of a hub, and what the hub answers. None of it executes anything.

A command arrives at least once: its id is remembered (and persisted) until its time is over, and
the same id again is answered with the first answer, without being done twice.
"""

from collections.abc import Callable, Mapping
from typing import Any

from gateway.core.book import AlertBook
from gateway.core.detector import Detector
from gateway.core.draft import Draft
from gateway.core.inputs import Asked, Refused
from gateway.core.model import At, Kind, Memory, Reason
from gateway.core.outputs import Stream
from gateway.core.texts import words
from gateway.core.wire import (
    MDC,
    Ack,
    AckStatus,
    Cause,
    CommandName,
    instant_fields,
    result_body,
    timestamp,
)

MEMORY = "@commands"  # the name under which handled ids are kept beside the decoders' counters
REMEMBERED = 128
"""So many ids at most. A centre's are over after a minute; what makes room is next to be over."""


class Commands:
    """Does what the centre asks, once each."""

    def __init__(
        self,
        book: AlertBook,
        new_id: Callable[[At], str],
        status: Callable[[], Mapping[str, Any]],
    ) -> None:
        self._book = book
        self._new_id = new_id
        self._status = status
        self._done: dict[str, int | str] = {}

    def restore(self, values: Mapping[str, int | str]) -> None:
        """Take back the ids that the previous run handled."""
        self._done = dict(values)

    def ask(self, asked: Asked, detectors: tuple[Detector, ...], draft: Draft) -> None:
        """Do one command and answer it on the result stream."""
        command = asked.command
        if command.id in self._done:
            self._answer(asked, detail={"repeated": True}, draft=draft)
            return
        self._remember(command.id, command.not_after_ms, asked.at)
        draft.memories.append(Memory(MEMORY, dict(self._done)))
        detail: Mapping[str, Any] = {}
        match command.name:
            case CommandName.ACKNOWLEDGE:
                self._acknowledge(asked, draft)
            case CommandName.TEST_ALARM:
                detail = {"alarm": test_alarm(asked.at, self._new_id(asked.at), draft)}
            case CommandName.AWAY | CommandName.HOME:
                for detector in detectors:
                    for decision in detector.feed(asked):
                        self._book.decide(decision, draft)
                detail = {"presence": command.name.value}
            case CommandName.STATUS:
                detail = self._status()
            case CommandName.RESEND:
                left = {} if asked.left is None else {"left": asked.left}
                detail = {"resend": dict(command.args), **left}
        self._answer(asked, detail=detail, draft=draft)

    def _remember(self, ident: str, not_after_ms: int, at: At) -> None:
        """Note that a command is done; forget those that could not be obeyed again anyway."""
        now_ms = at.wall_ms if at.proven else 0
        self._done = {one: end for one, end in self._done.items() if int(end) >= now_ms}
        while len(self._done) >= REMEMBERED:
            del self._done[min(self._done, key=lambda one: int(self._done[one]))]
        self._done[ident] = not_after_ms

    def refuse(self, refused: Refused, draft: Draft) -> None:
        """Answer a command that was not obeyed."""
        body = result_body(refused.id, refused.at, ok=False, reason=refused.reason)
        draft.post(Stream.RES, self._new_id(refused.at), body)

    def _acknowledge(self, asked: Asked, draft: Draft) -> None:
        args = asked.command.args
        ack = Ack(
            epoch="",
            stream=Stream.ALARM.value,
            status=AckStatus(args["status"]),
            ids=tuple(args["ids"]),
            cause=Cause(args["cause"]) if "cause" in args else None,
            operator=args.get("operator", ""),
        )
        self._book.acknowledge(asked.at, ack, draft)

    def _answer(self, asked: Asked, detail: Mapping[str, Any], draft: Draft) -> None:
        body = result_body(asked.command.id, asked.at, ok=True, result=detail)
        draft.post(Stream.RES, self._new_id(asked.at), body)


def test_alarm(at: At, message_id: str, draft: Draft) -> str:
    """Post a full-path test alarm: it goes the whole way an alarm goes, and rings nobody."""
    body = {
        "msg": "test",
        "type": Kind.PERS.value,
        "state": "raised",
        "due": None,
        "mdc": MDC[Kind.PERS],
        "loc": 0,
        "sev": 1,
        "cert": 1.0,
        **instant_fields(at),
        "sent_t": timestamp(at.wall_ms),
        "sensor": "hub",
        "evid": {**words(Reason("test.alarm")), "ended": True},
        "refs": [],
    }
    draft.post(Stream.ALARM, message_id, body)
    return message_id
