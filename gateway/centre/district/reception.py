"""What a worker does with what arrived, and what time alone makes due: decide, commit, then speak.

One session of PostgreSQL, one batch at a time: whoever calls sees to that (worker.py).
"""

import asyncio
from collections import Counter

from gateway.centre import desk
from gateway.centre.district import streams
from gateway.centre.district.feed import Arrival
from gateway.centre.district.postgres import DistrictDatabase, Positions
from gateway.centre.district.rows import BatchShelf, Rows, alerts_of, keys_of
from gateway.centre.district.settings import DistrictSettings
from gateway.centre.district.spoken import NatsLine
from gateway.centre.district.streams import Lane
from gateway.centre.district.ward import Inbox, Ward
from gateway.centre.listener import Listener
from gateway.centre.outcome import Outcome
from gateway.centre.refusals import Refusals
from gateway.centre.watch import tick
from gateway.centre.words_out import WordsOut
from gateway.clock import Clock
from gateway.core.wire import AckStatus, UpMessage, parse_up
from gateway.errors import HubMessageError

POSITIONS_S = 5.0
HEARTBEAT_OLD_MS = 120_000  # its expiry in the contract, which NATS does not know


class Reception:
    """The wards of one worker, on one session; `unwritten`: positions that are not committed."""

    def __init__(
        self,
        settings: DistrictSettings,
        clock: Clock,
        listener: Listener,
        database: DistrictDatabase,
        lines: list[NatsLine],
        wards: dict[int, Ward],
        tally: Counter[str],
    ) -> None:
        self.wards = wards
        self.inbox = Inbox()
        self.shelf = BatchShelf()
        self.unwritten: Positions = {}
        self._tally = tally
        self._settings = settings
        self._clock = clock
        self._listener = listener
        self._database = database
        self._lines = lines
        self._words = WordsOut(lines)
        self._refusals = Refusals()
        self._written = 0.0

    def drop(self, number: int) -> None:
        """Let go of a partition and of what has arrived of it."""
        self.wards.pop(number).stop()
        self.inbox.forget(number)
        for lane in Lane:
            self.unwritten.pop((lane, number), None)

    async def receive(self, batch: list[Arrival]) -> None:
        """Decide, commit and answer what has arrived."""
        at_ms = self._clock.now().wall_ms
        read = [(arrival, self._parse(arrival, at_ms)) for arrival in batch]
        messages = [what for _, what in read if isinstance(what, UpMessage)]
        await self._database.fill(self.shelf, keys_of(messages), alerts_of(messages))
        rows, outcomes = Rows(), []
        for arrival, what in read:
            ward = self.wards[arrival.partition]
            for outcome in self._decide(ward, what, at_ms):
                rows.add(ward.number, outcome, ward.kept)
                outcomes.append(outcome)
            self.unwritten[arrival.lane, arrival.partition] = arrival.position
        await self._commit(rows, outcomes, at_ms)
        for (lane, number), count in Counter((a.lane, a.partition) for a in batch).items():
            self.wards[number].feeds[lane].done(count)

    def _parse(self, arrival: Arrival, at_ms: int) -> UpMessage | Outcome:
        self._tally.update(messages=1)
        subject, partitions = arrival.subject, self._settings.partitions
        try:
            topic = streams.topic(subject, arrival.partition, partitions)
            message = parse_up(topic, arrival.payload)
        except HubMessageError as wrong:
            self._tally.update(refused=1)
            where = subject.replace(".", "/").removeprefix(f"{streams.ROOT}/")
            event = self._refusals.note(where, str(wrong), at_ms)
            return Outcome(events=(event,) if event else ())
        if message.leaf == "hb" and at_ms - arrival.stored_ms > HEARTBEAT_OLD_MS:
            return Outcome()
        return message

    def _decide(self, ward: Ward, what: UpMessage | Outcome, at_ms: int) -> list[Outcome]:
        if isinstance(what, Outcome):
            return [what]
        outcome = ward.ledger.receive(what, at_ms)
        self.shelf.decided(outcome)
        if not self._settings.present or not outcome.cases:
            return [outcome]
        ids = [case.id for case in outcome.cases]
        seen = desk.present(ward.ledger, ids, self._settings.operator, at_ms)
        self.shelf.decided(seen)
        return [outcome, seen]

    async def time_passes(self, *, hearing: bool) -> None:
        """Do what time alone makes due."""
        at_ms = self._clock.now().wall_ms
        rows, outcomes = Rows(), []
        for ward in self.wards.values():
            since = ward.listening_ms(at_ms) if hearing else None
            outcome = tick(ward.ledger, at_ms, listening_ms=since)
            rows.add(ward.number, outcome, ward.kept)
            outcomes.append(outcome)
        await self._commit(rows, outcomes, at_ms)

    # ------------------------------------------------------------------- one commit, then words
    async def _commit(self, rows: Rows, outcomes: list[Outcome], at_ms: int) -> None:
        """Write and only then say. Positions alone may wait: what is read twice is known by key."""
        now = asyncio.get_running_loop().time()
        if rows or (self.unwritten and now - self._written >= POSITIONS_S):
            await self._database.commit(rows, self.unwritten, at_ms)
            self.unwritten, self._written = {}, now
            self._tally.update(commits=1)
        self._words.speak(outcomes, at_ms)
        for line in self._lines:
            await line.flush()
        for outcome in outcomes:
            self._tell(outcome, at_ms)

    def _tell(self, outcome: Outcome, at_ms: int) -> None:
        answered = any(say.ack.status is AckStatus.STORED for say in outcome.says)
        self._tally.update(
            alarms=len(outcome.raised),
            stored=len(outcome.kept),
            repeated=int(answered and not outcome.kept),
        )
        for message in outcome.kept:
            self._listener.stored(message, at_ms)
        for case in outcome.cases:
            self._listener.alarm(case, at_ms)
        for event in outcome.events:
            self._listener.event(event)
