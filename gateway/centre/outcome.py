"""What the ledger asks of the edge after an input: rows to commit, then words to say."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.centre.case import Case
from gateway.centre.household import Household
from gateway.centre.progress import Progress
from gateway.core.wire import Ack, CommandName, UpMessage

StreamKey = tuple[str, str, str]
"""(hub, epoch, stream)."""


class Notice(StrEnum):
    """What an operator is told of besides alarms; kept in the journal."""

    RAISED_HERE = "raised-here"  # the hub went quiet in the cancel window
    NOT_PRESENTED = "not-presented"  # stored for 60 s and nobody has seen it
    HUB_GONE = "hub-gone"  # or its link: nobody can tell the two apart before it is back
    HUB_BACK = "hub-back"  # it had stopped
    LINK_BACK = "link-back"  # it had run all the while
    EVICTED = "evicted"  # a hub had no room: telemetry went before it was stored here
    UNTESTED = "untested"  # no test alarm of a hub for more than a day
    CUT_OFF = "cut-off"  # this centre does not hear its hubs; of none it says that it is gone
    HEARING = "hearing"  # it hears them again
    GAP = "gap"  # asked again and again, and messages are still missing
    PROTOCOL = "protocol"  # a hub sent what the contract forbids
    RESULT = "result"  # what became of a command
    UNANSWERED = "unanswered"  # a command said again and again until it was void
    ROUTINE = "routine"  # a day that was not like the four weeks before it


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the journal."""

    at_ms: int
    notice: Notice
    hub: str
    subject: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Say:
    """An acknowledgement for a hub."""

    district: str
    hub: str
    ack: Ack


@dataclass(frozen=True, slots=True)
class Ask:
    """A command for a hub; the edge gives it its id and expiry."""

    district: str
    hub: str
    name: CommandName
    args: tuple[tuple[str, int | str], ...] = ()


@dataclass(frozen=True, slots=True)
class Access:
    """Who did what to whose alarm: the access log, kept for two years."""

    at_ms: int
    operator: str
    action: str
    hub: str
    subject: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """Rows first (one transaction), then `says` and `asks`.

    raised: ids that have just become a person's business. stored: messages kept by this input.
    """

    kept: tuple[UpMessage, ...] = ()
    cases: tuple[Case, ...] = ()
    households: tuple[Household, ...] = ()
    progress: tuple[tuple[StreamKey, Progress], ...] = ()
    events: tuple[Event, ...] = ()
    access: tuple[Access, ...] = ()
    says: tuple[Say, ...] = ()
    asks: tuple[Ask, ...] = ()
    raised: tuple[str, ...] = ()
