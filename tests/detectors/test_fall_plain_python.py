"""The kernels compiled and as plain Python give the same bits: a replay needs no compiler."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gateway.core.detectors.fall import FallDetector
from gateway.virtual.wear import fall, put_on_table, times, walking

pytestmark = pytest.mark.timeout(300)  # the first call of a kernel compiles it
ROOT = Path(__file__).resolve().parents[2]


def decided() -> list[list[object]]:
    """Return what the detector says of a short, made-up recording, and every score."""
    acc = np.concatenate([walking(3), put_on_table()[150:280], fall(lying_s=4), walking(11)])
    detector = FallDetector("band", sample_rate_hz=50.0, range_g=8.0)
    said = detector.feed_block(times(len(acc)), acc)
    scores: list[list[object]] = [[t, score.hex()] for t, score in detector.candidates()]
    return scores + [[d.stage.value, d.t_ms, d.reason.code] for d in said]


def test_without_the_compiler_every_score_and_decision_is_the_same_to_the_bit() -> None:
    script = (
        "import json, tests.detectors.test_fall_plain_python as t; print(json.dumps(t.decided()))"
    )
    plain = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(plain.stdout) == decided()
    assert len(decided()) >= 3
