"""The one door to numba: all flags in one place, and a decorator that keeps a kernel's own types.

fastmath stays off: a recording must replay bit for bit. `cache=True` keeps the machine code beside
the module (or in NUMBA_CACHE_DIR), so a start with warm kernels compiles nothing. With
NUMBA_DISABLE_JIT=1 a kernel is plain Python: kernels widen to int64/float64 at entry and use scalar
loops with + - * / sqrt and comparisons only, so that both give the same bits.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from numba import njit

P = ParamSpec("P")
T = TypeVar("T")


def kernel(function: Callable[P, T]) -> Callable[P, T]:
    """Compile a numeric function at its first call; its type stays what it says."""
    return cast("Callable[P, T]", njit(cache=True, fastmath=False)(function))
