"""What a clock is. The home's time is asked only here, at the edge, and travels with each value.

Two clocks exist in a running daemon and must not be mixed: the home's time (real, scaled, stepped
or replayed: this protocol) and the time of input and output (sockets, disks: the event loop's).

A Raspberry Pi has no clock of its own: it starts with the time of its last shutdown or of its
system image, and is right from the moment an NTP client has answered. Until then stamps are not
`proven`; `when_proven` waits for that moment, and they are repaired by its instant.
"""

import asyncio
import ctypes
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from gateway.core.model import At, ClockProven


class Clock(Protocol):
    """The home's time."""

    def now(self) -> At:
        """Return this instant."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` of the home's time."""
        ...


BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
SAID_IN_RUN = (
    Path("/run/systemd/timesync/synchronized"),  # systemd-timesyncd
    Path("/run/ansim-clock/synchronized"),  # ansim-clock.service, whatever client set the clock
)
STA_UNSYNC = 0x0040  # linux/timex.h
LOOK_EVERY_MS = 5_000


class _Timex(ctypes.Structure):
    """The head of struct timex; `rest` is more than any architecture's remainder."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def kernel_synchronised() -> bool:
    """Ask the kernel whether an NTP client has set its clock (adjtimex with nothing to change).

    The service's sandbox forbids the call (ProtectClock=yes): there what was left in /run, which
    does not outlive a boot, has to say it.
    """
    timex = _Timex(modes=0)
    answered: int = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex))
    if answered >= 0 and not timex.status & STA_UNSYNC:
        return True
    return any(path.exists() for path in SAID_IN_RUN)


class SystemClock:
    """The machine's own clock: CLOCK_BOOTTIME since boot, CLOCK_REALTIME as the wall.

    The kernel takes its word back after some nine hours without NTP (its error estimate passes
    16 s), while the clock is still right for every purpose here: what was proven once in a boot
    stays so. Until then it is asked at most every 5 s: packets are stamped much oftener.
    """

    def __init__(
        self, boot: str | None = None, *, synchronised: Callable[[], bool] = kernel_synchronised
    ) -> None:
        self._boot = boot or BOOT_ID.read_text().strip().replace("-", "")
        self._synchronised = synchronised
        self._proven = False
        self._asked_ms: int | None = None

    def now(self) -> At:
        """Return this instant from the kernel."""
        mono_ms = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
        proven = self._proven or self._ask(mono_ms)
        return At(self._boot, mono_ms, time.time_ns() // 1_000_000, proven)

    async def sleep(self, seconds: float) -> None:
        """Wait real seconds."""
        await asyncio.sleep(seconds)

    def _ask(self, mono_ms: int) -> bool:
        if self._asked_ms is None or mono_ms - self._asked_ms >= LOOK_EVERY_MS:
            self._asked_ms = mono_ms
            self._proven = self._synchronised()
        return self._proven


async def when_proven(clock: Clock, every_s: float = 5.0) -> ClockProven:
    """Wait until the wall clock is known to be right, and return a proven instant.

    At once if it is from the beginning: an earlier run of this boot may have stamped before.
    """
    while not (at := clock.now()).proven:
        await clock.sleep(every_s)
    return ClockProven(at)
