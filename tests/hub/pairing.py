"""Pairing over a real bluetoothd: on the technician's word only, kept, and used after a restart."""

import asyncio

from tests.hub.chain import DEAF_AFTER_S
from tests.hub.home import ADDRESS, LOCKED, devices, locked
from tests.hub.machine import CONTROL, EVERYTHING, Failed, Machine

UNPAIRED_S = 12.0
PAIR = f"/opt/ansim/bin/ansim pair {LOCKED} --socket {CONTROL}"
PASSKEY, ANOTHER = "314159", "271828"
LOST_S = 120.0
WITH = (*EVERYTHING, LOCKED)


async def paired_by_bluez(guest: Machine) -> bool:
    """Return whether bluetoothd has the bond."""
    said = await guest.shell(f"bluetoothctl info {ADDRESS[LOCKED]}", must=False, quiet=True)
    return "Paired: yes" in said


async def pair(guest: Machine) -> str:
    """Meet a band that demands a bond: refused, paired on a word, used after restarts."""
    guest.stanzas = [*devices(), locked()]
    await guest.hub(deaf_after_s=DEAF_AFTER_S, max_connections=4)
    await guest.everybody(60)
    await asyncio.sleep(UNPAIRED_S)
    if await paired_by_bluez(guest):
        raise Failed("paired although nobody said so")
    (told,) = (one for one in (await guest.status())["devices"] if one["name"] == LOCKED)
    if "ansim pair locked" not in told["detail"]:
        raise Failed(f"status does not say what to do: {told}")
    began = guest.now_ms()
    said = await guest.shell(f"{PAIR} --lang ko")
    took_s = (guest.now_ms() - began) / 1000
    if "페어링되었습니다" not in said or not await paired_by_bluez(guest):
        raise Failed(f"not paired: {said}")
    heard_s = await guest.everybody(30, WITH)
    return f"unpaired until told, paired in {took_s:.1f} s, heard {heard_s:.1f} s later"


async def bond_kept(guest: Machine) -> str:
    """Restart bluetoothd and the hub, as a reboot does: the encrypted band is heard again."""
    guest.stanzas = [*devices(), locked()]
    await guest.shell("systemctl stop ansim-gateway; systemctl kill -s KILL bluetooth; sleep 1")
    await guest.hub(deaf_after_s=DEAF_AFTER_S, max_connections=4)
    heard_s = await guest.everybody(60, WITH)
    said = await guest.shell(f"{PAIR} --lang en")
    if "paired before" not in said:
        raise Failed(said)
    return f"heard {heard_s:.1f} s after READY, by the old bond"


async def pair_again(guest: Machine) -> str:
    """Let the band lose its bond: noticed, told, and paired again on the technician's word only.

    It wants a passkey from then on: another than the configured one is refused.
    """
    guest.stanzas = [*devices(), {**locked(), "passkey": PASSKEY}]
    await guest.hub(deaf_after_s=DEAF_AFTER_S, max_connections=4)
    await guest.everybody(60, WITH)
    began = guest.now_ms()
    await guest.world(f"forget {LOCKED} {ANOTHER}")
    await guest.world(f"drop {LOCKED}")
    noticed_s = await bond_lost(guest, began)
    refused = await guest.shell(f"{PAIR} --again --lang en", must=False)
    if f"{LOCKED}: paired" in refused:
        raise Failed(f"paired by another passkey: {refused}")
    await guest.world(f"forget {LOCKED} {PASSKEY}")
    said = await guest.shell(f"{PAIR} --again --lang en")
    if f"{LOCKED}: paired" not in said:
        raise Failed(said)
    heard_s = await guest.everybody(60, WITH)
    return f"noticed after {noticed_s:.1f} s, heard {heard_s:.1f} s after it was paired by passkey"


async def bond_lost(guest: Machine, since_ms: int) -> float:
    """Wait until the hub says that this band has lost its bond, and what to do."""

    def told() -> bool:
        return any(
            at >= since_ms
            and device == LOCKED
            and not up
            and detail == f"ansim pair {LOCKED} --again"
            for at, device, up, detail in guest.account.links
        )

    return await guest.until("bond lost", told, LOST_S)


STEPS = {"pair": pair, "bond-kept": bond_kept, "pair-again": pair_again}
