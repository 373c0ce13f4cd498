"""What the centre says to a hub: acknowledgements, commands, its own state. Read and built here.

What is not known. A hub stands in a home for years and is older than its centre: an unknown field
in an acknowledgement or in the centre's state is ignored, for an alarm that is never `stored` is
repeated without end. In a command it is refused: it could change what is asked.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from gateway.core.bodies import VERSION
from gateway.core.fields import STREAMS, Fields, encode, read_object, timestamp
from gateway.errors import CentreError

_OPERATOR = re.compile(r"[^\x00-\x1f\x7f]{0,64}")


class AckStatus(StrEnum):
    """What the centre says of messages (`stored`) and alerts (the others)."""

    STORED = "stored"
    PRESENTED = "presented"
    HANDLED = "handled"
    CLOSED = "closed"


class Cause(StrEnum):
    """Why the centre closed an alert."""

    REAL = "real"
    FALSE = "false"
    TEST = "test"
    RESIDENT = "cancelled by the resident"


@dataclass(frozen=True, slots=True)
class Ack:
    """One `dn/ack`: of message ids (stored) or alert ids (the others), or of all seq <= upto."""

    epoch: str
    stream: str
    status: AckStatus
    ids: tuple[str, ...] = ()
    upto: int | None = None
    cause: Cause | None = None
    operator: str = ""


class CommandName(StrEnum):
    """What a centre may ask of a hub. None of them executes anything."""

    ACKNOWLEDGE = "acknowledge"
    RESEND = "resend"
    TEST_ALARM = "test-alarm"
    AWAY = "away"
    HOME = "home"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Command:
    """One `dn/cmd`. The hub de-duplicates by id; after `not_after_ms` (Unix) it is refused.

    args: `acknowledge` {ids, status, cause?, operator?}, `resend` {epoch, stream, from, to},
    `away` {until?}; the others none. Their form has been checked.
    """

    id: str
    name: CommandName
    args: Mapping[str, Any]
    not_after_ms: int


@dataclass(frozen=True, slots=True)
class CentreState:
    """The centre's retained state; `at_ms` is its own time when it said so, None in its will."""

    online: bool
    at_ms: int | None = None


def ack_payload(ack: Ack) -> bytes:
    """Return the payload of a `dn/ack`."""
    message: dict[str, Any] = {
        "v": VERSION,
        "epoch": ack.epoch,
        "stream": ack.stream,
        "status": ack.status.value,
    }
    if ack.upto is not None:
        message["upto"] = ack.upto
    if ack.ids:
        message["ids"] = list(ack.ids)
    if ack.cause is not None:
        message["cause"] = ack.cause.value
    if ack.operator:
        message["operator"] = ack.operator
    return encode(message)


def parse_ack(payload: bytes) -> Ack:
    """Return a `dn/ack`, or raise CentreError with the reason."""
    fields = Fields(read_object(payload, CentreError), CentreError)
    fields.version(VERSION)
    return _ack(fields, fields.text("epoch"), fields.text("stream", STREAMS))


def _ack(fields: Fields, epoch: str, stream: str) -> Ack:
    status = fields.word("status", AckStatus)
    ids = fields.ids("ids")
    upto = fields.integer("upto") if fields.has("upto") else None
    cause = fields.word("cause", Cause) if fields.has("cause") else None
    if upto is not None and status is not AckStatus.STORED:
        fields.refuse("upto", f"only `stored` is said of a whole run, not `{status}`")
    if not ids and upto is None:
        fields.refuse("ids", "an acknowledgement of nothing")
    if (cause is None) is (status is AckStatus.CLOSED):
        fields.refuse("cause", "goes with `closed`, and only with it")
    operator = fields.text("operator", _OPERATOR) if fields.has("operator") else ""
    return Ack(epoch, stream, status, ids, upto, cause, operator)


def command_payload(command: Command) -> bytes:
    """Return the payload of a `dn/cmd`."""
    return encode(
        {
            "v": VERSION,
            "id": command.id,
            "name": command.name.value,
            "args": dict(command.args),
            "not_after": timestamp(command.not_after_ms),
        }
    )


def parse_command(payload: bytes) -> Command:
    """Return a `dn/cmd`, or raise CentreError with the reason."""
    fields = Fields(read_object(payload, CentreError), CentreError)
    fields.version(VERSION)
    fields.only(("v", "id", "name", "args", "not_after"))
    name = fields.word("name", CommandName)
    return Command(
        id=fields.text("id"),
        name=name,
        args=MappingProxyType(_arguments(name, fields.inner("args"))),
        not_after_ms=fields.time("not_after"),
    )


def _arguments(name: CommandName, args: Fields) -> dict[str, Any]:
    match name:
        case CommandName.ACKNOWLEDGE:
            args.only(("ids", "status", "cause", "operator"))
            ack = _ack(args, "", "alarm")
            return {
                "ids": list(ack.ids),
                "status": ack.status.value,
                **({"cause": ack.cause.value} if ack.cause else {}),
                **({"operator": ack.operator} if ack.operator else {}),
            }
        case CommandName.RESEND:
            args.only(("epoch", "stream", "from", "to"))
            first = args.integer("from", 1)
            return {
                "epoch": args.text("epoch"),
                "stream": args.text("stream", STREAMS),
                "from": first,
                "to": args.integer("to", first),
            }
        case CommandName.AWAY:
            args.only(("until",))
            return {"until": timestamp(args.time("until"))} if args.has("until") else {}
        case CommandName.TEST_ALARM | CommandName.HOME | CommandName.STATUS:
            args.only(())
            return {}


def command_id(payload: bytes) -> str | None:
    """Return the id of a command that is refused, so that the refusal can be answered."""
    try:
        return Fields(read_object(payload, CentreError), CentreError).text("id")
    except CentreError:
        return None


def centre_state_payload(state: CentreState) -> bytes:
    """Return the payload of `centre/state`."""
    message: dict[str, Any] = {"v": VERSION, "online": state.online}
    if state.at_ms is not None:
        message["t"] = timestamp(state.at_ms)
    return encode(message)


def parse_centre_state(payload: bytes) -> CentreState:
    """Return the centre's state, or raise CentreError with the reason."""
    fields = Fields(read_object(payload, CentreError), CentreError)
    fields.version(VERSION)
    return CentreState(fields.boolean("online"), fields.time("t") if fields.has("t") else None)
