"""A process full of light hubs: told on stdin how often buttons are pressed, tells every second.

in     rate 2.5      presses a second from now on
       end           leave
out    one JSON object a second: the census' numbers, what was pressed and stored since the last
"""

import asyncio
import contextlib
import json
import resource
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gateway.clock import SystemClock
from tests.fleet.census import Habits
from tests.fleet.herd import Herd

TELL_S = 1.0


def main() -> None:
    """Live as the one argument (JSON) says."""
    asyncio.run(live(json.loads(sys.argv[1])))


async def live(spec: dict[str, Any]) -> None:
    """Switch on and press until told to end."""
    before = rss()
    herd = Herd(
        range(spec["first"], spec["last"]),
        spec["district"],
        [tuple(broker) for broker in spec["brokers"]],
        SystemClock(synchronised=lambda: True),
        seed=spec["seed"],
        habits=Habits(**spec["habits"]),
    )
    herd.wake(spec["over_s"])
    rate = [0.0]
    tasks = [
        asyncio.create_task(part) for part in (herd.run(), _press(herd, rate), _tell(herd, before))
    ]
    hearing = asyncio.create_task(_hear(rate))
    done, _ = await asyncio.wait({*tasks, hearing}, return_when=asyncio.FIRST_COMPLETED)
    for task in (*tasks, hearing):
        task.cancel()
    await asyncio.gather(*tasks, hearing, return_exceptions=True)
    for task in done:
        task.result()


def rss() -> int:
    """Return the bytes that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


async def _press(herd: Herd, rate: list[float]) -> None:
    loop = asyncio.get_running_loop()
    owed, last = 0.0, loop.time()
    while True:
        await asyncio.sleep(0.02)
        now = loop.time()
        owed, last = owed + rate[0] * (now - last), now
        while owed >= 1.0:
            owed -= 1.0
            herd.press()


async def _tell(herd: Herd, before: int) -> None:
    pressed, stored = 0, 0
    while True:
        await asyncio.sleep(TELL_S)
        whole = asdict(herd.census)
        whole["pressed"] = herd.census.pressed[pressed:]
        whole["to_stored"] = dict(list(herd.census.to_stored.items())[stored:])
        whole["grown"] = rss() - before
        pressed, stored = len(herd.census.pressed), len(herd.census.to_stored)
        sys.stdout.write(json.dumps(whole) + "\n")
        sys.stdout.flush()


async def _hear(rate: list[float]) -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async for line in reader:
        word, _, number = line.decode().strip().partition(" ")
        if word == "rate":
            rate[0] = float(number)
        elif word == "end":
            return


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
