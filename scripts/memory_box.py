"""A cgroup of one's own with a limit of memory, as systemd makes one for MemoryMax=. Needs root.

Both versions of cgroups are spoken: which one a machine has is its distribution's choice.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Self

ROOT = Path("/sys/fs/cgroup")
MIB = 1 << 20


class NoBoxError(Exception):
    """There is no memory cgroup to be had, for this user or at all."""


class Box:
    """What runs inside has `limit_mib` together, page cache included; too much kills it."""

    def __init__(self, limit_mib: int) -> None:
        self._second = (ROOT / "cgroup.controllers").exists()
        above = ROOT if self._second else ROOT / "memory"
        self.folder = above / f"ansim-bench-{os.getpid()}"
        self._limit = limit_mib * MIB

    def __enter__(self) -> Self:
        try:
            self.folder.mkdir()
            name = "memory.max" if self._second else "memory.limit_in_bytes"
            (self.folder / name).write_text(str(self._limit))
            if (swap := self.folder / "memory.swap.max").exists():
                swap.write_text("0")
        except OSError as error:
            raise NoBoxError(str(error)) from error
        return self

    def __exit__(self, *_: object) -> None:
        self.folder.rmdir()

    def within(self, command: Sequence[str]) -> tuple[str, ...]:
        """Return a command that begins inside."""
        enter = 'echo $$ > "$1"; shift; exec "$@"'
        return ("/bin/sh", "-c", enter, "sh", str(self.folder / "cgroup.procs"), *command)

    def anonymous(self) -> float:
        """Return the MiB inside that no file holds: what cannot be given back without swap."""
        name = "anon" if self._second else "total_rss"
        return self._counted("memory.stat")[name] / MIB

    def killed(self) -> int:
        """Return how many processes were killed for want of memory."""
        name = "memory.events" if self._second else "memory.oom_control"
        return self._counted(name)["oom_kill"]

    def _counted(self, name: str) -> dict[str, int]:
        lines = (self.folder / name).read_text().splitlines()
        return {key: int(value) for key, value in (line.split() for line in lines)}
