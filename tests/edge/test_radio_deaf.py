"""An adapter that goes deaf, is absent, or comes back."""

import asyncio
import random
from collections.abc import Mapping

import pytest
import structlog
from bleak.exc import BleakError
from structlog.testing import capture_logs

from gateway.clock import Clock
from gateway.core.model import Heard, Link, LinkChange
from gateway.edge.adapter import Fault
from gateway.edge.patterns import FLAGS, patterns
from gateway.edge.recovery import Rung, Sign
from gateway.edge.scan import Scanner
from gateway.settings import RadioSettings
from tests.fakes_radio import BTHOME, Air, HandClock, Script, sensor, settle
from tests.home_radio import ADDRESS, FOREIGN, Home


async def test_nothing_heard_of_anything_makes_the_adapter_deaf_and_restarts_the_scan() -> None:
    home = Home(sensor(Script()), deaf_after_s=90.0, canary=FOREIGN)
    async with home.running():
        home.air.advert(FOREIGN)
        assert home.changes(Link.ADAPTER) == [True]
        await home.clock.forward(93)
        assert home.changes(Link.ADAPTER)[:2] == [True, False]
        assert (home.air.starts, home.air.stops) == (2, 1)
        home.air.advert(FOREIGN)
        assert home.changes(Link.ADAPTER)[-1] is True


async def test_each_step_of_the_recovery_is_told_counted_and_timed_with_its_scan() -> None:
    home = Home(sensor(Script()), deaf_after_s=90.0, canary=FOREIGN)
    async with home.running():
        home.air.advert(FOREIGN)
        with capture_logs() as logged:
            await home.clock.forward(93)
        (anew,) = (line for line in logged if line["event"] == "scan started anew")
        assert anew["took_s"] >= 0
        steps = [one.step for one in home.said if isinstance(one, LinkChange)]
        assert steps == ["", "", "scan"]
        assert home.radio.status().recoveries == {"scan": 1}


class RunningClock(HandClock):
    """Home time that runs as fast as it is slept, up to an end."""

    def __init__(self, hours: int) -> None:
        super().__init__()
        self._end_ms, self.ended = hours * 3_600_000, asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.ms += round(seconds * 1000)
        if self.ms >= self._end_ms:
            self.ended.set()
            await asyncio.Event().wait()
        await asyncio.sleep(0)


def scanner_of(
    air: Air, clock: Clock, said: list[Heard | LinkChange], promises: Mapping[str, float]
) -> Scanner:
    """Return a scanner whose BlueZ nobody asks: silence is all it has to go by."""
    return Scanner(
        RadioSettings(deaf_after_s=90.0),
        (),
        lambda *_: None,
        clock,
        said.append,
        asyncio.Lock(),
        structlog.get_logger(),
        promises=promises,
        backend=air.backend(),
        pause=air.pause,
    )


async def test_a_quiet_day_of_sensors_that_promise_nothing_restarts_nothing() -> None:
    air, clock, said = Air(), RunningClock(hours=24), list[Heard | LinkChange]()
    scanner = scanner_of(air, clock, said, {ADDRESS: 600.0})
    task = asyncio.create_task(scanner.run())
    await scanner.settled.wait()
    air.advert(FOREIGN)
    await clock.ended.wait()
    task.cancel()
    await asyncio.wait([task])
    assert [one.up for one in said if isinstance(one, LinkChange)] == [True]
    assert (air.starts, scanner.recoveries) == (1, {})


class Bluetoothd:
    """Answers what is wrong with the adapter: `wrong`, until it is None."""

    def __init__(self, wrong: Fault | None = None) -> None:
        self.wrong = wrong

    async def __call__(self, wanted: str, *, scanning: bool = False) -> Fault | None:
        return self.wrong


class Mending:
    """Means that mend what bluetoothd complains of; notes which were used."""

    can = frozenset(Rung) - {Rung.SPARE}

    def __init__(self, bluetoothd: Bluetoothd) -> None:
        self._bluetoothd, self.used = bluetoothd, list[Rung]()

    async def do(self, rung: Rung, name: str) -> None:
        self.used.append(rung)
        self._bluetoothd.wrong = None


@pytest.mark.parametrize("known", [0, 1], ids=["since the start", "after adverts hours apart"])
@pytest.mark.parametrize(
    ("fault", "first"),
    [
        (Fault(Sign.OFF, "switched off"), Rung.POWER),
        (Fault(Sign.RESTARTED, "bluetoothd was restarted"), Rung.SCAN),
        (Fault(Sign.HUNG, "no answer"), Rung.DAEMON),
    ],
    ids=lambda one: one.sign.value if isinstance(one, Fault) else "",
)
async def test_what_bluez_says_is_mended_is_left_in_peace_through_a_quiet_night(
    fault: Fault, first: Rung, known: int
) -> None:
    air, clock, bluetoothd = Air(), RunningClock(hours=8 + 2 * known), Bluetoothd()
    means = Mending(bluetoothd)
    scanner = Scanner(
        RadioSettings(deaf_after_s=90.0),
        (),
        lambda *_: None,
        clock,
        lambda _given: None,
        asyncio.Lock(),
        structlog.get_logger(),
        backend=air.backend(),
        means=means,
        ask=bluetoothd,
        pause=air.pause,
    )
    task = asyncio.create_task(scanner.run())
    await scanner.settled.wait()
    for hour in range(2 * known):
        while clock.ms < hour * 3_600_000:  # noqa: ASYNC110 - it runs as fast as it is let
            await asyncio.sleep(0)
        air.advert(FOREIGN)
    bluetoothd.wrong = fault
    await clock.ended.wait()
    task.cancel()
    await asyncio.wait([task])
    assert means.used == [first]


class Futile:
    """Means that help nothing; notes what was done to whom."""

    can = frozenset(Rung) - {Rung.SPARE}

    def __init__(self) -> None:
        self.done: list[tuple[Rung, str]] = []
        self.reset = asyncio.Event()

    async def do(self, rung: Rung, name: str) -> None:
        self.done.append((rung, name))
        if rung is Rung.RESET:
            self.reset.set()


async def test_an_adapter_that_bluez_does_not_have_is_reset_as_lost_and_no_hci0_in_its_place() -> (
    None
):
    air, means = Air(), Futile()
    air.refuse_start = BleakError("no adapter")
    scanner = Scanner(
        RadioSettings(adapter="00:1A:7D:DA:71:13"),
        (),
        lambda *_: None,
        HandClock(),
        lambda _given: None,
        asyncio.Lock(),
        structlog.get_logger(),
        backend=air.backend(),
        means=means,
        ask=Bluetoothd(Fault(Sign.GONE, "gone")),
        pause=air.pause,
    )
    task = asyncio.create_task(scanner.run())
    await means.reset.wait()
    task.cancel()
    await asyncio.wait([task])
    assert means.done[-1] == (Rung.RESET, "lost")


class BeaconDay(RunningClock):
    """A day of beacons of a minute, one in ten lost; at noon a sensor dies; neighbours by day."""

    def __init__(self, air: Air, sensors: tuple[str, ...], seed: int) -> None:
        super().__init__(hours=24)
        self._air, self._chance = air, random.Random(seed)
        self._due = {name: self._chance.randrange(60) for name in sensors}
        self._dead = sensors[0]

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        now_s = self.ms / 1000
        for name, at in self._due.items():
            if at <= now_s:
                self._due[name] = at + 60
                gone = name == self._dead and now_s >= 43_200
                if self._chance.random() < 0.9 and not gone:
                    self._air.advert(name)
        if 7 <= now_s // 3600 < 23 and self._chance.random() < 0.5:
            self._air.advert(FOREIGN)


@pytest.mark.parametrize("seed", range(3))
async def test_a_day_of_lost_beacons_and_a_dying_sensor_restarts_nothing(seed: int) -> None:
    air, said = Air(), list[Heard | LinkChange]()
    sensors = tuple(f"B4:35:22:00:00:0{number}" for number in range(4))
    clock = BeaconDay(air, sensors, seed)
    scanner = scanner_of(air, clock, said, dict.fromkeys(sensors, 240.0))
    task = asyncio.create_task(scanner.run())
    await clock.ended.wait()
    task.cancel()
    await asyncio.wait([task])
    assert [one.up for one in said if isinstance(one, LinkChange)] == [True]
    assert (air.starts, scanner.recoveries) == (1, {})
    assert scanner.adverts > 10_000


async def test_a_foreign_advert_now_and_then_proves_that_the_adapter_hears() -> None:
    home = Home(sensor(Script()), deaf_after_s=90.0)
    async with home.running():
        for _ in range(10):
            home.air.advert(FOREIGN)
            await home.clock.forward(60)
    assert home.changes(Link.ADAPTER) == [True]
    assert home.air.starts == 1


async def test_a_dead_scanner_that_refuses_to_stop_is_started_all_the_same() -> None:
    home = Home(sensor(Script()), deaf_after_s=90.0, canary=FOREIGN)
    home.air.refuse_stop = BleakError("No discovery started")
    async with home.running():
        await home.clock.forward(95)
        home.air.advert(ADDRESS, {BTHOME: b"\x00"})
    assert home.changes(Link.ADAPTER)[0] is False
    assert home.changes(Link.ADAPTER)[-1] is True
    assert len(home.heard) == 1


async def test_an_absent_adapter_is_reported_at_the_start_and_tried_until_it_is_there() -> None:
    home = Home(sensor(Script()))
    home.air.refuse_start = BleakError("No Bluetooth adapters found.")
    async with home.running():
        assert set(home.changes(Link.ADAPTER)) == {False}
        assert "No Bluetooth adapters" in home.radio.status().detail
        assert not home.radio.status().scanning
        assert home.air.starts > 1
        home.air.refuse_start = None
        await settle()
        home.air.advert(FOREIGN)
    assert home.changes(Link.ADAPTER)[-1] is True


async def test_deafness_is_told_once_however_long_it_lasts() -> None:
    home = Home(sensor(Script()), deaf_after_s=90.0, canary=FOREIGN)
    async with home.running():
        await home.clock.forward(1000)
    falls = [one for one in home.said if isinstance(one, LinkChange) and not one.step]
    assert [one.up for one in falls] == [False]
    assert home.air.starts > 5


async def test_cancelling_stops_the_scan() -> None:
    home = Home(sensor(Script()))
    async with home.running():
        assert home.radio.status().scanning
    await settle()
    assert home.air.scanner is None
    assert not home.radio.status().scanning


async def test_a_silent_adapter_is_asked_and_one_that_is_off_is_told_before_the_limit() -> None:
    air, clock, said = Air(), HandClock(), list[Heard | LinkChange]()
    asked: list[str] = []

    async def ask(wanted: str, *, scanning: bool = False) -> Fault | None:
        asked.append(wanted)
        return Fault(Sign.OFF, "switched off") if len(asked) > 2 else None

    scanner = Scanner(
        RadioSettings(deaf_after_s=90.0),
        (),
        lambda *_: None,
        clock,
        said.append,
        asyncio.Lock(),
        structlog.get_logger(),
        backend=air.backend(),
        ask=ask,
        pause=air.pause,
    )
    task = asyncio.create_task(scanner.run())
    await settle()
    await clock.forward(3)
    assert asked == [""], "when the scan was started, to know which bluetoothd scans"
    await clock.forward(5)
    task.cancel()
    await asyncio.wait([task])
    first = next(one for one in said if isinstance(one, LinkChange))
    assert (first.up, first.detail) == (False, "default: switched off")
    assert air.starts >= 2


async def test_recovery_does_not_wait_for_a_connection_that_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Under a stopped bluetoothd a connect holds the air for 45 s, and the next one again."""
    monkeypatch.setattr("gateway.edge.scan.AIR_S", 0.0)
    air, clock, said = Air(), HandClock(), list[Heard | LinkChange]()
    connecting, hung = asyncio.Lock(), False

    async def ask(wanted: str, *, scanning: bool = False) -> Fault | None:
        return Fault(Sign.HUNG, f"{wanted}: no answer") if hung and scanning else None

    scanner = Scanner(
        RadioSettings(deaf_after_s=90.0),
        (),
        lambda *_: None,
        clock,
        said.append,
        connecting,
        structlog.get_logger(),
        backend=air.backend(),
        ask=ask,
        pause=air.pause,
    )
    task = asyncio.create_task(scanner.run())
    await scanner.settled.wait()
    await connecting.acquire()
    hung = True
    async with asyncio.timeout(10):
        while air.starts < 2:
            await clock.forward(5)
    task.cancel()
    await asyncio.wait([task])
    assert connecting.locked(), "the band's own"
    assert air.stops >= 1


async def test_the_watchdogs_pulse_turns_while_the_adapter_is_absent() -> None:
    home = Home(sensor(Script()))
    home.air.refuse_start = BleakError("No Bluetooth adapters found.")
    async with home.running():
        before = home.pulses
        await settle()
        assert home.pulses > before


async def test_the_watchdogs_pulse_turns_in_the_pauses_of_the_ladder() -> None:
    air, since, longest = Air(), 0.0, 0.0
    air.refuse_start = BleakError("No Bluetooth adapters found.")
    paused = asyncio.Event()

    async def pause(seconds: float) -> None:
        nonlocal since, longest
        since += seconds
        longest = max(longest, since)
        await air.pause(seconds)
        if sum(air.pauses) > 3600:
            paused.set()

    def pulse() -> None:
        nonlocal since
        since = 0.0

    scanner = Scanner(
        RadioSettings(),
        (),
        lambda *_: None,
        HandClock(),
        lambda _given: None,
        asyncio.Lock(),
        structlog.get_logger(),
        backend=air.backend(),
        ask=Bluetoothd(Fault(Sign.GONE, "gone")),
        pause=pause,
        pulse=pulse,
    )
    task = asyncio.create_task(scanner.run())
    await paused.wait()
    task.cancel()
    await asyncio.wait([task])
    assert longest <= 30.0, (
        "the watchdog's patience with the radio is minutes, the pauses' sum hours"
    )


async def test_an_adapter_that_is_put_back_ends_the_pause_of_the_ladder() -> None:
    air, bluetoothd, said = Air(), Bluetoothd(Fault(Sign.GONE, "gone")), list[Heard | LinkChange]()
    air.refuse_start = BleakError("No Bluetooth adapters found.")
    waited: list[float] = []

    async def pause(seconds: float) -> None:
        await air.pause(seconds)
        if sum(air.pauses) > 3600:  # it is put back as this pause begins
            bluetoothd.wrong = air.refuse_start = None
            waited.append(seconds)

    scanner = Scanner(
        RadioSettings(),
        (),
        lambda *_: None,
        HandClock(),
        said.append,
        asyncio.Lock(),
        structlog.get_logger(),
        backend=air.backend(),
        ask=bluetoothd,
        pause=pause,
    )
    task = asyncio.create_task(scanner.run())
    while air.scanner is None:
        await settle()
    air.advert(FOREIGN)
    task.cancel()
    await asyncio.wait([task])
    assert sum(waited) <= 10.0
    assert [one.up for one in said if isinstance(one, LinkChange)][-1] is True


async def test_the_watchdogs_pulse_turns_however_long_silence_may_last() -> None:
    home = Home(sensor(Script()), deaf_after_s=3600.0)
    async with home.running():
        for _ in range(5):
            before = home.pulses
            await home.clock.forward(60)
            assert home.pulses > before


def test_a_passive_scan_asks_for_the_neighbours_and_for_every_wanted_element() -> None:
    own = "0000fe95-0000-1000-8000-00805f9b34fb"
    vendor = "fb005c80-02e7-f387-1cad-8acd2d8df0c8"
    found = patterns([BTHOME, own, BTHOME, "mfr:0499", vendor])
    contents = [pattern.content_of_pattern for pattern in found]
    assert contents[: len(FLAGS)] == list(FLAGS)
    assert contents[len(FLAGS) :] == [
        b"\xd2\xfc",
        b"\x95\xfe",
        bytes.fromhex(vendor.replace("-", ""))[::-1],
        b"\x99\x04",
    ]
