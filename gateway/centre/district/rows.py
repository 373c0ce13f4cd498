"""Outcomes of a batch, put together into what one transaction writes, and what it needs first."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from gateway.centre.case import Case, about
from gateway.centre.household import Household
from gateway.centre.outcome import Access, Event, Outcome, StreamKey
from gateway.centre.progress import Progress
from gateway.core.wire import UpMessage

MessageKey = tuple[str, str, str, int]
HEARD_EVERY_MS = 300_000
"""That a hub was heard once more is written this often, all else about it at once: a heartbeat a
minute from each home would be most of what the database writes. What is lost with a worker is only
when a hub was last heard, and its successor begins to count silence anew anyway."""


class BatchShelf:
    """The ledger's look-ups, answered from what was fetched for this batch and decided in it."""

    def __init__(self) -> None:
        self.ids: dict[MessageKey, str] = {}
        self.cases: dict[str, Case] = {}

    def message_id(self, hub: str, epoch: str, stream: str, seq: int) -> str | None:
        """Return the id under this key, or None."""
        return self.ids.get((hub, epoch, stream, seq))

    def case(self, alert_id: str) -> Case | None:
        """Return a case that the ledger no longer holds in memory, or None."""
        return self.cases.get(alert_id)

    def decided(self, outcome: Outcome) -> None:
        """Know from now on what was decided: the same message may come twice in one batch."""
        for message in outcome.kept:
            self.ids[message.hub, message.epoch, message.stream, message.seq] = message.id
        for case in outcome.cases:
            self.cases[case.id] = case


def keys_of(messages: Iterable[UpMessage]) -> list[MessageKey]:
    """Return the keys to look up."""
    return [(m.hub, m.epoch, m.stream, m.seq) for m in messages if m.stream]


def alerts_of(messages: Iterable[UpMessage]) -> list[str]:
    """Return the alerts to look up."""
    return [about(m) for m in messages if m.leaf == "alarm"]


@dataclass(slots=True)
class Rows:
    """What one transaction writes; of what changes twice in it the last state only."""

    messages: list[UpMessage] = field(default_factory=list)
    progress: dict[StreamKey, tuple[int, Progress]] = field(default_factory=dict)
    cases: dict[str, tuple[int, Case]] = field(default_factory=dict)
    homes: dict[str, tuple[int, Household]] = field(default_factory=dict)
    events: dict[Event, None] = field(default_factory=dict)
    access: list[Access] = field(default_factory=list)

    def add(self, partition: int, outcome: Outcome, kept: dict[str, Household]) -> None:
        """Add an outcome. `kept`: the partition's hubs as they were last written; changed here."""
        self.messages += outcome.kept
        self.progress.update((key, (partition, value)) for key, value in outcome.progress)
        self.cases.update((case.id, (partition, case)) for case in outcome.cases)
        for home in outcome.households:
            if worth_writing(kept.get(home.hub), home):
                self.homes[home.hub] = (partition, home)
                kept[home.hub] = home
        self.events.update(dict.fromkeys(outcome.events))
        self.access += outcome.access

    def __bool__(self) -> bool:
        return any((self.messages, self.progress, self.cases, self.homes, self.events, self.access))


def worth_writing(before: Household | None, home: Household) -> bool:
    """Return whether a hub has changed in more than having been heard again."""
    if before is None or home.heard_ms - before.heard_ms >= HEARD_EVERY_MS:
        return True
    first = (before.offset_ms is None) is not (home.offset_ms is None)
    as_before = replace(
        home,
        heard_ms=before.heard_ms,
        uptime_s=before.uptime_s,
        offset_ms=before.offset_ms,
        outbox=before.outbox,
    )
    return first or as_before != before
