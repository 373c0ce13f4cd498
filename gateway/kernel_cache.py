"""Compiled kernels of this very source: a cache of their own for each version.

Numba notices that the file of a kernel has changed, but not that another file, whose kernel it
calls, has: after an upgrade the old code would go on deciding. So the cache that the service is
given ($NUMBA_CACHE_DIR) gets a folder named after all sources, and folders of other sources go.
Without the variable (a checkout) numba keeps its files beside the sources, as it likes.

An installation compiles once and leaves the kernels in the version's own folder (`KERNELS` below
sys.prefix), which the daemon cannot write: they are copied into the cache before the first use. So
a version that comes back, and a root that is read-only with a cache in memory, compile nothing.

A folder that holds every kernel is marked with the machine that compiled them (`mark`, `marked`): a
card that moved to another board is known to be cold before numba is imported.
"""

import contextlib
import hashlib
import os
import platform
import re
import shutil
import sys
from collections.abc import MutableMapping
from pathlib import Path

VARIABLE = "NUMBA_CACHE_DIR"
RUNTIME = "RUNTIME_DIRECTORY"  # what systemd gives the service, in memory
KERNELS = "kernels"
NAME = re.compile(r"kernels-[0-9a-f]{16}")
SOURCES = ("gateway", "drivers")
MARK = ".compiled-on"
# What names a processor in /proc/cpuinfo (x86, ARM). Not its flags: a new kernel changes them.
PROCESSOR = ("model name", "CPU implementer", "CPU part")


def fingerprint(root: Path) -> str:
    """Return a name for all Python sources below `root`'s packages."""
    digest = hashlib.sha256()
    for package in SOURCES:
        for path in sorted((root / package).rglob("*.py")):
            digest.update(f"{path.relative_to(root)}\0".encode())
            digest.update(path.read_bytes())
    return f"kernels-{digest.hexdigest()[:16]}"


def use_own(
    environ: MutableMapping[str, str], root: Path | None = None, installed: Path | None = None
) -> None:
    """Point numba to the folder of these sources; call it before numba is imported."""
    given = environ.get(VARIABLE)
    if not given:
        return
    base = Path(given)
    if NAME.fullmatch(base.name):  # a process that began anew has been here already
        base = base.parent
    if not _writable(base) and environ.get(RUNTIME):
        base = Path(environ[RUNTIME].split(":")[0]) / KERNELS  # numba must be able to write
    own = base / fingerprint(root or Path(__file__).resolve().parents[1])
    if base.is_dir():
        for other in base.iterdir():
            if NAME.fullmatch(other.name) and other != own:
                shutil.rmtree(other, ignore_errors=True)
    ready = (installed or Path(sys.prefix) / KERNELS) / own.name
    if ready.is_dir() and not own.exists():
        with contextlib.suppress(OSError):  # then they are compiled
            _copy(ready, own)
    environ[VARIABLE] = str(own)


def machine(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Return a name for what compiled code depends on: processor and Python."""
    try:
        lines = cpuinfo.read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    kept = sorted({line for line in lines if line.startswith(PROCESSOR)})
    # Not sys.version: a security update of Python invalidates nothing, and would cost minutes.
    told = "\n".join([platform.machine(), str(sys.implementation.cache_tag), *kept])
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def mark(folder: Path) -> None:
    """Write down that every kernel of this folder was compiled, and by which machine."""
    with contextlib.suppress(OSError):  # then it is looked at again the next time
        (folder / MARK).write_text(machine())


def marked(folder: Path) -> bool:
    """Whether every kernel of this folder was compiled by a machine like this."""
    try:
        return (folder / MARK).read_text() == machine()
    except OSError:
        return False


def _writable(base: Path) -> bool:
    """Whether files can be made there; asking os.access says yes to root on a read-only disk."""
    try:
        base.mkdir(parents=True, exist_ok=True)
        probe = base / f".{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError:
        return False
    return True


def _copy(ready: Path, own: Path) -> None:
    """Copy a whole folder or nothing: half an index would be taken for a cold cache at best."""
    begun = own.with_name(f".{own.name}-{os.getpid()}")
    shutil.copytree(ready, begun, copy_function=shutil.copyfile)
    begun.rename(own)
