"""The store on a disk that works: what goes in comes out, once, in order, and after a restart."""

import asyncio
import itertools
import sqlite3
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.alerts import Matter, Word
from gateway.core.model import Memory
from gateway.core.outputs import Outputs, Stream
from gateway.core.wire import Ack, AckStatus
from gateway.edge.database import BALLAST, NAME
from gateway.edge.records import FoundState, Row
from gateway.settings import StoreSettings
from tests.fakes_store import BOOT, Epochs, alert, at, keeps, opened, post, pressed


def stored(epoch: str, *ids: str, upto: int | None = None, stream: str = "alarm") -> Ack:
    return Ack(epoch, stream, AckStatus.STORED, ids=ids, upto=upto)


async def test_an_alarm_comes_back_from_its_commit_as_the_message_that_goes_out(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as store:
        done = await store.commit(pressed(1))
        assert done.durable
        (row,) = done.rows
        assert row.payload == {
            "v": 1,
            "id": "press-000001",
            "hub": "hub-pseudonym",
            "epoch": store.epoch,
            "stream": "alarm",
            "seq": 1,
            "boot": 1,
            "durable": True,
            "msg": "new",
        }
        assert await store.unfinished() == (row,)


async def test_an_alarm_and_its_alert_and_counter_are_there_after_a_restart(tmp_path: Path) -> None:
    pending = alert(
        "press-000001",
        matter=Matter.PENDING,
        due=at(31_000, proven=False),
        word=Word.STORED,
        stored_at=at(2000),
        ended=True,
        cause="test",
    )
    outputs = Outputs(
        posts=(post("press-000001"),),
        alerts=(pending,),
        memories=(Memory("button", {"packet": 7, "key": "x"}),),
    )
    async with opened(tmp_path, epochs=Epochs(0)) as store:
        (row,) = (await store.commit(outputs)).rows
        first = store.epoch
    async with opened(tmp_path, epochs=Epochs(50)) as store:
        restored = await store.restore()
        assert store.found.state is FoundState.EXISTING
        assert store.epoch == first
        assert restored.alerts == (pending,)
        assert restored.memories == {"button": {"packet": 7, "key": "x"}}
        assert restored.last_seen == at(1000)
        assert await store.unfinished() == (row,)


async def test_a_database_in_memory_counts_anew_in_each_boot_and_forgets_nothing_else(
    tmp_path: Path,
) -> None:
    """At each boot it is the same old copy: its next numbers have been used before."""
    why = "the database lies in memory"
    async with opened(tmp_path, epochs=Epochs(0), in_memory=why) as store:
        assert store.found.state is FoundState.NEW
        (before,) = (await store.commit(pressed(1))).rows
    async with opened(tmp_path, epochs=Epochs(50), boot="c" * 32, in_memory=why) as store:
        assert (store.found.state, store.found.reason) == (FoundState.FORGETFUL, why)
        assert await store.unfinished() == (before,)
        (after,) = (await store.commit(pressed(2))).rows
        assert (after.epoch, after.seq) == (store.epoch, 1)
        assert after.epoch != before.epoch
    async with opened(tmp_path, epochs=Epochs(90), boot="c" * 32, in_memory=why) as store:
        assert store.found.state is FoundState.EXISTING
        assert (store.epoch, await store.unfinished()) == (after.epoch, (before, after))


async def test_boots_are_counted_once_each(tmp_path: Path) -> None:
    numbers = []
    for boot in (BOOT, "c" * 32, "c" * 32, "d" * 32):
        async with opened(tmp_path, boot=boot) as store:
            numbers.append(store.boot_number)
    assert numbers == [1, 2, 2, 3]


async def test_telemetry_waits_for_its_batch_in_the_homes_time(tmp_path: Path) -> None:
    sent: list[str] = []
    batches = StoreSettings(batch_s=600)
    async with opened(
        tmp_path, settings=batches, on_rows=lambda rows: sent.extend(r.id for r in rows)
    ) as store:
        store.add(Outputs(posts=(post("e1", Stream.EVENT, 1000),)))
        store.seen(at(600_999))
        await store.ping()
        assert (sent, await store.unfinished()) == ([], ())
        store.seen(at(601_000))
        while not sent:
            await store.ping()
        assert sent == ["e1"]
        assert [row.id for row in await store.unfinished(Stream.EVENT)] == ["e1"]


async def test_alarms_do_not_make_telemetry_wait_longer_than_its_batch(tmp_path: Path) -> None:
    sent: list[str] = []
    batches = StoreSettings(batch_s=600)
    async with opened(
        tmp_path, settings=batches, on_rows=lambda rows: sent.extend(r.id for r in rows)
    ) as store:
        store.add(Outputs(posts=(post("e1", Stream.EVENT, 1000),)))
        for n in range(1, 4):
            await store.commit(pressed(n * 150_000))
        store.seen(at(601_000))
        async with asyncio.timeout(10):
            while not sent:
                await store.ping()
        assert sent == ["e1"]


async def test_a_result_of_a_command_does_not_wait_for_the_batch(tmp_path: Path) -> None:
    sent: list[str] = []
    async with opened(tmp_path, on_rows=lambda rows: sent.extend(r.id for r in rows)) as store:
        store.add(Outputs(posts=(post("r1", Stream.RES),)))
        while not sent:
            await store.ping()
        assert sent == ["r1"]


async def test_alarms_go_before_everything_and_pages_follow_each_other(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        store.add(Outputs(posts=tuple(post(f"s{i}", Stream.SUM) for i in range(3))))
        store.add(Outputs(posts=tuple(post(f"e{i}", Stream.EVENT) for i in range(3))))
        await store.flush()
        await store.commit(Outputs(posts=(post("v0", Stream.EVIDENCE), post("a0"))))
        await store.commit(Outputs(posts=(post("a1"),)))
        everything = await store.unfinished()
        assert [r.id for r in everything] == ["a0", "a1", "v0", "e0", "e1", "e2", "s0", "s1", "s2"]
        pages: list[Row] = []
        while page := await store.unfinished(limit=2, after=pages[-1].order if pages else None):
            pages += page
        assert tuple(pages) == everything
        assert await store.unfinished(after=everything[3].order) == everything[4:]


async def test_the_centre_finishes_by_id_and_by_number_within_its_epoch_and_stream(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as store:
        for n in range(1, 6):
            await store.commit(pressed(n))
        store.add(Outputs(posts=(post("e1", Stream.EVENT),)))
        await store.flush()
        epoch = store.epoch
        assert await store.finish(stored("another epoch", "press-000001", upto=9)) == ()
        assert await store.finish(stored(epoch, "press-000001", stream="event")) == ()
        assert await store.finish(stored(epoch, "press-000004")) == ("press-000004",)
        assert await store.finish(stored(epoch, upto=2)) == ("press-000001", "press-000002")
        assert await store.finish(stored(epoch, upto=2)) == ()
        handled = Ack(epoch, "alarm", AckStatus.HANDLED, ids=("press-000003",))
        assert await store.finish(handled) == ()
        assert [r.id for r in await store.unfinished()] == ["press-000003", "press-000005", "e1"]
    async with opened(tmp_path) as store:
        assert [r.id for r in await store.unfinished()] == ["press-000003", "press-000005", "e1"]
        assert store.high_water == {"alarm": 5, "event": 1}
        (row,) = (await store.commit(pressed(6))).rows
        assert row.seq == 6


async def test_what_is_finished_stays_finished_before_it_has_left_the_disk(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        store.add(Outputs(posts=tuple(post(f"e{i}", Stream.EVENT) for i in range(4))))
        await store.flush()
        await store.finish(stored(store.epoch, upto=3, stream="event"))
        assert [r.id for r in await store.unfinished(limit=1)] == ["e3"]


async def test_a_resend_is_told_what_is_left_of_its_range(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        for n in range(1, 6):
            await store.commit(pressed(n))
        store.add(Outputs(posts=tuple(post(f"e{i}", Stream.EVENT) for i in range(4))))
        await store.flush()
        await store.finish(stored(store.epoch, "press-000003"))
        await store.finish(stored(store.epoch, upto=3, stream="event"))
        assert await store.left(store.epoch, Stream.ALARM, 2, 4) == 2
        assert await store.left(store.epoch, Stream.EVENT, 3, 2**53) == 1
        assert await store.left(store.epoch, Stream.EVENT, 1, 3) == 0
        assert await store.left("another", Stream.EVENT, 1, 4) == 0


async def test_an_older_counter_of_the_batch_never_overwrites_a_newer_one(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        store.add(Outputs(memories=(Memory("button", {"packet": 1}),)))
        await store.commit(pressed(2))
        await store.flush()
    async with opened(tmp_path) as store:
        assert (await store.restore()).memories == {"button": {"packet": 2}}


async def test_learnt_state_survives_and_forgotten_alerts_do_not(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.commit(pressed(1))
        await store.commit(pressed(2))
        store.add(Outputs(state=(("inactivity", b"\x00\xff"),), forget=("press-000001",)))
    async with opened(tmp_path) as store:
        restored = await store.restore()
        assert restored.detector_state == {"inactivity": b"\x00\xff"}
        assert [a.id for a in restored.alerts] == ["press-000002"]


async def test_the_last_instant_awake_is_kept_although_nothing_happened(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        store.seen(at(5_000))
        store.seen(at(7_000))
    async with opened(tmp_path) as store:
        assert (await store.restore()).last_seen == at(7_000)


async def test_nobody_else_can_read_the_database(tmp_path: Path) -> None:
    home = tmp_path / "var" / "ansim"
    async with opened(home) as store:
        await store.commit(pressed(1))
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()}
        assert modes == dict.fromkeys((NAME, BALLAST, f"{NAME}-wal", f"{NAME}-shm"), 0o600)
        assert stat.S_IMODE(home.stat().st_mode) == 0o700


async def test_a_reading_costs_no_commit_of_its_own(tmp_path: Path) -> None:
    commits: list[str] = []

    def connect(path: Path) -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        connection.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
        return connection

    async with opened(tmp_path, connect=connect) as store:
        await store.ping()
        commits.clear()
        for n in range(400):
            store.add(keeps(1, 1000 + n))
        await store.flush()
        assert len(commits) == 1
        assert (await store.depth()).readings == 400


async def test_status_tells_how_much_lies_where(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.commit(pressed(1))
        store.add(keeps(3))
        depth = await store.depth()
        assert (depth.unfinished, depth.waiting, depth.in_memory) == ({"alarm": 1}, 3, 0)
        assert depth.bytes_on_disk > 0


Step = st.one_of(
    st.tuples(st.just("commit"), st.integers(1, 3)),
    st.tuples(st.just("event"), st.integers(1, 3)),
    st.tuples(st.just("finish"), st.integers(0, 30)),
    st.tuples(st.just("upto"), st.integers(0, 30)),
    st.tuples(st.just("flush"), st.just(0)),
    st.tuples(st.just("restart"), st.just(0)),
)


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(Step, max_size=15))
async def test_numbers_are_contiguous_and_only_what_is_not_stored_is_left(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    directory = tmp_path_factory.mktemp("store")
    given_out: list[str] = []
    finished: set[str] = set()
    names = itertools.count()
    pending = iter([*steps, ("restart", 0)])
    running = True
    while running:
        running = False
        async with opened(directory) as store:
            for what, n in pending:
                match what:
                    case "commit":
                        for _ in range(n):
                            id_ = f"a{len(given_out):04}"
                            (row,) = (await store.commit(Outputs(posts=(post(id_),)))).rows
                            given_out.append(id_)
                            assert row.seq == len(given_out)
                    case "event":
                        store.add(Outputs(posts=(post(f"e{next(names)}", Stream.EVENT),)))
                    case "finish":
                        ids = given_out[n : n + 1]
                        finished |= set(await store.finish(stored(store.epoch, *ids)))
                        assert set(ids) <= finished
                    case "upto":
                        await store.finish(stored(store.epoch, upto=n))
                        finished |= set(given_out[:n])
                    case "flush":
                        await store.flush()
                    case _:
                        running = True
                        break
                left = [row.id for row in await store.unfinished(Stream.ALARM)]
                assert left == [i for i in given_out if i not in finished]
