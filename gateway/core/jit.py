"""The one door to numba: all flags in one place, and a decorator that keeps a kernel's own types.

fastmath stays off: a recording must replay bit for bit. `cache=True` keeps the machine code beside
the module (or in NUMBA_CACHE_DIR), so a start with warm kernels compiles nothing. With
NUMBA_DISABLE_JIT=1 a kernel is plain Python: kernels widen to int64/float64 at entry and use scalar
loops with + - * / sqrt and comparisons only, so that both give the same bits.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import ParamSpec, TypeVar, cast

from numba import njit
from numba.core import event

P = ParamSpec("P")
T = TypeVar("T")


def kernel(function: Callable[P, T]) -> Callable[P, T]:
    """Compile a numeric function at its first call; its type stays what it says."""
    return cast("Callable[P, T]", njit(cache=True, fastmath=False)(function))


@contextlib.contextmanager
def compiled() -> Iterator[Callable[[], bool]]:
    """Give what answers whether this context has compiled anything: loading is not compiling."""
    with event.install_recorder("numba:compile") as record:
        yield lambda: bool(record.buffer)
