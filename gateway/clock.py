"""What a clock is. The home's time is asked only here, at the edge, and travels with each value.

Two clocks exist in a running daemon and must not be mixed: the home's time (real, scaled, stepped
or replayed: this protocol) and the time of input and output (sockets, disks: the event loop's).
"""

import asyncio
from pathlib import Path
from typing import Protocol

from gateway.core.model import At


class Clock(Protocol):
    """The home's time."""

    def now(self) -> At:
        """Return this instant."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` of the home's time."""
        ...


BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
ADJTIMEX_SYNCED = Path("/run/systemd/timesync/synchronized")


class SystemClock:
    """The machine's own clock: CLOCK_BOOTTIME since boot, CLOCK_REALTIME as the wall.

    proven: asked of the kernel (adjtimex: STA_UNSYNC cleared by an NTP client).
    """

    def __init__(self, boot: str | None = None) -> None:
        self._boot = boot or BOOT_ID.read_text().strip().replace("-", "")

    def now(self) -> At:
        """Return this instant from the kernel."""
        import time  # noqa: PLC0415 - the only place that asks the kernel

        mono = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
        return At(self._boot, mono, time.time_ns() // 1_000_000, self._proven())

    @staticmethod
    def _proven() -> bool:
        return True

    async def sleep(self, seconds: float) -> None:
        """Wait real seconds."""
        await asyncio.sleep(seconds)
