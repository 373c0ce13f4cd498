"""Whole homes for the end-to-end tests: a virtual air, a real broker, the daemon, a centre."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from gateway.app import Daemon, Outside
from gateway.centre.case import Case
from gateway.centre.centre import Centre, Listener
from gateway.centre.settings import CentreSettings
from gateway.clock import Clock, SystemClock
from gateway.core.wire import Topics, UpMessage, encode
from gateway.mounts import Mount
from gateway.settings import (
    BrokerSettings,
    DeviceStanza,
    HubSettings,
    Settings,
    StoreSettings,
    UplinkSettings,
)
from gateway.virtual.world import World
from tests.contract import assert_valid

HUB = "mfzwizltmvzxg2lqnrsv6ylcmm"
DISTRICT = "1120000000"


def settings(directory: Path, url: str, *devices: DeviceStanza, **more: object) -> Settings:
    """Return a home's settings without a file."""
    return Settings(
        hub=HubSettings(id=HUB, district=DISTRICT),
        uplink=UplinkSettings(brokers=(BrokerSettings(url=url),)),
        devices=devices,
        store=StoreSettings(directory=directory / "store"),
        control_socket=directory / "control.sock",
        **more,  # type: ignore[arg-type] # whatever section a test changes
    )


@dataclass
class Desk:
    """What a centre was told, in order, with a way to wait for more."""

    stored: list[UpMessage] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    topics: Topics = field(default_factory=lambda: Topics(DISTRICT, HUB))

    def listener(self) -> Listener:
        return Listener(stored=self._stored, alarm=self._case)

    def _stored(self, message: UpMessage, _at_ms: int) -> None:
        self.stored.append(message)
        self.changed.set()

    def _case(self, case: Case, _at_ms: int) -> None:
        self.cases.append(case)
        self.changed.set()

    def alarms(self, kind: str) -> list[UpMessage]:
        return [m for m in self.stored if m.leaf == "alarm" and m.body["type"] == kind]

    async def alarm(self, kind: str, *, count: int = 1, within_s: float = 30.0) -> UpMessage:
        """Wait until the centre has stored so many messages of this kind; return the last."""
        async with asyncio.timeout(within_s):
            while len(self.alarms(kind)) < count:
                self.changed.clear()
                await self.changed.wait()
        return self.alarms(kind)[count - 1]

    async def ended(self, kind: str, *, within_s: float = 30.0) -> UpMessage:
        """Wait until the centre has stored that a matter is over; return that message."""
        async with asyncio.timeout(within_s):
            while not (over := [m for m in self.alarms(kind) if m.body["evid"].get("ended")]):
                self.changed.clear()
                await self.changed.wait()
        return over[0]


@contextlib.asynccontextmanager
async def centre(
    directory: Path, broker: BrokerSettings, clock: Clock | None = None
) -> AsyncIterator[Desk]:
    """Run a reference centre for the tests' district."""
    desk = Desk()
    running = Centre(
        CentreSettings(
            broker=broker, districts=(DISTRICT,), database=directory / "centre.db", present=True
        ),
        clock or SystemClock(),
        listener=desk.listener(),
    )
    task = asyncio.create_task(running.run())
    try:
        await running.up()
        yield desk
        for message in desk.stored:
            assert_valid(desk.topics.up(message.leaf), encode(message.body))
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@contextlib.asynccontextmanager
async def daemon(
    home: Settings, world: World, clock: Clock | None = None, mounts: tuple[Mount, ...] = ()
) -> AsyncIterator[Daemon]:
    """Run the real daemon over a virtual air."""
    outside = Outside(
        clock=clock or world.clock,
        mounts=mounts,
        scanner_backend=world.scanner_backend,
        client_backend=world.client_backend,
    )
    async with Daemon.build(home, outside) as hub:
        task = asyncio.create_task(hub.run())
        ready = asyncio.create_task(hub.ready.wait())
        try:
            await asyncio.wait([task, ready], return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()
            yield hub
        finally:
            ready.cancel()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
