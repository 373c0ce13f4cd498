"""The MQTT contract in code: topics, messages out, messages in.

Root `ansim/1/{district}/{hub}/…`; hub is a 128-bit random pseudonym in base32, never a name,
address or MAC. Every message is JSON; whoever receives it needs nothing of MQTT 5 to understand it.

    up/state     retained birth and will            dn/ack   acknowledgements
    up/alarm     one alarm a message                dn/cmd   commands
    up/event     batched events                     ../centre/state  retained, the centre's own
    up/sum up/evidence up/hb up/res

Whoever speaks the contract imports from here; it stands in four parts: what a hub says
(gateway.core.bodies) and how the centre reads it (from_hub), what the centre says and how a hub
reads it (from_centre), and JSON taken strictly (fields). The schemas are gateway.core.schemas.
"""

from dataclasses import dataclass

from gateway.core.bodies import (
    MAX_PAYLOAD,
    MDC,
    PLACES,
    VERSION,
    acceleration_bodies,
    alarm_body,
    birth_body,
    event_bodies,
    event_item,
    heartbeat_body,
    home_bodies,
    result_body,
    summary_body,
    summary_item,
    will_body,
)
from gateway.core.fields import MAX_BYTES, encode, instant_fields, parse_timestamp, timestamp
from gateway.core.from_centre import (
    Ack,
    AckStatus,
    Cause,
    CentreState,
    Command,
    CommandName,
    ack_payload,
    centre_state_payload,
    command_id,
    command_payload,
    parse_ack,
    parse_centre_state,
    parse_command,
)
from gateway.core.from_hub import UpMessage, parse_up


@dataclass(frozen=True, slots=True)
class Topics:
    """One hub's topics."""

    district: str
    hub: str

    def up(self, leaf: str) -> str:
        """Return a topic from the hub to the centre."""
        return f"ansim/{VERSION}/{self.district}/{self.hub}/up/{leaf}"

    def dn(self, leaf: str) -> str:
        """Return a topic from the centre to the hub."""
        return f"ansim/{VERSION}/{self.district}/{self.hub}/dn/{leaf}"

    @property
    def centre(self) -> str:
        """Return the topic of the centre's retained state."""
        return f"ansim/{VERSION}/{self.district}/centre/state"


__all__ = [
    "MAX_BYTES",
    "MAX_PAYLOAD",
    "MDC",
    "PLACES",
    "VERSION",
    "Ack",
    "AckStatus",
    "Cause",
    "CentreState",
    "Command",
    "CommandName",
    "Topics",
    "UpMessage",
    "acceleration_bodies",
    "ack_payload",
    "alarm_body",
    "birth_body",
    "centre_state_payload",
    "command_id",
    "command_payload",
    "encode",
    "event_bodies",
    "event_item",
    "heartbeat_body",
    "home_bodies",
    "instant_fields",
    "parse_ack",
    "parse_centre_state",
    "parse_command",
    "parse_timestamp",
    "parse_up",
    "result_body",
    "summary_body",
    "summary_item",
    "timestamp",
    "will_body",
]
