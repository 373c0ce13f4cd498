"""What this BlueZ does, asked without the hub: the facts that the radio is built on."""

import asyncio

from bleak import BleakScanner
from bleak.args.bluez import BlueZScannerArgs
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from tests.hub.chain import DEAF_AFTER_S
from tests.hub.home import NEIGHBOUR
from tests.hub.machine import Failed, Machine

LISTEN_S = 12.0
LEAST = 8  # of twelve


async def heard(*, duplicates: bool) -> int:
    """Return how often an advert that never changes is delivered in twelve seconds."""
    count = 0

    def hear(found: BLEDevice, _advert: AdvertisementData) -> None:
        nonlocal count
        count += found.address == NEIGHBOUR

    bluez: BlueZScannerArgs = {"filters": {"DuplicateData": duplicates}}
    async with BleakScanner(hear, bluez=bluez):
        await asyncio.sleep(LISTEN_S)
    return count


async def unchanged(guest: Machine) -> str:
    """See whether active scanning delivers unchanged adverts: as a sign of life they must come."""
    await guest.shell("systemctl stop ansim-gateway", quiet=True)
    without, with_them = await heard(duplicates=False), await heard(duplicates=True)
    await guest.hub(deaf_after_s=DEAF_AFTER_S)
    await guest.everybody(60)
    if without < LEAST:
        raise Failed(f"{without} of {LISTEN_S:g} unchanged adverts without DuplicateData")
    return f"of {LISTEN_S:g} unchanged adverts {without} without DuplicateData, {with_them} with it"


STEPS = {"unchanged": unchanged}
