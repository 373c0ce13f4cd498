"""A place of its own in every cgroup hierarchy for one container.

systemd-nspawn with --keep-unit makes the container's groups below the caller's. Of two containers
begun from one place, both units `ansim-gateway.service` are then one group: each systemd finds the
other's processes in it, cannot see them, and fails to kill its own ("Failed to kill
control group ... Input/output error"). So each is begun from a group that nobody else is in.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
# The one hierarchy of version 2; systemd's own and its companion where version 1 is in use.
HIERARCHIES = (CGROUPS, CGROUPS / "systemd", CGROUPS / "unified")


@contextlib.contextmanager
def group_of_its_own(name: str) -> Iterator[tuple[Path, ...]]:
    """Make a group `name` wherever processes are grouped; remove it with all below."""
    made = [above / name for above in HIERARCHIES if (above / "cgroup.procs").exists()]
    for group in made:
        group.mkdir()
    try:
        yield tuple(made)
    finally:
        for group in made:
            for folder, _, _ in os.walk(group, topdown=False):
                with contextlib.suppress(OSError):  # what is not empty yet stays, and harms nobody
                    Path(folder).rmdir()


def begun_in(groups: Sequence[Path], command: Sequence[str]) -> tuple[str, ...]:
    """Return a command that enters the groups and then becomes `command`."""
    enter = 'while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs"; shift; done; shift; exec "$@"'
    return ("/bin/sh", "-ec", enter, "sh", *map(str, groups), "--", *command)
