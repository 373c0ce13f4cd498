"""What a home's load writes to the SD card in a day: `bench_card.py [--days 1]`.

    as root        a loop-mounted ext4 of its own; sectors written as the block device counts them
    otherwise      /proc/self/io write_bytes: what this process caused to be written, without the
                   file system's own journal (printed as such)

    target         15 MB a day, no alarm delayed (each durable within 100 ms, p99)

The store is the hub's, the load is scripts/home_day.py's day through the real pipeline, and time is
the home's: the batches fall every 600 s of it. Beside it the naive way: each row its own commit.
Beside the store, on the same ext4, a real systemd-journald gets the day's lines, hour by hour as
they fall (scripts/journal_day.py), and what it costs is part of the sum.
"""

import argparse
import asyncio
import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gateway.core.outputs import Outputs, Stream
from gateway.core.wire import Ack, AckStatus
from gateway.edge.journal import journal_entry
from gateway.edge.store import Store
from gateway.settings import StoreSettings
from scripts import journal_day
from scripts.home_day import DAY_S, outputs

TARGET_MB, ALARM_TARGET_MS = 15.0, 100.0
SECTOR = 512
SIZE_MB = 256
STORED_EVERY = 50
MESSAGE = "01KAGATEWAY000000000000000"
DECIDED = {
    "event": "alarm decided",
    "alert": MESSAGE,
    "message": MESSAGE,
    "kind": "pers",
    "device": "sos",
    "state": "raised",
    "over": False,
    "why": "button sos pressed (single)",
    "why_ko": "sos 버튼 눌림(single)",
}
SAID = (
    DECIDED,
    {"event": "alarm durable", "alert": MESSAGE, "message": MESSAGE, "seq": 1},
    {"event": "alarm published", "message": MESSAGE, "attempt": 1},
    {"event": "alarm stored", "message": MESSAGE},
    {"event": "alarm presented", "message": MESSAGE},
    {"event": "alarm handled", "message": MESSAGE},
    {"event": "alarm closed", "message": MESSAGE},
    {"event": "broker lost", "broker": "mqtts://broker.example:8883", "reason": "lost: timeout"},
)
"""What the daemon says of an alarm and its end; and, as often, of a connection that was lost."""

LINES = tuple(journal_entry(line).hex() for line in SAID)


@contextlib.contextmanager
def card() -> Iterator[tuple[Path, Callable[[], int], str]]:
    """Give a directory, a counter of bytes written for it, and what the counter is."""
    with tempfile.TemporaryDirectory(prefix="ansim-card-") as name:
        directory = Path(name)
        if os.geteuid() != 0:
            yield directory, process_bytes, "/proc/self/io (no root: without the file system's)"
            return
        image, mounted = directory / "card.img", directory / "card"
        mounted.mkdir()
        with image.open("wb") as file:
            file.truncate(SIZE_MB * 1_000_000)
        run("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(image))
        device = run("losetup", "--find", "--show", str(image)).strip()
        run("mount", device, str(mounted))
        stat = Path("/sys/block") / Path(device).name / "stat"
        try:
            yield mounted, lambda: device_bytes(mounted, stat), f"ext4 on {device}, sectors written"
        finally:
            run("umount", str(mounted))
            run("losetup", "--detach", device)


def run(*command: str) -> str:
    """Run a program that must succeed."""
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - ours
    return done.stdout


def device_bytes(mounted: Path, stat: Path) -> int:
    """Return what the block device has had to write, with everything under way flushed."""
    descriptor = os.open(mounted, os.O_RDONLY)
    os.sync()
    os.close(descriptor)
    return int(stat.read_text().split()[6]) * SECTOR


def process_bytes() -> int:
    """Return what the kernel says this process has caused to be written."""
    fields = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(fields["write_bytes"])


async def hub_day(directory: Path, days: int) -> tuple[int, list[float], list[tuple[float, str]]]:
    """Give a store its days; return rows, ms of each alarm's commit, lines for the journal."""
    loop = asyncio.get_running_loop()
    rows: int = 0
    alarms: list[float] = []
    journal: list[tuple[float, str]] = []
    settings = StoreSettings(directory=directory / "store")
    unsent: list[tuple[str, int]] = []

    def made(batch: tuple[object, ...]) -> None:
        unsent.extend((row.stream.value, row.seq) for row in batch)  # type: ignore[attr-defined]

    async with Store.open(
        settings.directory,
        hub="bench",
        boot="5" * 32,
        new_epoch=lambda: "01BENCH0000000000000000000",
        settings=settings,
        on_rows=made,
    ) as store:
        for instant, out in outputs(days):
            rows += len(out.keeps) + len(out.posts)
            if out.urgent:
                began = loop.time()
                committed = await store.commit(out)
                alarms.append((loop.time() - began) * 1000)
                journal += [(instant.mono_ms / 1000 + n, line) for n, line in enumerate(LINES)]
                for row in committed.rows:
                    await store.finish(Ack(row.epoch, "alarm", AckStatus.STORED, (row.id,)))
            elif out != Outputs():
                store.add(out)
            store.seen(instant)
            if instant.mono_ms % 10_000 == 0:
                await asyncio.sleep(0)
                await store.ping()
            if len(unsent) >= STORED_EVERY:
                await centre_stores(store, unsent)
            if instant.mono_ms % 3_600_000 == 0:
                await store.evict(instant)
    return rows, alarms, journal


async def centre_stores(store: Store, unsent: list[tuple[str, int]]) -> None:
    """Let the centre store what was sent."""
    for stream in (Stream.EVENT.value, Stream.SUM.value):
        last = max((seq for name, seq in unsent if name == stream), default=0)
        if last:
            await store.finish(Ack(store.epoch, stream, AckStatus.STORED, upto=last))
    unsent.clear()


def naive_day(directory: Path, days: int) -> None:
    """Write the same rows, each in a transaction of its own."""
    with contextlib.closing(sqlite3.connect(directory / "naive.db", isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("CREATE TABLE r (n INTEGER PRIMARY KEY, at INTEGER, device TEXT, value TEXT)")
        for _, out in outputs(days):
            for keep in out.keeps:
                row = (keep.at.mono_ms, keep.device, f"{keep.what} {dict(keep.value)}")
                db.execute("INSERT INTO r (at, device, value) VALUES (?, ?, ?)", row)
            for post in out.posts:
                row = (post.at.mono_ms, post.stream.value, str(post.body))
                db.execute("INSERT INTO r (at, device, value) VALUES (?, ?, ?)", row)


def journal_share(
    directory: Path, lines: list[tuple[float, str]], counter: Callable[[], int], days: int
) -> float:
    """Let journald write the lines of the first day; print and return MB a day."""
    told = (
        f"{len(lines) / days:.0f} lines, {sum(len(x) // 2 for _, x in lines) / days / 1e3:.0f} kB"
    )
    if not journal_day.possible():
        print(f"journald              not measured: it takes root and systemd-journald ({told})")
        return 0.0
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump([line for line in lines if line[0] < DAY_S], file)
        file.flush()
        command = ["unshare", "-m", sys.executable, journal_day.__file__, str(directory), file.name]
        with subprocess.Popen(  # noqa: S603 - ours
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as child:
            (stdin, stdout) = (child.stdin, child.stdout)
            if stdin is None or stdout is None or stdout.readline() != "ready\n":
                raise RuntimeError("journald did not start")
            before = counter()
            stdin.write("go\n")
            stdin.flush()
            stdout.readline()
            mb = (counter() - before) / 1e6
            stdin.close()
    print(f"journald              {mb:8.1f} MB a day   ({told} handed to it)")
    return mb


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--days", type=int, default=1)
    parser.add_argument("--no-naive", action="store_true", help="leave the naive way out")
    args = parser.parse_args()
    with card() as (directory, counter, what):
        before = counter()
        rows, alarms, journal = asyncio.run(hub_day(directory, args.days))
        mb = (counter() - before) / 1e6 / args.days
        print(f"counted by {what}; {rows / args.days:,.0f} rows a day, {len(alarms)} alarms")
        print(f"the hub's store       {mb:8.1f} MB a day")
        alarms.sort()
        p99 = alarms[min(len(alarms) - 1, len(alarms) * 99 // 100)] if alarms else 0.0
        print(f"an alarm durable, p99 {p99:8.1f} ms        (target <= {ALARM_TARGET_MS:g})")
        mb += journal_share(directory, journal, counter, args.days)
        print(f"together              {mb:8.1f} MB a day   (target <= {TARGET_MB:g})")
        if not args.no_naive:
            before = counter()
            naive_day(directory, args.days)
            print(f"a commit for each row {(counter() - before) / 1e6 / args.days:8.1f} MB a day")
    return 0 if mb <= TARGET_MB and p99 <= ALARM_TARGET_MS else 1


if __name__ == "__main__":
    sys.exit(main())
