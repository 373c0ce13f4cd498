"""Retention really deletes, spares what nobody has answered, and the clock's repair reaches it."""

from dataclasses import replace
from pathlib import Path

from gateway.core.alerts import Matter
from gateway.core.outputs import Outputs, Stream
from gateway.edge.database import NAME
from gateway.settings import StoreSettings
from tests.fakes_store import alert, at, keeps, opened, post, pressed

HOUR = 3_600_000


async def test_readings_older_than_the_limit_are_deleted_and_younger_ones_stay(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, settings=StoreSettings(keep_readings_h=72)) as store:
        store.add(keeps(700, 0))
        store.add(keeps(10, 80 * HOUR))
        await store.flush()
        evicted = await store.evict(at(73 * HOUR))
        assert (evicted.expired, evicted.lanes) == (700, {})
        assert (await store.depth()).readings == 10


async def test_a_reading_of_an_earlier_boot_ages_by_the_wall_clock(tmp_path: Path) -> None:
    async with opened(tmp_path, settings=StoreSettings(keep_readings_h=1)) as store:
        store.add(keeps(3, 50 * HOUR, boot="earlier"))
        await store.flush()
        assert (await store.evict(at(50 * HOUR))).expired == 0
        assert (await store.evict(at(52 * HOUR))).expired == 3


async def test_the_file_shrinks_when_rows_go(tmp_path: Path) -> None:
    async with opened(tmp_path, settings=StoreSettings(keep_readings_h=1)) as store:
        store.add(keeps(20_000, 0))
        await store.flush()
        full = (await store.depth()).bytes_on_disk
        evicted = await store.evict(at(2 * HOUR))
        assert evicted.bytes_on_disk < full / 10
    assert (tmp_path / NAME).stat().st_size < full / 10


async def test_over_the_byte_budget_the_oldest_telemetry_goes_and_no_alarm_or_open_evidence(
    tmp_path: Path,
) -> None:
    blob = "x" * 1000
    over = alert("closed", matter=Matter.CLOSED)
    async with opened(tmp_path, settings=StoreSettings(max_mb=1)) as store:
        await store.commit(Outputs(posts=(post("closed"),), alerts=(over,)))
        for n in range(300):
            await store.commit(pressed(n))
        evidence = [
            replace(post(f"{kind}-{n:03}", Stream.EVIDENCE, blob=blob), alert=kind)
            for kind in ("press-000001", "closed")
            for n in range(500)
        ]
        store.add(Outputs(posts=tuple(evidence)))
        store.add(Outputs(posts=tuple(post(f"s{n}", Stream.SUM, n, b=blob) for n in range(800))))
        store.add(keeps(5000))
        await store.flush()
        evicted = await store.evict(at(9000))
        depth = await store.depth()
        assert evicted.bytes_on_disk <= 1_100_000
        assert (evicted.lanes["readings"], evicted.lanes["sum"]) == (5000, 800)
        assert depth.evicted == dict(evicted.lanes)
        assert depth.unfinished["alarm"] == 301
        left = [r.id for r in await store.unfinished(Stream.EVIDENCE, limit=2000)]
        assert sum(i.startswith("press") for i in left) == 500


async def test_the_oldest_go_first(tmp_path: Path) -> None:
    async with opened(tmp_path, settings=StoreSettings(max_mb=1)) as store:
        posts = tuple(post(f"s{n:04}", Stream.SUM, n, blob="x" * 1000) for n in range(2000))
        store.add(Outputs(posts=posts))
        await store.flush()
        gone = (await store.evict(at(9000))).lanes["sum"]
        left = [row.id for row in await store.unfinished(Stream.SUM, limit=5000)]
        assert left == [f"s{n:04}" for n in range(gone, 2000)]
        assert 0 < gone < 2000


async def test_a_proven_clock_mends_what_this_boot_stamped_before_it(tmp_path: Path) -> None:
    shift = 5 * HOUR
    async with opened(tmp_path) as store:
        wrong = alert("early", mono_ms=1000, proven=False)
        right = alert("later", mono_ms=1000)
        await store.commit(Outputs(posts=(post("early"),), alerts=(wrong, right)))
        store.add(keeps(3, 100, proven=False))
        await store.flush()
        store.add(keeps(2, 200, proven=False))
        store.add(keeps(1, 300, boot="another boot", proven=False))
        proof = replace(at(2000), wall_ms=at(2000).wall_ms + shift)
        changed = await store.repair_time(proof)
        (mended,) = changed
        assert mended.onset == replace(at(500), wall_ms=at(500).wall_ms + shift)
        assert mended.at == replace(at(1000), wall_ms=at(1000).wall_ms + shift)
        walls = await store._transactions.read(
            lambda db: db.execute("SELECT wall_ms, proven FROM readings ORDER BY n").fetchall()
        )
        early = [at(100 + i).wall_ms + shift for i in range(3)]
        late = [at(200 + i).wall_ms + shift for i in range(2)]
        assert walls == [(w, 1) for w in early + late] + [(at(300).wall_ms, 0)]
        assert (await store.repair_time(proof)) == ()
    async with opened(tmp_path) as store:
        assert (await store.restore()).alerts == (mended, right)
