"""The life of an alert: two tables that must not be mixed.

What is the matter:          how far the word has come:

    (none) ── suspect ──► pending ── withdraw, resident ──► cancelled        unsent
       │                     │  due, confirm                    │              │ published
       └───── confirm ────►  ▼                                  │            sent
                          raised ───────── close ──────────► closed            │ stored
                                                                             stored
    Only the centre closes. After `raised`, a resident's cancel or a           │ presented
    detector's `withdrawn` is an update the operator sees, not an end.       presented
                                                                               │ handled
                                                                             handled
Invariants
1. What is not in a table is a bug and raises; nothing is ignored silently.
2. Every change that the centre must know is a message with its own id and sequence number; `new`
   carries the alert's id, the others refer to it.
3. A pending alert has a `due`; the centre raises it itself at `due` if nothing follows, so a hub
   that dies in the window loses nothing.
4. Each message is repeated until the centre says `stored` (see `repeat_after_s`), without end.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from gateway.core.model import At, Decision, Kind, Reason
from gateway.errors import Bug


class Matter(StrEnum):
    """What is the matter."""

    PENDING = "pending"
    RAISED = "raised"
    CANCELLED = "cancelled"
    CLOSED = "closed"


class Turn(StrEnum):
    """What moves the matter."""

    SUSPECT = "suspect"
    CONFIRM = "confirm"
    DUE = "due"
    WITHDRAW = "withdraw"
    RESIDENT = "resident"  # the resident's button says: I am well
    NOTE = "note"
    END = "end"  # a fault or hazard is over
    CLOSE = "close"


class Msg(StrEnum):
    """What a message on the alarm stream does with its alert."""

    NEW = "new"
    UPDATE = "update"
    CANCEL = "cancel"
    TEST = "test"


class Word(StrEnum):
    """How far the word has come."""

    UNSENT = "unsent"
    SENT = "sent"
    STORED = "stored"
    PRESENTED = "presented"
    HANDLED = "handled"


@dataclass(frozen=True, slots=True)
class Step:
    """Where a turn leads, and what is said to the centre about it (None: nothing new to say)."""

    to: Matter
    says: Msg | None


_P, _R, _X, _C = Matter.PENDING, Matter.RAISED, Matter.CANCELLED, Matter.CLOSED

TRANSITIONS: Mapping[tuple[Matter | None, Turn], Step] = MappingProxyType(
    {
        (None, Turn.SUSPECT): Step(_P, Msg.NEW),
        (None, Turn.CONFIRM): Step(_R, Msg.NEW),
        (_P, Turn.SUSPECT): Step(_P, None),  # the same matter, seen again
        (_P, Turn.CONFIRM): Step(_R, Msg.UPDATE),
        (_P, Turn.DUE): Step(_R, Msg.UPDATE),
        (_P, Turn.WITHDRAW): Step(_X, Msg.CANCEL),
        (_P, Turn.RESIDENT): Step(_X, Msg.CANCEL),
        (_P, Turn.NOTE): Step(_P, Msg.UPDATE),
        (_P, Turn.END): Step(_X, Msg.CANCEL),
        (_P, Turn.CLOSE): Step(_C, None),
        (_R, Turn.SUSPECT): Step(_R, None),
        (_R, Turn.CONFIRM): Step(_R, Msg.UPDATE),  # pressed again: the operator sees it
        (_R, Turn.WITHDRAW): Step(_R, Msg.UPDATE),
        (_R, Turn.RESIDENT): Step(_R, Msg.UPDATE),
        (_R, Turn.NOTE): Step(_R, Msg.UPDATE),
        (_R, Turn.END): Step(_R, Msg.UPDATE),
        (_R, Turn.CLOSE): Step(_C, None),
        (_X, Turn.CLOSE): Step(_C, None),
        (_C, Turn.CLOSE): Step(_C, None),  # an acknowledgement repeated
    }
)

_WORDS = (Word.UNSENT, Word.SENT, Word.STORED, Word.PRESENTED, Word.HANDLED)

# Written out rather than computed: a word never goes back, and an acknowledgement that overtook an
# earlier one (handled before presented) is taken at its word.
WORD_TRANSITIONS: Mapping[tuple[Word, Word], Word] = MappingProxyType(
    {
        (have, told): told if _WORDS.index(told) > _WORDS.index(have) else have
        for have in _WORDS
        for told in _WORDS[1:]
    }
)

SEVERITY: Mapping[Kind, int] = MappingProxyType(
    {kind: 3 if kind is Kind.NOTWORN else 2 if kind.technical else 4 for kind in Kind}
    | {Kind.INACTIVITY: 3, Kind.EXIT: 3, Kind.VITALS: 3}
)
"""1 information, 2 a technician's matter, 3 call the home, 4 somebody must go."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One matter, from its first suspicion to the centre's `closed`. `id` is its first message's.

    onset: when it began. due: when a pending alert is raised, None once decided.
    stored_at: when the centre's `stored` came in, for the watch over `presented`.
    """

    id: str
    kind: Kind
    device: str
    at: At
    onset: At
    due: At | None
    matter: Matter
    word: Word
    probability: float
    reason: Reason
    evidence: Mapping[str, Any]
    stored_at: At | None = None
    ended: bool = False
    cause: str = ""

    def __post_init__(self) -> None:
        if (self.due is None) is (self.matter is Matter.PENDING):
            raise Bug(f"alert {self.id}: {self.matter} with due {self.due}")

    @property
    def open(self) -> bool:
        """Whether somebody still has to do something about it."""
        return self.matter in (Matter.PENDING, Matter.RAISED)


def begin(alert_id: str, decision: Decision, turn: Turn, window_ms: int) -> tuple[Alert, Msg]:
    """Return a new alert and its first message's kind; `window_ms` 0 raises a suspicion at once."""
    step = _step(None, Turn.CONFIRM if window_ms == 0 else turn)
    if step.says is None:
        raise Bug("a new alert that says nothing")
    due = decision.at.plus(window_ms) if step.to is Matter.PENDING else None
    alert = Alert(
        id=alert_id,
        kind=decision.kind,
        device=decision.device,
        at=decision.at,
        onset=decision.onset or decision.at,
        due=due,
        matter=step.to,
        word=Word.UNSENT,
        probability=decision.probability,
        reason=decision.reason,
        evidence=decision.evidence,
    )
    return alert, step.says


def move(alert: Alert, turn: Turn, reason: Reason | None = None) -> tuple[Alert, Msg | None]:
    """Return the alert after `turn`, and the message that tells the centre (None: none)."""
    step = _step(alert.matter, turn)
    return (
        replace(
            alert,
            matter=step.to,
            due=alert.due if step.to is Matter.PENDING else None,
            reason=reason or alert.reason,
            ended=alert.ended or turn is Turn.END,
        ),
        step.says,
    )


def told(alert: Alert, word: Word, at: At) -> Alert:
    """Return the alert after an acknowledgement (or a publication) of its first message."""
    new = WORD_TRANSITIONS[alert.word, word]
    stored_at = alert.stored_at
    if stored_at is None and new not in (Word.UNSENT, Word.SENT):
        stored_at = at
    return replace(alert, word=new, stored_at=stored_at)


def _step(matter: Matter | None, turn: Turn) -> Step:
    try:
        return TRANSITIONS[matter, turn]
    except KeyError:
        raise Bug(f"no transition from {matter} by {turn}") from None


REPEAT_S = (5, 10, 20, 40)
SECOND_BROKER_AFTER_S = 20.0


def repeat_after_s(attempt: int) -> float:
    """Return how long to wait for `stored` after publication number `attempt` (from 1).

    5, 10, 20, 40, then every 60 s, without end (control-centre contract, section 2).
    """
    if attempt < 1:
        raise Bug(f"publication number {attempt}")
    return float(REPEAT_S[attempt - 1]) if attempt <= len(REPEAT_S) else 60.0
