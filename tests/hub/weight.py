"""What a daemon in a container holds, also where an emulator holds it (qemu's user mode).

Such an emulator is the guest's process: one address space for both. Its own parts (its program, its
heap, the code that it has translated) lie where the machine outside puts them; the guest's lie
where a guest of this kind is put, below GUEST_END. So the guest's share can be told apart, page by
page, from what the emulation costs.
"""

import re
from dataclasses import dataclass

GUEST_END = 1 << 40  # qemu-aarch64 begins at 0x5500000000; a machine with 48 bits far above
EMULATOR = "qemu-"
_HEAD = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ \d+\s*(.*)$")
MIB = 1024


@dataclass(frozen=True, slots=True)
class Weight:
    """MiB: `resident` in all, and of it the process' `own` pages, shared with nobody."""

    resident: float
    own: float


def weigh(smaps: str, *, emulated: bool = False) -> Weight:
    """Add up /proc/PID/smaps; `emulated`: the guest's mappings only."""
    resident = own = 0
    counts = False
    for line in smaps.splitlines():
        if head := _HEAD.match(line):
            guest = int(head[2], 16) <= GUEST_END and EMULATOR not in head[3]
            counts = guest or not emulated
        elif counts:
            name, _, rest = line.partition(":")
            if name == "Rss":
                resident += int(rest.split()[0])
            elif name in ("Private_Clean", "Private_Dirty"):
                own += int(rest.split()[0])
    return Weight(resident / MIB, own / MIB)
