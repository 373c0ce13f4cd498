"""What the store hands out, and how values become JSON and come back equal."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any

from gateway.core.alerts import Alert, Matter, Word
from gateway.core.model import At, Kind, Reason
from gateway.core.outputs import Stream
from gateway.core.wire import VERSION

Order = tuple[int, str, int]
"""A row's place in the order of sending: lane, epoch, seq."""

ORDER = (
    Stream.ALARM,
    Stream.RES,
    Stream.EVIDENCE,
    Stream.ROUTINE,
    Stream.EVENT,
    Stream.SUM,
)
"""In which order streams go out: alarms before everything else, summaries last."""


@dataclass(frozen=True, slots=True)
class Row:
    """One outbox message, ready for the wire except `attempt`."""

    stream: Stream
    epoch: str
    seq: int
    id: str
    alert: str | None
    at: At
    payload: Mapping[str, Any]
    durable: bool

    @property
    def order(self) -> Order:
        """Return its place in the order of sending."""
        return ORDER.index(self.stream), self.epoch, self.seq


class FoundState(StrEnum):
    """What was there when the store opened (or when it lost its database while running)."""

    NEW = "new"
    EXISTING = "existing"
    FORGETFUL = "forgetful"  # it lies in memory and this is another boot: an old copy of itself
    SET_ASIDE = "set aside"
    UNUSABLE = "unusable"


@dataclass(frozen=True, slots=True)
class Found:
    """What was there, why it was not used, and the name under which it was kept."""

    state: FoundState
    reason: str = ""
    kept_as: str = ""


@dataclass(frozen=True, slots=True)
class Committed:
    """The outcome of a commit: never an exception. durable False: sent from memory, `error` why."""

    rows: tuple[Row, ...]
    durable: bool
    error: str = ""


@dataclass(frozen=True, slots=True)
class Restored:
    """What a new run starts from. last_seen: the newest instant that the last run committed.

    unreadable: ids of alerts that another version wrote in a way this one does not understand.
    """

    alerts: tuple[Alert, ...] = ()
    memories: Mapping[str, Mapping[str, int | str]] = field(default_factory=dict)
    detector_state: Mapping[str, bytes] = field(default_factory=dict)
    last_seen: At | None = None
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Depth:
    """How much lies in the store, for `ansim status`."""

    unfinished: Mapping[str, int]
    readings: int
    waiting: int
    in_memory: int
    evicted: Mapping[str, int]
    bytes_on_disk: int


def payload(
    *,
    hub: str,
    epoch: str,
    stream: Stream,
    seq: int,
    id: str,  # noqa: A002 - the wire's word
    boot: int,
    durable: bool,
    body: str,
) -> dict[str, Any]:
    """Return the envelope (reference contract, section 3, rule 5) around a body."""
    return {
        "v": VERSION,
        "id": id,
        "hub": hub,
        "epoch": epoch,
        "stream": stream.value,
        "seq": seq,
        "boot": boot,
        "durable": durable,
        **json.loads(body),
    }


def to_json(value: object) -> str:
    """Return compact JSON. A stray numpy number or mapping proxy must not cost an alarm."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value)


def at_from(values: Mapping[str, Any] | None) -> At | None:
    """Return the instant that `asdict` took apart."""
    return At(**values) if values else None


def alert_to_json(alert: Alert) -> str:
    """Return an alert whole."""
    return to_json({f.name: _taken_apart(getattr(alert, f.name)) for f in fields(alert)})


def _taken_apart(value: Any) -> Any:
    match value:
        case At():
            return asdict(value)
        case Reason(code, values):
            return {"code": code, "values": values}
        case _:
            return value


def alert_from_json(text: str) -> Alert:
    """Return the alert that `alert_to_json` wrote, equal to it."""
    values = json.loads(text)
    values["kind"] = Kind(values["kind"])
    values["matter"] = Matter(values["matter"])
    values["word"] = Word(values["word"])
    values["reason"] = Reason(**values["reason"])
    for name in ("at", "onset", "due", "stored_at"):
        values[name] = at_from(values[name])
    return Alert(**values)
