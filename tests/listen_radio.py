"""A radio over the virtual world, and what it delivers, to be waited for."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

from gateway.core.model import Heard, Link, LinkChange
from gateway.driver import DeviceSettings
from gateway.edge.radio import Radio, RadioDevice
from gateway.registry import find
from gateway.settings import DeviceStanza, RadioSettings
from gateway.virtual.world import World

V = TypeVar("V")


def configured(
    name: str,
    address: str,
    driver: str,
    key: bytes | None = None,
    options: Mapping[str, int | float | str | bool] | None = None,
) -> RadioDevice:
    """Return a device served by one of the project's own drivers."""
    chosen, options = find(driver), options or {}
    stanza = DeviceStanza(name, driver, address, options=options)
    settings = DeviceSettings(name, address, key, options)
    return RadioDevice(stanza, chosen, chosen.new_decoder(settings, None))


class Listener:
    """What the radio delivered, to be waited for."""

    def __init__(self) -> None:
        self.said: list[Heard | LinkChange] = []
        self._more = asyncio.Event()

    def __call__(self, said: Heard | LinkChange) -> None:
        self.said.append(said)
        self._more.set()

    def values(self, device: str) -> list[object]:
        return [
            reading.value
            for one in self.said
            if isinstance(one, Heard) and one.device == device
            for reading in one.readings
        ]

    def changes(self, link: Link) -> list[bool]:
        said = [o for o in self.said if isinstance(o, LinkChange) and o.link is link]
        return [one.up for one in said if not one.step]

    async def value(self, device: str, kind: type[V], times: int = 1) -> list[V]:
        while True:
            found = [value for value in self.values(device) if isinstance(value, kind)]
            if len(found) >= times:
                return found
            await self.more()

    async def link(self, link: Link, ups: str) -> None:
        while self.changes(link) != [up == "up" for up in ups.split()]:
            await self.more()

    async def more(self) -> None:
        self._more.clear()
        await self._more.wait()


@asynccontextmanager
async def radio(
    world: World, listener: Listener, *devices: RadioDevice, settings: RadioSettings
) -> AsyncIterator[Radio]:
    made = Radio(
        devices,
        settings,
        world.clock,
        listener,
        scanner_backend=world.scanner_backend,
        client_backend=world.client_backend,
    )
    task = asyncio.create_task(made.run())
    await made.settled()
    yield made
    task.cancel()
    await asyncio.wait([task])
