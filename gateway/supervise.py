"""Restarting what may fail, and proving that what should work does.

Two kinds of parts run in the daemon. The pump (queue, pipeline) may not fail: an error there is a
bug, ends the process, and systemd starts anew. The radio and the uplink stand on hardware and
networks that are away for days: they stand inside `keep_running`, which restarts them by a policy
that is a pure function. A part that failed is never restarted in a tight loop, and one that ran
well for five minutes has earned its first, short wait again.

A pulse is a proof of work for the watchdog. Each part's own task turns its pulse when it has
really done something (the writer answered, the radio asked the adapter, the pipeline ate a tick);
`WATCHDOG=1` goes out only while none is stale. A timer beside the parts would prove nothing.

Times here are those of input and output (the event loop's), never the home's.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

FIRST_S = 1.0
CEILING_S = 60.0
HEALTHY_S = 300.0
JITTER = 0.2  # a fifth either way: hubs that lost one broker together do not return together


def backoff(failures: int, *, first_s: float = FIRST_S, ceiling_s: float = CEILING_S) -> float:
    """Return how long to wait after `failures` in a row: doubling, up to a ceiling."""
    if failures < 1:
        return 0.0
    # 2 ** 64 seconds is no wait anybody sees; the bound keeps the power from growing for ever
    return float(min(ceiling_s, first_s * 2.0 ** min(failures - 1, 64)))


def jittered(wait_s: float, chance: float) -> float:
    """Spread a wait by a fifth either way; `chance` is uniform in [0, 1)."""
    return wait_s * (1.0 - JITTER + 2.0 * JITTER * chance)


@dataclass(frozen=True, slots=True)
class Failure:
    """A part ended: why (None: it returned), how often in a row, and when it is tried again."""

    name: str
    error: Exception | None
    in_a_row: int
    wait_s: float


def judge(name: str, error: Exception | None, ran_s: float, before: int) -> Failure:
    """Decide what a part's end means: a long healthy run forgives the failures before it."""
    in_a_row = 1 if ran_s >= HEALTHY_S else before + 1
    return Failure(name, error, in_a_row, backoff(in_a_row))


async def keep_running(
    name: str,
    part: Callable[[], Awaitable[None]],
    *,
    failed: Callable[[Failure], None],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    now_s: Callable[[], float] | None = None,
    chance: Callable[[], float] = random.random,
) -> None:
    """Run `part` for ever; when it ends, tell `failed`, wait and run it again.

    Cancellation goes through: it is the way to stop. What is no `Exception` (a keyboard interrupt,
    an exit) goes through as well.
    """
    now = now_s or asyncio.get_running_loop().time
    failures = 0
    while True:
        began = now()
        error: Exception | None = None
        try:
            await part()
        except Exception as caught:  # noqa: BLE001 - whatever a part dies of, the daemon lives on
            error = caught
        verdict = judge(name, error, now() - began, failures)
        failures = verdict.in_a_row
        failed(verdict)
        await sleep(jittered(verdict.wait_s, chance()))


class Pulse:
    """One part's proof of work."""

    __slots__ = ("_now_s", "turned_s")

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self.turned_s = now_s()

    def turn(self) -> None:
        """Say that work was done just now. Only the part's own task calls this."""
        self.turned_s = self._now_s()


class Pulses:
    """Every part's pulse, and how long each may rest."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._pulses: dict[str, tuple[Pulse, float]] = {}

    def add(self, name: str, within_s: float) -> Pulse:
        """Register a part; it counts as fresh from now on."""
        if name in self._pulses:
            raise ValueError(f"two parts called {name}")
        pulse = Pulse(self._now_s)
        self._pulses[name] = (pulse, within_s)
        return pulse

    def remove(self, name: str) -> None:
        """Forget a part that was stopped on purpose."""
        del self._pulses[name]

    def stale(self, now_s: float) -> Mapping[str, float]:
        """Return the parts that have not turned in time, and for how many seconds each."""
        return {
            name: now_s - pulse.turned_s
            for name, (pulse, within_s) in self._pulses.items()
            if now_s - pulse.turned_s > within_s
        }
