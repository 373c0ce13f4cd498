"""How long a cry for help takes, hop by hop, in real time: `bench_latency.py --events 240`.

    on the air ─► decided ─► durable ─► published ─► stored        target: durable p99 <= 100 ms,
                                                                   stored p50 <= 0.5 s, p99 <= 2 s,
                                                                   all after the decision
The hub is a process of its own (its journal's lines are stamped with the clock that all processes
share), the broker another, the centre and the air are here. Presses of three SOS buttons (plain,
encrypted), a smoke detector, and falls, whose cancel window is reported apart. Exits with 1 only
when an event was not stored exactly once.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from gateway.clock import SystemClock
from gateway.core.model import Press
from gateway.demo.broker import Broker
from gateway.demo.hops import HOPS, Trip, spread
from gateway.settings import BrokerSettings
from gateway.virtual.far_world import FarWorld
from gateway.virtual.polar import PolarBand
from gateway.virtual.shelly import ShellyBlu, ShellyButton
from gateway.virtual.wear import fall, quiet
from gateway.virtual.world import World
from tests.homes import Desk, centre
from tests.hubs import ROOT, HubProcess, write_yaml

BAND, SMOKE = "A0:9E:1A:00:00:01", "B4:35:22:00:00:09"
BUTTONS = {f"sos-{n}": f"B4:35:22:00:00:0{n}" for n in (1, 2, 3)}
KEYS = {"sos-3": b"a latency secret"}
WINDOW_S = 10.0
SMOKE_OBJECT = 0x29
GAP_S = 0.25
PRESSES = (Press.SINGLE, Press.DOUBLE, Press.TRIPLE, Press.LONG)
LEGS = (
    ("air to decided", "air", "decided", ""),
    ("decided to durable", "decided", "durable", "p99 <= 100 ms"),
    ("durable to published", "durable", "published", ""),
    ("published to stored", "published", "stored", ""),
    ("decided to stored", "decided", "stored", "p50 <= 500 ms, p99 <= 2000 ms"),
    ("air to stored", "air", "stored", ""),
)


class Smoke(ShellyBlu):
    """A BTHome smoke detector."""

    smoke = False

    def sign_of_life(self) -> bytes:
        """Say how it stands."""
        return self.advert(bytes([SMOKE_OBJECT, self.smoke]))

    def turn(self) -> None:
        """Smell smoke, or no more."""
        self.smoke = not self.smoke
        self.tell(self.sign_of_life)


async def settled(desk: Desk, quiet_s: float) -> None:
    """Wait until the centre has stored nothing new for a while."""
    with contextlib.suppress(TimeoutError):
        while True:
            desk.changed.clear()
            await asyncio.wait_for(desk.changed.wait(), quiet_s)


def trips(lines: Iterable[dict[str, Any]], aired: Sequence[tuple[float, str]]) -> list[Trip]:
    """Return each message's way; a decision belongs to the newest packet of its device."""
    found: dict[str, Trip] = {}
    for line in lines:
        word = str(line["event"]).removeprefix("alarm ")
        if word not in HOPS or "message" not in line:
            continue
        trip = found.setdefault(line["message"], Trip(line["message"]))
        trip.at.setdefault(word, line["loop_s"])
        trip.attempts = max(trip.attempts, line.get("attempt", 0))
        if word == "decided":
            trip.kind, trip.msg = line["kind"], line["state"]
            before = [
                at for at, device in aired if device == line["device"] and at <= trip.at[word]
            ]
            trip.air = max(before, default=None)
    return list(found.values())


def report(found: Sequence[Trip], windows: Sequence[float]) -> None:
    """Print the table."""
    load = os.getloadavg()[0]
    kinds = ", ".join(f"{n} {kind}" for kind, n in Counter(t.kind for t in found).most_common())
    print(f"{len(found)} messages ({kinds}); Python {sys.version.split()[0]}, load {load:.1f}")
    print(f"{'ms':22} {'n':>5} {'p50':>9} {'p99':>9} {'max':>9}   target")
    for name, first, last, target in LEGS:
        told = spread(trip.ms(first, last) for trip in found)
        if told is not None:
            count, p50, p99, most = told
            print(f"{name:22} {count:5} {p50:9.1f} {p99:9.1f} {most:9.1f}   {target}")
    repeated = Counter(trip.kind for trip in found if trip.attempts > 1)
    print(f"{'sent more than once':22} {repeated.total():5}   {dict(repeated) or ''}")
    slowest = max(found, key=lambda trip: trip.ms("decided", "stored") or 0.0)
    hops = " ".join(f"{hop} {slowest.ms('decided', hop) or 0.0:.1f}" for hop in HOPS[1:])
    print(f"{'the slowest':22} {slowest.kind} {slowest.msg}, attempts {slowest.attempts}: {hops}")
    if windows:
        print(f"{'cancel window, s':22} {len(windows):5} {sorted(windows)[len(windows) // 2]:9.1f}")


def accounts(desk: Desk, found: Sequence[Trip], events: int) -> int:
    """Say whether each event was stored exactly once; return the exit status."""
    stored = Counter(message.id for message in desk.stored if message.leaf == "alarm")
    doubled = [id_ for id_, count in stored.items() if count > 1]
    missing = [trip.message for trip in found if not stored[trip.message]]
    pressed = sum(trip.kind in ("pers", "smoke") for trip in found)
    print(
        f"{'events':22} {events:5} on the air, {pressed} decided; "
        f"{len(missing)} not stored, {len(doubled)} stored twice"
    )
    return 1 if missing or doubled or pressed != events else 0


@dataclass(slots=True)
class Home:
    """What can cry for help, and when each packet of it went on the air."""

    band: PolarBand
    buttons: dict[str, ShellyButton]
    smoke: Smoke
    aired: list[tuple[float, str]] = field(default_factory=list)

    async def cry(self, events: int, chance: random.Random) -> None:
        """Press buttons; every tenth event is smoke, or its end."""
        for number in range(events):
            await asyncio.sleep(GAP_S * (0.5 + chance.random()))
            name = "smoke" if number % 10 == 9 else chance.choice(sorted(self.buttons))  # noqa: PLR2004
            self.aired.append((asyncio.get_running_loop().time(), name))
            if name == "smoke":
                self.smoke.turn()
            else:
                self.buttons[name].press(chance.choice(PRESSES))

    async def fall(self, falls: int) -> None:
        """Let the band's wearer fall, each time with a rest before and after."""
        while not self.band.streaming:  # noqa: ASYNC110 - the world has no event for it
            await asyncio.sleep(0.1)
        for _ in range(falls):
            self.band.play(np.concatenate([quiet(6.0), fall(lying_s=25.0), quiet(2.0)]), 50.0)
            await self.band.played()


async def furnish(world: World) -> Home:
    """Bring the devices to life, with a block of flats around them."""
    world.neighbours(80, 200.0)
    buttons = {name: world.shelly_button(at, key=KEYS.get(name)) for name, at in BUTTONS.items()}
    smoke = world.add(Smoke(world.air, world.clock, SMOKE, beacon_s=None))
    return Home(await world.polar_band(BAND), buttons, smoke)


def configured(directory: Path, url: str) -> Path:
    """Write the hub's YAML."""
    stanzas: list[dict[str, Any]] = [
        {"name": "smoke", "driver": "bthome", "address": SMOKE, "place": "kitchen"},
        {"name": "band", "driver": "polar_pmd", "address": BAND},
    ]
    for name, address in BUTTONS.items():
        stanza = {"name": name, "driver": "bthome", "address": address, "role": "sos"}
        stanzas.append(stanza | ({"key": KEYS[name]} if name in KEYS else {}))
    announcer = {"command": ["true", "{sound}"]}  # or there would be no cancel window
    return write_yaml(
        directory, url, stanzas, announcer=announcer, fall={"cancel_window_s": WINDOW_S}
    )


async def measure(events: int, falls: int, seed: int) -> int:
    """Measure and print."""
    async with contextlib.AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ansim-bench-")))
        broker = await stack.enter_async_context(Broker(directory))
        world = await stack.enter_async_context(World(SystemClock()))
        home = await furnish(world)
        air, hops = directory / "air.sock", directory / "hops.jsonl"
        await stack.enter_async_context(FarWorld(world, air))
        desk: Desk = await stack.enter_async_context(
            centre(directory, BrokerSettings(url=broker.url))
        )
        config = configured(directory, broker.url)
        hub = HubProcess.far(directory, config, air, "--hops", str(hops))
        await stack.enter_async_context(hub)
        chance = random.Random(seed)  # noqa: S311 - it must repeat
        await asyncio.gather(home.cry(events, chance), home.fall(falls))
        await settled(desk, quiet_s=WINDOW_S + 2.0 if falls else 3.0)
        status = await hub.end(signal.SIGTERM)
        lines = [json.loads(line) for line in hops.read_text().splitlines()]
    found = trips(lines, home.aired)
    report(found, windows(lines))
    for line in lines:
        if line["level"] in ("warning", "error", "critical"):
            why = line.get("reason") or line.get("error")
            print(f"{line['loop_s'] - home.aired[0][0]:8.1f} s  {line['event']}: {why}")
    return accounts(desk, found, events) or status


def windows(lines: Iterable[dict[str, Any]]) -> list[float]:
    """Return how long each pending fall was pending, in seconds."""
    states: dict[str, dict[str, float]] = defaultdict(dict)
    for line in lines:
        if line["event"] == "alarm decided" and line["kind"] == "fall":
            states[line["alert"]].setdefault(line["state"], line["loop_s"])
    return [
        told["raised"] - told["pending"]
        for told in states.values()
        if "pending" in told and "raised" in told
    ]


def main() -> int:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=240)
    parser.add_argument("--falls", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    os.chdir(ROOT)
    return asyncio.run(measure(chosen.events, chosen.falls, chosen.seed))


if __name__ == "__main__":
    sys.exit(main())
