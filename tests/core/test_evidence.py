"""Evidence is exact, small, and complete."""

import base64

import numpy as np

from gateway.core.alerts import Turn, begin
from gateway.core.evidence import Evidence
from gateway.core.model import AccelerationBlock, Decision, Kind, Reason, Stage
from gateway.core.wire import MAX_PAYLOAD, encode
from tests.fakes import at


def test_twenty_wild_seconds_come_exactly_in_parts_that_fit_the_contract_once() -> None:
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
    assert not list(evidence.ready(at(29.9))), "the window is not complete yet"
    parts = [part for _, part in evidence.ready(at(30))]
    assert all(len(encode(part)) < MAX_PAYLOAD - 330 for part in parts)
    data = b"".join(base64.b64decode(part["data"]) for part in parts)
    assert data == np.concatenate(sent)[500:1501].astype("<i2").tobytes()
    assert not list(evidence.ready(at(60))), "given once"
