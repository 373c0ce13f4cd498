"""The centre's ledger: messages in, decisions out. No clock, no disk, no network.

Theory of operation. `receive`, `tick` and what an operator does each change the ledger and return
an Outcome: rows to commit in ONE transaction, and after it what to say to the hubs. `stored` is
therefore never said of what is not committed. If the commit fails the ledger is thrown away and
read again from the database, which is the truth.

Invariants
1. The key of a message is (hub, epoch, stream, seq). The same key and id again is a duplicate and
   answered `stored` again: the hub has not heard us. The same key with another id is a protocol
   error and never `stored`; an alarm among them is shown to people all the same.
2. `upto` is said only of a contiguous run from 1, all of it here; what lies above a hole is
   acknowledged by id.
3. The order of arrival does not matter, nor does repetition (case.py, progress.py).
4. A hub speaks of its own alerts only.
5. A pending alert nobody speaks of again is raised by the centre itself when due.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol

from gateway.centre import gaps
from gateway.centre.case import Case, about, due_here, joined, opened
from gateway.centre.household import Household, newly_evicted, spoke
from gateway.centre.outcome import Event, Notice, Outcome, Say, StreamKey
from gateway.centre.progress import Progress
from gateway.centre.rules import closed_by_rule, restated
from gateway.core.alerts import Matter
from gateway.core.outputs import Stream
from gateway.core.routine.measures import Change
from gateway.core.wire import Ack, AckStatus, UpMessage

STREAMS = frozenset(Stream)
TURNS = (Change.EARLIER, Change.LATER, Change.MORE, Change.LESS, Change.NONE)


class Shelf(Protocol):
    """What the ledger may look up of what was committed before."""

    def message_id(self, hub: str, epoch: str, stream: str, seq: int) -> str | None:
        """Return the id under this key, or None."""
        ...

    def case(self, alert_id: str) -> Case | None:
        """Return a case that the ledger no longer holds in memory, or None."""
        ...


@dataclass(slots=True)
class Ledger:
    """All that is open. `shelf` is asked for what is not in memory."""

    shelf: Shelf
    cases: dict[str, Case] = field(default_factory=dict)
    households: dict[str, Household] = field(default_factory=dict)
    progress: dict[StreamKey, Progress] = field(default_factory=dict)
    holes: dict[StreamKey, gaps.Hole] = field(default_factory=dict)
    deaf_ms: int | None = None  # since when no hub of some district can be heard
    cut_off: bool = False  # the operator has been told so

    def receive(self, message: UpMessage, at_ms: int, *, retained: bool = False) -> Outcome:
        """Take one valid message."""
        key = (message.hub, message.epoch, message.stream)
        known = self.shelf.message_id(*key, message.seq) if message.stream else None
        if message.leaf == "alarm":
            spoken_of = self._case(about(message))
            if spoken_of is not None and spoken_of.hub != message.hub:
                return forbidden(message, f"{spoken_of.id} is an alert of another hub", at_ms)
        before = self.households.get(message.hub) or Household(message.hub, message.district)
        home = spoke(before, message, at_ms, retained=retained)
        self.households[home.hub] = home
        if known is not None and known != message.id:
            return self._clash(message, home, known, at_ms)
        if not message.stream:
            return self._told_of_itself(before, home, message, at_ms)
        if known is not None:
            again = self._case(about(message)) if message.leaf == "alarm" else None
            says = (self._stored(message), *(restated(again) if again else ()))
            return Outcome(households=(home,), says=says)
        moved = self._come_so_far(key, at_ms, seq=message.seq)
        self._note_what_is_gone(message, at_ms)
        outcome = Outcome(
            kept=(message,),
            households=(home,),
            progress=((key, moved),),
            events=(*_result(message, at_ms), *_routine(message, at_ms)),
            says=(self._stored(message),),
        )
        return self._alarm(message, home, outcome, at_ms) if message.leaf == "alarm" else outcome

    def open_cases(self) -> Iterator[Case]:
        """Give the cases somebody still has to do something about."""
        return (case for case in self.cases.values() if case.open)

    # ---------------------------------------------------------------------------- receiving
    def _clash(self, message: UpMessage, home: Household, known: str, at_ms: int) -> Outcome:
        """Take what came under a number that another message has.

        The hub lives on an older copy of its database, or on somebody else's. It must be mended by
        a person; until then nobody who cries in that home may be unheard.
        """
        where = f"{message.stream} {message.seq} of epoch {message.epoch}"
        why = f"{where} is {known}; {message.id} came under the same number"
        out = replace(forbidden(message, why, at_ms), households=(home,))
        if message.leaf != "alarm":
            return out
        before = self._case(about(message))
        if before is not None and (before.epoch, before.seq) == (message.epoch, message.seq):
            return Outcome(households=(home,))  # it is repeated without end
        return self._alarm(message, home, out, at_ms)

    def _alarm(self, message: UpMessage, home: Household, out: Outcome, at_ms: int) -> Outcome:
        due_ms = due_here(message, at_ms, clocks_agree=home.clocks_agree)
        before = self._case(about(message))
        case = (
            opened(message, at_ms, due_ms)
            if before is None
            else joined(before, message, at_ms, due_ms)
        )
        says = out.says
        if case.test:
            home = self.households[home.hub] = replace(home, test_ms=at_ms)
            case, closing = closed_by_rule(case, at_ms)
            says += closing
        self.cases[case.id] = case
        news = case.matter is Matter.RAISED and (before is None or before.matter is not case.matter)
        return replace(
            out,
            households=(home,),
            cases=(case,),
            says=says,
            raised=(case.id,) if news else (),
        )

    def _told_of_itself(
        self, before: Household, home: Household, message: UpMessage, at_ms: int
    ) -> Outcome:
        """Take a birth, a death or a heartbeat: the hub's own high-water, and where it stands."""
        marks = message.body.get("last_seq" if message.leaf == "state" else "high")
        moved = []
        for stream, seq in (marks if isinstance(marks, dict) else {}).items():
            if stream in STREAMS and isinstance(seq, int) and seq > 0:
                key = (message.hub, message.epoch, stream)
                was = self.progress.get(key)
                now = self._come_so_far(key, at_ms, announced=seq)
                if now != was:  # most heartbeats say nothing new, and every minute
                    moved.append((key, now))
        born = home.online and (home.session, home.epoch) != (before.session, before.epoch)
        mine = (case for case in self.cases.values() if case.hub == home.hub)
        says = tuple(say for case in mine for say in restated(case)) if born else ()
        gone = newly_evicted(before, home)
        events = (Event(at_ms, Notice.EVICTED, home.hub, "", gone),) if gone else ()
        return Outcome(households=(home,), progress=tuple(moved), says=says, events=events)

    def _come_so_far(
        self, key: StreamKey, at_ms: int, *, seq: int = 0, announced: int = 0
    ) -> Progress:
        progress = self.progress.get(key, Progress()).announce(announced)
        if seq:
            progress = progress.add(seq)
        self.progress[key] = progress
        hole = gaps.watch(self.holes.get(key), progress, at_ms)
        if hole is None:
            self.holes.pop(key, None)
        else:
            self.holes[key] = hole
        return progress

    def _note_what_is_gone(self, message: UpMessage, at_ms: int) -> None:
        """Ask no longer for what the hub says it has not."""
        result = message.body.get("result")
        if message.leaf != "res" or not isinstance(result, dict) or result.get("left") != 0:
            return
        span = result.get("resend")
        if isinstance(span, dict):
            key = (message.hub, str(span.get("epoch")), str(span.get("stream")))
            hole = self.holes.get(key)
            if hole is not None and span.get("from") == hole.first:
                self.holes[key] = gaps.nothing_left(hole, at_ms)

    def _stored(self, message: UpMessage) -> Say:
        progress = self.progress[message.hub, message.epoch, message.stream]
        whole = message.leaf != "alarm" and message.seq <= progress.high
        ack = Ack(
            epoch=message.epoch,
            stream=message.stream,
            status=AckStatus.STORED,
            ids=() if whole else (message.id,),
            upto=progress.high if whole else None,
        )
        return Say(message.district, message.hub, ack)

    def _case(self, alert_id: str) -> Case | None:
        return self.cases.get(alert_id) or self.shelf.case(alert_id)


def forbidden(message: UpMessage, why: str, at_ms: int) -> Outcome:
    """Return what becomes of a message against the contract: a journal line, never `stored`."""
    return Outcome(events=(Event(at_ms, Notice.PROTOCOL, message.hub, message.id, why),))


def _result(message: UpMessage, at_ms: int) -> Iterator[Event]:
    """Give what became of an operator's command; a resend that a hole asked for is no news."""
    body = message.body
    told = body.get("result")
    result = told if isinstance(told, dict) else {}
    if message.leaf == "res" and "resend" not in result:
        said = ", ".join(f"{key} {value}" for key, value in result.items())
        done = "done" if body.get("ok") else f"refused: {body.get('reason')}"
        subject = str(body.get("cmd", ""))
        yield Event(at_ms, Notice.RESULT, message.hub, subject, f"{done} {said}"[:300].strip())


def _routine(message: UpMessage, at_ms: int) -> Iterator[Event]:
    """Give a day that was not as usual, in both languages; one like the others is no news."""
    items = message.body.get("items")
    if message.leaf != "routine" or not isinstance(items, list):
        return
    if any(isinstance(item, dict) and item.get("change") in TURNS for item in items):
        said = f"{message.body.get('ko', '')} / {message.body.get('en', '')}"
        yield Event(
            at_ms, Notice.ROUTINE, message.hub, str(message.body.get("day", "")), said[:900]
        )
