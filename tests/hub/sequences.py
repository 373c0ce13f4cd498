"""Random sequences of faults: `scripts/hub_lab --sequences N --seed S`.

A sequence breaks two to four things, one into the other: the next fault does not wait until the
last is over. Somewhere among them the resident presses for help. Then what only a hand can mend is
mended (a dongle is plugged in, a band answers again). Judged is that

    everybody      is heard again within a minute, without any other hand; a deafness that must be
                   proven first has `deaf_after_s` more
    no alarm lost  each press that the hub has heard is stored at the centre, once; one more, made
                   when all are heard, is heard and stored
    no reading     is invented or comes twice, from the beginning of this guest

What a seed plans is the same each time; how the guest's processes fall in between is not. After a
sequence that failed the guest ends: the next would begin in what it left.
"""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable

from tests.hub.chain import DEAF_AFTER_S
from tests.hub.faults import RECOVERED_S
from tests.hub.home import BANDS
from tests.hub.machine import Failed, Machine, say, uptime_s

Act = Callable[[Machine, random.Random], Awaitable[None]]
LEAST, MOST = 2, 4
PAUSE_S = 12.0
PRESSES_MOST, HEARD_S, STORED_S = 3, 10.0, 40.0
QUIET_S = 2.0  # in which a message that is one too many would come


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
    "hang": world("hang {band}"),
    "hub-killed": shell("systemctl kill -s KILL ansim-gateway"),
    "dbus": shell("systemctl restart dbus"),
}

# Nobody says so: that it is deaf must be proven first, and the minute runs from then.
HIDDEN = frozenset({"hung", "deaf-power", "deaf-reset"})


class Presses:
    """The presses of one sequence, and what the centre must have of them."""

    def __init__(self, guest: Machine) -> None:
        self._guest = guest
        self._before = len(guest.desk.alarms("pers"))
        self._made: list[str] = []

    async def make(self) -> None:
        """Press."""
        told: list[str] = await self._guest.world("press")
        self._made.append(told[0])

    async def until_heard(self) -> None:
        """Press, and again as a person would, until one is heard."""
        for _ in range(PRESSES_MOST):
            await self.make()
            with contextlib.suppress(Failed):
                await self._guest.until("heard", self._last_heard, HEARD_S)
                return
        raise Failed(f"none of {PRESSES_MOST} presses was heard")

    async def stored(self, *, killed: bool) -> int:
        """See each that was heard stored, and none that was not; return how many.

        killed: the hub was; then it may have heard a press and not written down for us that it did.
        """
        await self._guest.until("stored", lambda: self._stored() >= self._heard(), STORED_S)
        await asyncio.sleep(QUIET_S)
        most = len(self._made) if killed else self._heard()
        if not self._heard() <= self._stored() <= most:
            raise Failed(
                f"{len(self._made)} presses, {self._heard()} heard, {self._stored()} stored"
            )
        return self._stored()

    def _stored(self) -> int:
        return len(self._guest.desk.alarms("pers")) - self._before

    def _heard(self) -> int:
        return sum(("sos", one) in self._guest.account.adverts for one in self._made)

    def _last_heard(self) -> bool:
        return ("sos", self._made[-1]) in self._guest.account.adverts


async def one(guest: Machine, chance: random.Random) -> str:
    """Go through one sequence."""
    chosen = [chance.choice(sorted(FAULTS)) for _ in range(chance.randint(LEAST, MOST))]
    among = chance.randrange(len(chosen))
    presses = Presses(guest)
    for number, name in enumerate(chosen):
        await FAULTS[name](guest, chance)
        await asyncio.sleep(chance.uniform(0.0, PAUSE_S))
        if number == among:
            await presses.make()
    await guest.world("plug main")
    for band in BANDS:
        await guest.world(f"serve {band}")
        await guest.world(f"revive {band}")
    limit_s = RECOVERED_S + (DEAF_AFTER_S if HIDDEN & set(chosen) else 0.0)
    took_s = await guest.everybody(limit_s)
    await presses.until_heard()
    count = await presses.stored(killed="hub-killed" in chosen)
    guest.honest()
    return f"{' '.join(chosen)}: all heard {took_s:.1f} s after, {count} presses stored"


async def sequences(guest: Machine, seeds: list[int], until_s: float) -> int:
    """Go through them until one fails, or until this uptime; return how many failed."""
    await guest.hub(deaf_after_s=DEAF_AFTER_S)
    await guest.everybody(120)
    for seed in seeds:
        if uptime_s() > until_s:
            break
        say(f"begin sequence {seed}")
        began = guest.now_ms()
        try:
            figures = await one(guest, random.Random(seed))
        except (Failed, TimeoutError, OSError) as wrong:
            say(f"FAILED sequence {seed} ({(guest.now_ms() - began) / 1000:.1f} s): {wrong!r}")
            await guest.explain()
            return 1
        say(f"ok sequence {seed} ({(guest.now_ms() - began) / 1000:.1f} s): {figures}")
    return 0
