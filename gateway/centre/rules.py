"""What the centre does by itself with a case, and what it says of one to its hub."""

from dataclasses import replace

from gateway.centre.case import AUTOMATIC, Case
from gateway.centre.outcome import Say
from gateway.core.alerts import Matter, Word
from gateway.core.wire import Ack, AckStatus, Cause

CANCELLED_STAYS_MS = 60_000
"""A cancelled alert stays on the board this long; its evidence is whole 10 s after it."""

PRESENT_WITHIN_MS = 60_000
"""Stored, but on nobody's screen for this long: an event here and at home (contract, rule 2)."""

FORGET_MS = 24 * 3600_000
"""A closed case leaves the memory (never the database) after this."""


def acknowledgement(case: Case, status: AckStatus) -> Say:
    """Return what is said of an alert, by its id."""
    return Say(
        case.district,
        case.hub,
        Ack(
            epoch=case.epoch,
            stream="alarm",
            status=status,
            ids=(case.id,),
            cause=case.cause if status is AckStatus.CLOSED else None,
            operator=case.operator,
        ),
    )


def restated(case: Case) -> tuple[Say, ...]:
    """Return where an alert stands, for a hub that may have missed it: the furthest word only."""
    if case.matter is Matter.CLOSED:
        return (acknowledgement(case, AckStatus.CLOSED),)
    if case.word in (Word.PRESENTED, Word.HANDLED):
        return (acknowledgement(case, AckStatus(case.word.value)),)
    return ()


def closed_by_rule(case: Case, at_ms: int) -> tuple[Case, tuple[Say, ...]]:
    """Return a test or a cancelled alert, closed, and the word of it."""
    cause = Cause.TEST if case.test else _why_cancelled(case)
    closed = replace(
        case,
        matter=Matter.CLOSED,
        due_ms=None,
        cause=cause,
        operator=AUTOMATIC,
        closed_ms=at_ms,
    )
    return closed, (acknowledgement(closed, AckStatus.CLOSED),)


def _why_cancelled(case: Case) -> Cause:
    """Return who cancelled: the reason of a cancel names the resident, or it was evidence."""
    return Cause.RESIDENT if "resident" in case.reason.get("reason", "") else Cause.FALSE
