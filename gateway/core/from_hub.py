"""What a hub says to the centre, read by the centre: who, where in which stream, and the body."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.core.alerts import Matter, Msg
from gateway.core.bodies import VERSION
from gateway.core.fields import STREAMS, Fields, read_object
from gateway.core.model import Kind
from gateway.errors import HubMessageError

_UP = re.compile(
    rf"ansim/{VERSION}/([0-9A-Za-z._-]{{1,64}})/([0-9A-Za-z._-]{{1,64}})/up/"
    r"(state|hb|alarm|event|sum|evidence|res|routine)"
)


@dataclass(frozen=True, slots=True)
class UpMessage:
    """One message from a hub, as the centre reads it.

    leaf: the topic's last word. stream: the same for messages of a stream, "" for state and hb,
    which have no id (""), no seq (0), and a will not even an epoch ("").
    body: the whole message; an alarm's lifecycle fields have been checked.
    """

    district: str
    hub: str
    leaf: str
    stream: str
    epoch: str
    seq: int
    id: str
    body: Mapping[str, Any]


def parse_up(topic: str, payload: bytes) -> UpMessage:
    """Return a hub's message, or raise HubMessageError with the reason."""
    match = _UP.fullmatch(topic)
    if not match:
        raise HubMessageError(f"not a topic of a hub: {topic[:100]!r}")
    district, hub, leaf = match.groups()
    body = read_object(payload, HubMessageError)
    fields = Fields(body, HubMessageError, f"up/{leaf}: ")
    fields.version(VERSION)
    if fields.text("hub") != hub:
        fields.refuse("hub", f"{body['hub']!r} on the topic of {hub}")
    fields.integer("boot")
    if leaf in ("state", "hb"):
        fields.integer("session")
        online = leaf == "hb" or fields.boolean("online")
        epoch = fields.text("epoch") if online else ""
        return UpMessage(district, hub, leaf, "", epoch, 0, "", body)
    if fields.text("stream", STREAMS) != leaf:
        fields.refuse("stream", f"{body['stream']} on up/{leaf}")
    if leaf == "alarm":
        _check_alarm(fields)
    epoch, seq, ident = fields.text("epoch"), fields.integer("seq", 1), fields.text("id")
    return UpMessage(district, hub, leaf, leaf, epoch, seq, ident, body)


def _check_alarm(fields: Fields) -> None:
    """Check what the centre's own life of the alert depends on."""
    msg = fields.word("msg", Msg)
    fields.word("type", Kind)
    state = fields.word("state", Matter)
    fields.time("t")
    fields.integer("sev", 1, 4)
    refs = fields.ids("refs")
    if fields.has("due"):
        fields.time("due")
    if fields.has("due") is not (state is Matter.PENDING):
        fields.refuse("due", "goes with `pending`, and only with it")
    if not refs and msg in (Msg.UPDATE, Msg.CANCEL):
        fields.refuse("refs", f"`{msg}` of no alarm")
