"""The control centre itself: lines, ledger and database put together.

    hub ─► line ─► inbox ─► ledger ─► ONE commit ─► broker's PUBACK, `stored`, callbacks
                   (a batch)

Whatever changes the ledger goes through `_do`: outcomes are written in one transaction, and only
then said. When the database fails, the lines are closed (hubs then know that nobody stores), and
everything begins again from what was committed.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import NoReturn
from zoneinfo import ZoneInfo

from gateway.centre import desk
from gateway.centre.asking import Asking
from gateway.centre.database import DAY_MS, CentreDatabase
from gateway.centre.labels import read_labels
from gateway.centre.ledger import Ledger
from gateway.centre.line import Line
from gateway.centre.listener import Listener
from gateway.centre.outcome import Access, Ask, Event, Outcome
from gateway.centre.refusals import Refusals
from gateway.centre.settings import CentreSettings
from gateway.centre.view import Counters, Numbers, View, homes, open_cases, over_cases
from gateway.centre.watch import tick
from gateway.centre.words_out import WordsOut
from gateway.clock import Clock
from gateway.core.wire import (
    AckStatus,
    Cause,
    CommandName,
    parse_up,
)
from gateway.edge.mqtt import Received
from gateway.errors import CentreError, HubMessageError, LinkError, StoreError

TICK_S = 1.0
RETRY_STORE_S = 5.0
BATCH = 200


class Centre:
    """A running control centre. `run` serves for ever; the rest may be called while it does."""

    def __init__(
        self,
        settings: CentreSettings,
        clock: Clock,
        *,
        listener: Listener | None = None,
        retry_store_s: float = RETRY_STORE_S,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.counters = Counters()
        self.fault = ""
        self._listener = listener or Listener()
        self._retry_store_s = retry_store_s
        self._inbox: asyncio.Queue[tuple[Line, Received, int]] = asyncio.Queue()
        self._lines = [
            Line(settings, broker, district, clock, self._take)
            for broker in settings.brokers
            for district in settings.districts
        ]
        self._words = WordsOut(self._lines)
        self._asking = Asking()
        self._database = CentreDatabase(settings.database)
        self.ledger: Ledger = self._database.load()
        self._pruned_ms = 0
        self._numbers = Numbers()
        self._refusals = Refusals()
        self._events: deque[Event] = deque(maxlen=50)
        self.labels = read_labels(settings.labels)
        self.changed = asyncio.Event()

    # ------------------------------------------------------------------------------ running
    async def run(self) -> None:
        """Serve until cancelled; then say goodbye and close the database."""
        try:
            while True:
                await self._until_fault()
                while self.fault:  # no line is up: the hubs know that nobody stores
                    await asyncio.sleep(self._retry_store_s)
                    with suppress(StoreError):
                        self._open_again()
        finally:
            self._database.close()

    async def up(self) -> None:
        """Wait until every line is up."""
        for line in self._lines:
            await line.up()

    async def _until_fault(self) -> None:
        """Serve until the database fails; any other error is raised.

        In a task of its own: in Python 3.11 a task group that ends with errors loses a cancellation
        of its task that came meanwhile, and leaves the task counted as cancelled if none came.
        """
        session = asyncio.create_task(self._session(), name="session")
        try:
            await asyncio.wait([session])
        finally:
            session.cancel()
            await asyncio.gather(session, return_exceptions=True)
        try:
            session.result()
        except* StoreError as wrong:
            self.fault = "; ".join(str(each) for each in wrong.exceptions)

    async def _session(self) -> NoReturn:
        async with asyncio.TaskGroup() as group:
            for line in self._lines:
                group.create_task(line.run(), name=f"line {line.district}")
            group.create_task(self._work(), name="work")
            group.create_task(self._tick(), name="tick")
        raise AssertionError("a task group of endless tasks ended")

    def _open_again(self) -> None:
        self._database.close()
        self._database = CentreDatabase(self.settings.database)
        self.ledger = self._database.load()
        self._inbox = asyncio.Queue()  # the hubs repeat
        self.fault = ""

    def _take(self, line: Line, message: Received) -> None:
        self._inbox.put_nowait((line, message, self.clock.now().wall_ms))

    async def _work(self) -> None:
        while True:
            batch = [await self._inbox.get()]
            while len(batch) < BATCH and not self._inbox.empty():
                batch.append(self._inbox.get_nowait())
            self._do(self._read_all(batch))
            for line, message, _ in batch:
                line.acknowledge(message)

    async def _tick(self) -> None:
        while True:
            self.tick()
            await self.clock.sleep(TICK_S)

    def tick(self) -> None:
        """Do what time alone makes due."""
        at_ms = self.clock.now().wall_ms
        since = self._listening_ms()
        outcome = tick(self.ledger, at_ms, listening_ms=since)
        if outcome != Outcome():
            self._do([outcome])
        if void := self._asking.void(at_ms):
            self._do([Outcome(events=tuple(void))])
        for one in self._asking.again(at_ms):
            self._words.command(one.district, one.hub, one.command)
        if at_ms - self._pruned_ms >= DAY_MS:
            self._pruned_ms = at_ms
            self._database.prune(at_ms)

    def _listening_ms(self) -> int | None:
        """Return since when every district is heard over some broker; None: one is not."""
        best: dict[str, int] = {}
        for line in self._lines:
            if line.up_since_ms is not None:
                before = best.get(line.district, line.up_since_ms)
                best[line.district] = min(before, line.up_since_ms)
        return max(best.values()) if len(best) == len(self.settings.districts) else None

    def _read_all(self, batch: list[tuple[Line, Received, int]]) -> Iterator[Outcome]:
        """Give the outcomes one by one: each must be written before the next is decided."""
        for _, message, at_ms in batch:
            outcome = self._read(message, at_ms)
            yield outcome
            if self.settings.present:
                ids = [case.id for case in outcome.cases]
                yield desk.present(self.ledger, ids, self.settings.operator, at_ms)

    def _read(self, message: Received, at_ms: int) -> Outcome:
        self._count(messages=1)
        try:
            up = parse_up(message.topic, message.payload)
        except HubMessageError as wrong:
            self._count(refused=1)
            event = self._refusals.note(message.topic, str(wrong), at_ms)
            return Outcome(events=(event,) if event else ())
        return self.ledger.receive(up, at_ms, retained=message.retained)

    # ---------------------------------------------------------------------------- operators
    def present(self, ids: Iterable[str], operator: str = "") -> None:
        """Note that these are on an operator's screen."""
        self._do([desk.present(self.ledger, ids, *self._now(operator))])

    def handle(self, alert_id: str, operator: str = "") -> None:
        """Note that a person has decided what happens with it."""
        self._do([desk.handle(self.ledger, alert_id, *self._now(operator))])

    def close(self, alert_id: str, cause: Cause, operator: str = "") -> None:
        """End an alert, with its cause."""
        self._do([desk.close(self.ledger, alert_id, cause, *self._now(operator))])

    def command(
        self, hub: str, name: CommandName, args: Mapping[str, int | str] | None = None
    ) -> str:
        """Ask something of a hub and return the command's id; LinkError when nobody can hear."""
        home = self.ledger.households.get(hub)
        if home is None:
            raise CentreError(f"no hub {hub}")
        operator, at_ms = self._now("")
        ask = Ask(home.district, hub, name, tuple((args or {}).items()))
        sent = self._words.ask(ask, at_ms)
        if sent is None:
            raise LinkError("the line to the broker is down")
        self._asking.ask(home.district, hub, sent, at_ms)
        entry = Access(at_ms, operator, f"command {name}", hub, sent.id)
        self._do([Outcome(access=(entry,))])
        return sent.id

    # --------------------------------------------------------------------------------- seeing
    def view(self) -> View:
        """Return what there is to show now."""
        ups = [line.up_since_ms is not None for line in self._lines]
        shown, households = open_cases(self.ledger), homes(self.ledger)
        return View(
            open=shown,
            over=over_cases(self.ledger),
            homes=households,
            numbers=self._numbers.of(shown, households),
            labels=self.labels,
            counters=self.counters,
            events=tuple(self._events),
            broker_up=all(ups),
            why="; ".join(line.why for line in self._lines if line.up_since_ms is None),
            fault=self.fault,
            zone=ZoneInfo(self.settings.timezone),
        )

    def _count(self, **more: int) -> None:
        have = self.counters
        self.counters = replace(have, **{key: getattr(have, key) + n for key, n in more.items()})

    def looked(self, action: str) -> None:
        """Note in the access log that an operator opened or left what shows alarms."""
        operator, at_ms = self._now("")
        self._do([Outcome(access=(Access(at_ms, operator, action, "", ""),))])

    def _now(self, operator: str) -> tuple[str, int]:
        return operator or self.settings.operator, self.clock.now().wall_ms

    # --------------------------------------------------------------------- one commit, then words
    def _do(self, outcomes: Iterable[Outcome]) -> None:
        at_ms = self.clock.now().wall_ms
        done = []
        try:
            with self._database.transaction():
                for outcome in outcomes:
                    self._database.write(outcome, at_ms)
                    done.append(outcome)
        except StoreError:
            with suppress(StoreError):
                self.ledger = self._database.load()
            raise
        self._words.speak(done, at_ms)
        for outcome in done:
            self._tell(outcome, at_ms)
        self.changed.set()

    def _tell(self, outcome: Outcome, at_ms: int) -> None:
        answered = any(say.ack.status is AckStatus.STORED for say in outcome.says)
        self._count(
            alarms=len(outcome.raised),
            stored=len(outcome.kept),
            duplicates=int(answered and not outcome.kept),
        )
        self._asking.hear(outcome.kept)
        for message in outcome.kept:
            self._listener.stored(message, at_ms)
        for case in outcome.cases:
            self._listener.alarm(case, at_ms)
        for event in outcome.events:
            self._events.append(event)
            self._listener.event(event)


async def run_centre(
    settings: CentreSettings, clock: Clock, *, listener: Listener | None = None
) -> None:
    """Serve until cancelled, without a board."""
    await Centre(settings, clock, listener=listener).run()


__all__ = ["Centre", "Listener", "run_centre"]
