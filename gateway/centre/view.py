"""What the board shows, taken from the ledger at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

from gateway.centre.case import Case
from gateway.centre.household import Household
from gateway.centre.keys import NOTHING_TYPED, Typed
from gateway.centre.ledger import Ledger
from gateway.centre.outcome import Event
from gateway.core.alerts import Matter


@dataclass(frozen=True, slots=True)
class Counters:
    """What has gone through since the start."""

    messages: int = 0
    stored: int = 0
    duplicates: int = 0
    refused: int = 0
    alarms: int = 0


@dataclass(frozen=True, slots=True)
class View:
    """One moment of the centre.

    open: most urgent first. over: what has ended, newest first. numbers: of alerts and of hubs,
    fixed while the board runs: an alarm that comes in between must not slip under a typed number.
    """

    open: tuple[Case, ...] = ()
    over: tuple[Case, ...] = ()
    homes: tuple[Household, ...] = ()
    numbers: Mapping[str, int] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    counters: Counters = Counters()
    events: tuple[Event, ...] = ()
    broker_up: bool = True
    why: str = ""
    fault: str = ""
    typed: Typed = NOTHING_TYPED
    zone: tzinfo = UTC

    def label(self, hub: str) -> str:
        """Return the hub's name here, or the beginning of its pseudonym; "" for the centre."""
        return self.labels.get(hub) or (f"{hub[:8]}…" if hub else "")


def urgency(case: Case) -> tuple[int, bool, int, str]:
    """Return what open alarms are sorted by: worst, raised before pending, longest waiting."""
    return -case.sev, case.matter is Matter.PENDING, case.received_ms, case.id


def open_cases(ledger: Ledger) -> tuple[Case, ...]:
    """Return the open alarms, most urgent first."""
    return tuple(sorted(ledger.open_cases(), key=urgency))


def over_cases(ledger: Ledger) -> tuple[Case, ...]:
    """Return what was cancelled or closed in the last day, newest first; tests are no news."""
    over = [case for case in ledger.cases.values() if not case.open and not case.test]
    return tuple(sorted(over, key=_ended_ms, reverse=True))


def _ended_ms(case: Case) -> int:
    return case.closed_ms or max(case.updated_ms, case.received_ms)


def homes(ledger: Ledger) -> tuple[Household, ...]:
    """Return the hubs: those that are gone first, then by pseudonym."""
    return tuple(sorted(ledger.households.values(), key=lambda home: (not home.gone, home.hub)))


class Numbers:
    """Gives out numbers that are never given again: alerts and hubs are counted apart."""

    def __init__(self) -> None:
        self._given: dict[str, int] = {}
        self._last = {"alert": 0, "hub": 0}

    def of(self, cases: tuple[Case, ...], hubs: tuple[Household, ...]) -> Mapping[str, int]:
        """Return the numbers of all that is given."""
        for case in sorted(cases, key=lambda case: (case.received_ms, case.id)):
            self._number("alert", case.id)
        for home in sorted(hubs, key=lambda home: home.hub):
            self._number("hub", home.hub)
        return dict(self._given)

    def _number(self, what: str, ident: str) -> None:
        if ident not in self._given:
            self._last[what] += 1
            self._given[ident] = self._last[what]
