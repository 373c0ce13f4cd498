"""The lab's steps, run inside its guest by hub-lab.service: `python -m tests.hub.guest [STEP...]`.

Each step says in one line whether it held and how long it took. A step leaves the home as it found
it, but for what only grows: alarms, bonds.
"""

import argparse
import asyncio
import sys
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.hub import chain, facts, faults, pairing, spare
from tests.hub.machine import UNIT, Machine, machine, say
from tests.hub.sequences import sequences

Step = Callable[[Machine], Awaitable[str]]
STEPS: dict[str, Step] = {
    **chain.STEPS,
    **facts.STEPS,
    **faults.STEPS,
    **pairing.STEPS,
    **spare.STEPS,
}


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
                await guest.shell(f"systemctl kill -s USR2 {UNIT}; sleep 1", must=False)
                log = "journalctl -b -n 150 --no-pager -o short-monotonic"
                sys.stdout.write(await guest.shell(log, must=False, quiet=True) + "\n")
                await guest.shell("tail -n 20 /run/lab/world.log", must=False)
            else:
                say(f"ok {name} ({(guest.now_ms() - began) / 1000:.1f} s): {figures}")
    return failed


async def run_sequences(count: int, seed: int) -> int:
    """Run random sequences instead of steps; return how many failed."""
    async with machine() as guest:
        return await sequences(guest, count, seed)


# Under qemu everything takes three times as long, and its kernel is Debian's own, which panics when
# a connection ends that bluetoothd still holds (README): what runs there unless steps are named.
UNDER_QEMU = (
    *("start", "stream", "press", "fall", "drop", "gone-band", "off", "killed", "hung"),
    *("unplugged", "dbus", "pair", "bond-kept"),
)
# Long, and covered by the others: run when named.
ONLY_IF_NAMED = ("unchanged", "off-on")


def usual() -> list[str]:
    """Return the steps that run when none are named."""
    if "User Mode Linux" in Path("/proc/cpuinfo").read_text():
        return [one for one in STEPS if one not in ONLY_IF_NAMED]
    say("qemu: the short suite, without", *(one for one in STEPS if one not in UNDER_QEMU))
    return list(UNDER_QEMU)


def main() -> None:
    """Run the steps named on the command line, or all; or `--sequences N --seed S`."""
    words = sys.argv[1:]
    if "--sequences" in words:
        parser = argparse.ArgumentParser()
        parser.add_argument("--sequences", type=int, required=True)
        parser.add_argument("--seed", type=int, default=1)
        asked = parser.parse_args(words)
        failed = asyncio.run(run_sequences(asked.sequences, asked.seed))
    else:
        failed = asyncio.run(run(words or usual()))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
