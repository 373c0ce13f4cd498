"""A device that is connected to: found, connected, set up, listened to, and again after every loss.

    find     wait for an advert newer than the last loss: connecting to what is not there blocks the
             adapter for 20 s. A device that BlueZ does not report again (it suppresses unchanged
             adverts, and a connected one sends none) is tried all the same after some patience
    slot     adapters hold 5 to 7 connections; a slot is taken for the attempt and given back in
             `finally`, with the connection itself; who finds none says so and waits
    air      connecting and starting or stopping the scan exclude each other (InProgress)
    setup    the plan's steps, subscriptions too, on every connection: none outlives a reconnect
    watch    a lost link, a stream that is silent for `silent_after_s`, a device that stopped its
             own stream: each ends the session or runs the setup again
    wait     growing with failures in a row; a session of a minute forgives them
    bond     a device that demands one is connected to only when it has it, and paired only on the
             technician's word (`pair`). One that ends three connections in a row before its setup
             is through has lost its side of the bond: the core is told (BOND down)

The core hears BAND up when the setup is through and BAND down when the session ends.
"""

import asyncio
import math
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress

from bleak import BleakClient
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.exc import BleakError
from structlog.typing import FilteringBoundLogger

from gateway.clock import Clock
from gateway.core.model import Link, LinkChange
from gateway.driver import Channel, GattPlan
from gateway.edge.attempt import LOST, connect
from gateway.edge.bonds import Guard, bonded, forget
from gateway.edge.decoding import Deliver, Ear
from gateway.edge.gatt import Conversation
from gateway.edge.within import within
from gateway.errors import DeviceError
from gateway.supervise import backoff, jittered

PATIENCE_S = 15.0  # after a loss, until the device is tried without a fresh advert
LONG_PATIENCE_S = 300.0  # the same after a failure: it is probably away
HEALTHY_S = 60.0
RESTARTS = 3  # of a stream within one healthy time; more is a device that must be reconnected
STALE_S = 5.0
LOOKS = 4
NO_SLOT = "no free connection slot: radio.max_connections bands are connected"
NOT_PAIRED = "not paired: ansim pair {name}"
# Of a connection that came about and was ended over its keys; out of reach says none of these.
BOND_SIGNS = (LOST, "discover services", "auth", "encrypt", "key missing", "not permitted")
BROKEN_OFF = 3  # bonded connections in a row that ended before their setup was through
PAIR_S = 60.0
EXPECTED = (BleakError, DeviceError, OSError, EOFError, TimeoutError)


class Band:
    """Keeps one device connected."""

    def __init__(
        self,
        ear: Ear,
        plan: GattPlan,
        slots: asyncio.Semaphore,
        air: asyncio.Lock,
        clock: Clock,
        deliver: Deliver,
        log: FilteringBoundLogger,
        *,
        backend: type[BaseBleakClient] | None = None,
        streamed: Callable[[], None] = lambda: None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        guard: Guard | None = None,
    ) -> None:
        self.name = ear.name
        self._guard = guard or Guard()
        self._pairing: asyncio.Future[None] | None = None
        self._hurry = asyncio.Event()
        self._broken_off = self._failures = 0
        self._set_up = False
        self._bond_told = False
        self._ear, self._plan, self._slots, self._air = ear, plan, slots, air
        self._clock, self._deliver, self._log = clock, deliver, log.bind(device=ear.name)
        self._backend, self._streamed, self._pause = backend, streamed, pause
        self._advertised, self._lost = asyncio.Event(), asyncio.Event()
        self._restart = asyncio.Event()
        self._last_s, self._last_ms = 0.0, 0
        self._told: bool | None = None
        ear.on_found = self._advertised.set

    async def run(self) -> None:
        """Keep it connected until cancelled."""
        try:
            await self._keep()
        finally:
            if self._told:
                self._report(up=False, detail="the radio stopped")

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        await self._let_go_of_stale()
        while True:
            found = await self._find(LONG_PATIENCE_S if self._failures else PATIENCE_S)
            began = loop.time()
            try:
                if self._slots.locked():
                    self._report(up=False, detail=NO_SLOT)
                    self._log.warning("waits", error=NO_SLOT)
                async with self._slots:
                    began = loop.time()
                    await self._session(self._ear.found or found)
            except Exception as wrong:  # noqa: BLE001 - whatever ended it, it is begun again
                detail = str(wrong) or type(wrong).__name__
                self._judge_bond(detail)
                healthy = loop.time() - began >= HEALTHY_S
                self._failures = 1 if healthy else self._failures + 1
                self._report(up=False, detail=detail)
                bug = None if isinstance(wrong, EXPECTED) else wrong
                self._log.info("not connected", error=detail, failures=self._failures, exc_info=bug)
            self._advertised.clear()
            await self._rest(jittered(backoff(self._failures), random.random()))  # noqa: S311 - no secret

    async def _find(self, patience_s: float) -> BLEDevice:
        while True:
            try:
                async with asyncio.timeout(patience_s):
                    await self._advertised.wait()
            except TimeoutError:
                self._report(up=False, detail="not heard")
                await self._let_go_of_stale()
            if self._ear.found is not None:
                return self._ear.found
            self._advertised.clear()  # it was forgotten since (pair --again): an advert anew

    async def _let_go_of_stale(self) -> None:
        """Drop a link that BlueZ still holds for a process that was killed: it sends no adverts."""
        if self._backend is not None:
            return
        from bleak_retry_connector import close_stale_connections_by_address  # noqa: PLC0415

        with suppress(Exception):
            address = self._ear.device.stanza.address.upper()
            async with self._air:
                await within(STALE_S, close_stale_connections_by_address(address))

    def adapter_back(self) -> None:
        """Begin anew: what failed while the adapter was deaf was not this device's fault."""
        self._failures = 0
        self._hurry.set()

    async def _rest(self, seconds: float) -> None:
        """Wait so long, or until the technician is in a hurry."""
        self._hurry.clear()
        waits = {
            asyncio.ensure_future(self._pause(seconds)),
            asyncio.ensure_future(self._hurry.wait()),
        }
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    # ------------------------------------------------------------------ pairing
    @property
    def bonds(self) -> bool:
        """Whether this device demands a bond."""
        return self._plan.bonded

    async def pair(self, *, again: bool = False, limit_s: float = PAIR_S) -> str:
        """Pair, on the technician's word; DeviceError when it has not worked in time.

        again: drop the bond there is; for a device that has lost its side of it.
        """
        if not self._plan.bonded:
            raise DeviceError(f"{self.name} needs no pairing / 페어링이 필요 없는 장치입니다")
        found = self._ear.found
        if found is None:
            raise DeviceError(
                f"{self.name} is not heard: bring it near the hub, switched on"
                " / 신호가 들리지 않습니다. 켜서 허브 가까이 두십시오"
            )
        if not again and await bonded(found):
            return "paired before"
        if self._slots.locked() and not self._ear.connected:
            raise DeviceError(f"{self.name}: {NO_SLOT} / 연결 자리가 모두 찼습니다")
        if self._guard.admitting:  # the agent lets in one: a second would shut out the first
            raise DeviceError(
                f"{self._guard.admitting} is being paired just now: try again"
                " / 다른 장치를 페어링하는 중입니다. 잠시 뒤 다시 하십시오"
            )
        self._guard.open(self._ear.device.stanza.address, self._ear.device.stanza.passkey)
        try:
            if again:
                await forget(found)
                self._ear.found = None
            self._broken_off = 0
            self._pairing = asyncio.get_running_loop().create_future()
            self._hurry.set()
            await within(limit_s, _outcome(self._pairing))
        except TimeoutError:
            raise DeviceError(
                f"{self.name}: not within {limit_s:g} s / {limit_s:g}초 안에 되지 않았습니다:"
                f" {self._ear.detail}"
            ) from None
        finally:
            self._pairing = None
            self._guard.close()
        return "paired"

    async def _may_connect(self, found: BLEDevice) -> bool:
        """Return whether to pair on connecting; DeviceError for a device without its bond."""
        if not self._plan.bonded or self._backend is not None:
            return self._plan.bonded
        if self._pairing is None and not await bonded(found):
            raise DeviceError(NOT_PAIRED.format(name=self.name))
        return self._pairing is not None

    def _judge_bond(self, detail: str) -> None:
        """Note how a connection to a bonded device has ended."""
        signs = any(sign in detail.lower() for sign in BOND_SIGNS)
        if not self._plan.bonded or self._set_up or not signs:
            return
        self._broken_off += 1
        if self._broken_off == BROKEN_OFF:
            self._tell_bond(up=False)

    def _tell_bond(self, *, up: bool) -> None:
        if self._bond_told is up:
            self._bond_told = not up
            at, name = self._clock.now(), self.name
            detail = "" if up else f"ansim pair {name} --again"
            self._deliver(LinkChange(at, Link.BOND, up=up, device=name, detail=detail))

    # ------------------------------------------------------------------ one connection
    async def _session(self, found: BLEDevice) -> None:
        """Connect, serve until something ends it, say goodbye. Always raises why it ended."""
        self._lost.clear()
        self._restart.clear()
        self._set_up = False
        pair = await self._may_connect(found)
        client = await self._connect(found, pair=pair)
        if self._pairing is not None and not self._pairing.done():
            self._pairing.set_result(None)
        conversation = Conversation(client, self._plan, self._take)
        try:
            async with asyncio.TaskGroup() as parts:
                parts.create_task(self._until_lost())
                parts.create_task(self._serve(conversation, parts))
        except ExceptionGroup as group:
            raise group.exceptions[0] from group
        finally:
            self._ear.connected = False
            await conversation.farewell()

    async def _connect(self, found: BLEDevice, *, pair: bool) -> BleakClient:
        async with self._air:
            return await connect(
                found,
                self._ear.name,
                self._lost,
                most_breaks=BROKEN_OFF if self._plan.bonded and not pair else None,
                pair=pair,
                backend=self._backend,
            )

    async def _serve(self, conversation: Conversation, parts: asyncio.TaskGroup) -> None:
        loop = asyncio.get_running_loop()
        await conversation.setup()
        if self._lost.is_set():
            raise DeviceError(LOST)  # during the last step: it was never up
        self._last_s, self._last_ms = loop.time(), self._clock.now().mono_ms
        self._set_up, self._broken_off = True, 0
        self._tell_bond(up=True)
        short = conversation.short_mtu()
        if short:  # frames may be cut or refused; the device itself decides
            self._log.warning("small packets", detail=short)
        self._report(up=True, detail=short)
        parts.create_task(self._until_silent())
        for step in self._plan.setup:
            if step.every_s is not None:
                parts.create_task(conversation.read_every(step, self._clock))
        restarted: list[float] = []
        while True:
            await self._restart.wait()
            self._restart.clear()
            restarted = [at for at in restarted if loop.time() - at < HEALTHY_S]
            if len(restarted) == RESTARTS:
                raise DeviceError(f"stopped its stream {RESTARTS + 1} times in {HEALTHY_S:g} s")
            restarted.append(loop.time())
            self._log.info("stream stopped by the device, started again")
            await self._pause(backoff(len(restarted)))
            await conversation.setup()

    async def _until_lost(self) -> None:
        await self._lost.wait()
        raise DeviceError(LOST)

    async def _until_silent(self) -> None:
        limit_s = self._plan.silent_after_s
        if not 0.0 < limit_s < math.inf:
            return
        loop = asyncio.get_running_loop()
        left_s = limit_s
        while left_s > 0:
            await asyncio.sleep(left_s)
            # By both clocks: a scaled home must not be faster than the radio, a standing one waits.
            silent_s = (self._clock.now().mono_ms - self._last_ms) / 1000
            left_s = limit_s - (loop.time() - self._last_s)
            if left_s <= 0 and silent_s < limit_s:
                left_s = limit_s / LOOKS
        raise DeviceError(f"no data for {limit_s:g} s")

    def _take(self, channel: Channel, uuid: str, data: bytes) -> None:
        at = self._clock.now()
        if not self._plan.watched or uuid in self._plan.watched:
            self._last_s, self._last_ms = asyncio.get_running_loop().time(), at.mono_ms
        self._streamed()
        if self._ear.value(at, channel, uuid, data):
            self._restart.set()

    def _report(self, *, up: bool, detail: str) -> None:
        self._ear.connected, self._ear.detail = up, detail
        if self._told is not up:
            self._told = up
            at, name = self._clock.now(), self._ear.name
            self._deliver(LinkChange(at, Link.BAND, up=up, device=name, detail=detail))


async def _outcome(pairing: "asyncio.Future[None]") -> None:
    await pairing
