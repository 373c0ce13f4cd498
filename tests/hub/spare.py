"""Two dongles: the hub goes on with the second when the first is gone, and counts connections."""

import asyncio

from tests.hub.faults import RECOVERED_S
from tests.hub.home import SPARE
from tests.hub.machine import Failed, Machine


async def failover(guest: Machine) -> str:
    """Pull the first dongle: everybody is heard over the second; then the other way round."""
    await guest.world("plug spare")
    await guest.hub(deaf_after_s=20.0, spares=[SPARE])
    await guest.everybody(60)
    began = guest.now_ms()
    await guest.world("unplug main")
    known_s = await guest.adapter(up=False, since_ms=began, limit_s=90)
    heard_s = await guest.everybody(RECOVERED_S)
    using = (await guest.status())["adapter"]["using"]
    if using != SPARE:
        raise Failed(f"not over the spare: {using}")
    await guest.world("plug main")
    await asyncio.sleep(3)
    await guest.world("unplug spare")
    back_s = await guest.everybody(RECOVERED_S)
    return f"known after {known_s:.1f} s, over the spare {heard_s:.1f} s later, back {back_s:.1f} s"


STEPS = {"failover": failover}
