"""One attempt to connect, by bleak-retry-connector, and what its broken links tell.

A device that has lost its side of a bond is connected to, refuses the keys, and is let go by the
kernel. BlueZ calls that "le-connection-abort-by-local"; bleak takes it for interference and begins
again until its own time is up, so that a TimeoutError is all that comes out, after most of a minute
in which no other band can be connected to. So the links that came about and broke are counted here:
after `most_breaks` the attempt is over. A link that broke on the way to a good one is forgotten.
"""

import asyncio
from collections.abc import Callable

from bleak import BleakClient
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice

from gateway.edge.within import within
from gateway.errors import DeviceError

CONNECT_S = 45.0  # two attempts of bleak-retry-connector, 20 s each
ATTEMPTS = 2
LOST = "link lost"


async def connect(
    found: BLEDevice,
    name: str,
    lost: asyncio.Event,
    *,
    most_breaks: int | None = None,
    pair: bool = False,
    backend: type[BaseBleakClient] | None = None,
) -> BleakClient:
    """Return a client that is connected; `lost` is set when it is no more."""
    breaks, hopeless = 0, asyncio.Event()

    def broken(_client: BleakClient) -> None:
        nonlocal breaks
        breaks += 1
        lost.set()
        if breaks == most_breaks:
            hopeless.set()

    attempt = asyncio.create_task(
        within(CONNECT_S, _establish(found, name, broken, pair=pair, backend=backend))
    )
    giving_up = asyncio.create_task(hopeless.wait())
    try:
        await asyncio.wait({attempt, giving_up}, return_when=asyncio.FIRST_COMPLETED)
        if not attempt.done():
            raise DeviceError(f"{LOST} {breaks} times while connecting")
        client = attempt.result()
    except TimeoutError:
        if breaks:
            raise DeviceError(f"{LOST} while connecting, again and again") from None
        raise
    finally:
        giving_up.cancel()
        attempt.cancel()
        await asyncio.wait({attempt, giving_up})
    if client.is_connected:
        lost.clear()
    return client


async def _establish(
    found: BLEDevice,
    name: str,
    broken: Callable[[BleakClient], None],
    *,
    pair: bool,
    backend: type[BaseBleakClient] | None,
) -> BleakClient:
    # imported late: it pulls 60 ms of modules that a home without bands never needs
    from bleak_retry_connector import establish_connection  # noqa: PLC0415

    return await establish_connection(
        BleakClient,
        found,
        name,
        disconnected_callback=broken,
        max_attempts=ATTEMPTS,
        use_services_cache=False,  # bleak's outlives bluetoothd: "StartNotify doesn't exist"
        pair=pair,
        backend=backend,
    )
