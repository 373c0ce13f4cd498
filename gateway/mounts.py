"""On what a path lies, and whether a reboot keeps it: asked of the kernel's table of mounts.

A hub's card is often protected by laying memory over the whole system (Raspberry Pi OS: the overlay
file system of raspi-config; Debian: overlayroot). Every write then succeeds, fsync too, and at the
next boot all is gone: unsent alarms, what is known of the home, and the numbers by which the centre
tells a repetition from a second cry. Nothing fails, so it has to be asked for.

    tmpfs, ramfs, a disk of memory         forgotten
    overlay                                as what its upper folder lies on; without one: read-only
    an upper folder that cannot be seen    forgotten: it was mounted before this system began

The format is that of proc_pid_mountinfo(5).
"""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MEMORY = frozenset({"tmpfs", "ramfs", "rootfs"})
MEMORY_DISKS = ("/dev/ram", "/dev/zram")
POINT, OPTIONS, UPPER = 4, 2, "upperdir="
_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of the table. `upper`: where an overlay keeps what is written, as mounted."""

    point: Path
    kind: str
    source: str
    upper: Path | None = None


def parse(table: str) -> tuple[Mount, ...]:
    """Read a table; a line that makes no sense is left out, for it is the kernel's to grow."""
    return tuple(mount for line in table.splitlines() if (mount := _mount(line)) is not None)


def _mount(line: str) -> Mount | None:
    before, _, after = line.partition(" - ")
    place, rest = before.split(" "), after.split(" ")
    if len(place) <= POINT or len(rest) <= OPTIONS:
        return None
    options = (_plain(option) for option in rest[OPTIONS].split(","))
    upper = next((Path(o[len(UPPER) :]) for o in options if o.startswith(UPPER)), None)
    return Mount(Path(_plain(place[POINT])), rest[0], _plain(rest[1]), upper)


def _plain(field: str) -> str:
    return _OCTAL.sub(lambda found: chr(int(found[1], 8)), field)


def here() -> tuple[Mount, ...]:
    """Return this process's own table; nothing where there is none to read."""
    try:
        return parse(Path("/proc/self/mountinfo").read_text(errors="replace"))
    except OSError:
        return ()


def forgotten(path: Path, mounts: Sequence[Mount]) -> Mount | None:
    """Return the mount that loses with a restart what is written to `path`, if one does."""
    seen: set[Path] = set()
    mount = _under(path.resolve(), mounts)
    first = mount
    while mount is not None:
        if mount.kind in MEMORY or mount.source.startswith(MEMORY_DISKS):
            return first
        if mount.kind != "overlay" or mount.upper is None:
            return None
        if mount.point in seen:
            return first
        seen.add(mount.point)
        mount = _under(mount.upper, mounts)
    return None


def _under(path: Path, mounts: Sequence[Mount]) -> Mount | None:
    """Return the mount that a path lies on: the deepest, and of two at one point the later."""
    over = [mount for mount in mounts if path.is_relative_to(mount.point)]
    return max(reversed(over), key=lambda mount: len(mount.point.parts), default=None)


def main() -> int:
    """Say where in memory a path lies, if it does: `python -m gateway.mounts PATH`."""
    on = forgotten(Path(sys.argv[1]), here())
    if on is not None:
        sys.stdout.write(f"{on.kind}, {on.point}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
