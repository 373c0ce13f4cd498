"""One alert as the centre knows it: put together from messages that may come in any order, twice.

The hub's own table (gateway.core.alerts) says what may follow what; the centre cannot rely on the
order of arrival, so what is the matter is the join of all that was said:

    pending ──► cancelled ──► raised ──► closed by a person

1. `raised` wins over `cancelled`: a hub never cancels what it has raised, so where both are heard,
   the centre raised it itself at its due time, or something is wrong; a person must look.
2. What only the centre's own rule has closed (a cancelled alert, a test) is opened again by
   `raised`; what a person has closed stays closed.
3. What is shown (reason, certainty, place) is that of the newest message by (epoch, seq).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from gateway.core.alerts import Matter, Msg, Word
from gateway.core.model import Kind
from gateway.core.wire import Cause, UpMessage, parse_timestamp
from gateway.errors import CentreError

CLOCKS_AGREE_MS = 5_000
"""A hub's proven clock within this of ours agrees with it; the rest is the way here."""

QUEUE_GRACE_MS = 2_000
"""A pending alarm that comes late has its cancel right behind it in the broker's queue."""

USUAL_WINDOW_MS = 30_000
MAX_WINDOW_MS = 600_000
"""A hub whose message says no window, or an absurd one, gets these."""

_P, _X, _R, _C = Matter.PENDING, Matter.CANCELLED, Matter.RAISED, Matter.CLOSED

JOIN: Mapping[tuple[Matter, Matter], Matter] = MappingProxyType(
    {
        (_P, _P): _P, (_P, _X): _X, (_P, _R): _R,
        (_X, _P): _X, (_X, _X): _X, (_X, _R): _R,
        (_R, _P): _R, (_R, _X): _R, (_R, _R): _R,
        (_C, _P): _C, (_C, _X): _C, (_C, _R): _C,
    }
)  # fmt: skip
"""(what we hold, what a message says) -> what it is now."""

AUTOMATIC = "automatic"
"""The operator code of what the centre does by rule."""


@dataclass(frozen=True, slots=True)
class Case:
    """One alert. Times ending in `_ms` are the centre's own Unix time, but `onset_ms` the hub's.

    due_ms: when the centre raises a pending one itself. raised_here: it did.
    ended: a fault or hazard is over, says the hub; only the centre closes it all the same.
    withdrawn: a cancel was heard, whether or not it still counted.
    also: what else must be known of the reason, by language (what of a silence was not seen).
    updates: messages beyond the first. said: how far its word has come; None: nobody has seen it.
    """

    id: str
    hub: str
    district: str
    epoch: str
    seq: int
    kind: Kind
    matter: Matter
    sev: int
    cert: float
    loc: int
    sensor: str
    onset_ms: int
    proven: bool
    durable: bool
    ended: bool
    reason: Mapping[str, str]
    received_ms: int
    word: Word = Word.STORED
    due_ms: int | None = None
    raised_ms: int | None = None
    raised_here: bool = False
    withdrawn: bool = False
    test: bool = False
    updates: int = 0
    updated_ms: int = 0
    presented_ms: int | None = None
    handled_ms: int | None = None
    closed_ms: int | None = None
    cause: Cause | None = None
    operator: str = ""
    overdue: bool = False  # told that nobody has seen it
    also: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def open(self) -> bool:
        """Whether somebody still has to do something about it."""
        return self.matter in (Matter.PENDING, Matter.RAISED)


def due_here(message: UpMessage, received_ms: int, *, clocks_agree: bool) -> int | None:
    """Return when the centre raises this pending alarm itself, in the centre's time.

    The hub's absolute `due` counts only while its proven clock has shown to agree with ours, and
    then no later than a whole window after the arrival and not at once (QUEUE_GRACE_MS). Otherwise
    the window is counted anew from the arrival: late by the way here at most, never lost in a
    wrong year.
    """
    body = message.body
    if body["state"] != Matter.PENDING:
        return None
    due_ms = parse_timestamp(body["due"])
    sent_ms = _time(body.get("sent_t"))
    window_ms = USUAL_WINDOW_MS if sent_ms is None else due_ms - sent_ms
    latest = received_ms + min(max(window_ms, 0), MAX_WINDOW_MS)
    if not clocks_agree or body.get("clock") != "proven":
        return latest
    return min(max(due_ms, received_ms + QUEUE_GRACE_MS), latest)


def about(message: UpMessage) -> str:
    """Return the id of the alert that an alarm message speaks of."""
    refs = message.body.get("refs")
    return str(refs[0]) if refs and message.body["msg"] in (Msg.UPDATE, Msg.CANCEL) else message.id


def opened(message: UpMessage, received_ms: int, due_ms: int | None) -> Case:
    """Return the case that this message is the first word of, whatever kind of message it is."""
    body = message.body
    case = Case(
        id=about(message),
        hub=message.hub,
        district=message.district,
        epoch="",
        seq=0,
        # A hub closes nothing: one that says so of what we never heard is looked at by a person.
        matter=_R if body["state"] == _C else _P,
        received_ms=received_ms,
        test=body["msg"] == Msg.TEST,
        **_shown(body),
    )
    return replace(joined(case, message, received_ms, due_ms), updates=0, updated_ms=0)


def joined(case: Case, message: UpMessage, received_ms: int, due_ms: int | None) -> Case:
    """Return the case after one more message of it."""
    body = message.body
    said = Matter(body["state"])
    matter = case.matter if said is _C else JOIN[case.matter, said]
    by_rule = case.matter is _C and case.operator == AUTOMATIC and not case.test
    if by_rule and said is _R:
        matter = _R
        case = replace(case, cause=None, operator="", closed_ms=None)
    dues = [due for due in (case.due_ms, due_ms) if due is not None]
    newest = (message.epoch, message.seq) > (case.epoch, case.seq)
    return replace(
        case,
        matter=matter,
        due_ms=min(dues) if dues and matter is _P else None,
        raised_ms=received_ms if matter is _R and case.raised_ms is None else case.raised_ms,
        withdrawn=case.withdrawn or body["msg"] == Msg.CANCEL,
        test=case.test or body["msg"] == Msg.TEST,
        updates=case.updates + 1,
        updated_ms=received_ms,
        **(_shown(body) | {"epoch": message.epoch, "seq": message.seq} if newest else {}),
    )


def _shown(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a person reads; an alarm is never refused for a fault in one of these."""
    given = body.get("evid")
    evid = given if isinstance(given, dict) else {}
    cert, loc = body.get("cert"), body.get("loc")
    return {
        "kind": Kind(body["type"]),
        "sev": body["sev"],
        "cert": min(max(float(cert), 0.0), 1.0) if isinstance(cert, int | float) else 1.0,
        "loc": loc if isinstance(loc, int) else 0,
        "sensor": str(body.get("sensor") or ""),
        "onset_ms": parse_timestamp(body["t"]),
        "proven": body.get("clock") == "proven",
        "durable": body.get("durable") is not False,
        "ended": evid.get("ended") is True,
        "reason": {key: str(evid[key]) for key in ("reason", "en", "ko") if key in evid},
        "also": _notes(evid.get("also")),
    }


def _notes(given: object) -> dict[str, tuple[str, ...]]:
    lists = given if isinstance(given, dict) else {}
    return {
        key: tuple(str(note) for note in lists[key])
        for key in ("en", "ko")
        if isinstance(lists.get(key), list)
    }


def _time(text: object) -> int | None:
    try:
        return parse_timestamp(text) if isinstance(text, str) else None
    except CentreError:
        return None
