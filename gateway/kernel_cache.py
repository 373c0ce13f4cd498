"""Compiled kernels of this very source: a cache of their own for each version.

Numba notices that the file of a kernel has changed, but not that another file, whose kernel it
calls, has: after an upgrade the old code would go on deciding. So the cache that the service is
given ($NUMBA_CACHE_DIR) gets a folder named after all sources, and folders of other sources go.
Without the variable (a checkout) numba keeps its files beside the sources, as it likes.
"""

import hashlib
import re
import shutil
from collections.abc import MutableMapping
from pathlib import Path

VARIABLE = "NUMBA_CACHE_DIR"
NAME = re.compile(r"kernels-[0-9a-f]{16}")
SOURCES = ("gateway", "drivers")


def fingerprint(root: Path) -> str:
    """Return a name for all Python sources below `root`'s packages."""
    digest = hashlib.sha256()
    for package in SOURCES:
        for path in sorted((root / package).rglob("*.py")):
            digest.update(f"{path.relative_to(root)}\0".encode())
            digest.update(path.read_bytes())
    return f"kernels-{digest.hexdigest()[:16]}"


def use_own(environ: MutableMapping[str, str], root: Path | None = None) -> None:
    """Point numba to the folder of these sources; call it before numba is imported."""
    given = environ.get(VARIABLE)
    if not given:
        return
    base = Path(given)
    if NAME.fullmatch(base.name):  # a process that began anew has been here already
        base = base.parent
    own = base / fingerprint(root or Path(__file__).resolve().parents[1])
    if base.is_dir():
        for other in base.iterdir():
            if NAME.fullmatch(other.name) and other != own:
                shutil.rmtree(other, ignore_errors=True)
    environ[VARIABLE] = str(own)
