"""A database that rots while the hub is off gives up what it can: unsent alarms first."""

import sqlite3
from pathlib import Path

import pytest

from gateway.core.outputs import Stream
from gateway.core.wire import Ack, AckStatus
from gateway.edge.database import NAME
from gateway.edge.records import FoundState
from tests.fakes_store import Disk, Epochs, keeps, opened, pressed

PAGE = 4096


def rot(path: Path, holding: bytes, sparing: bytes) -> int:
    """Overwrite the pages that hold one text and not the other; return how many."""
    data = bytearray(path.read_bytes())
    rotten = 0
    for start in range(PAGE, len(data), PAGE):
        page = bytes(data[start : start + PAGE])
        if holding in page and sparing not in page:
            data[start : start + PAGE] = b"\xa5" * PAGE
            rotten += 1
    path.write_bytes(data)
    return rotten


async def test_an_unsent_alarm_outlives_rotten_pages_under_its_old_key_and_rings_once(
    tmp_path: Path,
) -> None:
    epochs = Epochs()
    async with opened(tmp_path, epochs=epochs) as store:
        await store.commit(pressed(1))
        await store.commit(pressed(2))
        store.add(keeps(3000))
        old = store.epoch
        await store.finish(Ack(old, "alarm", AckStatus.STORED, ("press-000001",)))
    assert rot(tmp_path / NAME, b"Motion", b"press-") > 10
    async with opened(tmp_path, epochs=epochs) as store:
        assert store.found.state is FoundState.SET_ASIDE
        assert store.epoch != old
        (row,) = await store.unfinished(Stream.ALARM)
        assert (row.id, row.epoch, row.seq) == ("press-000002", old, 2)
        restored = await store.restore()
        assert restored.memories == {"button": {"packet": 2}}, "or the press would ring again"
        assert len(restored.alerts) == 2
        committed = await store.commit(pressed(3))
        assert [(row.epoch, row.seq) for row in committed.rows] == [(store.epoch, 1)]
    async with opened(tmp_path, epochs=epochs) as store:
        assert store.found.state is FoundState.EXISTING
        kept = [row.id for row in await store.unfinished(Stream.ALARM)]
        assert sorted(kept) == ["press-000002", "press-000003"], "it is on the new disk as well"


@pytest.mark.parametrize("ruin", [b"no database at all" * 400, b""])
async def test_a_file_that_gives_nothing_back_is_no_reason_not_to_start(
    tmp_path: Path, ruin: bytes
) -> None:
    epochs = Epochs()
    async with opened(tmp_path, epochs=epochs) as store:
        await store.commit(pressed(1))
    (tmp_path / NAME).write_bytes(ruin)
    async with opened(tmp_path, epochs=epochs) as store:
        assert await store.unfinished(Stream.ALARM) == ()
        assert (await store.commit(pressed(2))).durable


async def test_a_card_gone_read_only_still_gives_its_unsent_alarm_and_its_counters(
    tmp_path: Path,
) -> None:
    disk = Disk()
    async with opened(tmp_path) as store:
        await store.commit(pressed(1))
        old = store.epoch
    disk.breaks(sqlite3.SQLITE_READONLY, on="PRAGMA")
    async with opened(tmp_path, connect=disk.connect) as store:
        assert store.found.state is FoundState.UNUSABLE
        (row,) = await store.unfinished(Stream.ALARM)
        assert (row.id, row.epoch, row.seq) == ("press-000001", old, 1)
        assert (await store.restore()).memories == {"button": {"packet": 1}}
        assert not (await store.commit(pressed(2))).durable
        await store.finish(Ack(old, "alarm", AckStatus.STORED, ("press-000001",)))
        disk.mends()
        assert (await store.commit(pressed(3))).durable
        left = [row.id for row in await store.unfinished(Stream.ALARM)]
        assert sorted(left) == ["press-000002", "press-000003"]
