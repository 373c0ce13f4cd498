"""A backlog on its way out holds up no alarm: what the benches found, kept from coming back."""

import asyncio
import contextlib
import sqlite3
import threading
from pathlib import Path

from gateway.centre.line import wait_s
from gateway.core.model import HeartRate, Motion
from gateway.core.outputs import Outputs, Stream
from gateway.core.telemetry import RECORD_MS, Telemetry
from gateway.core.wire import Ack, AckStatus
from gateway.edge import retention
from gateway.edge.database import NAME
from gateway.edge.store import DONE_ROWS
from tests.fakes import heard
from tests.fakes_store import Disk, opened, post, pressed


async def test_stored_rows_leave_the_disk_before_the_batch_when_they_are_many(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as store:
        rows = 2 * DONE_ROWS
        store.add(Outputs(posts=tuple(post(f"e{n:05}", Stream.EVENT) for n in range(rows))))
        await store.flush()
        finished = await store.finish(
            Ack(store.epoch, Stream.EVENT, AckStatus.STORED, upto=DONE_ROWS)
        )
        assert len(finished) == DONE_ROWS
        while await held(store) > rows - DONE_ROWS:  # noqa: ASYNC110 - a thread ends it
            await asyncio.sleep(0)


async def held(store: object) -> int:
    """Return how many event rows the disk holds, the finished ones counted."""
    transactions = store._transactions  # type: ignore[attr-defined] # the disk itself is asked
    census = await transactions.read(lambda db: retention.census(db, without=[]))
    return int(census.lanes.get("event", 0))


async def test_an_alarms_stored_is_taken_while_the_disk_answers_nothing(tmp_path: Path) -> None:
    disk = Disk()
    async with opened(tmp_path, connect=disk.connect) as store:
        (row,) = (await store.commit(pressed(1))).rows
        disk.breaks(sqlite3.SQLITE_IOERR, on="SELECT")
        ack = Ack(row.epoch, Stream.ALARM, AckStatus.STORED, (row.id,))
        assert await store.finish(ack) == (row.id,)
        assert await store.unfinished(Stream.ALARM) == ()
        disk.mends()


def test_a_heart_rate_that_goes_up_and_down_is_kept_once_a_minute_and_motion_always() -> None:
    record = Telemetry()
    minutes = RECORD_MS * 3 // 1000
    beats = [list(record.heard(heard(s, "band", HeartRate(60 + s % 7)))) for s in range(minutes)]
    assert sum(map(len, beats)) == 3
    assert record.last["band", "heart_rate"]["bpm"] == 60 + (minutes - 1) % 7, "the status is fresh"
    moved = [list(record.heard(heard(s, "hall", Motion(detected=True)))) for s in range(5)]
    assert sum(map(len, moved)) == 5


def test_a_centre_is_back_at_its_broker_within_seconds_however_often_that_died() -> None:
    assert max(wait_s(failures, 1.0) for failures in range(50)) <= 3.0


async def test_a_batch_on_its_way_carries_no_counter_whose_alarm_is_still_to_come(
    tmp_path: Path,
) -> None:
    disk = Disk()
    async with opened(tmp_path, connect=disk.connect) as store:
        store.add(Outputs(posts=tuple(post(f"e{n:05}", Stream.EVENT) for n in range(1_200))))
        disk.after, disk.hang_on = True, "COMMIT"
        first = asyncio.create_task(store.flush())
        await asyncio.to_thread(disk.entered.wait)
        second = asyncio.create_task(store.flush())
        await asyncio.sleep(0)
        alarm = asyncio.create_task(store.commit(pressed(1)))
        await asyncio.sleep(0)
        hung, disk.release = disk.release, threading.Event()
        disk.entered.clear()
        disk.hang_on = "COMMIT"
        hung.set()
        await asyncio.to_thread(disk.entered.wait)
        assert counters(tmp_path) == 0, "a hub killed now must hear the press again"
        disk.release.set()
        await asyncio.gather(first, second, alarm)
        assert counters(tmp_path) == 1


def counters(directory: Path) -> int:
    """Return how many counters another reader of the file sees."""
    with contextlib.closing(sqlite3.connect(directory / NAME)) as db:
        return int(db.execute("SELECT count(*) FROM memories").fetchone()[0])
