"""Restarting parts, and their proofs of work."""

import asyncio

import pytest

from gateway.supervise import Failure, Pulses, backoff, jittered, judge, keep_running


def test_the_wait_doubles_from_one_second_to_sixty() -> None:
    waits = [backoff(failures) for failures in range(9)]
    assert waits == [0, 1, 2, 4, 8, 16, 32, 60, 60]


def test_the_wait_stays_at_its_ceiling_after_years_of_failures() -> None:
    assert backoff(1_000_000) == 60


def test_jitter_spreads_a_wait_by_a_fifth_either_way() -> None:
    assert jittered(10, 0.0) == pytest.approx(8)
    assert jittered(10, 0.5) == pytest.approx(10)
    assert jittered(10, 1.0) == pytest.approx(12)


def test_five_healthy_minutes_forgive_the_failures_before() -> None:
    assert judge("radio", None, ran_s=299, before=5) == Failure("radio", None, 6, 32)
    assert judge("radio", None, ran_s=300, before=5) == Failure("radio", None, 1, 1)


class Part:
    """A part that runs for given times and then dies, on a clock of its own."""

    def __init__(self, *runs_s: float) -> None:
        self.runs = list(runs_s)
        self.now = 0.0
        self.waits: list[float] = []
        self.failures: list[Failure] = []

    async def run(self) -> None:
        if not self.runs:
            await asyncio.Event().wait()
        self.now += self.runs.pop(0)
        raise OSError("gone")

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    async def keep(self) -> None:
        await keep_running(
            "part",
            self.run,
            failed=self.failures.append,
            sleep=self.sleep,
            now_s=lambda: self.now,
            chance=lambda: 0.5,
        )


async def test_a_part_that_dies_is_run_again_after_growing_waits() -> None:
    part = Part(1, 1, 1, 400, 1)
    task = asyncio.create_task(part.keep())
    while part.runs:  # noqa: ASYNC110 - the part has no event; every turn runs it on
        await asyncio.sleep(0)
    assert part.waits == pytest.approx([1, 2, 4, 1, 2])
    assert [type(failure.error) for failure in part.failures] == [OSError] * 5
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_part_that_merely_returns_is_run_again_too() -> None:
    failures: list[Failure] = []
    runs = 0

    async def part() -> None:
        nonlocal runs
        runs += 1
        if runs == 2:
            raise KeyboardInterrupt

    async def no_wait(_: float) -> None:
        return

    with pytest.raises(KeyboardInterrupt):
        await keep_running("part", part, failed=failures.append, sleep=no_wait)
    assert [failure.error for failure in failures] == [None]


def test_a_pulse_is_stale_when_its_part_has_not_turned_in_time() -> None:
    now = 0.0
    pulses = Pulses(lambda: now)
    radio, _ = pulses.add("radio", within_s=30), pulses.add("store", within_s=10)
    now = 15.0
    radio.turn()
    assert pulses.stale(15.0) == {"store": 15.0}
    assert pulses.stale(45.0) == {"store": 45.0}
    assert pulses.stale(45.1) == {"radio": pytest.approx(30.1), "store": 45.1}
    pulses.remove("store")
    assert pulses.stale(15.0) == {}


def test_two_parts_may_not_share_a_pulse() -> None:
    pulses = Pulses(lambda: 0.0)
    pulses.add("radio", within_s=30)
    with pytest.raises(ValueError, match="radio"):
        pulses.add("radio", within_s=30)
