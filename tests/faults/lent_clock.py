"""A clock that every process of a run shares, and that the harness turns while they run.

    file: boot · when this boot began · ahead_ms · wall_off_ms · proven        (five int64)

    mono = real time since boot - began + ahead       of the hub's boot
    wall = real time + ahead + wall_off               wall_off is the hub's error, 0 for the centre

`ahead` is virtual time that has passed for everybody: days of a dead broker in seconds. Sleepers
look again every few milliseconds, so that a day that passes at once is noticed at once.
"""

import asyncio
import mmap
import struct
import time
from pathlib import Path

from gateway.core.model import At

FORM = struct.Struct("<qqqqq")
LOOK_S = 0.02


class LentClock:
    """A `gateway.clock.Clock` on the shared file; `right`: the centre's, which is never wrong."""

    def __init__(self, path: Path, *, right: bool = False) -> None:
        self._right = right
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), FORM.size)

    def now(self) -> At:
        """Return this instant."""
        boot, began_ms, ahead_ms, wall_off_ms, proven = FORM.unpack(self._map[:])
        real_ms = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
        wall_ms = time.time_ns() // 1_000_000 + ahead_ms + (0 if self._right else wall_off_ms)
        mono_ms = real_ms - began_ms + ahead_ms
        return At(f"{boot:032x}", mono_ms, max(0, wall_ms), self._right or bool(proven))

    async def sleep(self, seconds: float) -> None:
        """Wait so long of this clock's time; a new boot ends it too."""
        start = self.now()
        due_ms = start.mono_ms + seconds * 1000
        # No event tells of a clock that is turned in shared memory.
        while (now := self.now()).boot == start.boot and now.mono_ms < due_ms:  # noqa: ASYNC110
            await asyncio.sleep(min(LOOK_S, (due_ms - now.mono_ms) / 1000))


class ClockHand:
    """The harness's side: turns the clock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.boot, self.ahead_ms, self.wall_off_ms, self.proven = 1, 0, 0, True
        self._began_ms = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000 - 5_000
        path.write_bytes(self._form())
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), FORM.size)

    def write(self) -> None:
        """Let everybody see it."""
        self._map[:] = self._form()

    def wall_ms(self) -> int:
        """Return the right time, as the centre has it."""
        return time.time_ns() // 1_000_000 + self.ahead_ms

    def reboot(self) -> None:
        """Begin a new boot: milliseconds count from zero again."""
        self.boot += 1
        self._began_ms = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000 + self.ahead_ms
        self.write()

    def wrong(self, wall_off_ms: int, *, proven: bool) -> None:
        """Let the hub's wall clock be so far off."""
        self.wall_off_ms, self.proven = wall_off_ms, proven
        self.write()

    async def pass_by(self, seconds: float, step_s: float) -> None:
        """Let so much time pass for everybody, in steps a hub can tick at."""
        left_ms = round(seconds * 1000)
        while left_ms > 0:
            step = min(left_ms, round(step_s * 1000))
            left_ms -= step
            self.ahead_ms += step
            self.write()
            await asyncio.sleep(LOOK_S * 1.5)

    def _form(self) -> bytes:
        return FORM.pack(
            self.boot, self._began_ms, self.ahead_ms, self.wall_off_ms, int(self.proven)
        )
