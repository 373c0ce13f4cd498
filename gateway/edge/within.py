"""A limit that holds, also for work that does not heed being cancelled.

`asyncio.timeout` cancels once. bleak, when it is cancelled, asks bluetoothd to disconnect and waits
for the answer; a bluetoothd that hangs gives none, and the part that called hangs with it, and with
the part the lock that it holds (seen with bluetoothd stopped by SIGSTOP). Here such work is left to
itself after a grace: its connection to D-Bus dies with bluetoothd, and it with that.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

GRACE_S = 1.0
T = TypeVar("T")


async def within(limit_s: float, work: Coroutine[Any, Any, T], *, grace_s: float = GRACE_S) -> T:
    """Return what the work returns; TimeoutError when it has not ended in time."""
    task = asyncio.create_task(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=limit_s)
    except asyncio.CancelledError:
        await _let_go(task, grace_s)
        raise
    if not done:
        await _let_go(task, grace_s)
        raise TimeoutError
    return task.result()


@asynccontextmanager
async def held(lock: asyncio.Lock, limit_s: float | None) -> AsyncIterator[bool]:
    """Hold a lock, or go on without it when it is not free in time; yield whether it is held."""
    mine = False
    try:
        async with asyncio.timeout(limit_s):
            mine = await lock.acquire()
    except TimeoutError:
        pass
    try:
        yield mine
    finally:
        if mine:
            lock.release()


async def _let_go(task: asyncio.Task[Any], grace_s: float) -> None:
    task.add_done_callback(_unheard)
    task.cancel()
    await asyncio.wait({task}, timeout=grace_s)


def _unheard(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()  # asked for, so that nobody complains that it was not
