"""A limit that holds for work that does not heed being cancelled."""

import asyncio

import pytest

from gateway.edge.within import within


async def stubborn(until: asyncio.Event) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        await until.wait()  # as bleak waits for bluetoothd's answer to Disconnect


async def test_work_in_time_gives_its_result_or_its_error() -> None:
    async def five() -> int:
        return 5

    async def fail() -> None:
        raise OSError("no")

    assert await within(1, five()) == 5
    with pytest.raises(OSError, match="no"):
        await within(1, fail())


async def test_work_that_does_not_end_when_cancelled_is_left_behind() -> None:
    until = asyncio.Event()
    async with asyncio.timeout(5):
        with pytest.raises(TimeoutError):
            await within(0.01, stubborn(until), grace_s=0.01)
    until.set()


async def test_whoever_waits_can_be_cancelled_although_the_work_cannot() -> None:
    until = asyncio.Event()
    waiting = asyncio.create_task(within(60, stubborn(until), grace_s=0.01))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    async with asyncio.timeout(5):
        await asyncio.wait({waiting})
    assert waiting.cancelled()
    until.set()
