"""What time alone makes the centre do: `tick` once a second, however much time has passed."""

from collections.abc import Iterator
from dataclasses import replace

from gateway.centre import gaps
from gateway.centre.case import Case
from gateway.centre.household import FLAP_MS, Household, gone_since, overdue_test, ran_on
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
    events += _own_way(ledger, at_ms, hearing=listening_ms is not None)
    if listening_ms is not None:
        for home, event in _come_and_gone(ledger, at_ms, listening_ms):
            ledger.households[home.hub] = home
            homes.append(home)
            events.append(event)
        for home, event in _untested(ledger, at_ms):
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
            how = "silent on a connection that stands" if home.online else "its connection broke"
            gone = replace(home, gone=True, gone_ms=since)
            detail = f"for {(at_ms - since) // 1000} s, {how}"
            yield gone, Event(at_ms, Notice.HUB_GONE, home.hub, "", detail)
        if home.gone and since is None and home.online:
            notice = Notice.LINK_BACK if ran_on(home) else Notice.HUB_BACK
            detail = f"after {(at_ms - home.gone_ms) // 1000} s"
            yield replace(home, gone=False), Event(at_ms, notice, home.hub, "", detail)


def _untested(ledger: Ledger, at_ms: int) -> Iterator[tuple[Household, Event]]:
    """Tell once of a hub that is there and whose daily test alarm does not come."""
    for home in list(ledger.households.values()):
        overdue = home.online and not home.gone and overdue_test(home, at_ms)
        if overdue and not home.untested:
            hours = (at_ms - max(home.test_ms, home.known_ms)) // 3_600_000
            yield (
                replace(home, untested=True),
                Event(at_ms, Notice.UNTESTED, home.hub, "", f"for {hours} h"),
            )
        if home.untested and not overdue_test(home, at_ms):
            ledger.households[home.hub] = replace(home, untested=False)


def _own_way(ledger: Ledger, at_ms: int, *, hearing: bool) -> Iterator[Event]:
    """Tell when the centre itself is cut off, which is no hub's fault, and when it hears again."""
    if hearing:
        if ledger.cut_off and ledger.deaf_ms is not None:
            detail = f"after {(at_ms - ledger.deaf_ms) // 1000} s"
            yield Event(at_ms, Notice.HEARING, "", "", detail)
        ledger.deaf_ms, ledger.cut_off = None, False
        return
    if ledger.deaf_ms is None:
        ledger.deaf_ms = at_ms
    if not ledger.cut_off and at_ms - ledger.deaf_ms >= FLAP_MS:
        ledger.cut_off = True
        yield Event(at_ms, Notice.CUT_OFF, "", "", "no broker of a district can be reached")


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
