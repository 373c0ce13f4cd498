"""Home time that is moved by hand: paced at any rate, or skipped over in steps.

    now ────►  due ──► due ──►      due ──► target
               wake    wake, settle ...     the clock stands here

Time stands while nobody moves it. Moving it goes from one sleeper's due time to the next: the clock
stands exactly at that time while the sleeper runs, so whatever it causes is stamped as it would
have been, and eight hours of a home cost what happens in them and not eight hours. Input and output
(sockets, disks, the virtual radio) keep the event loop's time: see `settle`.
"""

import asyncio
import heapq
from collections.abc import Awaitable, Callable

from gateway.core.model import At

SECOND_US = 1_000_000
BOOT = "5" * 32
WALL_MS = 1_795_219_200_000  # 2026-11-21 00:00:00 UTC
TURNS = 8  # of the event loop: a packet needs 5 from a device's timer to the scanner's callback

Settle = Callable[[], Awaitable[None]]


class SteppedClock:
    """A `gateway.clock.Clock` that goes where it is told, never backwards.

    boot, mono_ms: this boot of the hub and how long it has been up.
    wall_ms: what the hub believes the Unix time is; `proven`: whether NTP has answered.
    """

    def __init__(
        self,
        *,
        boot: str = BOOT,
        mono_ms: int = 0,
        wall_ms: int = WALL_MS,
        proven: bool = True,
        turns: int = TURNS,
    ) -> None:
        self.proven = proven
        self._boot, self._turns = boot, turns
        self._us = mono_ms * 1000
        self._wall_minus_mono_ms = wall_ms - mono_ms
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._count = 0
        self._pace: tuple[asyncio.AbstractEventLoop, float, int, float] | None = None
        self._earlier = asyncio.Event()

    # ------------------------------------------------------------------ what a Clock does
    def now(self) -> At:
        """Return this instant of the home."""
        mono_ms = self._now_us() // 1000
        return At(self._boot, mono_ms, mono_ms + self._wall_minus_mono_ms, self.proven)

    async def sleep(self, seconds: float) -> None:
        """Wait so long in home time; not at all if it is not positive, but let others run."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        due = self._now_us() + round(seconds * SECOND_US)
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (due, self._count, woken))
        if self._sleepers[0][2] is woken:
            self._earlier.set()
        await woken

    # ------------------------------------------------------------------ moving it
    @property
    def mono_s(self) -> float:
        """Seconds since boot."""
        return self._now_us() / SECOND_US

    @property
    def sleepers(self) -> int:
        """How many wait for a time to come."""
        return sum(not woken.done() for _, _, woken in self._sleepers)

    def jump_wall(self, ms: int) -> None:
        """Let the wall clock be set, forwards or back; time since boot does not notice."""
        self._wall_minus_mono_ms += ms

    async def advance(self, seconds: float, settle: Settle | None = None) -> None:
        """Move on by so much, waking all that fall due in their order; settle at the end."""
        if seconds < 0:
            raise ValueError(f"time does not run backwards: {seconds} s")
        await self._turn()  # whoever is about to go to sleep does so from the old time
        await self._go(self._us + round(seconds * SECOND_US))
        if settle is not None:
            await settle()

    async def skip(
        self, until_s: float, step_s: float = 60.0, settle: Settle | None = None
    ) -> None:
        """Move on to `until_s` since boot in steps; `settle` lets input and output catch up.

        settle: awaited after every step; give it one that returns when the daemon's queue is empty
                and what must be on disk or at the broker is there.
        """
        if step_s <= 0:
            raise ValueError(f"a step goes forward: {step_s} s")
        while self.mono_s < until_s:
            await self.advance(min(step_s, until_s - self.mono_s), settle)

    async def run(self, rate: float = 1.0) -> None:
        """Let home time pass at `rate` times real time until cancelled; then it stands again."""
        if rate <= 0:
            raise ValueError(f"time does not run backwards: rate {rate}")
        loop = asyncio.get_running_loop()
        self._pace = (loop, loop.time(), self._us, rate)
        try:
            while True:
                self._wake_until(self._now_us())
                self._earlier.clear()
                await self._until_next(rate)
        finally:
            self._us, self._pace = self._now_us(), None

    async def _until_next(self, rate: float) -> None:
        """Wait until the next sleeper is due, or an earlier one has come."""
        due = self._sleepers[0][0] if self._sleepers else None
        wait = None if due is None else max(0.0, (due - self._now_us()) / SECOND_US / rate)
        try:
            async with asyncio.timeout(wait):
                await self._earlier.wait()
        except TimeoutError:
            return

    # ------------------------------------------------------------------ the works
    def _now_us(self) -> int:
        if self._pace is None:
            return self._us
        loop, since, us, rate = self._pace  # asked by the store's thread too
        return us + int((loop.time() - since) * rate * SECOND_US)

    def _wake_until(self, us: int) -> None:
        while self._sleepers and self._sleepers[0][0] <= us:
            _, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)

    async def _go(self, target_us: int) -> None:
        if self._pace is not None:
            raise RuntimeError("the clock is running by itself: stop that first")
        while self._sleepers and self._sleepers[0][0] <= target_us:
            due, _, woken = self._sleepers[0]
            if woken.done():
                heapq.heappop(self._sleepers)
                continue
            self._us = max(self._us, due)
            self._wake_until(due)
            await self._turn()
        self._us = target_us

    async def _turn(self) -> None:
        for _ in range(self._turns):
            await asyncio.sleep(0)
