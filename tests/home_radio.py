"""A radio with its fakes, and all that it delivered."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from gateway.core.model import Heard, Link, LinkChange
from gateway.edge.radio import Radio, RadioDevice
from gateway.settings import RadioSettings
from tests.fakes_gatt import FakeBand, client_backend
from tests.fakes_radio import Air, HandClock, settle

ADDRESS = "AA:BB:CC:00:00:01"
FOREIGN = "11:22:33:44:55:66"


class Home:
    """`bands`: the devices that can be connected to, by address."""

    def __init__(
        self, *devices: RadioDevice, bands: dict[str, FakeBand] | None = None, **settings: Any
    ) -> None:
        self.air, self.clock = Air(), HandClock()
        self.said: list[Heard | LinkChange] = []
        self._more = asyncio.Event()
        self.pulses = 0
        self.radio = Radio(
            devices,
            RadioSettings(**settings),
            self.clock,
            self._take,
            scanner_backend=self.air.backend(),
            client_backend=client_backend(bands or {}),
            pulse=self._turn,
            pause=self.air.pause,
        )

    def _turn(self) -> None:
        self.pulses += 1

    def _take(self, said: Heard | LinkChange) -> None:
        self.said.append(said)
        self._more.set()

    @property
    def heard(self) -> list[Heard]:
        return [one for one in self.said if isinstance(one, Heard)]

    def changes(self, link: Link) -> list[bool]:
        said = [o for o in self.said if isinstance(o, LinkChange) and o.link is link]
        return [one.up for one in said if not one.step]

    def details(self, link: Link) -> list[str]:
        return [o.detail for o in self.said if isinstance(o, LinkChange) and o.link is link]

    async def until(self, link: Link, ups: str) -> None:
        """Wait until this link's changes were exactly these: "up down up"."""
        while self.changes(link) != [up == "up" for up in ups.split()]:
            self._more.clear()
            await self._more.wait()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.radio.run())
        await self.radio.settled()
        await settle()
        yield
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
