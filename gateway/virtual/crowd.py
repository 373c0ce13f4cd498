"""The neighbours: a block of flats full of devices that are none of the hub's business.

They are load, and load is counted in real seconds: unlike a home's own devices they take the event
loop's time and not the home's, so a skipped night does not have to be paid for advert by advert.
"""

import asyncio
import random
from collections.abc import Callable

from bumble.hci import Address

from gateway.virtual.advert import write_advert
from gateway.virtual.link import Advert, Air

TICK_S = 0.02  # a timer for each advert would cost more than the adverts
APPLE, MICROSOFT, GOOGLE_NEARBY, TILE = 0x004C, 0x0006, 0xFEF3, 0xFEED
KINDS: tuple[Callable[[random.Random], bytes], ...] = (
    lambda r: write_advert(maker=(APPLE, b"\x10\x05" + r.randbytes(5))),
    lambda r: write_advert(maker=(APPLE, b"\x12\x19" + r.randbytes(20)), flags=None),
    lambda r: write_advert(maker=(MICROSOFT, b"\x01\x09\x20\x22" + r.randbytes(21)), flags=None),
    lambda r: write_advert(uuids=[GOOGLE_NEARBY], service_data=(GOOGLE_NEARBY, r.randbytes(15))),
    lambda r: write_advert(uuids=[TILE], service_data=(TILE, r.randbytes(10))),
    lambda r: write_advert(name=f"LE-{r.randrange(0xFFFF):04X}"),
)


class Crowd:
    """So many foreign addresses which together send so many adverts a second.

    stay_s: how long each keeps its random address (phones: 15 minutes).
    tick_s: adverts due within one tick go out together.
    """

    def __init__(
        self,
        air: Air,
        *,
        devices: int,
        rate_hz: float,
        seed: int = 1,
        stay_s: float = 900.0,
        tick_s: float = TICK_S,
    ) -> None:
        if devices < 1 or rate_hz <= 0:
            raise ValueError(f"a crowd of {devices} at {rate_hz}/s")
        self.rate_hz = rate_hz
        self.sent = 0
        self._air, self._stay_s, self._tick_s = air, stay_s, tick_s
        self._random = random.Random(seed)  # noqa: S311 - a simulation, repeatable on purpose
        self._adverts = [self._newcomer() for _ in range(devices)]

    def _newcomer(self) -> Advert:
        """Return a device under a non-resolvable random address (two top bits 0)."""
        octets = bytearray(self._random.randbytes(6))
        octets[5] &= 0x3F
        data = self._random.choice(KINDS)(self._random)
        return Advert(Address(bytes(octets)), data, self._random.randint(-95, -55))

    async def run(self) -> None:
        """Send until cancelled."""
        loop = asyncio.get_running_loop()
        started, sent = loop.time(), 0
        replace_every = max(1, round(self._stay_s * self.rate_hz / len(self._adverts)))
        while True:
            await asyncio.sleep(self._tick_s)
            due = int((loop.time() - started) * self.rate_hz)
            for number in range(sent, due):
                self._air.send_advertising_pdu(None, self._adverts[number % len(self._adverts)])
                if number % replace_every == replace_every - 1:
                    self._adverts[self._random.randrange(len(self._adverts))] = self._newcomer()
            self.sent = sent = max(sent, due)
