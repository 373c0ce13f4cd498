"""Kernels are compiled before they are needed, and the daemon knows whether they had to be."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from numba import config

from gateway.core import jit
from gateway.kernel_cache import VARIABLE, mark
from gateway.warm import apart, cold


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


def test_a_cache_is_cold_until_every_part_was_compiled(tmp_path: Path) -> None:
    assert not cold({}), "a checkout's kernels lie beside its sources"
    assert cold({VARIABLE: str(tmp_path)})
    mark(tmp_path)
    assert not cold({VARIABLE: str(tmp_path)})


def test_each_part_is_compiled_by_a_process_of_its_own_and_then_the_cache_is_warm(
    tmp_path: Path,
) -> None:
    without_jit = {**os.environ, "NUMBA_DISABLE_JIT": "1", VARIABLE: str(tmp_path)}
    apart(without_jit)
    assert not cold(without_jit)


def test_a_part_that_fails_leaves_the_cache_cold(tmp_path: Path) -> None:
    broken = {**os.environ, "PYTHONPATH": str(tmp_path), VARIABLE: str(tmp_path)}
    (tmp_path / "numba.py").write_text("raise SystemExit(3)\n")
    with pytest.raises(subprocess.CalledProcessError):
        apart(broken)
    assert cold(broken)


def test_asking_whether_kernels_are_cold_loads_no_compiler() -> None:
    script = "import sys, gateway.warm; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
