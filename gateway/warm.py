"""Compiling every kernel before it is needed: at install, or before READY, never on a fall.

numba's compiler keeps what it has allocated: all kernels compiled in one process take 240 MiB of
its own (scripts/bench_memory.py), more than a small board has to give. So they are compiled in
parts, each in a process that ends (`apart`); whoever needs them then loads them.
"""

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from gateway.kernel_cache import VARIABLE, mark, marked

COMPILE_S = 300.0  # what systemd is asked for when kernels may have to be compiled before READY


def _features() -> None:
    from gateway.core.detectors import fall  # noqa: PLC0415 - each part loads what it compiles

    fall.warm_features()


def _fall() -> None:
    from gateway.core.detectors import fall  # noqa: PLC0415

    fall.warm()


def _inactivity() -> None:
    from gateway.core.detectors import inactivity  # noqa: PLC0415

    inactivity.warm()


def _streams() -> None:
    from gateway.layouts import pmd  # noqa: PLC0415

    pmd.warm()


PARTS: Mapping[str, Callable[[], None]] = {
    "features": _features,
    "fall": _fall,
    "inactivity": _inactivity,
    "streams": _streams,
}


def warm() -> bool:
    """Compile, or load from the cache, every kernel the daemon may call.

    Returns whether anything had to be compiled.
    """
    from gateway.core import jit  # noqa: PLC0415 - numba

    with jit.compiled() as anything:
        for part in PARTS.values():
            part()
        return anything()


def cold(environ: Mapping[str, str]) -> bool:
    """Whether the cache this process was given is known to lack kernels; numba is not imported."""
    return VARIABLE in environ and not marked(Path(environ[VARIABLE]))


def apart(environ: Mapping[str, str]) -> None:
    """Compile in processes of their own, one after another, into the cache of this one."""
    for part in PARTS:
        command = (sys.executable, "-m", "gateway", "warm", "--part", part)
        subprocess.run(command, check=True, env=dict(environ))  # noqa: S603 - our own program
    if VARIABLE in environ:
        mark(Path(environ[VARIABLE]))
