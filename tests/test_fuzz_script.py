"""The long fuzz run, kept short: each device's damaged packets, through restarts."""

import random
import runpy
from collections import Counter
from pathlib import Path

import pytest

from tests.vectors import VECTORS, Vector

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "fuzz_drivers.py"


@pytest.mark.parametrize("vector", VECTORS, ids=str)
def test_a_short_fuzz_run_of_each_device_ends_without_a_failure(vector: Vector) -> None:
    script = runpy.run_path(str(SCRIPT))
    counts: Counter[str] = Counter()
    assert script["life"](vector, random.Random(3), 300, counts) == []
    assert counts.total() == 300
