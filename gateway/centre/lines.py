"""The centre as lines of text, where there is no terminal: one line for each thing that happens."""

from collections.abc import Callable, Mapping

from gateway.centre.case import Case
from gateway.centre.cells import plain
from gateway.centre.centre import Listener
from gateway.centre.outcome import Event
from gateway.centre.words import (
    CAUSES,
    KINDS,
    MATTERS,
    NOTICES,
    PEOPLE,
    SEVERITIES,
    also,
    place,
    reason,
    say,
)
from gateway.core.wire import timestamp
from gateway.settings import Language


def case_line(case: Case, name: str, at_ms: int, language: Language) -> str:
    """Return one line about a case."""
    cause = f" ({say(CAUSES[case.cause], language)})" if case.cause else ""
    parts = [
        timestamp(at_ms),
        say(SEVERITIES[case.sev], language),
        say(KINDS[case.kind], language),
        name,
        place(case.loc, language) or case.sensor,
        f"{say(MATTERS[case.matter], language)}{cause}",
        say(PEOPLE[case.word], language),
        "; ".join((reason(case, language), *also(case, language))),
        case.id,
    ]
    return plain("  ".join(part for part in parts if part))


def event_line(event: Event, name: str, language: Language) -> str:
    """Return one line about an event."""
    what = say(NOTICES[event.notice], language)
    return plain(f"{timestamp(event.at_ms)}  {what}  {name}  {event.subject}  {event.detail}")


def lines(write: Callable[[str], None], labels: Mapping[str, str], language: Language) -> Listener:
    """Return a listener that writes a line for every change of a case and every event."""

    def name(hub: str) -> str:
        return labels.get(hub, hub)

    return Listener(
        alarm=lambda case, at_ms: write(case_line(case, name(case.hub), at_ms, language)),
        event=lambda event: write(event_line(event, name(event.hub), language)),
    )
