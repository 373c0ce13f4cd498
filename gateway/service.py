"""The daemon as a service: signals, readiness, the watchdog, reloading.

SIGTERM, SIGINT   drain and stop, within 5 s
SIGHUP            read the YAML anew; a file with errors is refused whole and the old one stays
READY=1           when each part runs, or its fault is queued as an alarm
WATCHDOG=1        only while no part's pulse is stale: a stuck loop is killed by systemd
"""

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import structlog

from gateway.answers import answers
from gateway.app import Daemon, Outside, rehearse
from gateway.edge import control
from gateway.edge.alone import alone
from gateway.edge.handover import refuse_moved
from gateway.edge.systemd import Notifier
from gateway.errors import ConfigurationError
from gateway.settings import Settings
from gateway.warm import COMPILE_S, warm

STOP_S, STORE_S = 4.8, 0.8  # SIGTERM has 5 s; a hung disk gets what the parts leave, or this


async def serve(
    load: Callable[[], Settings],
    *,
    outside: Outside | None = None,
    notifier: Notifier | None = None,
    started: Callable[[Daemon], None] = lambda _daemon: None,
    compiled: Callable[[], None] = lambda: None,
) -> None:
    """Run until SIGTERM. `load` reads the settings, at the start and at each SIGHUP.

    started: told of each daemon once it is ready (tests, the demo).
    compiled: called when kernels had to be compiled, before anything else is begun.
    """
    notifier = notifier or Notifier()
    settings = load()
    notifier.extend(COMPILE_S)
    structlog.get_logger().info("loading kernels", note="the first start compiles them: a minute")
    if warm():
        compiled()
    stop, reload = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number, event in ((signal.SIGTERM, stop), (signal.SIGINT, stop), (signal.SIGHUP, reload)):
        loop.add_signal_handler(number, event.set)
    try:
        while not stop.is_set():
            refuse_moved(settings.store.directory)
            with alone(settings.store.directory):
                settings = await _life(settings, load, outside, notifier, stop, reload, started)
    finally:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.remove_signal_handler(number)


async def _life(
    settings: Settings,
    load: Callable[[], Settings],
    outside: Outside | None,
    notifier: Notifier,
    stop: asyncio.Event,
    reload: asyncio.Event,
    started: Callable[[Daemon], None],
) -> Settings:
    """Run one daemon until it is stopped or its own bug ends it; return the next one's settings."""
    async with Daemon.build(settings, outside) as daemon, _control(daemon):
        running = asyncio.create_task(daemon.run(), name="daemon")
        stopped = asyncio.create_task(stop.wait())
        renewed = asyncio.create_task(_renewed(load, reload, notifier, daemon.log))
        watch = asyncio.create_task(_watch(daemon, notifier, started), name="watchdog")
        try:
            await asyncio.wait([running, stopped, renewed], return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not renewed.done():
                notifier.stopping()
            for task in (stopped, renewed, watch):
                task.cancel()
            if not running.done():
                running.cancel()
            end = asyncio.get_running_loop().time() + STOP_S
            await asyncio.wait([running, watch], timeout=STOP_S - STORE_S)
            daemon.store.hurry(max(STORE_S, end - asyncio.get_running_loop().time()))
        if running.done() and not running.cancelled():
            running.result()
        return renewed.result() if renewed.done() and not renewed.cancelled() else settings


async def _renewed(
    load: Callable[[], Settings], reload: asyncio.Event, notifier: Notifier, log: Any
) -> Settings:
    """Return new settings when a SIGHUP brings a file without errors; the daemon runs until then.

    systemd waits for READY=1 after RELOADING=1 whatever came of it: a refusal says so at once, the
    new daemon says it when it is ready.
    """
    while True:
        await reload.wait()
        reload.clear()
        notifier.reloading(time.monotonic_ns() // 1000)
        try:
            settings = load()
            rehearse(settings)
        except ConfigurationError as error:
            log.warning("configuration refused, the old one stays", error=str(error))
            notifier.ready("configuration refused, the old one stays")
        else:
            return settings


async def _watch(daemon: Daemon, notifier: Notifier, started: Callable[[Daemon], None]) -> None:
    await daemon.ready.wait()
    notifier.ready(f"{len(daemon.settings.devices)} devices")
    started(daemon)
    daemon.log.info("ready", devices=len(daemon.settings.devices), epoch=daemon.store.epoch)
    every = (notifier.watchdog_s or 60.0) / 3
    told: frozenset[str] = frozenset()
    while True:
        stale = daemon.pulses.stale(asyncio.get_running_loop().time())
        if not stale:
            notifier.watchdog()
        elif frozenset(stale) != told:
            daemon.log.critical("no proof of work", parts=dict(stale))
        told = frozenset(stale)
        await asyncio.sleep(every)


@contextlib.asynccontextmanager
async def _control(daemon: Daemon) -> AsyncIterator[None]:
    async with contextlib.AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(
                control.serve(daemon.settings.control_socket, answers(daemon))
            )
        except OSError as error:
            daemon.log.warning("no control socket", error=str(error))
        yield
