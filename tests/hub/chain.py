"""The whole chain over a real bluetoothd: three bands at 50 Hz, sealed adverts, a press, a fall."""

import asyncio

from tests.hub.home import BANDS
from tests.hub.machine import Failed, Machine

STREAM_S = 20.0
LEAST_HZ, MOST_HZ = 49.0, 51.0
DEAF_AFTER_S = 20.0


async def start(guest: Machine) -> str:
    """Start the hub as its unit does; all are heard."""
    ready_s = await guest.hub(deaf_after_s=DEAF_AFTER_S)
    heard_s = await guest.everybody(120)
    return f"READY after {ready_s:.1f} s, all heard {heard_s:.1f} s later"


async def stream(guest: Machine) -> str:
    """Let three bands stream at once, and count by their own stamps."""
    began = guest.now_ms()
    await asyncio.sleep(STREAM_S)
    guest.account.look()
    rates = {name: guest.account.rate_hz(name, began) for name in BANDS}
    for name, (hz, missing) in rates.items():
        if not LEAST_HZ <= hz <= MOST_HZ or missing > 1:
            raise Failed(f"{name}: {hz:.1f} Hz, {missing} samples missing")
    return ", ".join(f"{name} {hz:.1f} Hz" for name, (hz, _) in rates.items())


async def press(guest: Machine) -> str:
    """Press for help: stored at the centre, once."""
    before = len(guest.desk.alarms("pers"))
    began = guest.now_ms()
    await guest.world("press")
    await guest.desk.alarm("pers", count=before + 1, within_s=30)
    took = guest.now_ms() - began
    await asyncio.sleep(2.0)
    if len(guest.desk.alarms("pers")) != before + 1:
        raise Failed("one press, several alarms")
    return f"press to stored {took} ms"


async def fall(guest: Machine) -> str:
    """Fall with a band: pending at the centre, then raised, one alert."""
    before = len(guest.desk.alarms("fall"))
    began = guest.now_ms()
    await guest.world("fall band-a")
    pending = await guest.desk.alarm("fall", count=before + 1, within_s=60)
    pending_s = (guest.now_ms() - began) / 1000
    raised = await guest.desk.alarm("fall", count=before + 2, within_s=90)
    if raised.body["refs"] != [pending.id] or raised.body["state"] != "raised":
        raise Failed(f"not the same fall: {raised.body}")
    return f"pending {pending_s:.1f} s after the world began to play it, raised and stored"


STEPS = {"start": start, "stream": stream, "press": press, "fall": fall}
