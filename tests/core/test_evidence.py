"""Evidence is exact, small, and complete."""

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gateway.core.alerts import Turn, begin
from gateway.core.evidence import Evidence, pack, unpack
from gateway.core.model import AccelerationBlock, Decision, Int16Array, Kind, Reason, Stage
from tests.fakes import at


@given(arrays(np.int16, st.tuples(st.integers(1, 60), st.just(3))))
def test_packing_gives_back_exactly_what_went_in(acc: Int16Array) -> None:
    assert np.array_equal(unpack(pack(acc)), acc)


def test_twenty_wild_seconds_come_in_parts_that_fit_the_contract() -> None:
    evidence = Evidence()
    rng = np.random.default_rng(1)
    t0 = at(0).mono_ms
    sent = []
    for second in range(40):
        t = t0 + second * 1000 + np.arange(50, dtype=np.int64) * 20
        acc = rng.integers(-8000, 8000, (50, 3)).astype(np.int16)
        evidence.block("band", AccelerationBlock(t, acc))
        sent.append(acc)
    decision = Decision(
        Kind.FALL, Stage.SUSPECTED, at(22), "band", Reason("test.alarm"), onset=at(20)
    )
    alert, _ = begin("A", decision, Turn.SUSPECT, 0)
    evidence.want(alert)
    parts = [part for _, part in evidence.ready(at(30))]
    assert all(len(json.dumps(part)) < 1600 for part in parts)
    samples = np.concatenate([unpack(p["data"]) for p in parts if p["what"] == "acceleration"])
    assert np.array_equal(samples, np.concatenate(sent)[500:1501])
    assert not list(evidence.ready(at(60))), "given once"
