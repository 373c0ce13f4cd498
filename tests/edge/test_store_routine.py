"""A day's summary and the mark that it was told reach the disk together, or not at all."""

import shutil
import sqlite3
from pathlib import Path

from gateway.core.outputs import Outputs, Stream
from tests.fakes_store import Disk, Epochs, opened, post


def told(id_: str) -> Outputs:
    """Return what the pipeline gives when a day is told."""
    state = (("routine", b"told " + id_.encode()), ("routine.days", b"days"))
    return Outputs(posts=(post(id_, Stream.ROUTINE),), state=state)


async def test_a_kill_right_after_the_commit_finds_both_on_the_disk(tmp_path: Path) -> None:
    async with opened(tmp_path / "hub", epochs=Epochs()) as store:
        committed = await store.commit(told("day-1"))
        assert committed.durable
        shutil.copytree(tmp_path / "hub", tmp_path / "killed")  # as kill -9 would leave it
    async with opened(tmp_path / "killed", epochs=Epochs(9)) as again:
        assert [row.id for row in await again.unfinished(Stream.ROUTINE)] == ["day-1"]
        assert (await again.restore()).detector_state["routine"] == b"told day-1"


async def test_a_kill_before_the_commit_finds_neither(tmp_path: Path) -> None:
    disk = Disk()
    async with opened(tmp_path / "hub", epochs=Epochs(), connect=disk.connect) as store:
        disk.breaks(sqlite3.SQLITE_IOERR)
        committed = await store.commit(told("day-1"))
        assert not committed.durable
        assert await store.unfinished(Stream.ROUTINE) == (), "what may be told anew is not sent"
        shutil.copytree(tmp_path / "hub", tmp_path / "killed")
    async with opened(tmp_path / "killed", epochs=Epochs(9)) as again:
        assert await again.unfinished(Stream.ROUTINE) == ()
        assert "routine" not in (await again.restore()).detector_state


async def test_a_disk_that_returns_gets_the_message_and_the_mark(tmp_path: Path) -> None:
    disk = Disk()
    async with opened(tmp_path, epochs=Epochs(), connect=disk.connect) as store:
        disk.breaks(sqlite3.SQLITE_IOERR)
        await store.commit(told("day-1"))
        disk.mends()
        await store.ping()
        assert [row.id for row in await store.unfinished(Stream.ROUTINE)] == ["day-1"]
    async with opened(tmp_path, epochs=Epochs(9)) as again:
        assert [row.id for row in await again.unfinished(Stream.ROUTINE)] == ["day-1"]
        assert (await again.restore()).detector_state["routine"] == b"told day-1"
