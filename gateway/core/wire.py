"""The MQTT contract in code: topics, messages out, messages in.

Root `ansim/1/{district}/{hub}/…`; hub is a 128-bit random pseudonym in base32, never a name,
address or MAC. Every message is JSON; whoever receives it needs nothing of MQTT 5 to understand it.

    up/state     retained birth and will            dn/ack   acknowledgements
    up/alarm     one alarm a message                dn/cmd   commands
    up/event     batched events                     ../centre/state  retained, the centre's own
    up/sum up/evidence up/hb up/res
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from gateway.core.alerts import SEVERITY, Alert, Msg
from gateway.core.model import At, Kind
from gateway.errors import CentreError

VERSION = 1

# ISO/IEEE 11073-10471, partition 130: the sensor's code of each kind of alarm (0: none fits).
MDC: Mapping[Kind, int] = MappingProxyType(
    dict.fromkeys(Kind, 0)
    | {
        Kind.FALL: 1,
        Kind.PERS: 2,
        Kind.SMOKE: 3,
        Kind.CO: 4,
        Kind.WATER: 5,
        Kind.GAS: 6,
        Kind.INACTIVITY: 7,
        Kind.EXIT: 8,
    }
)

# The same standard's places: 10-bit type, 6-bit instance. The YAML names them by these words.
PLACES: Mapping[str, int] = MappingProxyType(
    {
        "": 0,
        "bedroom": 3072,
        "toilet": 3200,
        "shower": 3392,
        "kitchen": 3456,
        "living": 3648,
        "hall": 3840,
        "frontdoor": 9216,
        "fridge": 9344,
        "medicine": 9408,
        "bed": 11264,
        "chair": 11328,
        "toiletseat": 11456,
    }
)


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


def timestamp(wall_ms: int) -> str:
    """Return RFC 3339 in UTC with milliseconds.

    >>> timestamp(0)
    '1970-01-01T00:00:00.000Z'
    """
    instant = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=wall_ms)
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_timestamp(text: str) -> int:
    """Return Unix milliseconds of an RFC 3339 time; CentreError if it is none."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise CentreError(f"not an RFC 3339 time: {text!r}") from None
    if instant.tzinfo is None:
        raise CentreError(f"a time without zone: {text!r}")
    return round(instant.timestamp() * 1000)


def instant_fields(at: At) -> dict[str, Any]:
    """Return `t`, `mono_ms` and `clock` of an instant, as every message carries them."""
    return {
        "t": timestamp(at.wall_ms),
        "mono_ms": at.mono_ms,
        "clock": "proven" if at.proven else "estimated",
    }


def alarm_body(
    alert: Alert, msg: Msg, at: At, *, loc: int, evid: Mapping[str, Any], refs: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return an `up/alarm` message without its envelope.

    The envelope, added by store and uplink: v, id, hub, epoch, stream, seq, boot, durable, attempt.
    `t` is the onset of the matter, `sent_t` the instant of this message.
    """
    return {
        "msg": msg.value,
        "type": alert.kind.value,
        "state": alert.matter.value,
        "due": timestamp(alert.due.wall_ms) if alert.due else None,
        "mdc": MDC[alert.kind],
        "loc": loc,
        "sev": SEVERITY[alert.kind],
        "cert": round(alert.probability, 3),
        **instant_fields(alert.onset),
        "sent_t": timestamp(at.wall_ms),
        "sensor": alert.device,
        "evid": dict(evid),
        "refs": list(refs),
    }


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
    """One `dn/cmd`. The hub de-duplicates by id; after `not_after_ms` (Unix) it is refused."""

    id: str
    name: CommandName
    args: Mapping[str, Any]
    not_after_ms: int
