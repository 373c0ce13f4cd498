"""What time alone makes the centre do: `tick` once a second, however much time has passed."""

from collections.abc import Iterator
from dataclasses import replace

from gateway.centre import gaps
from gateway.centre.case import Case
from gateway.centre.household import Household, gone_since
from gateway.centre.ledger import Ledger
from gateway.centre.outcome import Ask, Event, Notice, Outcome, Say
from gateway.centre.rules import (
    CANCELLED_STAYS_MS,
    FORGET_MS,
    PRESENT_WITHIN_MS,
    closed_by_rule,
)
from gateway.core.alerts import Matter, Word
from gateway.core.wire import CommandName


def tick(ledger: Ledger, at_ms: int, *, listening_ms: int | None) -> Outcome:
    """Return what is due. `listening_ms`: since when without a break; None: not at all.

    A centre that is cut off itself says of no hub that it is gone.
    """
    cases: list[Case] = []
    events: list[Event] = []
    says: list[Say] = []
    raised: list[str] = []
    for case in list(ledger.cases.values()):
        after, said = _aged(case, at_ms)
        if after is not case:
            ledger.cases[case.id] = after
            cases.append(after)
            says += said
            events += _worth_telling(case, after, at_ms)
            if after.raised_here and not case.raised_here:
                raised.append(case.id)
        if after.closed_ms is not None and at_ms - after.closed_ms >= FORGET_MS:
            del ledger.cases[case.id]
    homes = []
    if listening_ms is not None:
        for home, event in _come_and_gone(ledger, at_ms, listening_ms):
            ledger.households[home.hub] = home
            homes.append(home)
            events.append(event)
    asks, given_up = _ask_for_holes(ledger, at_ms)
    return Outcome(
        cases=tuple(cases),
        households=tuple(homes),
        events=(*events, *given_up),
        says=tuple(says),
        asks=tuple(asks),
        raised=tuple(raised),
    )


def _aged(case: Case, at_ms: int) -> tuple[Case, tuple[Say, ...]]:
    if case.matter is Matter.PENDING and case.due_ms is not None and at_ms >= case.due_ms:
        case = replace(case, matter=Matter.RAISED, due_ms=None, raised_ms=at_ms, raised_here=True)
    if (
        case.matter is Matter.CANCELLED
        and at_ms - max(case.received_ms, case.updated_ms) >= CANCELLED_STAYS_MS
    ):
        return closed_by_rule(case, at_ms)
    unseen = case.open and case.word is Word.STORED and not case.overdue
    if unseen and at_ms - case.received_ms >= PRESENT_WITHIN_MS:
        case = replace(case, overdue=True)
    return case, ()


def _worth_telling(before: Case, after: Case, at_ms: int) -> Iterator[Event]:
    if after.raised_here and not before.raised_here:
        yield Event(at_ms, Notice.RAISED_HERE, after.hub, after.id, "nothing followed until due")
    if after.overdue and not before.overdue:
        yield Event(at_ms, Notice.NOT_PRESENTED, after.hub, after.id, "stored, on no screen")


def _come_and_gone(
    ledger: Ledger, at_ms: int, listening_ms: int
) -> Iterator[tuple[Household, Event]]:
    for home in list(ledger.households.values()):
        since = gone_since(home, at_ms, listening_ms)
        if since is not None and not home.gone:
            detail = f"for {(at_ms - since) // 1000} s"
            yield replace(home, gone=True), Event(at_ms, Notice.HUB_GONE, home.hub, "", detail)
        if home.gone and since is None and home.online:
            yield replace(home, gone=False), Event(at_ms, Notice.HUB_BACK, home.hub)


def _ask_for_holes(ledger: Ledger, at_ms: int) -> tuple[list[Ask], list[Event]]:
    asks, events = [], []
    for key, hole in list(ledger.holes.items()):
        hub, epoch, stream = key
        home = ledger.households.get(hub)
        if hole.given_up or at_ms < hole.next_ms or home is None or not home.online:
            continue
        span: tuple[tuple[str, int | str], ...] = (
            ("epoch", epoch),
            ("stream", stream),
            ("from", hole.first),
            ("to", hole.last),
        )
        asks.append(Ask(home.district, hub, CommandName.RESEND, span))
        after = ledger.holes[key] = gaps.asked(hole, at_ms)
        if after.given_up:
            detail = f"{stream} {hole.first} to {hole.last} of epoch {epoch} never came"
            events.append(Event(at_ms, Notice.GAP, hub, stream, detail))
    return asks, events
