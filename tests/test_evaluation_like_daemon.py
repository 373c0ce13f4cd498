"""What is scored is what runs: evaluation and daemon decide alike on recorded trials.

Two comparisons. Without the radio, 200 trials go to both in the scorer's own notifications, with
its own times: the daemon's rule (FallDuty, in a Pipeline that ticks) must suspect at the very same
notifications with the very same probability.

Over the virtual link, samples must arrive bit for bit. Their times cannot be the scorer's: the band
stamps the last sample of a frame with its own clock, and the hub spreads the others over the
frame in whole milliseconds. So the evaluation gets the very blocks that the daemon's driver decoded
and must decide exactly as the daemon did; and once more the ideal times of an even 52 Hz, from
which the decoded ones differ by rounding, where it must suspect a fall in the same frame or none.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gateway import registry
from gateway.clock import SystemClock
from gateway.core.detector import Detector
from gateway.core.detectors.fall import FallDetector
from gateway.core.detectors.fall_duty import FallDuty
from gateway.core.detectors.fall_score import load_model, probability
from gateway.core.inputs import Input
from gateway.core.model import (
    AccelerationBlock,
    Decision,
    Heard,
    Int16Array,
    Int64Array,
    Stage,
)
from gateway.demo.broker import Broker
from gateway.evaluation import new_fall_detector
from gateway.plan import plan
from gateway.replay.direct import blocks, pipeline_of
from gateway.replay.home import BAND, RANGE_G, RATE_HZ, STEP_S, centre, home, now_ms, settings
from gateway.replay.trials import read_pack
from gateway.settings import BrokerSettings
from tests.shared_data import PACKS, needs_falls, pack, scorer

pytestmark = [pytest.mark.data, needs_falls]

SETS = ("weda", "fallalld", "smartfallmm", "wisdmwatch", "spswhar")
TRIALS = 200
NOTIFIED = 5
Suspected = list[tuple[int, float]]


class Overheard:
    """A rule of the daemon's whose decisions are noted on their way into the alerts."""

    def __init__(self, detector: Detector) -> None:
        self.said: list[Decision] = []
        self._detector = detector

    def feed(self, given: Input) -> Iterable[Decision]:
        for decision in self._detector.feed(given):
            self.said.append(decision)
            yield decision


def as_the_daemon(
    tmp_path: Path, rate_hz: float, range_g: float, heard: Iterator[Input]
) -> Suspected:
    """Return when the daemon's rules, as its settings plan them, suspect a fall."""
    made = plan(settings(tmp_path, BrokerSettings("mqtt://127.0.0.1")), registry.find)
    (index,) = (i for i, rule in enumerate(made.detectors) if isinstance(rule, FallDuty))
    duty = FallDuty(FallDetector(BAND, sample_rate_hz=rate_hz, range_g=range_g))
    overheard = Overheard(duty)
    rules = (*made.detectors[:index], overheard, *made.detectors[index + 1 :])
    pipeline = pipeline_of(replace(made, detectors=rules))
    for given in heard:
        pipeline.feed(given)
    return [
        (decision.at.mono_ms, decision.probability)
        for decision in overheard.said
        if decision.stage is Stage.SUSPECTED
    ]


def as_evaluated(
    rate_hz: float, range_g: float, notified: Iterable[tuple[Int64Array, Int16Array]]
) -> Suspected:
    """Return when the scored detector alarms, stamped as the scorer stamps it."""
    detector, model = new_fall_detector(rate_hz, range_g), load_model()
    return [
        (int(t_ms[-1]), probability(model, score))
        for t_ms, acc_mg in notified
        for _, score in detector.feed(t_ms, acc_mg)
    ]


def test_evaluation_and_daemon_suspect_alike_on_200_trials(tmp_path: Path) -> None:
    chance = np.random.default_rng(20)
    suspected = 0
    for number in range(TRIALS):
        trials = pack(SETS[number % len(SETS)])
        k = int(chance.integers(len(trials)))
        condition = scorer().CONDITIONS[number // len(SETS) % 4]
        t_ms, acc_mg, lost, _ = scorer().build_stream(trials, k, condition, number, NOTIFIED)
        rate = scorer().stated_rate(trials, condition)
        reach = scorer().stated_range(trials, condition)
        kept = np.repeat(~lost, NOTIFIED)
        t_ms, acc_mg = np.ascontiguousarray(t_ms[kept]), np.ascontiguousarray(acc_mg[kept])
        evaluated = as_evaluated(
            rate,
            reach,
            (
                (t_ms[i : i + NOTIFIED], acc_mg[i : i + NOTIFIED])
                for i in range(0, len(t_ms), NOTIFIED)
            ),
        )
        ran = as_the_daemon(tmp_path, rate, reach, blocks(BAND, t_ms, acc_mg, NOTIFIED))
        assert ran == evaluated, f"{trials.name} {k}, {condition}"
        suspected += len(ran)
    assert suspected > TRIALS // 10  # or there was nothing to compare


@pytest.mark.parametrize(
    ("name", "number"),
    [("weda", 377), ("weda", 500), ("fallalld", 163), ("smartfallmm", 40), ("weda", 0)],
)
async def test_evaluation_and_daemon_decide_alike_on_what_came_through_the_air(
    tmp_path: Path, name: str, number: int
) -> None:
    (trial,) = read_pack(PACKS / f"{name}.npz", numbers=[number])
    sent = trial.worn(RATE_HZ)
    came: list[AccelerationBlock] = []

    def tap(given: object) -> None:
        if isinstance(given, Heard):
            values = (reading.value for reading in given.readings)
            came.extend(value for value in values if isinstance(value, AccelerationBlock))

    async with Broker(tmp_path) as broker:
        url = BrokerSettings(broker.url)
        async with (
            centre(url, tmp_path / "centre.db", SystemClock()),
            home(settings(tmp_path, url), wall_ms=now_ms(), tap=tap) as hub,
        ):
            said = await hub.live(sent)

    arrived = np.concatenate([block.acc_mg for block in came])
    starts = [i for i in range(len(arrived) - len(sent) + 1) if (arrived[i] == sent[0]).all()]
    assert any(np.array_equal(arrived[i : i + len(sent)], sent) for i in starts)

    assert {len(block.t_ms) for block in came} == {57}
    evaluated = as_evaluated(RATE_HZ, RANGE_G, ((b.t_ms, b.acc_mg) for b in came))
    pending = [one for one in said if one.state == "pending"]
    assert bool(pending) is bool(evaluated)
    if pending:
        (decided_ms, _), (block_ms, _) = hub.journal.decided[0], evaluated[0]
        assert 0 <= decided_ms - block_ms <= 1000 * STEP_S  # told in the step in which it came
    first_ms = int(came[0].t_ms[0])
    ideal_ms = first_ms + np.rint(np.arange(len(arrived)) * 1000 / RATE_HZ).astype(np.int64)
    times = np.concatenate([block.t_ms for block in came])
    assert np.abs(times - ideal_ms).max() <= 2
    ends = np.cumsum([len(block.t_ms) for block in came])
    ideally = as_evaluated(
        RATE_HZ,
        RANGE_G,
        ((ideal_ms[e - len(b.t_ms) : e], b.acc_mg) for e, b in zip(ends, came, strict=True)),
    )
    assert len(ideally) == len(evaluated)
    for (t_ideal, _), (t_came, _) in zip(ideally, evaluated, strict=True):
        assert abs(t_ideal - t_came) <= 2  # the end of the same frame
