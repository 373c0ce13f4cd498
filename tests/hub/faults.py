"""What breaks, one at a time: everybody is heard again within a minute, and nothing is made up.

A step breaks something, waits until the hub has noticed where it should, and until all are heard.
The minute runs from the end of the fault: from its beginning where the hub itself must end it.
"""

import asyncio
from collections.abc import Awaitable, Callable

from tests.hub.machine import EVERYTHING, Machine

RECOVERED_S = 60.0
KNOWN_S = 90.0
BREAK = Callable[[Machine], Awaitable[None]]


def broken(
    what: BREAK, *, deaf: bool = True, heal: BREAK | None = None
) -> Callable[[Machine], Awaitable[str]]:
    """Return the step: break it, see it known, heal it if the hub cannot, see everybody heard."""

    async def step(guest: Machine) -> str:
        began = guest.now_ms()
        await what(guest)
        known = ""
        if deaf:
            took = await guest.adapter(up=False, since_ms=began, limit_s=KNOWN_S)
            known = f"known after {took:.1f} s, "
        if heal is not None:
            await heal(guest)
        heard_s = await guest.everybody(RECOVERED_S)
        steps = ", ".join(
            f"{count} x {rung}"
            for rung, count in (await guest.status())["adapter"]["recoveries"].items()
        )
        return f"{known}all heard {heard_s:.1f} s after that; steps so far: {steps or 'none'}"

    return step


def shell(command: str, *, must: bool = True) -> BREAK:
    """Break by a command of the guest's shell."""

    async def act(guest: Machine) -> None:
        await guest.shell(command, must=must)

    return act


def world(*commands: str, wait_s: float = 0.0) -> BREAK:
    """Break by commands to the world."""

    async def act(guest: Machine) -> None:
        for command in commands:
            await guest.world(command)
            await asyncio.sleep(wait_s)

    return act


async def gone_band(guest: Machine) -> str:
    """Let a band go out of reach for a while: the others are heard all the time."""
    await guest.world("die band-b")
    others = tuple(name for name in EVERYTHING if name != "band-b")
    for _ in range(2):
        await guest.everybody(15, others)
    await guest.world("revive band-b")
    return f"heard {await guest.everybody(RECOVERED_S):.1f} s after its return"


async def hung_band(guest: Machine) -> str:
    """Let a band take connections and never answer: the others are heard all the time."""
    await guest.world("hang band-c")
    await guest.world("drop band-c")
    others = tuple(name for name in EVERYTHING if name != "band-c")
    for _ in range(3):
        await guest.everybody(30, others)
        await asyncio.sleep(3)
    await guest.world("serve band-c")
    return f"heard {await guest.everybody(RECOVERED_S):.1f} s after it answers again"


STEPS = {
    "drop": broken(world("drop band-a", "drop band-c"), deaf=False),
    "gone-band": gone_band,
    "hung-band": hung_band,
    "off": broken(shell("bluetoothctl power off")),
    "off-on": broken(
        shell("bluetoothctl power off; sleep 1; bluetoothctl power on", must=False), deaf=False
    ),
    "killed": broken(shell("pkill -9 bluetoothd"), deaf=False),
    "hung": broken(shell("pkill -STOP bluetoothd")),
    "unplugged": broken(world("unplug main"), heal=world("plug main")),
    "deaf-power": broken(world("deafen main reset")),
    "deaf-reset": broken(world("deafen main plug")),
    "dbus": broken(shell("systemctl restart dbus"), deaf=False),
}
