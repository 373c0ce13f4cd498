"""The lab's steps, run inside its guest by hub-lab.service: `python -m tests.hub.guest [STEP...]`.

Each step says in one line whether it held and how long it took. A step leaves the home as it found
it, but for what only grows: alarms, bonds.
"""

import asyncio
import sys
import traceback
from collections.abc import Awaitable, Callable

from tests.hub import chain
from tests.hub.machine import Machine, machine, say

Step = Callable[[Machine], Awaitable[str]]
STEPS: dict[str, Step] = {**chain.STEPS}


async def run(wanted: list[str]) -> int:
    """Run the wanted steps; return how many failed."""
    failed = 0
    async with machine() as guest:
        for name in ("start", *(one for one in wanted if one != "start")):
            began = guest.now_ms()
            try:
                figures = await STEPS[name](guest)
                guest.honest()
            except Exception:  # noqa: BLE001 - a step that failed is told, the next one runs
                failed += 1
                say(f"FAILED {name} after {(guest.now_ms() - began) / 1000:.1f} s")
                traceback.print_exc()
                log = "journalctl -b -n 60 --no-pager -o short-monotonic"
                sys.stdout.write(await guest.shell(log, must=False, quiet=True) + "\n")
                await guest.shell("tail -n 20 /run/lab/world.log", must=False)
            else:
                say(f"ok {name} ({(guest.now_ms() - began) / 1000:.1f} s): {figures}")
    return failed


def main() -> None:
    """Run the steps named on the command line, or all."""
    sys.exit(1 if asyncio.run(run(sys.argv[1:] or list(STEPS))) else 0)


if __name__ == "__main__":
    main()
