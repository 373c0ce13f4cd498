"""What the store holds in memory: what waits for the disk, and what must outlive a broken one.

Three shelves:
    waiting   posts and readings of the batch; owed alerts, counters, learnt state (the newest of
              each); ids that are done; rows sent from memory that the disk does not have yet
    alarms    every alarm row that the centre has not stored, on disk or not
    mirror    alerts, counters and learnt state as last heard, to write into a new database

Everything here runs in the event loop; nothing here waits.
"""

import dataclasses
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from gateway.core.alerts import Alert
from gateway.core.model import At, Memory
from gateway.core.outputs import Keep, Outputs, Post, Stream
from gateway.core.wire import Ack
from gateway.edge.batch import Batch, Repair
from gateway.edge.records import Restored, Row, payload, to_json

MOST_KEEPS = 20_000
MOST_TELEMETRY = 2_000
"""Bounds while the disk is away: about 10 MB; the oldest goes first and is counted."""


class Backlog:
    """See the module."""

    def __init__(self, *, hub: str, new_epoch: Callable[[], str]) -> None:
        self.epoch = new_epoch()
        self._hub = hub
        self._seq: dict[str, int] = {}
        self._owed = Batch()
        self._posts: deque[Post] = deque()
        self._keeps: deque[Keep] = deque()
        self._alerts: dict[str, Alert] = {}
        self._memories: dict[str, Memory] = {}
        self._state: dict[str, bytes] = {}
        self._alarms: dict[str, Row] = {}
        self._shed: dict[str, int] = {}
        self._newest: At | None = None
        self._mark: At | None = None
        self.unsaved: dict[str, Row] = {}

    # ------------------------------------------------------------------------------ coming in
    def take(self, outputs: Outputs, posts: Iterable[Post]) -> None:
        """Take everything but the posts that commit alone; `posts` join the batch."""
        for alert in outputs.alerts:
            self._alerts[alert.id] = self._owed.alerts[alert.id] = alert
        for memory in outputs.memories:
            self._memories[memory.device] = self._owed.memories[memory.device] = memory
        for name, blob in outputs.state:
            self._state[name] = self._owed.state[name] = blob
        for id_ in outputs.forget:
            self._alerts.pop(id_, None)
            self._owed.alerts.pop(id_, None)
            self._owed.forget.add(id_)
        self._posts.extend(posts)
        self._keeps.extend(outputs.keeps)
        for at in (*(p.at for p in outputs.posts), *(k.at for k in outputs.keeps)):
            self.see(at)

    def see(self, at: At) -> None:
        """Note the newest instant; the batch's age counts from the first after the last batch."""
        have = self._newest
        if have is None or have.boot != at.boot or at.mono_ms > have.mono_ms:
            self._newest = at
        if self._mark is None or self._mark.boot != at.boot:
            self._mark = at

    @property
    def rows(self) -> int:
        """How many rows of telemetry wait."""
        return len(self._posts) + len(self._keeps)

    @property
    def age_ms(self) -> int:
        """How much of the home's time has passed since the last batch."""
        if self._newest is None or self._mark is None:
            return 0
        return self._newest.mono_ms - self._mark.mono_ms

    @property
    def waiting(self) -> bool:
        """Whether a write would change anything on the disk."""
        fresh = self._newest is not self._owed.seen
        return bool(self._posts or self._keeps or self.unsaved or fresh or self._owed.work)

    @property
    def done(self) -> set[str]:
        """Ids that the centre has stored and that may still be on the disk."""
        return self._owed.done

    # ------------------------------------------------------------------------------ to the disk
    def piece(self, most: int) -> Batch:
        """Take up to `most` rows of telemetry off the queue."""
        posts = [self._posts.popleft() for _ in range(min(most, len(self._posts)))]
        rest = min(most - len(posts), len(self._keeps))
        return Batch(posts=posts, keeps=[self._keeps.popleft() for _ in range(rest)])

    def join(self, batch: Batch) -> Batch:
        """Return `batch` with everything that is owed at this moment."""
        owed = self._owed
        return Batch(
            posts=batch.posts,
            keeps=batch.keeps,
            alerts=dict(owed.alerts),
            memories=dict(owed.memories),
            state=dict(owed.state),
            forget=set(owed.forget),
            done=set(owed.done),
            repairs=list(owed.repairs),
            rescued=tuple(self.unsaved.values()),
            seen=self._newest,
        )

    def written(self, whole: Batch, rows: Sequence[Row]) -> None:
        """Strike what a transaction has written, unless something newer took its place."""
        owed = self._owed
        for mine, theirs in (
            (owed.alerts, whole.alerts),
            (owed.memories, whole.memories),
            (owed.state, whole.state),
        ):
            _strike(mine, theirs)
        owed.forget -= whole.forget
        owed.done -= whole.done
        owed.repairs = owed.repairs[len(whole.repairs) :]
        owed.seen = whole.seen
        if not self.rows:  # an alarm's commit makes no telemetry younger that waits beside it
            self._mark = whole.seen
        for row in whole.rescued:
            self.unsaved.pop(row.id, None)
        self._alarms |= {row.id: row for row in rows if row.stream is Stream.ALARM}

    def put_back(self, batch: Batch, boot: int) -> tuple[Row, ...]:
        """Keep a batch that the disk refused: readings wait on, messages go out from memory."""
        self._keeps.extendleft(reversed(batch.keeps))
        while len(self._keeps) > MOST_KEEPS:
            self._keeps.popleft()
            self._count_shed("readings")
        rows = self.from_memory(batch.posts, boot)
        telemetry = [r for r in self.unsaved.values() if r.stream in (Stream.EVENT, Stream.SUM)]
        for row in telemetry[: max(0, len(telemetry) - MOST_TELEMETRY)]:
            del self.unsaved[row.id]
            self._count_shed(row.stream.value)
        self._mark = self._newest
        return tuple(row for row in rows if row.id in self.unsaved)

    def from_memory(self, posts: Iterable[Post], boot: int) -> tuple[Row, ...]:
        """Return rows for `posts` under memory's own epoch, marked not durable."""
        rows = tuple(self._volatile(post, boot) for post in posts)
        self.unsaved |= {row.id: row for row in rows}
        self._alarms |= {row.id: row for row in rows if row.stream is Stream.ALARM}
        return rows

    def _volatile(self, post: Post, boot: int) -> Row:
        stream = post.stream
        seq = self._seq[stream.value] = self._seq.get(stream.value, 0) + 1
        return Row(
            stream=stream,
            epoch=self.epoch,
            seq=seq,
            id=post.id,
            alert=post.alert,
            at=post.at,
            payload=payload(
                hub=self._hub,
                epoch=self.epoch,
                stream=stream,
                seq=seq,
                id=post.id,
                boot=boot,
                durable=False,
                body=to_json(post.body),
            ),
            durable=False,
        )

    # ------------------------------------------------------------------------------ a database
    def adopt(self, restored: Restored, alarms: Iterable[Row]) -> None:
        """Take over what a database holds; what this run knows already is newer."""
        for alert in restored.alerts:
            if alert.id not in self._owed.forget:
                self._alerts.setdefault(alert.id, alert)
        for device, values in restored.memories.items():
            self._memories.setdefault(device, Memory(device, values))
        self._state = {**restored.detector_state, **self._state}
        for row in alarms:
            if row.id not in self.done:
                self._alarms.setdefault(row.id, row)

    def start_over(self) -> None:
        """Owe a new database everything that memory still knows of the lost one."""
        self._owed.alerts = dict(self._alerts)
        self._owed.memories = dict(self._memories)
        self._owed.state = dict(self._state)
        self.unsaved = self._alarms | self.unsaved

    # ------------------------------------------------------------------------------ the centre
    def unfinished(
        self, stream: Stream, start: tuple[str, int], upto: tuple[str, int]
    ) -> list[Row]:
        """Return memory's rows of a stream with start < (epoch, seq) <= upto.

        A day's summary waits for the disk, which takes it together with the mark that the day was
        told: sent without it, and the hub killed, the day would be told again under another id.
        """
        if stream is Stream.ROUTINE:
            return []
        shelf = self._alarms if stream is Stream.ALARM else self.unsaved
        return [r for r in shelf.values() if r.stream is stream and start < r.order[1:] <= upto]

    def named(self, ack: Ack) -> list[str]:
        """Return the ids of memory's rows that an acknowledgement names."""
        upto = -1 if ack.upto is None else ack.upto
        return [
            row.id
            for row in (self._alarms | self.unsaved).values()
            if (row.epoch, row.stream.value) == (ack.epoch, ack.stream)
            and (row.seq <= upto or row.id in ack.ids)
        ]

    def finish(self, ids: Iterable[str]) -> None:
        """Let go of what the centre has: from memory now, from the disk with the next write."""
        for id_ in ids:
            self._owed.done.add(id_)
            self._alarms.pop(id_, None)
            self.unsaved.pop(id_, None)

    # ------------------------------------------------------------------------------ upkeep
    def repair(self, repair: Repair) -> tuple[Alert, ...]:
        """Mend stamps in memory, owe the disk the same; return alerts whose onset changed."""
        self._posts = deque(dataclasses.replace(p, at=repair.mend(p.at)) for p in self._posts)
        self._keeps = deque(dataclasses.replace(k, at=repair.mend(k.at)) for k in self._keeps)
        self._owed.repairs.append(repair)
        changed = []
        for alert in list(self._alerts.values()):
            new = dataclasses.replace(
                alert,
                at=repair.mend(alert.at),
                onset=repair.mend(alert.onset),
                due=alert.due and repair.mend(alert.due),
                stored_at=alert.stored_at and repair.mend(alert.stored_at),
            )
            if new != alert:
                self._alerts[new.id] = self._owed.alerts[new.id] = new
                if new.onset != alert.onset:
                    changed.append(new)
        return tuple(changed)

    def high_water(self) -> dict[str, int]:
        """Return the last seq given out in memory's epoch, by stream."""
        return dict(self._seq)

    def with_shed(self, evicted: Mapping[str, int]) -> dict[str, int]:
        """Return the disk's counts of evicted rows with memory's added."""
        lanes = evicted.keys() | self._shed.keys()
        return {lane: evicted.get(lane, 0) + self._shed.get(lane, 0) for lane in sorted(lanes)}

    def _count_shed(self, lane: str) -> None:
        self._shed[lane] = self._shed.get(lane, 0) + 1


def _strike(mine: dict[str, Any], theirs: Mapping[str, Any]) -> None:
    for key, value in theirs.items():
        if mine.get(key) is value:
            del mine[key]
