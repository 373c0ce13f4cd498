"""Random sequences of faults: `scripts/hub_lab --sequences N --seed S`.

Each sequence breaks two to four things, one into the other: the next fault does not wait until the
last one is over. Then what only a hand can mend is mended (a dongle is plugged in, a band answers
again), everybody must be heard within a minute, and a press for help must be stored, once. Between
them the account is looked at: nothing invented, nothing twice. What a seed plans is the same each
time; how the guest's processes fall in between is not.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable

from tests.hub.chain import DEAF_AFTER_S, press
from tests.hub.faults import RECOVERED_S
from tests.hub.home import BANDS
from tests.hub.machine import Failed, Machine, say

Act = Callable[[Machine, random.Random], Awaitable[None]]
LEAST, MOST = 2, 4
PAUSE_S = 12.0


def shell(command: str) -> Act:
    """Break by a command of the guest's shell."""

    async def act(guest: Machine, _chance: random.Random) -> None:
        await guest.shell(command, must=False)

    return act


def world(command: str) -> Act:
    """Break by a command to the world; {band} is any band."""

    async def act(guest: Machine, chance: random.Random) -> None:
        try:
            await guest.world(command.format(band=chance.choice(BANDS)))
        except Failed as wrong:
            say("nothing to break:", wrong)

    return act


FAULTS: dict[str, Act] = {
    "off": shell("bluetoothctl power off"),
    "off-on": shell("bluetoothctl power off; sleep 1; bluetoothctl power on"),
    "killed": shell("pkill -9 bluetoothd"),
    "hung": shell("pkill -STOP bluetoothd"),
    "unplug": world("unplug main"),
    "replug": shell("/opt/ansim/bin/python -m tests.hub.replug main"),
    "deaf-power": world("deafen main reset"),
    "deaf-reset": world("deafen main plug"),
    "drop": world("drop {band}"),
    "gone": world("die {band}"),
    "back": world("revive {band}"),
    "hub-killed": shell("systemctl kill -s KILL ansim-gateway"),
    "dbus": shell("systemctl restart dbus"),
}


async def one(guest: Machine, chance: random.Random) -> str:
    """Go through one sequence."""
    chosen = [chance.choice(sorted(FAULTS)) for _ in range(chance.randint(LEAST, MOST))]
    for name in chosen:
        await FAULTS[name](guest, chance)
        await asyncio.sleep(chance.uniform(0.0, PAUSE_S))
    await guest.world("plug main")
    for band in BANDS:
        await guest.world(f"revive {band}")
    took_s = await guest.everybody(RECOVERED_S)
    await press(guest)
    guest.honest()
    return f"{' '.join(chosen)}: all heard {took_s:.1f} s after the last was mended"


async def sequences(guest: Machine, count: int, seed: int) -> int:
    """Go through so many; return how many failed."""
    await guest.hub(deaf_after_s=DEAF_AFTER_S)
    await guest.everybody(120)
    failed = 0
    for number in range(seed, seed + count):
        chance = random.Random(number)
        try:
            say(f"ok sequence {number}: {await one(guest, chance)}")
        except (Failed, TimeoutError, OSError) as wrong:
            failed += 1
            say(f"FAILED sequence {number}: {wrong!r}")
            await guest.world("plug main")
            await guest.shell("systemctl kill -s CONT bluetooth", must=False)
    say(f"sequences: {count - failed} of {count} recovered")
    return failed
