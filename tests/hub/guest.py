"""The lab's steps, run inside its guest by hub-lab.service: `python -m tests.hub.guest [STEP...]`.

Each step says in one line whether it held and how long it took. A step leaves the home as it found
it, but for what only grows: alarms, bonds.
"""

import argparse
import asyncio
import sys
import traceback
from collections.abc import Awaitable, Callable

from tests.hub import chain, facts, far, faults, pairing, spare
from tests.hub.home import devices
from tests.hub.machine import Machine, machine, say
from tests.hub.sequences import sequences

Step = Callable[[Machine], Awaitable[str]]
STEPS: dict[str, Step] = {
    **chain.STEPS,
    **facts.STEPS,
    **faults.STEPS,
    **pairing.STEPS,
    **spare.STEPS,
    **far.STEPS,
}


async def run(wanted: list[str], beyond_port: int) -> int:
    """Run the wanted steps; return how many failed."""
    failed = 0
    async with machine(beyond_port) as guest:
        names = ("start", *(one for one in wanted if one != "start"))
        say("planned:", *names)
        for name in names:
            say("begin", name)
            guest.stanzas = devices()
            began = guest.now_ms()
            try:
                figures = await STEPS[name](guest)
                guest.honest()
            except Exception:  # noqa: BLE001 - a step that failed is told, the next one runs
                failed += 1
                say(f"FAILED {name} after {(guest.now_ms() - began) / 1000:.1f} s")
                traceback.print_exc()
                await guest.explain()
            else:
                say(f"ok {name} ({(guest.now_ms() - began) / 1000:.1f} s): {figures}")
    return failed


async def run_sequences(seeds: list[int], until_s: float) -> int:
    """Run random sequences instead of steps; return how many failed."""
    async with machine() as guest:
        return await sequences(guest, seeds, until_s)


# Long, and covered by the others: run when named.
ONLY_IF_NAMED = ("unchanged", "off-on")


def main() -> None:
    """Run the steps named on the command line, or all; or `--seeds=1+2+3 --until-s=600`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("steps", nargs="*")
    parser.add_argument("--seeds", default="")
    parser.add_argument("--until-s", type=float, default=600.0, help="of uptime; no new one after")
    parser.add_argument("--beyond", type=int, default=0, help="port of a broker on the host")
    asked = parser.parse_args()
    if asked.seeds:
        seeds = [int(one) for one in asked.seeds.split("+")]
        failed = asyncio.run(run_sequences(seeds, asked.until_s))
    else:
        never = (*ONLY_IF_NAMED, *(() if asked.beyond else far.STEPS))
        usual = [one for one in STEPS if one not in never]
        failed = asyncio.run(run(asked.steps or usual, asked.beyond))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
