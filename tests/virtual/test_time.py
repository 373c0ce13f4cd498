import asyncio

import pytest

from gateway.virtual.time import WALL_MS, SteppedClock


async def sleeper(clock: SteppedClock, every_s: float, seen: list[int]) -> None:
    while True:
        await clock.sleep(every_s)
        seen.append(clock.now().mono_ms)


async def test_time_stands_until_it_is_moved() -> None:
    clock = SteppedClock(mono_ms=5_000)
    assert (clock.now().mono_ms, clock.now().wall_ms) == (5_000, WALL_MS)
    await asyncio.sleep(0)
    assert clock.now().mono_ms == 5_000


async def test_sleepers_wake_in_their_order_each_at_its_own_time() -> None:
    clock = SteppedClock()
    fast: list[int] = []
    slow: list[int] = []
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(sleeper(clock, 0.4, fast)),
            group.create_task(sleeper(clock, 1.0, slow)),
        ]
        await clock.advance(2.0)
        assert fast == [400, 800, 1200, 1600, 2000]
        assert slow == [1000, 2000]
        assert clock.mono_s == 2.0
        for task in tasks:
            task.cancel()
    assert clock.sleepers == 0


async def test_a_skip_settles_after_each_step_and_ends_where_told() -> None:
    clock = SteppedClock()
    settled: list[float] = []

    async def settle() -> None:
        settled.append(clock.mono_s)

    await clock.skip(150.0, 60.0, settle)
    assert settled == [60.0, 120.0, 150.0]


async def test_time_runs_at_the_rate_it_is_told_and_then_stands_again() -> None:
    clock = SteppedClock()
    running = asyncio.create_task(clock.run(rate=1000.0))
    for number in range(1, 6):
        await clock.sleep(10.0)
        assert clock.now().mono_ms >= 10_000 * number
    assert (await asyncio.to_thread(clock.now)).mono_ms >= 50_000
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    stood = clock.now()
    await asyncio.sleep(0.005)
    assert clock.now() == stood


async def test_the_clock_is_not_moved_by_hand_while_it_runs() -> None:
    clock = SteppedClock()
    running = asyncio.create_task(clock.run())
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="running by itself"):
        await clock.advance(1)
    running.cancel()


async def test_a_set_wall_clock_leaves_the_time_since_boot_alone() -> None:
    clock = SteppedClock(proven=False, wall_ms=1_000, boot="b" * 32)
    clock.jump_wall(500)
    clock.proven = True
    at = clock.now()
    assert (at.boot, at.mono_ms, at.wall_ms, at.proven) == ("b" * 32, 0, 1_500, True)


@pytest.mark.parametrize("seconds", [-1.0, -0.001])
async def test_time_does_not_run_backwards(seconds: float) -> None:
    with pytest.raises(ValueError, match="backwards"):
        await SteppedClock().advance(seconds)


async def test_a_cancelled_sleeper_costs_nobody_anything() -> None:
    clock = SteppedClock()
    task = asyncio.create_task(clock.sleep(5))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await clock.advance(10)
    assert clock.mono_s == 10.0
