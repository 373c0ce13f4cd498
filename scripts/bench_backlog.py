"""A month without a broker, and the way back: `bench_backlog.py [--rows 100000] [--days 30]`.

1  days offline at a home's load (scripts/home_day.py): what the store holds, that no alarm went
2  a real hub with so many rows waiting, a network of 50 ms round trip (tests/faults/proxy.py), a
real mosquitto and a real centre process: a press in the middle of it, and how fast it drains

target   200 MB and every alarm kept; the fresh alarm `stored` within 2 s; the drain at 80 % or
more of the bound, window / round trip
"""

import argparse
import asyncio
import contextlib
import sqlite3
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gateway.core.outputs import Outputs, Post, Stream
from gateway.edge.store import Store
from gateway.settings import StoreSettings
from scripts.home_day import at, outputs
from tests.brokers import PLAIN
from tests.faults.children import Nursery
from tests.faults.engine import Engine
from tests.faults.plan import BUTTONS, PRESSES, Pressing
from tests.faults.proxy import Weather
from tests.faults.rig import Rig
from tests.faults.run import home
from tests.faults.witness import Residents
from tests.hubs import HUB

LIMIT_MB, FRESH_S, SHARE = 200.0, 2.0, 0.8
ROUND_TRIP_S = 0.05
EPOCH = "01BENCH0000000000000000000"


@contextlib.asynccontextmanager
async def opened(directory: Path, settings: StoreSettings) -> AsyncIterator[Store]:
    """Open a store as the hub would."""
    async with Store.open(
        directory, hub=HUB, boot="5" * 32, new_epoch=lambda: EPOCH, settings=settings
    ) as store:
        yield store


def size(directory: Path) -> int:
    """Return the bytes of a directory's files."""
    return sum(path.stat().st_size for path in directory.iterdir())


async def offline(directory: Path, days: int) -> bool:
    """Let a hub live without its broker; print what it keeps, return whether that is right."""
    settings = StoreSettings(directory=directory)
    alarms = 0
    async with opened(directory, settings) as store:
        for instant, out in outputs(days, band_every_s=60):
            if out.urgent:
                alarms += sum(post.stream is Stream.ALARM for post in out.posts)
                await store.commit(out)
            elif out != Outputs():
                store.add(out)
            store.seen(instant)
            if instant.mono_ms % 60_000 == 0:
                await store.ping()  # lets a batch that is due be written
            if instant.mono_ms % 3_600_000 == 0:
                await store.evict(instant)
        depth = await store.depth()
    mb = size(directory) / 1e6
    kept = depth.unfinished.get(Stream.ALARM.value, 0)
    print(f"{days} days offline     {mb:8.1f} MB on the card (target <= {LIMIT_MB:g})")
    print(f"  alarms kept        {kept:8} of {alarms}; waiting {dict(depth.unfinished)}")
    print(f"  readings at home   {depth.readings:8}; evicted {dict(depth.evicted) or 'nothing'}")
    return mb <= LIMIT_MB and kept == alarms


async def fill(directory: Path, rows: int) -> None:
    """Put so many event messages, as a home makes them, into a store."""
    bodies = [
        post.body
        for _, out in outputs(1, presses=0, band_every_s=600)
        for post in out.posts
        if post.stream is Stream.EVENT
    ]
    async with opened(directory, StoreSettings(directory=directory)) as store:
        for start in range(0, rows, 500):
            posts = tuple(
                Post(Stream.EVENT, f"BACKLOG{number:019}", at(number), bodies[number % len(bodies)])
                for number in range(start, min(start + 500, rows))
            )
            store.add(Outputs(posts=posts))
            await store.flush()


async def drain(directory: Path, rows: int, measured_s: float) -> bool:
    """Let a hub with a backlog come back; print the fresh alarm's time and the rate."""
    settings = home(directory)
    await fill(settings.store.directory, rows)
    async with (
        Nursery() as nursery,
        Rig.open(
            nursery, directory, settings, seed=1, pace=1.0, broker_lines=PLAIN, engine=Engine()
        ) as rig,
    ):
        await rig.hub_net.change(Weather(latency_s=ROUND_TRIP_S / 2))
        residents = Residents(rig, hold=True)
        await rig.begin()
        await stored(rig, 200)
        loop = asyncio.get_running_loop()
        began, before = loop.time(), await stored(rig, 0)
        await asyncio.sleep(measured_s)
        rate = (await stored(rig, 0) - before) / (loop.time() - began)
        await residents.press(Pressing(0.0, BUTTONS[0], PRESSES[0]))
        pressed = loop.time()
        while not alarm_stored(rig):  # noqa: ASYNC110 - another process's database tells nobody
            await asyncio.sleep(0.01)
        fresh_s = loop.time() - pressed
        left = rows - await stored(rig, 0)
    window = settings.uplink.window
    bound = window / ROUND_TRIP_S
    print(f"fresh alarm stored   {fresh_s:8.2f} s with {left} rows waiting (target <= {FRESH_S:g})")
    print(
        f"drain                {rate:8.0f} messages/s, {rate / bound:.0%} of {bound:.0f}"
        f" = window {window} / {ROUND_TRIP_S * 1000:.0f} ms (target >= {SHARE:.0%})"
    )
    return fresh_s <= FRESH_S and rate >= SHARE * bound


def count(rig: Rig, where: str) -> int:
    """Count the centre's messages; 0 while its database is not there yet."""
    sql = f"SELECT count(*) FROM message WHERE {where}"  # noqa: S608 - ours
    try:
        with contextlib.closing(sqlite3.connect(f"file:{rig.centre_db}?mode=ro", uri=True)) as db:
            return int(db.execute(sql).fetchone()[0])
    except sqlite3.Error:
        return 0


def alarm_stored(rig: Rig) -> bool:
    """Return whether the press has come."""
    return count(rig, "stream = 'alarm' AND body LIKE '%sos.pressed%'") > 0


async def stored(rig: Rig, least: int) -> int:
    """Wait until the centre has so many events; return how many."""
    while (now := count(rig, "stream = 'event'")) < least:  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.05)
    return now


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=10.0, help="for which the drain is timed")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ansim-backlog-") as name:
        good = [
            asyncio.run(drain(Path(name), args.rows, args.seconds)),
            asyncio.run(offline(Path(name) / "month", args.days)),
        ]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
