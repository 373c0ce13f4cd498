"""Kernels are compiled before they are needed, and the daemon knows whether they had to be."""

from collections.abc import Callable
from pathlib import Path

import pytest
from numba import config

from gateway.core import jit


def new_kernel() -> Callable[[int], int]:
    @jit.kernel
    def half(number: int) -> int:
        return number // 2

    return half


@pytest.mark.skipif(bool(config.DISABLE_JIT), reason="the JIT is off: nothing is ever compiled")
def test_compiling_is_told_apart_from_loading_what_was_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    told = []
    for _ in range(2):
        with jit.compiled() as anything:
            assert new_kernel()(4) == 2
            told.append(anything())
    assert told == [True, False]
