"""What the pipeline asks of the edge: values again, so that a replay can compare them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from gateway.core.alerts import Alert
from gateway.core.model import At, Memory


class Stream(StrEnum):
    """The hub's streams to the centre; each counts its own durable `seq` within an epoch."""

    ALARM = "alarm"
    EVENT = "event"
    SUM = "sum"
    EVIDENCE = "evidence"
    RES = "res"
    ROUTINE = "routine"


# Somebody waits for these: an operator for an alarm and its evidence, a centre for its answer.
# A day's summary commits alone too: with the mark that it was told, so that it is told once.
PROMPT = frozenset({Stream.ALARM, Stream.EVIDENCE, Stream.RES, Stream.ROUTINE})


@dataclass(frozen=True, slots=True)
class Post:
    """One message for the outbox: everything but the envelope that the store and uplink add.

    id: ULID, the message's own. alert: the alert it belongs to, or None.
    body: JSON values, the fields of gateway.core.wire for this stream without the envelope.
    """

    stream: Stream
    id: str
    at: At
    body: Mapping[str, Any]
    alert: str | None = None


@dataclass(frozen=True, slots=True)
class Keep:
    """One reading for the home's own record (the last hours; never sent). `value` is JSON."""

    at: At
    device: str
    what: str
    value: Mapping[str, Any]


class Sound(StrEnum):
    """What the announcer is told, for the resident's ears and eyes."""

    PENDING = "pending"  # an alarm will go out unless cancelled
    RAISED = "raised"  # help is being called
    CANCELLED = "cancelled"
    STORED = "stored"  # the centre has it
    NOT_STORED = "not-stored"  # 30 s without `stored`
    NOT_PRESENTED = "not-presented"  # stored, but on nobody's screen after 60 s
    HANDLED = "handled"
    AWAY = "away"  # it is taken that the resident goes out: silence is allowed for longer
    HOME = "home"  # home again


@dataclass(frozen=True, slots=True)
class Announce:
    """Tell the resident. `alert`: what it is about; None of going out and coming home."""

    at: At
    sound: Sound
    alert: Alert | None = None


@dataclass(frozen=True, slots=True)
class Outputs:
    """What one input caused.

    posts on a PROMPT stream, saved alerts and `memories` beside them commit alone and at once; the
    rest waits for the batch. `forget` names alerts that are over and told: their rows may go.
    state: detectors' learnt state to persist with the batch, by detector name (opaque bytes).
    at_once: what somebody said of the resident is in it, and must outlive a power cut.
    """

    posts: tuple[Post, ...] = ()
    alerts: tuple[Alert, ...] = ()
    memories: tuple[Memory, ...] = ()
    keeps: tuple[Keep, ...] = ()
    announcements: tuple[Announce, ...] = ()
    state: tuple[tuple[str, bytes], ...] = ()
    forget: tuple[str, ...] = ()
    at_once: bool = False

    @property
    def urgent(self) -> bool:
        """Whether this commits alone and at once."""
        return (
            self.at_once or bool(self.alerts) or any(post.stream in PROMPT for post in self.posts)
        )


NOTHING: Final = Outputs()
"""What nearly every tick causes."""
