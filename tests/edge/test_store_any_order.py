"""Whatever happens in whatever order: one message, one number, and nothing unanswered is lost."""

import asyncio
import sqlite3
from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.outputs import Outputs, Stream
from gateway.core.wire import Ack, AckStatus
from gateway.edge.database import NAME
from gateway.edge.records import Row
from gateway.edge.store import Store
from tests.fakes_store import Disk, Epochs, keeps, opened, post

BRIEF_S, PATIENT_S = 0.03, 20.0

STEPS = (
    "press",
    "event",
    "flush",
    "finish",
    "fails at BEGIN",
    "fails at INSERT INTO outbox",
    "fails at COMMIT",
    "lies at COMMIT",
    "full at INSERT INTO outbox",
    "hangs before COMMIT",
    "hangs after COMMIT",
    "hangs before INSERT INTO outbox",
    "mends",
    "mends",
    "restart",
    "file deleted",
)


class Home:
    """What a flawless witness knows of the messages: which there are and what became of them."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.finished: set[str] = set()
        self.numbers: dict[tuple[str, str, int], str] = {}
        self.keys: dict[str, tuple[str, str, int]] = {}

    def name(self, kind: str) -> str:
        self.made.append(f"{kind}{len(self.made):03}")
        return self.made[-1]

    def sees(self, rows: tuple[Row, ...]) -> None:
        """Hold what goes out against what went out before."""
        for row in rows:
            key = (row.epoch, row.stream.value, row.seq)
            assert self.numbers.setdefault(key, row.id) == row.id, "a number given out twice"
            assert self.keys.setdefault(row.id, key) == key, "a message under two numbers"
            assert row.payload["durable"] == row.durable

    def unanswered(self, kind: str) -> list[str]:
        return [i for i in self.made if i.startswith(kind) and i not in self.finished]


async def act(store: Store, home: Home, disk: Disk, step: str, pick: int) -> None:
    match step.split(maxsplit=2):
        case ["press"]:
            done = await store.commit(Outputs(posts=(post(home.name("a")),)))
            assert len(done.rows) == 1
            home.sees(done.rows)
        case ["event"]:
            event = post(home.name("e"), Stream.EVENT)
            store.add(Outputs(posts=(event,), keeps=keeps(3).keeps))
        case ["flush"]:
            await store.flush()
        case ["finish"] if home.keys:
            id_ = sorted(home.keys)[pick % len(home.keys)]
            epoch, stream, _ = home.keys[id_]
            home.finished |= set(
                await store.finish(Ack(epoch, stream, AckStatus.STORED, ids=(id_,)))
            )
        case ["fails", _, statement]:
            disk.breaks(sqlite3.SQLITE_IOERR, on=statement)
        case ["full", _, statement]:
            disk.breaks(sqlite3.SQLITE_FULL, on=statement)
        case ["lies", _, statement]:
            disk.lies(statement)
        case ["hangs", when, statement]:
            disk.release.clear()
            disk.hang_on, disk.after = statement, when == "after"
            waits(store, BRIEF_S)
        case ["mends"]:
            await mend(store, disk)
        case _:
            pass


def waits(store: Store, limit_s: float) -> None:
    """Set the limit: brief only where a hang is certain, so that a slow machine is none."""
    store._limit_s = store._transactions._limit_s = limit_s


async def mend(store: Store, disk: Disk) -> None:
    disk.mends()
    disk.hang_on = ""
    disk.release.set()
    while store._transactions.stuck:  # noqa: ASYNC110 - a thread ends it, not a task
        await asyncio.sleep(0)
    waits(store, PATIENT_S)


@settings(max_examples=30, deadline=None)
@given(
    steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 20)), min_size=1, max_size=25)
)
async def test_one_message_one_number_and_nothing_unanswered_is_lost(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    directory = tmp_path_factory.mktemp("store")
    disk, home, epochs = Disk(), Home(), Epochs()
    lost_events = False
    todo = [*steps, ("mends", 0), ("restart", 0)]
    while todo:
        async with opened(
            directory, connect=disk.connect, epochs=epochs, limit_s=PATIENT_S, on_rows=home.sees
        ) as store:
            home.sees(await store.unfinished(limit=1000))
            while todo:
                step, pick = todo.pop(0)
                if step == "restart":
                    await mend(store, disk)
                    break
                if step == "file deleted":
                    (directory / NAME).unlink(missing_ok=True)
                    lost_events = True
                await act(store, home, disk, step, pick)
                rows = await store.unfinished(Stream.ALARM, limit=1000)
                home.sees(rows)
                assert sorted(row.id for row in rows) == home.unanswered("a")
    async with opened(directory, epochs=epochs) as store:
        rows = await store.unfinished(limit=1000)
        home.sees(rows)
        left = sorted(row.id for row in rows)
        assert [i for i in left if i.startswith("a")] == home.unanswered("a")
        if not lost_events:
            assert [i for i in left if i.startswith("e")] == home.unanswered("e")
            events = sum(i.startswith("e") for i in home.made)
            assert (await store.depth()).readings == 3 * events
        by_stream: dict[tuple[str, str], list[int]] = defaultdict(list)
        for epoch, stream, seq in home.numbers:
            by_stream[epoch, stream].append(seq)
        for numbers in by_stream.values():
            assert sorted(numbers) == list(range(1, len(numbers) + 1))
