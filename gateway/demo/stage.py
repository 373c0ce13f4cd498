"""Everything the demo runs on one stage: home time, home, broker, daemon, centre."""

import asyncio
import contextlib
import logging
import secrets
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, time
from pathlib import Path
from typing import TextIO

import structlog

from gateway.answers import answers
from gateway.app import Daemon, Outside
from gateway.centre.case import Case
from gateway.centre.centre import Centre, Listener
from gateway.centre.settings import CentreSettings
from gateway.clock import Clock
from gateway.core.alerts import Matter
from gateway.core.wire import Cause, UpMessage
from gateway.demo.broker import Broker
from gateway.demo.home import DISTRICT, Home, furnish, settings
from gateway.demo.hops import Hops
from gateway.demo.teller import ZONE, Teller
from gateway.edge import control
from gateway.option import Language
from gateway.settings import BrokerSettings
from gateway.virtual.time import SteppedClock
from gateway.virtual.world import World
from gateway.warm import warm

OPERATOR = "operator-1"
SETTLE_S = 0.002
STEP_S = 20.0


@dataclass(slots=True)
class Desk:
    """What the centre stored and raised, and a way to wait for it."""

    stored: list[UpMessage] = field(default_factory=list)
    cases: dict[str, Case] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, message: UpMessage, _at_ms: int) -> None:
        """Note a stored message."""
        self.stored.append(message)
        self._changed.set()

    def case(self, case: Case, _at_ms: int) -> None:
        """Note a case as it is now."""
        self.cases[case.id] = case
        self._changed.set()

    def alarms(self, kind: str, state: str) -> list[UpMessage]:
        """Return the stored messages of this kind that said this state."""
        return [
            message
            for message in self.stored
            if message.leaf == "alarm"
            and message.body["type"] == kind
            and message.body["state"] == state
        ]

    async def until(self, true: Callable[[], bool], limit_s: float = 60.0) -> bool:
        """Wait real seconds until something is true of the desk; return whether it is."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                while not true():
                    self._changed.clear()
                    await self._changed.wait()
        return true()


@dataclass(slots=True)
class Stage:
    """The parts, ready to play."""

    clock: SteppedClock
    home: Home
    world: World
    broker: Broker
    daemon: Daemon
    centre: Centre
    desk: Desk
    hops: Hops
    teller: Teller

    @contextlib.asynccontextmanager
    async def real_time(self, rate: float = 1.0) -> AsyncIterator[None]:
        """Let the home's time pass by itself while the context lasts."""
        running = asyncio.create_task(self.clock.run(rate))
        try:
            yield
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running

    async def pass_time(self, seconds: float, rate: float = 1.0) -> None:
        """Let so many of the home's seconds pass, at `rate` times their length."""
        async with self.real_time(rate):
            await self.clock.sleep(seconds)

    async def skip(self, hours: float, *, until: Callable[[], bool] = lambda: False) -> None:
        """Skip the home's hours in steps, until something is true; nothing is left out."""
        end = self.clock.mono_s + hours * 3600
        while self.clock.mono_s < end and not until():
            await self.clock.advance(STEP_S, self._settle)

    def close(self, kind: str, cause: Cause) -> None:
        """Let the operator handle and close every open case of a kind."""
        for case in list(self.desk.cases.values()):
            if case.kind == kind and case.matter in (Matter.PENDING, Matter.RAISED):
                self.centre.handle(case.id, OPERATOR)
                self.centre.close(case.id, cause, OPERATOR)

    async def _settle(self) -> None:
        await self.daemon.pump.idle()
        await asyncio.sleep(SETTLE_S)


def morning(language_clock: Callable[[], datetime]) -> int:
    """Return today's seven o'clock in the home, as Unix milliseconds."""
    today = language_clock().astimezone(ZONE).date()
    return round(datetime.combine(today, time(7, 0), ZONE).timestamp() * 1000)


@contextlib.asynccontextmanager
async def stage(
    language: Language, mosquitto: str | None, wall_ms: int, out: TextIO = sys.stdout
) -> AsyncIterator[Stage]:
    """Build the stage in a directory that is gone afterwards."""
    clock = SteppedClock(boot=secrets.token_hex(16), mono_ms=60_000, wall_ms=wall_ms)
    teller = Teller(clock, language, out)
    hops = Hops(teller.hub)
    hops.install()
    warm()
    logging.getLogger("bumble").setLevel(logging.CRITICAL)  # a virtual link that drops is no news
    async with contextlib.AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ansim-demo-")))
        stack.callback(structlog.reset_defaults)
        broker = await stack.enter_async_context(Broker(directory, mosquitto=mosquitto))
        world = await stack.enter_async_context(World(clock))
        home = await furnish(world)
        desk = Desk()
        centre = await stack.enter_async_context(_centre(directory, broker, clock, desk))
        outside = Outside(
            clock=clock,
            scanner_backend=world.scanner_backend,
            client_backend=world.client_backend,
            announcer=teller.announce,
        )
        plan = settings(directory, broker.url)
        daemon = await stack.enter_async_context(Daemon.build(plan, outside))
        await stack.enter_async_context(_running(daemon.run()))
        await stack.enter_async_context(control.serve(plan.control_socket, answers(daemon)))
        yield Stage(clock, home, world, broker, daemon, centre, desk, hops, teller)


@contextlib.asynccontextmanager
async def _centre(
    directory: Path, broker: Broker, clock: Clock, desk: Desk
) -> AsyncIterator[Centre]:
    centre = Centre(
        CentreSettings(
            broker=BrokerSettings(url=broker.url),
            districts=(DISTRICT,),
            database=directory / "centre.db",
            present=True,
        ),
        clock,
        listener=Listener(stored=desk.take, alarm=desk.case),
    )
    async with _running(centre.run()):
        await centre.up()
        yield centre


@contextlib.asynccontextmanager
async def _running(part: Awaitable[None]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(part)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
