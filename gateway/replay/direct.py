"""A trial through the pipeline alone: the daemon's rules and alerts, without radio or broker."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from gateway import registry
from gateway.core.inputs import Input
from gateway.core.model import AccelerationBlock, At, Heard, Int16Array, Int64Array, Reading, Tick
from gateway.core.outputs import Post, Stream
from gateway.core.pipeline import Pipeline, Plan
from gateway.core.ulid import Ulids
from gateway.option import Language
from gateway.plan import plan
from gateway.settings import Settings

FRAME = 57  # samples in a Verity Sense's notification
TICK_MS = 1000
BOOT = "7" * 32
WALL_MS = 1_795_219_200_000  # 2026-11-21 00:00:00 UTC
MONO_MS = 60_000


@dataclass(frozen=True, slots=True)
class Decided:
    """One step of an alarm: after how many seconds, what, and why in Korean and English.

    stored_ms: how long it took, in real time, until the centre had it; None without a centre.
    """

    after_s: float
    message: str
    kind: str
    state: str
    ko: str
    en: str
    stored_ms: float | None = None

    @classmethod
    def of_post(cls, after_s: float, post: Post) -> Self:
        """Return what a message to the centre says."""
        body = post.body
        told = body["evid"]
        return cls(after_s, post.id, body["type"], body["state"], told["ko"], told["en"])

    def why(self, language: Language) -> str:
        """Return the reason in the reader's language."""
        return self.en if language is Language.EN else self.ko


def new_pipeline(settings: Settings, seed: int = 0) -> Pipeline:
    """Return a home's pipeline whose ids are the same each time."""
    return pipeline_of(plan(settings, registry.find), seed)


def pipeline_of(made: Plan, seed: int = 0) -> Pipeline:
    """Return a pipeline of this plan whose ids are the same each time."""
    ids = Ulids(random.Random(seed).getrandbits)  # noqa: S311 - ids that repeat are the point
    return Pipeline(made, lambda at: ids.new(at.wall_ms))


def blocks(
    device: str, t_ms: Int64Array, acc_mg: Int16Array, frame: int = FRAME
) -> Iterator[Input]:
    """Yield samples as notifications heard when their last sample was taken, and the ticks."""
    ticked = int(t_ms[0])
    for first in range(0, len(t_ms), frame):
        t, a = t_ms[first : first + frame], acc_mg[first : first + frame]
        at = instant(int(t[-1]))
        while ticked + TICK_MS <= at.mono_ms:
            ticked += TICK_MS
            yield Tick(instant(ticked))
        block = AccelerationBlock(np.ascontiguousarray(t), np.ascontiguousarray(a))
        yield Heard(at, device, (Reading(at, device, block),))


def instant(mono_ms: int) -> At:
    """Return an instant of the replayed boot."""
    return At(BOOT, mono_ms, WALL_MS + mono_ms, proven=True)


def decide(settings: Settings, device: str, acc_mg: Int16Array, rate_hz: float) -> list[Decided]:
    """Return what a hub of these settings decides on these samples of its band."""
    pipeline = new_pipeline(settings)
    t_ms = MONO_MS + np.rint(np.arange(len(acc_mg)) * (1000.0 / rate_hz)).astype(np.int64)
    said: list[Decided] = []
    for given in blocks(device, t_ms, acc_mg):
        said.extend(
            Decided.of_post((given.at.mono_ms - MONO_MS) / 1000, post)
            for post in pipeline.feed(given).posts
            if post.stream is Stream.ALARM
        )
    return said
