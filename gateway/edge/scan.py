"""Discovery on one adapter: the only scanner in the house, and what is done when it hears nothing.

BlueZ knows one discovery an application (a second one gets InProgress), so this part owns it, and
connections are made from the devices that it found. A scanner whose adapter was powered off, whose
bluetoothd died or whose dongle was pulled raises nothing and stays dead after the cause has gone:
silence is all there is to see. Once a second the silence is looked at:

    asked     BlueZ itself, when it is unusually quiet: an adapter that is off, gone or does not
              scan, a bluetoothd that is absent or hangs, is known within seconds
    weighed   by who is missing (gateway.edge.hearing): quiet is not deaf

Then the core is told (LinkChange ADAPTER down: what follows is blind time, no inactivity), the next
rung of the ladder is climbed (gateway.edge.healing), the scan is started anew, and so on until
anything at all is heard; the core is told of each rung, and of the end. An adapter that is absent
at the start is the same case. The pulse for the watchdog turns with each look and each attempt, and
in the ladder's pauses: a dead adapter is reported, and no reason to start the daemon anew. A pause
ends when BlueZ says that the adapter is back: one that is put in again is not waited for.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import Protocol

from bleak import BleakScanner
from bleak.args.bluez import BlueZScannerArgs
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from structlog.typing import FilteringBoundLogger

from gateway.clock import Clock
from gateway.core.model import At, Link, LinkChange
from gateway.edge.adapter import Examiner, Fault, find_adapter, in_words
from gateway.edge.decoding import Deliver
from gateway.edge.healing import Healer, Patient
from gateway.edge.hearing import Ears, Hearing
from gateway.edge.means import LOST, Means, ScanOnly
from gateway.edge.patterns import patterns
from gateway.edge.recovery import Rung, Sign, silence_tells
from gateway.edge.within import held, within
from gateway.settings import RadioSettings, ScanMode

START_S = 20.0  # D-Bus answers in milliseconds or, when bluetoothd hangs, never
STOP_S = 5.0
# A connection that hangs holds the air for most of a minute, and one band waits behind the other.
# A scan of an adapter that is deaf does not wait for them: what ails it ails them.
AIR_S = 5.0
CHECKS = 18  # looks at what was heard within `deaf_after_s`, at least
LOOK_S = 1.0  # and at least so often: each look is a proof of work for the watchdog
ASK_S = 5.0
STREAM_MS = 15_000
# What BlueZ may say for a moment of a healthy adapter, and how many looks make it true. Between two
# rounds of its discovery it does not scan for up to 10 s.
AGAIN = {Sign.HUNG: 2, Sign.STOPPED: 12}
PIECE_S = 5.0  # of the ladder's pauses
# What BlueZ itself says, and so can say the end of.
TOLD = frozenset({Sign.OFF, Sign.GONE, Sign.ABSENT, Sign.HUNG})

Hear = Callable[[BLEDevice, AdvertisementData], None]


class Ask(Protocol):
    """Ask what is wrong with the adapter of this name; None: nothing."""

    async def __call__(self, wanted: str, *, scanning: bool = ...) -> Fault | None:
        """Ask."""
        ...


class Scanner:
    """Scans for ever, and says when it is deaf.

    promises: seconds by address of the sensors that promise signs of life.
    adverts: how many were heard, of anything. streamed: values heard over connections.
    switched: told when another adapter is used from now on. cured: when anything is heard again.
    """

    def __init__(
        self,
        settings: RadioSettings,
        wanted: Iterable[str],
        hear: Hear,
        clock: Clock,
        deliver: Deliver,
        air: asyncio.Lock,
        log: FilteringBoundLogger,
        *,
        promises: Mapping[str, float] | None = None,
        backend: type[BaseBleakScanner] | None = None,
        means: Means | None = None,
        ask: Ask | None = None,
        switched: Callable[[], None] = lambda: None,
        cured: Callable[[], None] = lambda: None,
        pulse: Callable[[], None] = lambda: None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._settings, self._wanted, self._hear = settings, tuple(wanted), hear
        self._clock, self._deliver, self._air, self._log = clock, deliver, air, log
        self._backend, self._pulse, self._switched = backend, pulse, switched
        self._cured = cured
        self._ask = ask or (Examiner() if backend is None else None)
        self._names = (settings.adapter, *settings.spares)
        self._which = 0
        self._chosen = ""
        self._scanner: BleakScanner | None = None
        self._ears = Ears(
            promises or {},
            clock.now().mono_ms,
            deaf_after_s=settings.deaf_after_s,
            canary=settings.canary.upper(),
        )
        self._pause = pause
        self._healer = Healer(means or ScanOnly(), self._tell_step, log, self._rest)
        self._sign = Sign.SILENT  # of what is treated
        self._patience_s = 0.0
        self._fresh: set[str] = set()
        self._streamed_ms: int | None = None
        self._doubts: tuple[Sign, int] | None = None
        self._up: bool | None = None
        self.adapter = settings.adapter or "default"  # a fault is about this name, and ends by it
        self.scanning = False
        self.adverts = 0
        self.streamed = 0
        self.last_heard: At | None = None
        self.detail = ""
        self.settled = asyncio.Event()  # scanning, or the fault has been told

    @property
    def recoveries(self) -> Mapping[str, int]:
        """How often each means was used."""
        return self._healer.counts

    @property
    def name(self) -> str:
        """Return what the adapter in use is called: the technician's word, or a spare's address."""
        return self._names[self._which] or self.adapter

    async def run(self) -> None:
        """Scan until cancelled; whatever the stack does, try again."""
        try:
            while True:
                self._pulse()
                fault = await self._start() or await self._until_deaf()
                await self._stop()
                await self._treat(fault)
        finally:
            await self._stop()

    def stream(self) -> None:
        """Note a value that came over a connection."""
        self.streamed += 1

    def _heard(self, device: BLEDevice, advert: AdvertisementData) -> None:
        self.adverts += 1
        self._fresh.add(device.address)
        if self._up is not True:
            done = self._healer.cured()
            self._cured()
            self._ears.again(self._clock.now().mono_ms)
            self._report(up=True, detail=done)
        self._hear(device, advert)

    # ------------------------------------------------------------------ starting and stopping
    async def _start(self) -> Fault | None:
        """Start; return why that failed."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        try:
            async with held(self._air, AIR_S if self._up is False else None):
                await within(START_S, self._begin())
        except Exception as wrong:  # noqa: BLE001 - whatever the stack throws, the adapter failed
            self._log.warning("scan not started", adapter=self.name, error=repr(wrong))
            await self._stop()
            return await self._asked(scanning=False) or Fault(Sign.REFUSED, in_words(wrong))
        finally:
            self._pulse()
        self.scanning = True
        self.settled.set()
        if self._up is False:
            took_s = round(loop.time() - began_s, 2)  # the ladder's own figure is without it
            self._log.info("scan started anew", adapter=self.name, took_s=took_s)
            if self._sign is not Sign.SILENT:
                self._ears.again(self._clock.now().mono_ms)  # the fault explains it
        return None

    async def _begin(self) -> None:
        self._scanner = await self._new_scanner()
        await self._scanner.start()
        if self._ask is not None:  # so that it knows which bluetoothd scans
            await self._ask(self._names[self._which], scanning=False)

    async def _new_scanner(self) -> BleakScanner:
        mode = self._settings.scan
        # Unchanged adverts (a canary's never change) are delivered without DuplicateData as well:
        # measured with BlueZ 5.66, tests/hub/facts.py.
        bluez: BlueZScannerArgs = {}
        if self._backend is None:
            found = await find_adapter(self._names[self._which])
            self._chosen = found or self._chosen
            if found is not None:
                bluez["adapter"] = found
        if mode is ScanMode.PASSIVE:
            bluez["or_patterns"] = [*patterns(self._wanted)]
        return BleakScanner(
            self._heard,
            scanning_mode="passive" if mode is ScanMode.PASSIVE else "active",
            bluez=bluez,
            backend=self._backend,
        )

    async def _stop(self) -> None:
        self.scanning = False
        scanner, self._scanner = self._scanner, None
        if scanner is None:
            return
        # A scanner whose adapter died answers "No discovery started": it is stopped all the same.
        with suppress(Exception):
            async with held(self._air, AIR_S):
                await within(STOP_S, scanner.stop())

    # ------------------------------------------------------------------ listening
    async def _until_deaf(self) -> Fault:
        """Return the fault that must be treated."""
        limit_s = self._settings.deaf_after_s
        began = self._clock.now().mono_ms
        streamed = self.streamed
        self._doubts = None
        while True:
            await self._clock.sleep(min(limit_s / CHECKS, LOOK_S))
            self._pulse()
            now = self._clock.now()
            if self.streamed != streamed:
                streamed, self._streamed_ms = self.streamed, now.mono_ms
            if self._fresh:
                self._note(now)
            elif (fault := await self._judged(now.mono_ms, began)) is not None:
                return fault

    def _note(self, now: At) -> None:
        self.last_heard = now
        for address in self._fresh:
            self._ears.heard(address, now.mono_ms)
        self._fresh.clear()
        self._doubts = None

    async def _judged(self, now_ms: int, began_ms: int) -> Fault | None:
        """Judge a silence."""
        silent_s, limit_s = self._ears.silent_s(now_ms), self._settings.deaf_after_s
        # A fault that BlueZ knows is asked for early; while deaf at every look.
        unusual_s = min(limit_s / 3, max(ASK_S, 3 * self._ears.usual_s()))
        if (self._up is False or silent_s >= unusual_s) and (fault := await self._asked()):
            return fault
        if self._up is False:
            if (now_ms - began_ms) / 1000 < self._patience_s:
                return None
            if silence_tells(self._sign, self._ears.usual_s()):
                return Fault(Sign.SILENT, f"nothing heard for {silent_s:.0f} s")
        if self._ears.judge(now_ms) is Hearing.DEAF:
            return Fault(Sign.SILENT, f"nothing heard for {silent_s:.0f} s")
        return None

    async def _asked(self, *, scanning: bool = True) -> Fault | None:
        """Ask BlueZ; an answer that may pass by itself counts when it has been given often."""
        if self._ask is None:
            return None
        fault = await self._ask(self._names[self._which], scanning=scanning)
        if fault is None or fault.sign not in AGAIN:
            self._doubts = None
            return fault
        sign, times = self._doubts or (fault.sign, 0)
        times = times + 1 if sign is fault.sign else 1
        self._doubts = (fault.sign, times)
        return fault if times >= AGAIN[fault.sign] else None

    # ------------------------------------------------------------------ deaf
    async def _treat(self, fault: Fault) -> None:
        now_ms = self._clock.now().mono_ms
        self._sign = fault.sign
        self._report(up=False, detail=f"{self.name}: {fault.detail}")
        patient = Patient(
            name=LOST if fault.sign is Sign.GONE else self._chosen,
            spares=len(self._names) > 1,
            streaming=self._streams(now_ms),
            heard_ever=self._ears.anything or self.streamed > 0,
            usual_s=self._ears.usual_s(),
            often_s=self._ears.often_s(),
        )
        step = await self._healer.treat(fault, patient)
        if step.rung is Rung.SPARE:
            await self._next_adapter()
        self._patience_s = step.wait_s

    async def _rest(self, seconds: float) -> None:
        """Wait between two rounds of the ladder, at most so long."""
        end_s = seconds
        while end_s > 0:
            self._pulse()
            await self._pause(min(end_s, PIECE_S))
            end_s -= PIECE_S
            if self._sign in TOLD and await self._any_works():
                return

    async def _any_works(self) -> bool:
        for name in self._names:
            if self._ask is not None and await self._ask(name, scanning=False) is None:
                return True
        return False

    def _streams(self, now_ms: int) -> bool:
        return self._streamed_ms is not None and now_ms - self._streamed_ms < STREAM_MS

    async def _next_adapter(self) -> None:
        """Go on with the next adapter that works; stay where none does."""
        count = len(self._names)
        for number in (*range(self._which + 1, count), *range(self._which)):
            if self._ask is None or await self._ask(self._names[number], scanning=False) is None:
                self._which = number
                self._log.warning("another adapter", adapter=self.name)
                self._switched()
                return

    def _tell_step(self, rung: Rung, detail: str) -> None:
        if self._up is False:
            at = self._clock.now()
            self._deliver(
                LinkChange(
                    at, Link.ADAPTER, up=False, device=self.adapter, detail=detail, step=rung
                )
            )

    def _report(self, *, up: bool, detail: str) -> None:
        self.detail = detail if not up or self._which else ""
        if self._up is not up:
            self._up = up
            at = self._clock.now()
            self._deliver(LinkChange(at, Link.ADAPTER, up=up, device=self.adapter, detail=detail))
            self._log.info("adapter hears" if up else "adapter deaf", detail=detail)
        self.settled.set()
