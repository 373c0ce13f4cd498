"""The machine's clock, and the moment it is known to be right."""

import asyncio
from dataclasses import replace

from gateway.clock import SystemClock, kernel_synchronised, when_proven
from gateway.core.instants import repaired
from gateway.core.model import At, ClockProven


def test_time_since_boot_does_not_run_backwards_and_the_boot_is_named() -> None:
    clock = SystemClock()
    first, second = clock.now(), clock.now()
    assert second.mono_ms >= first.mono_ms
    assert first.boot == second.boot
    assert "-" not in first.boot


def test_the_kernel_can_be_asked_without_any_privilege() -> None:
    assert kernel_synchronised() in (True, False)


def test_what_was_proven_in_this_boot_stays_proven() -> None:
    answers = [True, False]
    clock = SystemClock("boot", synchronised=lambda: answers.pop(0))
    assert clock.now().proven
    assert clock.now().proven
    assert answers == [False]


def test_an_unproven_clock_asks_the_kernel_only_every_few_seconds() -> None:
    asked: list[bool] = []

    def no() -> bool:
        asked.append(False)
        return False

    clock = SystemClock("boot", synchronised=no)
    assert not any(clock.now().proven for _ in range(100))
    assert len(asked) == 1


class LateClock:
    """A Raspberry Pi's clock: wrong by 40 days until NTP answers."""

    def __init__(self, proven_after: int) -> None:
        self._left = proven_after
        self._ms = 10_000

    def now(self) -> At:
        wrong_by = 0 if self._left <= 0 else -40 * 86_400_000
        return At("boot", self._ms, 1_700_000_000_000 + self._ms + wrong_by, self._left <= 0)

    async def sleep(self, seconds: float) -> None:
        self._ms += round(seconds * 1000)
        self._left -= 1
        await asyncio.sleep(0)


async def test_the_proof_is_the_first_instant_known_to_be_right() -> None:
    proof = await when_proven(LateClock(proven_after=3))
    assert proof == ClockProven(At("boot", 25_000, 1_700_000_025_000, proven=True))


async def test_a_clock_that_is_right_from_the_beginning_is_proof_for_an_earlier_run() -> None:
    proof = await when_proven(LateClock(proven_after=0))
    assert proof == ClockProven(At("boot", 10_000, 1_700_000_010_000, proven=True))


def test_a_stamp_made_after_the_clock_was_set_but_before_it_was_known_is_not_moved() -> None:
    proof = At("boot", 25_000, 1_700_000_025_000, proven=True)
    assert repaired(At("boot", 22_000, 22_000, proven=False), proof).wall_ms == 1_700_000_022_000
    already_set = At("boot", 22_000, 1_700_000_022_000, proven=False)
    assert repaired(already_set, proof) == replace(already_set, proven=True)
    other_boot = At("other", 22_000, 22_000, proven=False)
    assert repaired(other_boot, proof) == other_boot
