"""What a home costs its hub, in real time: `bench_home.py --seconds 120`.

    this process    the air: a band at 52 Hz with heart rate, 12 sensors, 200 foreign adverts a
                    second; a mosquitto; the centre
    hub process     the daemon, its radio a socket to this process: what is measured
    reference       a process that imports numba, bleak, paho, sqlite_utils, runs one cached kernel

    target    3 % of one core; 35 MiB resident above the reference

Processor time is the hub process's own; memory is what it holds at the end, not its peak. The hub
also imports bleak's BlueZ backend, which it would use on a real adapter.
"""

import argparse
import asyncio
import contextlib
import os
import random
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gateway.clock import SystemClock
from gateway.demo.broker import Broker
from gateway.edge.control import ask
from gateway.settings import BrokerSettings
from gateway.virtual.crowd import Crowd
from gateway.virtual.far_world import FarWorld
from gateway.virtual.shelly import BEACON_S, ShellyDoor, ShellyMotion
from gateway.virtual.world import World
from gateway.virtual.xiaomi import XiaomiMotion
from tests.homes import Desk, centre
from tests.hubs import ROOT, HubProcess, Memory, cpu_s, memory, write_yaml

CPU_TARGET, MEMORY_TARGET = 3.0, 35.0
NEIGHBOURS, ADVERTS_PER_S = 80, 200.0
BAND = "A0:9E:1A:00:00:01"
MOTIONS = ("bedroom", "kitchen", "living", "hall", "shower")
DOORS = ("frontdoor", "fridge", "medicine")
ENCRYPTED = frozenset({"hall", "shower", "medicine", "sos"})

REFERENCE = """
import sys
import numba, bleak, paho.mqtt.client, sqlite_utils, numpy
@numba.njit(cache=True)
def kernel(a):
    s = 0
    for x in a:
        s += x
    return s
kernel(numpy.zeros(8, numpy.int64))
print("ready", flush=True)
sys.stdin.read()
"""


def address(number: int) -> str:
    """Return a sensor's address."""
    return f"B4:35:22:00:00:{number:02X}"


def key(name: str) -> bytes | None:
    """Return a sensor's bind key; some are plain."""
    return (name.encode() * 16)[:16] if name in ENCRYPTED else None


@dataclass(frozen=True, slots=True)
class Home:
    """The devices that something happens to."""

    motions: tuple[ShellyMotion, ...]
    doors: tuple[ShellyDoor, ...]
    xiaomi: XiaomiMotion


async def furnish(world: World) -> tuple[Home, list[dict[str, Any]]]:
    """Return the home and the technician's stanzas for it."""
    await world.polar_band(BAND)
    stanzas: list[dict[str, Any]] = [{"name": "band", "driver": "polar_pmd", "address": BAND}]
    names = [*MOTIONS, *DOORS, "sos", "cancel", "bell"]
    for number, name in enumerate(names, start=1):
        stanza: dict[str, Any] = {"name": name, "driver": "bthome", "address": address(number)}
        if key(name):
            stanza["key"] = key(name)
        if name in (*MOTIONS, *DOORS):
            stanza["place"] = name
        if name in ("sos", "cancel"):
            stanza["role"] = name
        stanzas.append(stanza)
    motions = tuple(world.shelly_motion(address(1 + i), key=key(n)) for i, n in enumerate(MOTIONS))
    doors = tuple(world.shelly_door(address(6 + i), key=key(n)) for i, n in enumerate(DOORS))
    for i, name in enumerate(("sos", "cancel", "bell")):
        world.shelly_button(address(9 + i), key=key(name))
    xiaomi = world.xiaomi_motion(address(12), key=b"toilet-is-secret")
    stanzas.append(
        {
            "name": "toilet",
            "driver": "mibeacon",
            "address": address(12),
            "place": "toilet",
            "key": b"toilet-is-secret",
        }
    )
    return Home(motions, doors, xiaomi), stanzas


async def live(home: Home, seed: int) -> None:
    """Walk about: something happens every 2 s on average, far more than in any home."""
    chance = random.Random(seed)  # noqa: S311 - it must repeat
    while True:
        await asyncio.sleep(chance.expovariate(0.5))
        what = chance.randrange(10)
        if what < 6:  # noqa: PLR2004 - six of ten events are motion
            motion = chance.choice(home.motions)
            (motion.clear if motion.detected else motion.detect)()
        elif what < 9:  # noqa: PLR2004
            door = chance.choice(home.doors)
            (door.close if door.is_open else door.open)()
        else:
            home.xiaomi.detect()


@contextlib.asynccontextmanager
async def reference(directory: Path) -> AsyncIterator[int]:
    """Run the reference process beside the hub, so that both share the same libraries' pages."""
    script = directory / "reference.py"
    script.write_text(REFERENCE)
    for compiled in (False, True):  # the first run compiles, the second loads what is cached
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(script),
            stdin=asyncio.subprocess.PIPE,  # it ends when this process does
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            if process.stdout is None or await process.stdout.readline() != b"ready\n":
                raise RuntimeError("the reference process did not start")
            if compiled:
                yield process.pid
        finally:
            process.kill()
            await process.wait()


@dataclass(frozen=True, slots=True)
class Sample:
    """The hub, and the air around it, at one moment."""

    loop_s: float
    cpu_s: float
    wake_ups: int
    foreign: int
    held: Memory


def sample(pid: int, crowd: Crowd) -> Sample:
    """Look at a process now."""
    now = asyncio.get_running_loop().time()
    return Sample(now, cpu_s(pid), wake_ups(pid), crowd.sent, memory(pid))


def wake_ups(pid: int) -> int:
    """Return how often its threads have gone to sleep and were woken."""
    lines = (
        line
        for task in Path(f"/proc/{pid}/task").iterdir()
        for line in (task / "status").read_text().splitlines()
    )
    return sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt"))


async def measure(seconds: float, warm_up: float) -> int:
    """Measure and print."""
    async with contextlib.AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ansim-bench-")))
        beside = await stack.enter_async_context(reference(directory))
        broker = await stack.enter_async_context(Broker(directory))
        world = await stack.enter_async_context(World(SystemClock()))
        home, stanzas = await furnish(world)
        crowd = world.neighbours(NEIGHBOURS, ADVERTS_PER_S)
        air = directory / "air.sock"
        await stack.enter_async_context(FarWorld(world, air))
        desk: Desk = await stack.enter_async_context(
            centre(directory, BrokerSettings(url=broker.url))
        )
        config = write_yaml(directory, broker.url, stanzas)
        hub = HubProcess.far(directory, config, air, "--bluez")
        living = asyncio.create_task(live(home, seed=1))
        await stack.enter_async_context(hub)
        await asyncio.sleep(warm_up)
        before = sample(hub.pid, crowd)
        await asyncio.sleep(seconds)
        after, base = sample(hub.pid, crowd), memory(beside)
        told = await ask(directory / "control.sock", {"ask": "status"})
        living.cancel()
        status = await hub.end(signal.SIGTERM)
        report(before, after, base)
        print(f"{'centre stored':22} {len(desk.stored)} messages; the hub ended with {status}")
        complete = heard(told, everything=warm_up + seconds > 2 * BEACON_S)
        return status or (0 if complete else 1)


def heard(told: dict[str, Any], *, everything: bool) -> bool:
    """Say what the hub heard; return whether it heard what was on the air."""
    packets = {device["name"]: device["packets"] for device in told["devices"]}
    print(f"{'adverts heard':22} {told['adapter']['adverts']}; decoded {sum(packets.values())}")
    band = next(device for device in told["devices"] if device["name"] == "band")
    wrong = [name for name, count in packets.items() if everything and not count]
    wrong += [one["name"] for one in told["devices"] if one["malformed"] or one["wrong_key"]]
    if wrong:
        print(f"not heard, or not understood: {', '.join(wrong)}")
    return not wrong and bool(band["connected"] and told["uplink"]["connected"])


def report(before: Sample, after: Sample, base: Memory) -> None:
    """Print target and figure side by side."""
    took = after.loop_s - before.loop_s
    share = (after.cpu_s - before.cpu_s) / took * 100
    load, hub = os.getloadavg()[0], after.held
    print(
        f"a band at 52 Hz, 12 sensors, {(after.foreign - before.foreign) / took:.0f} foreign "
        f"adverts a second, {took:.0f} s in real time; Python {sys.version.split()[0]}, "
        f"{os.cpu_count()} cores, load {load:.1f}"
    )
    print(f"{'processor':22} {share:8.2f} % of one core   target <= {CPU_TARGET:g} %")
    print(f"{'wake-ups':22} {(after.wake_ups - before.wake_ups) / took:8.1f} a second")
    print(f"{'MiB':22} {'RSS':>8} {'PSS':>8} {'own':>8}")
    for name, held in (("reference", base), ("hub", hub)):
        print(f"{name:22} {held.rss:8.1f} {held.pss:8.1f} {held.uss:8.1f}")
    print(
        f"{'hub above reference':22} {hub.rss - base.rss:8.1f} {hub.pss - base.pss:8.1f} "
        f"{hub.uss - base.uss:8.1f}   target RSS <= {MEMORY_TARGET:g}"
    )
    print(f"{'hub grew meanwhile by':22} {hub.rss - before.held.rss:8.1f}")


def main() -> int:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--warm-up", type=float, default=20.0)
    chosen = parser.parse_args()
    os.chdir(ROOT)
    return asyncio.run(measure(chosen.seconds, chosen.warm_up))


if __name__ == "__main__":
    sys.exit(main())
