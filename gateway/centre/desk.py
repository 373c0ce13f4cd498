"""What a person at the centre does with a case: each step is a word to the hub and a log line."""

from collections.abc import Iterable
from dataclasses import replace

from gateway.centre.case import Case
from gateway.centre.ledger import Ledger
from gateway.centre.outcome import Access, Outcome
from gateway.centre.rules import acknowledgement
from gateway.core.alerts import Matter, Word
from gateway.core.wire import AckStatus, Cause
from gateway.errors import CentreError


def present(ledger: Ledger, ids: Iterable[str], operator: str, at_ms: int) -> Outcome:
    """Note that these are on an operator's screen; those already seen are passed over."""
    seen = [
        replace(case, word=Word.PRESENTED, presented_ms=at_ms, operator=operator)
        for case in (ledger.cases.get(alert_id) for alert_id in ids)
        if case is not None and case.word is Word.STORED and case.open
    ]
    return _done(ledger, seen, AckStatus.PRESENTED, operator, at_ms)


def handle(ledger: Ledger, alert_id: str, operator: str, at_ms: int) -> Outcome:
    """Note that a person has decided what happens; it stays open until it is over."""
    case = _held(ledger, alert_id)
    if case.matter is Matter.CLOSED:
        raise CentreError(f"{alert_id} is closed already")
    after = replace(
        case,
        word=Word.HANDLED,
        presented_ms=case.presented_ms or at_ms,
        handled_ms=case.handled_ms or at_ms,
        operator=operator,
    )
    return _done(ledger, [after], AckStatus.HANDLED, operator, at_ms)


def close(ledger: Ledger, alert_id: str, cause: Cause, operator: str, at_ms: int) -> Outcome:
    """End a case, with its cause; closing again only says it again."""
    case = _held(ledger, alert_id)
    if case.matter is Matter.CLOSED and case.cause is not cause:
        raise CentreError(f"{alert_id} is closed already, as {case.cause}")
    after = replace(
        case,
        matter=Matter.CLOSED,
        due_ms=None,
        word=Word.HANDLED,
        presented_ms=case.presented_ms or at_ms,
        handled_ms=case.handled_ms or at_ms,
        closed_ms=case.closed_ms or at_ms,
        cause=cause,
        operator=operator,
    )
    return _done(ledger, [after], AckStatus.CLOSED, operator, at_ms)


def _held(ledger: Ledger, alert_id: str) -> Case:
    case = ledger.cases.get(alert_id) or ledger.shelf.case(alert_id)
    if case is None:
        raise CentreError(f"no alert {alert_id}")
    return case


def _done(
    ledger: Ledger, cases: list[Case], status: AckStatus, operator: str, at_ms: int
) -> Outcome:
    ledger.cases.update((case.id, case) for case in cases)
    return Outcome(
        cases=tuple(cases),
        access=tuple(Access(at_ms, operator, status.value, case.hub, case.id) for case in cases),
        says=tuple(acknowledgement(case, status) for case in cases),
    )
