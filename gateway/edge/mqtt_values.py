"""What goes into an MQTT connection and comes out of it; gateway.edge.mqtt hands these on."""

import ssl
from dataclasses import dataclass, field
from enum import Enum

from gateway.errors import LinkError


class Version(Enum):
    """The protocol on the wire."""

    V5 = "5.0"
    V311 = "3.1.1"


class Refused(LinkError):  # noqa: N818 - what the broker did
    """The broker did not accept the connection. `old`: it may be too old for this version."""

    def __init__(self, why: str, *, old: bool = False) -> None:
        super().__init__(why)
        self.old = old


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to connect and as whom."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    username: str = ""
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Publication:
    """One message out; `expiry_s` and `reply` exist in MQTT 5 only and nothing depends on them."""

    topic: str
    payload: bytes
    retain: bool = False
    expiry_s: int | None = None
    reply: tuple[str, str] | None = None  # topic, correlation


@dataclass(frozen=True, slots=True)
class Received:
    """One message in; acknowledge it when it is safe (`Connection.acknowledge`)."""

    topic: str
    payload: bytes
    retained: bool
    mid: int
    qos: int
