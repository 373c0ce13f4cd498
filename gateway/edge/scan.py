"""Discovery on one adapter: the only scanner in the house, and the proof that it hears.

BlueZ knows one discovery an application (a second one gets InProgress), so this part owns it, and
connections are made from the devices that it found. A scanner whose adapter was powered off, whose
bluetoothd died or whose dongle was pulled raises nothing and stays dead after the cause has gone:
silence is all there is to see. So hearing is proven by adverts of anything at all, foreign
neighbours included. When nothing was heard for `deaf_after_s` of the home's time:

    1  the core is told (LinkChange ADAPTER down: what follows is blind time, no inactivity)
    2  `recover(n)`, n the restarts in a row that brought nothing: the seam for stronger means
    3  stop, its errors ignored, then start again; while starting fails, with growing waits

and when anything is heard again, the core is told that too. An adapter that is absent at the start
is the same case. A living GATT stream is hearing as well: it forbids the alarm, not the restart.
On BlueZ a silent adapter is asked after a third of the time: one that is gone or switched off is
told at once. The pulse for the watchdog turns with each look and each attempt, deaf or not: a dead
adapter is reported, and no reason to start the daemon anew.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

from bleak import BleakScanner
from bleak.args.bluez import BlueZScannerArgs, OrPattern
from bleak.assigned_numbers import AdvertisementDataType
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from structlog.typing import FilteringBoundLogger

from gateway.clock import Clock
from gateway.core.model import At, Link, LinkChange
from gateway.edge.adapter import adapter_fault, find_adapter, in_words
from gateway.edge.decoding import Deliver
from gateway.settings import RadioSettings, ScanMode
from gateway.supervise import backoff, jittered

START_S = 20.0  # D-Bus answers in milliseconds or, when bluetoothd hangs, never
STOP_S = 5.0
CHECKS = 18  # looks at the counters within `deaf_after_s`: every 5 s at its default
LOOK_S = 30.0  # and at least so often: each look is a proof of work for the watchdog

# BlueZ's passive scan reports only what matches a pattern. Nearly every advert begins with one of
# these flags; sensors that send none (bthome-ble#26) are caught by their service data.
FLAGS = (b"\x02", b"\x04", b"\x05", b"\x06", b"\x1a")
BASE_UUID = "-0000-1000-8000-00805f9b34fb"

Hear = Callable[[BLEDevice, AdvertisementData], None]
Recover = Callable[[int], Awaitable[None]]
Ask = Callable[[str | None], Awaitable[str | None]]


def patterns(adverts: Iterable[str]) -> list[OrPattern]:
    """Return what a passive scan must match to hear these AD elements and the neighbours."""
    found = [OrPattern(0, AdvertisementDataType.FLAGS, flags) for flags in FLAGS]
    for uuid in sorted(set(adverts)):
        if uuid.startswith("mfr:"):
            kind = AdvertisementDataType.MANUFACTURER_SPECIFIC_DATA
            found.append(OrPattern(0, kind, int(uuid[4:], 16).to_bytes(2, "little")))
        elif uuid.endswith(BASE_UUID) and uuid.startswith("0000"):
            kind = AdvertisementDataType.SERVICE_DATA_UUID16
            found.append(OrPattern(0, kind, bytes.fromhex(uuid[4:8])[::-1]))
        else:
            kind = AdvertisementDataType.SERVICE_DATA_UUID128
            found.append(OrPattern(0, kind, bytes.fromhex(uuid.replace("-", ""))[::-1]))
    return found


class Scanner:
    """Scans for ever, and says when it is deaf.

    adverts: how many were heard, of anything. streamed: values heard over connections.
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
        backend: type[BaseBleakScanner] | None = None,
        recover: Recover | None = None,
        ask: Ask | None = None,
        pulse: Callable[[], None] = lambda: None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._settings, self._wanted, self._hear = settings, tuple(wanted), hear
        self._clock, self._deliver, self._air, self._log = clock, deliver, air, log
        self._backend, self._recover, self._pulse, self._pause = backend, recover, pulse, pause
        self._ask = ask or (adapter_fault if backend is None else None)
        self._chosen: str | None = None
        self._scanner: BleakScanner | None = None
        self._up: bool | None = None
        self.adapter = settings.adapter or "default"  # a fault is about this name, and ends by it
        self.scanning = False
        self.adverts = 0
        self.streamed = 0
        self.last_heard: At | None = None
        self.detail = ""
        self.settled = asyncio.Event()  # scanning, or the fault has been told

    async def run(self) -> None:
        """Scan until cancelled; whatever the stack does, try again."""
        in_vain = failed = 0
        try:
            while True:
                if in_vain and self._recover is not None:
                    await self._recover(in_vain)
                self._pulse()
                if await self._start():
                    failed = 0
                    before = self.adverts
                    await self._until_silent()
                    in_vain = in_vain + 1 if self.adverts == before else 1
                    await self._stop()
                else:
                    failed, in_vain = failed + 1, in_vain + 1
                    await self._pause(jittered(backoff(failed), random.random()))  # noqa: S311 - no secret
        finally:
            await self._stop()

    def stream(self) -> None:
        """Note a value that came over a connection."""
        self.streamed += 1

    def _heard(self, device: BLEDevice, advert: AdvertisementData) -> None:
        self.adverts += 1
        if self._up is not True:
            self._report(up=True, detail="")
        self._hear(device, advert)

    async def _start(self) -> bool:
        try:
            async with self._air, asyncio.timeout(START_S):
                self._scanner = await self._new_scanner()
                await self._scanner.start()
        except Exception as wrong:  # noqa: BLE001 - whatever the stack throws, the adapter failed
            self._log.warning("scan not started", adapter=self.adapter, error=repr(wrong))
            self._report(up=False, detail=f"{self.adapter}: {in_words(wrong)}")
            await self._stop()
            return False
        finally:
            self._pulse()
        self.scanning = True
        self.settled.set()
        return True

    async def _new_scanner(self) -> BleakScanner:
        mode = self._settings.scan
        bluez: BlueZScannerArgs = {}
        if self._backend is None:
            self._chosen = await find_adapter(self._settings.adapter)
            if self._chosen is not None:
                bluez["adapter"] = self._chosen
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
            async with self._air, asyncio.timeout(STOP_S):
                await scanner.stop()

    async def _until_silent(self) -> None:
        """Return when the scan must be started anew; tell the core, unless a stream is heard."""
        limit_s = self._settings.deaf_after_s
        adverts, since = self.adverts, self._clock.now()
        streamed, streamed_at = self.streamed, since
        while True:
            await self._clock.sleep(min(limit_s / CHECKS, LOOK_S))
            self._pulse()
            now = self._clock.now()
            if self.streamed != streamed:
                streamed, streamed_at = self.streamed, now
            if self.adverts != adverts:
                adverts, since = self.adverts, now
                self.last_heard = now
            silent_s = (now.mono_ms - since.mono_ms) / 1000
            fault = await self._fault() if silent_s >= limit_s / 3 else None
            if fault is not None:
                self._report(up=False, detail=f"{self.adapter}: {fault}")
                return
            if silent_s >= limit_s:
                if now.mono_ms - streamed_at.mono_ms >= limit_s * 1000:
                    self._report(
                        up=False, detail=f"{self.adapter}: nothing heard for {limit_s:g} s"
                    )
                return

    async def _fault(self) -> str | None:
        return None if self._ask is None else await self._ask(self._chosen)

    def _report(self, *, up: bool, detail: str) -> None:
        self.detail = detail
        if self._up is not up:
            self._up = up
            at = self._clock.now()
            self._deliver(LinkChange(at, Link.ADAPTER, up=up, device=self.adapter, detail=detail))
            self._log.info("adapter hears" if up else "adapter deaf", detail=detail)
        self.settled.set()
