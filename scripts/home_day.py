"""A home's load by formula, through the real pipeline: what a store is given in a day.

7,200 motion reports (5 sensors, in bouts of the waking hours), 60 doors, a band that says its heart
rate every second and its steps every minute, a press now and then. No recording of anybody.
"""

import random
from collections.abc import Iterator

from gateway.core.detectors.sos import SosDetector
from gateway.core.model import (
    At,
    Button,
    Contact,
    Heard,
    HeartRate,
    Motion,
    Press,
    Reading,
    Steps,
    Tick,
    Value,
)
from gateway.core.outputs import Outputs
from gateway.core.pipeline import Pipeline, Plan
from gateway.core.ulid import Ulids

DAY_S = 86_400
TICK_S = 10
WALL_MS = 1_795_219_200_000
BOOT = "5" * 32
MOTIONS = ("bedroom", "kitchen", "living", "hall", "shower")
DOORS = ("frontdoor", "fridge", "medicine")
WAKING = (7 * 3600, 23 * 3600)
MOTIONS_A_DAY, DOORS_A_DAY = 7_200, 60


def at(second: float) -> At:
    """Return an instant of this made-up home."""
    ms = round(second * 1000)
    return At(BOOT, ms, WALL_MS + ms, proven=True)


def pipeline(seed: int) -> Pipeline:
    """Return a pipeline with an SOS button and its telemetry."""
    ids = Ulids(random.Random(seed).getrandbits)  # noqa: S311 - a made-up home, reproducible
    plan = Plan(detectors=(SosDetector("sos"),), test_alarm_every_ms=DAY_S * 1000)
    return Pipeline(plan, lambda instant: ids.new(instant.wall_ms))


def day(
    number: int, presses: int, chance: random.Random, band_every_s: int = 1
) -> Iterator[tuple[float, str, Value]]:
    """Yield (second, device, value) of one day, in order."""
    start, (wake, sleep) = number * DAY_S, WAKING
    motions = sorted(chance.uniform(wake, sleep) for _ in range(MOTIONS_A_DAY))
    told: list[tuple[float, str, Value]] = [
        (start + second, chance.choice(MOTIONS), Motion(detected=turn % 2 == 0))
        for turn, second in enumerate(motions)
    ]
    for turn in range(DOORS_A_DAY):
        second = start + chance.uniform(wake, sleep)
        told.append((second, chance.choice(DOORS), Contact(open=turn % 2 == 0)))
    told += [
        (start + chance.uniform(wake, sleep), "sos", Button(Press.SINGLE)) for _ in range(presses)
    ]
    bpm, steps = 66.0, 0
    for second in range(0, DAY_S, band_every_s):
        bpm += 0.05 * (66 - bpm) + chance.gauss(0, 1.2)
        told.append((start + second, "band", HeartRate(round(bpm))))
        if second % 60 == 0:
            steps += chance.randrange(40) if wake < second < sleep else 0
            told.append((start + second, "band", Steps(steps)))
    yield from sorted(told, key=lambda each: each[0])


def outputs(
    days: int, presses: int = 2, seed: int = 1, band_every_s: int = 1
) -> Iterator[tuple[At, Outputs]]:
    """Yield what the pipeline asks of the store; a tick every ten seconds."""
    chance, core = random.Random(seed), pipeline(seed)  # noqa: S311 - as above
    tick = 0
    for number in range(days):
        for second, device, value in day(number, presses, chance, band_every_s):
            while tick <= second:
                yield at(tick), core.feed(Tick(at(tick)))
                tick += TICK_S
            heard = Heard(at(second), device, (Reading(at(second), device, value),))
            yield at(second), core.feed(heard)
