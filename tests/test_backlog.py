"""A backlog on its way out holds up no alarm: what the benches found, kept from coming back."""

import asyncio
import sqlite3
from pathlib import Path

from gateway.centre.line import wait_s
from gateway.core.model import HeartRate, Motion
from gateway.core.outputs import Outputs, Stream
from gateway.core.telemetry import RECORD_MS, Telemetry
from gateway.core.wire import Ack, AckStatus
from gateway.edge import retention
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
        store.add(Outputs(posts=(post("e1", Stream.EVENT),)))
        batch = asyncio.create_task(store.flush())
        alarm = asyncio.create_task(store.commit(pressed(1)))
        seen: list[tuple[int, int]] = []
        while not alarm.done():
            seen.append(await on_disk(store))
        await asyncio.gather(batch, alarm)
        assert set(seen) <= {(0, 0), (1, 1)}, "(alarms, counters): both or neither"
        assert await on_disk(store) == (1, 1)


async def on_disk(store: object) -> tuple[int, int]:
    """Return how many alarm rows and counters the disk holds."""
    transactions = store._transactions  # type: ignore[attr-defined] # the disk itself is asked
    sql = "SELECT (SELECT count(*) FROM outbox WHERE stream = 'alarm'), count(*) FROM memories"
    alarms, counters = await transactions.read(lambda db: db.execute(sql).fetchone())
    return alarms, counters
