#!/usr/bin/env python3
"""Record the two homes of tests/recordings anew, from virtual devices: no real data in them.

    python scripts/make_recordings.py [DIRECTORY]

fall.jsonl      a band at rest, a fall by formula, lying still
sensors.jsonl   a door, two motion sensors, the SOS button, the cancel button (nothing is pending)
"""

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import structlog

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gateway.app import Daemon, Outside
from gateway.core.model import Press
from gateway.edge.announce import silent
from gateway.replay.home import running
from gateway.replay.recording import Recorder
from gateway.replay.trials import Trial
from gateway.virtual.time import SteppedClock
from gateway.virtual.wear import fall, quiet, times
from gateway.virtual.world import World
from gateway.warm import warm
from tests.recorded import (
    BAND,
    CANCEL,
    DOOR,
    KITCHEN,
    RECORDINGS,
    SOS,
    SOS_KEY,
    TOILET,
    TOILET_KEY,
    settings,
)

Pass = Callable[[float], Awaitable[None]]


async def lie_after_a_fall(world: World, let_pass: Pass) -> None:
    """Play a fall on the band."""
    band = await world.polar_band(BAND, mtu=517)
    while not band.streaming:
        await let_pass(0.2)
    samples = np.concatenate([quiet(2.0), fall(lying_s=26.0)])
    trial = Trial("formula", times(len(samples)), samples)
    band.play(trial.at_rate(52.0))
    while band.left:
        await let_pass(0.5)


async def use_the_sensors(world: World, let_pass: Pass) -> None:
    """Come home, be seen, press both buttons."""
    door, kitchen = world.shelly_door(DOOR), world.shelly_motion(KITCHEN)
    toilet = world.xiaomi_motion(TOILET, TOILET_KEY)
    sos, cancel = world.shelly_button(SOS, key=SOS_KEY), world.shelly_button(CANCEL)
    await let_pass(2.0)
    for happens in (
        door.open,
        door.close,
        kitchen.detect,
        toilet.detect,
        lambda: sos.press(Press.SINGLE),
        lambda: cancel.press(Press.SINGLE),
        lambda: sos.press(Press.LONG),
    ):
        happens()
        await let_pass(3.0)


async def record(path: Path, happens: Callable[[World, Pass], Awaitable[None]]) -> None:
    """Run a daemon that records while something happens."""
    clock = SteppedClock(mono_ms=60_000)
    with tempfile.TemporaryDirectory() as directory, Recorder(path) as recorder:
        async with World(clock) as world, contextlib.AsyncExitStack() as stack:
            outside = Outside(
                clock=clock,
                scanner_backend=world.scanner_backend,
                client_backend=world.client_backend,
                announcer=silent,
                tap=recorder,
            )
            plan = settings(Path(directory))
            daemon = await stack.enter_async_context(Daemon.build(plan, outside))
            await stack.enter_async_context(running(daemon.run()))

            async def settle() -> None:
                await asyncio.sleep(0.005)
                await daemon.pump.idle()

            async def let_pass(seconds: float) -> None:
                for _ in range(round(seconds / 0.1)):
                    await clock.advance(0.1, settle)

            await happens(world, let_pass)


def main() -> None:
    """Write both."""
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else RECORDINGS
    structlog.configure(
        logger_factory=structlog.ReturnLoggerFactory(), processors=[lambda *a: a[2]]
    )
    warm()
    for name, happens in (("fall", lie_after_a_fall), ("sensors", use_the_sensors)):
        path = directory / f"{name}.jsonl"
        path.unlink(missing_ok=True)
        asyncio.run(record(path, happens))
        print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
