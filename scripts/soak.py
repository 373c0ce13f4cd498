"""Thirty days of a home through one hub process, in virtual time: `soak.py [--days 30]`.

    this process    a mosquitto, killed every day for six hours; the centre, killed every third day
    hub process     the daemon whole: its radio hears each advert and each notification of the band
                    as bleak would hand them over (five motion sensors, three doors, a button, heart
                    rate once a second: scripts/home_day.py), store, uplink, diary, detectors

    target    after day 1 no more than 5 MiB of memory more, and no file descriptor more; each alarm
              stored exactly once

The home's time goes as fast as the machine allows. The uplink's own schedule takes real time and is
scaled, so that a day has about as many heartbeats and attempts as a day has.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import sqlite3
import struct
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gateway.app import Daemon, Outside
from gateway.centre.settings import CentreSettings
from gateway.core.model import Contact, HeartRate, Motion, Steps, Value
from gateway.edge.announce import silent
from gateway.errors import StoreError
from gateway.layouts.sig import BATTERY, HEART_RATE
from gateway.settings import (
    BrokerSettings,
    DeviceStanza,
    HubSettings,
    Role,
    Settings,
    StoreSettings,
    UplinkSettings,
)
from gateway.virtual.time import SteppedClock
from gateway.warm import warm
from scripts.home_day import DAY_S, DOORS, MOTIONS, day
from tests.brokers import Mosquitto
from tests.fakes_gatt import FakeBand, client_backend
from tests.fakes_radio import BTHOME, Air
from tests.faults.centre_main import CentreSpec
from tests.faults.children import Keeper, Nursery
from tests.faults.lent_clock import ClockHand
from tests.faults.points import Journal
from tests.hubs import DISTRICT, HUB, memory

MEMORY_TARGET = 5.0
RECORD = struct.Struct("<dBh")  # second, device, what it says
DEVICES = (*MOTIONS, *DOORS, "sos", "band")
WRIST = "A0:9E:1A:00:00:01"
PLACES = {"medicine": "kitchen"}
QUARTER_S, DAY_MS = DAY_S // 4, DAY_S * 1000
QUARTERS = ("night", "morning", "afternoon", "evening")  # which has just passed
PACE = 0.02
SETTLED_S = 60.0
WAITING = 20
KEEPING = (
    "listener {port} 127.0.0.1",
    "persistence true",
    "autosave_interval 1",
    "allow_anonymous true",
    "set_tcp_nodelay true",
)


def address(name: str) -> str:
    """Return a sensor's address."""
    return f"B4:35:22:00:00:{(*MOTIONS, *DOORS, 'sos').index(name) + 1:02X}"


def settings(directory: Path, url: str) -> Settings:
    """Return the home's settings."""
    rooms = [
        DeviceStanza(name, "bthome", address(name), place=PLACES.get(name, name), options={})
        for name in (*MOTIONS, *DOORS)
    ]
    button = DeviceStanza("sos", "bthome", address("sos"), role=Role.SOS, options={})
    band = DeviceStanza("band", "heart_rate", WRIST, options={})
    return Settings(
        hub=HubSettings(id=HUB, district=DISTRICT),
        uplink=UplinkSettings(brokers=(BrokerSettings(url=url),), keepalive_s=5, heartbeat_s=0.03),
        devices=(*rooms, button, band),
        store=StoreSettings(directory=directory / "store"),
        control_socket=directory / "control.sock",
    )


class Sensors:
    """Says what happens in bytes, as the devices do."""

    def __init__(self) -> None:
        self.air, self.band = Air(), FakeBand(HEART_RATE, BATTERY)
        self._packet = 0

    def say(self, device: str, said: int) -> None:
        """Put one thing on the air, or over the band's connection."""
        if device in MOTIONS:
            self._advert(device, bytes([0x21, said]))
        elif device in DOORS:
            self._advert(device, bytes([0x2D, said]))
        elif device == "sos":
            self._advert(device, bytes([0x3A, said]))
        elif HEART_RATE in self.band.subscriptions:
            self.band.notify(HEART_RATE, bytes([0x06, said]))

    def invite(self) -> None:
        """Let the band be found, which connects to it."""
        self.air.advert(WRIST, {}, name="band")

    def _advert(self, device: str, objects: bytes) -> None:
        self._packet = (self._packet + 1) % 256
        head = bytes([0x44, 0x00, self._packet])  # BTHome v2, sent when something happens
        self.air.advert(address(device), {BTHOME: head + objects})


# ------------------------------------------------------------------------------ the hub's process
async def live(directory: Path, url: str, days: int, seed: int) -> None:
    """Be the hub; say how it stands four times a day, and go on when told to."""
    real_ms = time.time_ns() // 1_000_000
    midnight_ms = (real_ms // DAY_MS + 1) * DAY_MS  # never behind the centre's clock
    clock = SteppedClock(mono_ms=60_000, wall_ms=midnight_ms, turns=3)
    hand, sensors = ClockHand(directory / "clock"), Sensors()
    outside = Outside(
        clock=clock,
        scanner_backend=sensors.air.backend(),
        client_backend=client_backend({WRIST: sensors.band}),
        announcer=silent,
        chance=random.Random(seed),  # noqa: S311 - it must repeat
        pace=PACE,
    )
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(commands), sys.stdin
    )
    async with Daemon.build(settings(directory, url), outside) as daemon:
        running = asyncio.create_task(daemon.run())
        while not daemon.ready.is_set():
            await clock.advance(0.1)
            await asyncio.sleep(0.01)
        while HEART_RATE not in sensors.band.subscriptions:
            sensors.invite()
            await clock.advance(0.1)
            await asyncio.sleep(0.01)
        for number in range(days * 4):
            for second, device, said in happens(directory / f"happens-{number}"):
                if (due := second + 120 - clock.mono_s) > 0:
                    await clock.advance(due)
                sensors.say(device, said)
                if len(daemon.inbox) > WAITING:
                    await daemon.pump.idle()
            await clock.advance(1.0, daemon.pump.idle)
            passed_ms = clock.now().wall_ms - real_ms
            hand.ahead_ms = passed_ms - (time.time_ns() // 1_000_000 - real_ms)
            hand.write()
            with contextlib.suppress(StoreError):  # a disk that is slow: the next time, as it does
                await daemon.store.evict(clock.now())
            print(json.dumps(await standing(daemon)), flush=True)
            await commands.readline()
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


def write_down(directory: Path, days: int, seed: int) -> None:
    """Write what will happen, six hours a file: made in the hub, it would be the hub's memory."""
    chance = random.Random(seed)  # noqa: S311 - a made-up home, reproducible
    for number in range(days):
        files: list[bytearray] = [bytearray() for _ in QUARTERS]
        for second, device, value in day(number, 3, chance):
            if device in DEVICES and not isinstance(value, Steps):
                quarter = min(3, int((second - number * DAY_S) // QUARTER_S))
                files[quarter] += RECORD.pack(second, DEVICES.index(device), meaning(value))
        for quarter, data in enumerate(files):
            (directory / f"happens-{number * 4 + quarter}").write_bytes(data)


def meaning(value: Value) -> int:
    """Return what a value says, as a number."""
    match value:
        case Motion(detected=said) | Contact(open=said):
            return int(said)
        case HeartRate(bpm=bpm):
            return bpm or 0
        case _:
            return 1


def happens(path: Path) -> Iterator[tuple[float, str, int]]:
    """Yield what happens in six hours, read as it is needed."""
    with path.open("rb") as file:
        while record := file.read(RECORD.size):
            second, device, said = RECORD.unpack(record)
            yield second, DEVICES[device], said


async def standing(daemon: Daemon) -> dict[str, Any]:
    """Return how the hub stands, once it has nothing left to say or is cut off."""
    loop = asyncio.get_running_loop()
    end = loop.time() + SETTLED_S
    while daemon.uplink.status().connected and loop.time() < end:
        depth = await daemon.store.depth()
        if not any(depth.unfinished.values()):
            break
        await asyncio.sleep(0.05)
    depth = await daemon.store.depth()
    held = memory(os.getpid())
    return {
        "rss": held.rss,
        "uss": held.uss,
        "files": count("fd"),
        "threads": count("task"),
        "tasks": len(asyncio.all_tasks()),
        "unfinished": sum(depth.unfinished.values()),
        "evicted": dict(depth.evicted),
        "shed": dict(daemon.inbox.shed),
        "disk": depth.bytes_on_disk,
        "packets": sum(one.packets for one in daemon.radio.status().devices),
        "connected": daemon.uplink.status().connected,
    }


def count(what: str) -> int:
    """Return how many of something this process has, as the kernel counts."""
    return sum(1 for _ in Path("/proc/self", what).iterdir())


def be_the_hub(directory: Path, url: str, days: int, seed: int) -> None:
    """Run the hub's process."""
    with (directory / "hub.log").open("a") as log:
        Journal(log).install()
        warm()
        asyncio.run(live(directory, url, days, seed))


# ------------------------------------------------------------------------------------ the harness
@contextlib.asynccontextmanager
async def centre(nursery: Nursery, directory: Path, broker: Mosquitto) -> AsyncIterator[Keeper]:
    """Keep a centre process alive."""
    spec = CentreSpec(
        CentreSettings(
            broker=BrokerSettings(url=f"mqtt://127.0.0.1:{broker.port}"),
            districts=(DISTRICT,),
            database=directory / "centre.db",
            present=True,
            keepalive_s=5,
        ),
        directory / "clock",
    )
    keeper = Keeper(
        "centre",
        lambda: asyncio.ensure_future(nursery.bear("centre", directory / "centre.log", spec)),
        [],
    )
    keeping = asyncio.create_task(keeper.run())
    keeper.wanted.set()
    try:
        yield keeper
    finally:
        await keeper.down()
        keeping.cancel()


async def soak(days: int, seed: int, directory: Path, within: Sequence[str] = ()) -> int:
    """Let the days pass; print and judge. `within`: what the hub's command begins with."""
    ClockHand(directory / "clock")
    write_down(directory, days, seed)
    keeping = [*KEEPING, f"persistence_location {directory}/"]
    async with contextlib.AsyncExitStack() as stack:
        nursery = await stack.enter_async_context(Nursery())
        broker = await stack.enter_async_context(Mosquitto(directory, keeping))
        desk = await stack.enter_async_context(centre(nursery, directory, broker))
        hub = await asyncio.create_subprocess_exec(
            *(*within, sys.executable, __file__, "--hub", str(directory)),
            *("--url", f"mqtt://127.0.0.1:{broker.port}"),
            *("--days", str(days), "--seed", str(seed)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        if hub.stdin is None or hub.stdout is None:
            raise RuntimeError("the hub has no pipes")
        ends: list[dict[str, Any]] = []
        try:
            for number in range(days * 4):
                quarter = QUARTERS[number % 4]
                line = await hub.stdout.readline()
                if not line:
                    break
                stands = json.loads(line)
                if quarter == "evening":
                    ends.append(stands)
                    tell(len(ends), stands)
                if quarter == "morning":
                    await broker.kill()
                if quarter == "afternoon":
                    await broker.start()
                    if number // 4 % 3 == 0:
                        desk.kill()
                hub.stdin.write(b"\n")
            hub.stdin.close()
            status = await hub.wait()
        finally:
            if hub.returncode is None:
                hub.kill()
        return judge(ends, days, status, directory)


def tell(number: int, stands: dict[str, Any]) -> None:
    """Print a day's line."""
    print(
        f"day {number:>3}   RSS {stands['rss']:7.1f} MiB   own {stands['uss']:7.1f}"
        f"   files {stands['files']:>3}   threads {stands['threads']:>2}"
        f"   tasks {stands['tasks']:>3}"
        f"   packets {stands['packets']:>9,}   left {stands['unfinished']:>3}"
        f"   disk {stands['disk'] / 1e6:6.1f} MB",
        flush=True,
    )


def judge(ends: list[dict[str, Any]], days: int, status: int, directory: Path) -> int:
    """Print the figures beside their bounds; return the exit status."""
    if len(ends) < days or status:
        print(f"the hub ended on day {len(ends) + 1} with status {status}: {directory}/hub.log")
        return 1
    first, rest = ends[0], ends[1:] or ends
    grown = max(each["rss"] for each in rest) - first["rss"]
    files = max(each["files"] for each in rest) - first["files"]
    decided, stored, doubled = account(directory)
    shed = {**ends[-1]["shed"], **ends[-1]["evicted"]}
    print(f"memory after day 1     {grown:+8.1f} MiB at most   target <= {MEMORY_TARGET:g}")
    print(f"file descriptors       {files:+8d} at most       target <= 0")
    print(f"alarm messages         {len(decided):8d} decided, {len(decided - stored)} lost,")
    print(f"                       {doubled:8d} stored twice   target 0 and 0; shed {shed}")
    good = grown <= MEMORY_TARGET and files <= 0 and not decided - stored and not doubled
    return 0 if good else 1


def account(directory: Path) -> tuple[set[str], set[str], int]:
    """Return the messages decided at the hub, those stored at the centre, how many twice."""
    decided = set()
    for line in (directory / "hub.log").read_text().splitlines():
        with contextlib.suppress(ValueError):
            said = json.loads(line)
            if said.get("event") == "alarm decided":
                decided.add(said["message"])
    with contextlib.closing(sqlite3.connect(directory / "centre.db")) as db:
        rows = [r[0] for r in db.execute("SELECT id FROM message WHERE stream = 'alarm'")]
    return decided, set(rows), len(rows) - len(set(rows))


def main() -> int:
    """Measure, or be the hub that is measured."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the logs here")
    parser.add_argument("--hub", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--url", default="", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.hub:
        be_the_hub(args.hub, args.url, args.days, args.seed)
        return 0
    if args.keep:
        args.keep.mkdir(parents=True, exist_ok=True)
        return asyncio.run(soak(args.days, args.seed, args.keep.resolve()))
    with tempfile.TemporaryDirectory(prefix="ansim-soak-", ignore_cleanup_errors=True) as name:
        return asyncio.run(soak(args.days, args.seed, Path(name)))


if __name__ == "__main__":
    sys.exit(main())
