"""The centre outside the guest: a press and a fall, from the bands' air to a database on the host.

The host counts what its centre stored when the guest is off (tests.hub.boots); the step says what
must be there.
"""

import asyncio
from collections import Counter

from tests.hub.chain import DEAF_AFTER_S
from tests.hub.machine import BROKER, STATE, UNIT, Failed, Machine, say

GATEWAY, OWN = "10.0.2.2", "10.0.2.15/24"  # as qemu's user network gives them
WANTED = Counter(pers=1, fall=1)
STORED_LOOKS, LOOK_S = 90, 1.0
NETWORK = f"modprobe e1000 && ip link set eth0 up && ip addr replace {OWN} dev eth0"


async def outside(guest: Machine) -> str:
    """Turn the hub to a centre outside; everything it raises there is stored there."""
    await guest.shell(NETWORK)
    # A hub that was never anywhere: an alert that is open at home would only be updated out there.
    await guest.shell(f"systemctl stop {UNIT}; rm -f {STATE}/*.db*")
    guest.broker = f"mqtt://{GATEWAY}:{guest.beyond_port}"
    ready_s = await guest.hub(deaf_after_s=DEAF_AFTER_S)
    await guest.everybody(60)
    await guest.world("press")
    await guest.world("fall band-a")
    made = await stored(guest)
    guest.broker = BROKER
    say("outside:", *(f"{kind}={count}" for kind, count in sorted(made.items())))
    return f"READY after {ready_s:.1f} s; press and fall stored outside"


async def stored(guest: Machine) -> Counter[str]:
    """Wait until all that the hub was to raise is stored; return its alerts by kind."""
    made = Counter[str]()
    for _ in range(STORED_LOOKS):
        made = await alerts(guest)
        if made >= WANTED and not await waiting(guest):
            return made
        await asyncio.sleep(LOOK_S)
    raise Failed(f"not stored: {made}, {await waiting(guest)} waiting")


async def alerts(guest: Machine) -> Counter[str]:
    """Return how many alerts the hub has, by kind."""
    return Counter(one["kind"] for one in (await guest.status())["alerts"])


async def waiting(guest: Machine) -> int:
    """Return how many alarms are not stored yet."""
    uplink = (await guest.status())["uplink"]
    if uplink["last_error"] and not uplink["connected"]:
        raise Failed(uplink["last_error"])
    return int(uplink["alarms_waiting"])


STEPS = {"outside": outside}
