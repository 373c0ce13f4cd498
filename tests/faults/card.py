"""The hub's card: small, full, read-only, with pages that rot. Mounting takes root."""

import contextlib
import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path


def fill(path: Path) -> None:
    """Write until there is no room, then byte by byte."""
    with contextlib.suppress(OSError), path.open("ab", buffering=0) as file:
        for size in (65536, 4096, 64, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))


def scribble(path: Path, pages: int, chance: random.Random) -> None:
    """Overwrite pages of a database (with its log folded in first, as an old card has it)."""
    if not path.exists():
        return
    size = path.stat().st_size
    with path.open("r+b") as file:
        for _ in range(pages):
            file.seek(chance.randrange(max(1, size // 4096)) * 4096)
            file.write(chance.randbytes(4096))
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)


def remount(path: Path, *, read_only: bool) -> None:
    """Mount the card the other way."""
    way = "ro" if read_only else "rw"
    subprocess.run(["mount", "-o", f"remount,{way}", str(path)], check=True)  # noqa: S607


@contextlib.contextmanager
def card(path: Path, megabytes: int) -> Iterator[None]:
    """Mount a small file system of its own at `path` (root only), or leave it as it is for 0."""
    path.mkdir(parents=True, exist_ok=True)
    if not megabytes:
        yield
        return
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "ansim", str(path)],  # noqa: S607
        check=True,
    )
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(path)], check=False)  # noqa: S607


def can_mount() -> bool:
    """Return whether this user may really mount: root in a container often may not."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    with tempfile.TemporaryDirectory(prefix="ansim-mount-") as name:
        try:
            with card(Path(name), 1):
                return True
        except subprocess.CalledProcessError:
            return False
