"""A disk that fails, fills, hangs, breaks or vanishes silences no alarm and doubles none."""

import asyncio
import os
import sqlite3
from pathlib import Path

import pytest

from gateway.core.outputs import Outputs, Stream
from gateway.core.wire import Ack, AckStatus
from gateway.edge import retention
from gateway.edge.aside import KEPT_ASIDE, date_of
from gateway.edge.database import NAME
from gateway.edge.records import FoundState
from gateway.edge.store import Store
from gateway.errors import StoreError
from tests.fakes_store import Disk, Epochs, Health, keeps, opened, post, pressed

HANG_S = 0.05


async def answered(store: Store) -> None:
    """Let the event loop turn until the writer has put its late job behind it."""
    while store._transactions.stuck:  # noqa: ASYNC110 - a thread ends it, not a task
        await asyncio.sleep(0)


async def ids(store: Store) -> list[str]:
    return [row.id for row in await store.unfinished(Stream.ALARM)]


@pytest.mark.parametrize("statement", ["BEGIN", "INSERT INTO outbox", "COMMIT"])
async def test_a_disk_that_fails_sends_the_alarm_from_memory_and_keeps_it_later(
    tmp_path: Path, statement: str
) -> None:
    disk, health = Disk(), Health()
    async with opened(tmp_path, connect=disk.connect, on_health=health) as store:
        await store.commit(pressed(1))
        disk.breaks(sqlite3.SQLITE_IOERR, on=statement)
        failed = await store.commit(pressed(2))
        (row,) = failed.rows
        assert (failed.durable, row.durable, row.payload["durable"]) == (False, False, False)
        assert (row.epoch, row.seq, row.payload["boot"]) == (store.volatile_epoch, 1, 1)
        assert row.epoch != store.epoch
        assert "disk fake says" in failed.error
        assert sorted(await ids(store)) == ["press-000001", "press-000002"]
        disk.mends()
        healed = await store.commit(pressed(3))
        assert (healed.durable, healed.rows[0].seq) == (True, 2)
        assert health.ups == [False, True]
        before = await store.unfinished()
    async with opened(tmp_path, epochs=Epochs(50)) as store:
        assert await store.unfinished() == before
        assert row in before
        ack = Ack(row.epoch, "alarm", AckStatus.STORED, upto=1)
        assert await store.finish(ack) == ("press-000002",)
        assert len((await store.restore()).alerts) == 3


@pytest.mark.parametrize("after", [False, True])
async def test_a_commit_that_hangs_goes_out_from_memory_and_its_late_end_doubles_nothing(
    tmp_path: Path, *, after: bool
) -> None:
    disk, health = Disk(), Health()
    async with opened(tmp_path, connect=disk.connect, on_health=health, limit_s=HANG_S) as store:
        disk.hang_on, disk.after = "COMMIT", after
        late = await store.commit(pressed(1))
        assert (late.durable, late.rows[0].durable) == (False, False)
        at_once = await store.commit(pressed(2))
        assert "earlier request" in at_once.error
        assert await ids(store) == ["press-000001", "press-000002"]
        with pytest.raises(StoreError):
            await store.ping()
        disk.release.set()
        await answered(store)
        await store.ping()
        assert health.ups == [False, True]
        next_one = await store.commit(pressed(3))
        assert (next_one.durable, next_one.rows[0].seq) == (True, 1)
        rows = await store.unfinished()
    async with opened(tmp_path) as store:
        assert await store.unfinished() == rows
        assert sorted(await ids(store)) == ["press-000001", "press-000002", "press-000003"]
        assert {r.epoch for r in rows if not r.durable} == {late.rows[0].epoch}


async def test_a_hang_before_the_end_rolls_back(tmp_path: Path) -> None:
    disk = Disk()
    async with opened(tmp_path, connect=disk.connect, limit_s=HANG_S) as store:
        disk.hang_on = "INSERT INTO outbox"
        await store.commit(pressed(1))
        disk.release.set()
        await answered(store)
        held = await store._transactions.read(lambda db: retention.census(db, without=[]))
        assert held.lanes == {}


async def test_telemetry_that_a_failing_disk_refuses_is_sent_from_memory_and_kept(
    tmp_path: Path,
) -> None:
    disk = Disk()
    sent: list[str] = []
    async with opened(
        tmp_path, connect=disk.connect, on_rows=lambda rows: sent.extend(r.id for r in rows)
    ) as store:
        disk.breaks(sqlite3.SQLITE_IOERR)
        store.add(Outputs(posts=(post("e1", Stream.EVENT),), keeps=keeps(5).keeps))
        await store.flush()
        assert sent == ["e1"]
        assert [row.durable for row in await store.unfinished()] == [False]
        disk.mends()
        await store.ping()
        await store.flush()
        depth = await store.depth()
        assert (depth.readings, depth.unfinished, depth.in_memory) == (5, {"event": 1}, 0)
        assert [row.id for row in await store.unfinished()] == ["e1"]


def small(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA max_page_count = 60")
    return connection


async def test_a_full_disk_gives_up_old_readings_for_an_alarm(tmp_path: Path) -> None:
    health = Health()
    async with opened(tmp_path, connect=small, on_health=health) as store:
        for _ in range(20):
            store.add(keeps(200))
            await store.flush()
        before = (await store.depth()).readings
        for n in range(30):
            assert (await store.commit(pressed(n))).durable
        depth = await store.depth()
        assert depth.readings < before < 4000
        assert depth.evicted["readings"] == 4000 - depth.readings
        assert health.ups == []


async def test_a_disk_full_of_alarms_sends_the_next_from_memory_until_there_is_room(
    tmp_path: Path,
) -> None:
    health = Health()
    async with opened(tmp_path, connect=small, on_health=health) as store:
        n = 0
        while (await store.commit(pressed(n))).durable:
            n += 1
        assert n > 20
        assert len(await store.unfinished(limit=1000)) == n + 1
        await store.finish(Ack(store.epoch, "alarm", AckStatus.STORED, upto=n))
        await store.ping()
        assert health.ups == [False, True]
        assert await ids(store) == [f"press-{n:06}"]


def garbage(path: Path) -> None:
    path.write_bytes(b"not a database at all" * 500)


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def another_schema(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()


def broken_pages(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 20] = b"\xa5" * (4096 * 17)
    path.write_bytes(content)


def without_its_row(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM self")
    connection.close()


@pytest.mark.parametrize(
    "damage", [garbage, truncated, another_schema, broken_pages, without_its_row]
)
async def test_a_broken_database_is_set_aside_under_a_date_and_a_new_epoch_begins(
    tmp_path: Path, damage: object
) -> None:
    async with opened(tmp_path) as store:
        await store.commit(pressed(1))
        store.add(keeps(2000))
        first = store.epoch
    assert callable(damage)
    damage(tmp_path / NAME)
    content = (tmp_path / NAME).read_bytes()
    async with opened(tmp_path, epochs=Epochs(50)) as store:
        assert store.found.state is FoundState.SET_ASIDE
        assert store.found.reason
        assert store.found.kept_as.startswith("hub.db.set-aside-2")
        assert (tmp_path / store.found.kept_as).read_bytes() == content
        assert store.epoch > first
        assert (await store.commit(pressed(2))).durable


async def test_a_deleted_database_begins_a_new_epoch(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.commit(pressed(1))
        first = store.epoch
    (tmp_path / NAME).unlink()
    async with opened(tmp_path, epochs=Epochs(50)) as store:
        assert (store.found.state, store.epoch != first) == (FoundState.NEW, True)
        (row,) = (await store.commit(pressed(1))).rows
        assert (row.seq, row.epoch) == (1, store.epoch)


@pytest.mark.parametrize("how", ["deleted", "corrupt"])
async def test_a_database_lost_while_running_takes_no_unfinished_alarm_with_it(
    tmp_path: Path, how: str
) -> None:
    disk, health = Disk(), Health()
    async with opened(tmp_path, connect=disk.connect, on_health=health) as store:
        (old,) = (await store.commit(pressed(1))).rows
        if how == "deleted":
            (tmp_path / NAME).unlink()
        else:
            error = sqlite3.DatabaseError("database disk image is malformed")
            error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            errors = iter([error])
            disk.fail_with = lambda sql: next(errors, None) if sql.startswith("INSERT") else None
        done = await store.commit(pressed(2))
        assert done.durable
        assert done.rows[0].seq == 1
        assert done.rows[0].epoch == store.epoch != old.epoch
        assert store.found.state is FoundState.SET_ASIDE
        assert health.ups == [False, True]
    async with opened(tmp_path, epochs=Epochs(50)) as store:
        assert await store.unfinished() == (old, *done.rows)
        restored = await store.restore()
        assert [a.id for a in restored.alerts] == ["press-000001", "press-000002"]
        assert restored.memories == {"button": {"packet": 2}}
        assert await store.finish(Ack(old.epoch, "alarm", AckStatus.STORED, upto=1)) == (old.id,)


async def test_without_a_usable_directory_alarms_go_out_and_the_store_returns_with_it(
    tmp_path: Path,
) -> None:
    health = Health()
    home = tmp_path / "home"
    home.write_text("a file where the directory should be")
    async with opened(home, on_health=health) as store:
        assert store.found.state is FoundState.UNUSABLE
        done = await store.commit(pressed(1))
        assert (done.durable, done.rows[0].epoch) == (False, store.epoch)
        assert store.high_water == {"alarm": 1}
        assert await store.restore() == await store.restore()
        home.unlink()
        await store.ping()
        assert health.ups == [False, True]
        assert (await store.commit(pressed(2))).durable
        assert await ids(store) == ["press-000001", "press-000002"]


async def test_only_the_newest_broken_databases_are_kept(tmp_path: Path) -> None:
    kept = []
    for n in range(KEPT_ASIDE + 2):
        async with opened(tmp_path, epochs=Epochs(10 * n)) as store:
            kept.append(store.found.kept_as)
        garbage(tmp_path / NAME)
    left = sorted(name for name in os.listdir(tmp_path) if "set-aside" in name)  # noqa: PTH208
    assert len(left) == KEPT_ASIDE
    assert left == sorted(kept)[-KEPT_ASIDE:]


def test_the_date_of_a_set_aside_database_is_that_of_the_epoch_that_follows_it() -> None:
    assert date_of("01ARZ3NDEKTSV4RRFFQ69G5FAV") == "20160730T235410Z"


async def test_a_hung_disk_holds_up_the_end_no_longer_than_it_is_given(tmp_path: Path) -> None:
    disk = Disk()
    try:
        async with asyncio.timeout(20):  # the limits alone are a minute
            async with opened(tmp_path, connect=disk.connect, limit_s=30) as store:
                store.add(keeps(3))
                disk.hang_on = "COMMIT"
                store.hurry(HANG_S)
            assert disk.entered.is_set()
    finally:
        disk.release.set()
