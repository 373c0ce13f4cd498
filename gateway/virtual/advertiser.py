"""A device that only advertises: no connection, no Bluetooth stack, a few timers of home time.

A sensor tells of an event by putting the same bytes on the air several times, since one advert is
easily missed; between events it may give a sign of life. What it says is its subclass's business.
"""

import asyncio
from collections.abc import Callable

from bumble.hci import Address

from gateway.clock import Clock
from gateway.virtual.link import RSSI_DBM, Advert, Air

REPEATS, SPACING_S = 8, 0.1  # about what Shelly BLU devices were seen to do


class Advertiser:
    """One address on the air.

    repeats, spacing_s: how often and how far apart, in home time, one packet is sent.
    beacon_s: seconds of home time between two signs of life; None: it gives none.
    """

    def __init__(
        self,
        air: Air,
        clock: Clock,
        address: str,
        *,
        beacon_s: float | None,
        rssi: int = RSSI_DBM,
        repeats: int = REPEATS,
        spacing_s: float = SPACING_S,
    ) -> None:
        self.address = address.upper()
        self.rssi = rssi
        self.alive = True
        self.beacon_s = beacon_s
        self._air, self._clock = air, clock
        self._on_air = Address(address)
        self._repeats, self._spacing_s = repeats, spacing_s
        self._burst: asyncio.Task[None] | None = None

    def sign_of_life(self) -> bytes:
        """Return the advert that says nothing but "I live"; subclasses know how."""
        raise NotImplementedError

    async def run(self) -> None:
        """Give signs of life until cancelled; the first after one interval."""
        while self.beacon_s is not None:
            await self._clock.sleep(self.beacon_s)
            if self.alive:
                self.say(self.sign_of_life())

    def say(self, advert: bytes) -> None:
        """Put this advert on the air: now, then repeated; it replaces the one being repeated."""
        self.quiet()
        if self.alive:
            self._send(advert)
            self._burst = asyncio.get_running_loop().create_task(self._repeat(advert))

    def tell(self, make: Callable[[], bytes]) -> None:
        """Say what `make` returns, unless dead: a dead device uses up no counters."""
        if self.alive:
            self.say(make())

    def die(self) -> None:
        """Fall silent for good: battery empty, or out of range."""
        self.alive = False
        self.quiet()

    def revive(self) -> None:
        """Live again, silent until the next event or sign of life."""
        self.alive = True

    def quiet(self) -> None:
        """Stop repeating what was said last."""
        if self._burst is not None:
            self._burst.cancel()
            self._burst = None

    async def _repeat(self, advert: bytes) -> None:
        for _ in range(self._repeats - 1):
            await self._clock.sleep(self._spacing_s)
            self._send(advert)

    def _send(self, advert: bytes) -> None:
        self._air.send_advertising_pdu(None, Advert(self._on_air, advert, self.rssi))
