"""Devices that are connected to."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from bleak import BleakClient
from bleak.backends.device import BLEDevice
from bleak.exc import BleakError

from gateway.core.model import Link
from gateway.driver import Channel, Decoded, GattPlan, GattStep
from gateway.edge.gatt import Conversation
from gateway.edge.radio import RadioDevice
from gateway.errors import DeviceError
from tests.fakes_gatt import BATTERY, CONTROL, DATA, FakeBand, client_backend
from tests.fakes_radio import Script, sensor, settle
from tests.home_radio import ADDRESS, FOREIGN, Home

START, STARTED = b"\x02\x02", b"\xf0\x02\x02\x00"
STOP = b"\x03\x02"
PLAN = GattPlan(
    setup=(
        GattStep("subscribe", CONTROL),
        GattStep("subscribe", DATA),
        GattStep("read", BATTERY, optional=True, every_s=3600.0),
        GattStep("write", CONTROL, START, answer=b"\xf0\x02\x02", ok=(0, 6)),
    ),
    teardown=(GattStep("write", CONTROL, STOP),),
)
SECOND = "AA:BB:CC:00:00:02"


def band(**behaviour: Any) -> FakeBand:
    made = FakeBand()
    made.answers = {START: STARTED}
    for name, value in behaviour.items():
        setattr(made, name, value)
    return made


def worn(script: Script | None = None, plan: GattPlan = PLAN, **named: Any) -> RadioDevice:
    return sensor(script or Script(), plan=plan, adverts=(), **{"name": "band", **named})


async def test_a_band_is_connected_from_its_advert_and_set_up_in_the_plans_order() -> None:
    device = band()
    home = Home(worn(), bands={ADDRESS: device})
    async with home.running():
        assert device.did == []
        home.air.advert(ADDRESS)
        await home.until(Link.BAND, "up")
        assert device.did == [
            "connect",
            f"subscribe {CONTROL}",
            f"subscribe {DATA}",
            f"read {BATTERY}",
            "write 0202",
        ]
        assert home.radio.status().devices[0].connected


async def test_values_are_stamped_at_arrival_and_decoded_answers_and_reads_too() -> None:
    script = Script()
    device = band()
    home = Home(worn(script), bands={ADDRESS: device})
    async with home.running():
        home.air.advert(ADDRESS)
        await home.until(Link.BAND, "up")
        await home.clock.forward(3)
        device.notify(DATA, b"\x02\xff")
    assert [(packet.channel, packet.uuid, packet.data) for packet in script.packets] == [
        (Channel.READ, BATTERY, b"\x50"),
        (Channel.NOTIFY, CONTROL, STARTED),
        (Channel.NOTIFY, DATA, b"\x02\xff"),
    ]
    assert home.heard[-1].at == home.clock.now()


async def test_a_lost_band_is_told_and_set_up_again_and_each_value_comes_once() -> None:
    script = Script()
    device = band()
    home = Home(worn(script), bands={ADDRESS: device})
    async with home.running():
        home.air.advert(ADDRESS)
        await home.until(Link.BAND, "up")
        device.drop()
        await home.until(Link.BAND, "up down")
        await settle()
        assert device.did.count("connect") == 1  # nobody has heard it since
        home.air.advert(ADDRESS)
        await home.until(Link.BAND, "up down up")
        script.packets.clear()
        device.notify(DATA, b"\x02\x01")
        assert len(script.packets) == 1
    assert device.did.count(f"subscribe {DATA}") == 2
    assert home.details(Link.BAND)[1] == "link lost"


async def test_goodbye_stops_the_stream_and_the_subscriptions_before_it_disconnects() -> None:
    device = band()
    home = Home(worn(), bands={ADDRESS: device})
    async with home.running():
        home.air.advert(ADDRESS)
        await home.until(Link.BAND, "up")
        device.did.clear()
    goodbye = ["write 0302", f"stop_notify {CONTROL}", f"stop_notify {DATA}", "disconnect"]
    assert device.did == goodbye
    assert home.changes(Link.BAND) == [True, False]


async def test_a_stream_that_falls_silent_is_reconnected() -> None:
    device = band()
    plan = GattPlan(PLAN.setup, silent_after_s=0.02)
    home = Home(worn(plan=plan), bands={ADDRESS: device})
    async with home.running():
        home.air.advert(ADDRESS)
        await home.until(Link.BAND, "up")
        await home.clock.forward(1)
        await home.until(Link.BAND, "up down")
        assert home.details(Link.BAND)[1] == "no data for 0.02 s"
        assert device.did[-1] == "disconnect"
        home.air.advert(ADDRESS)
        await device.until("connect", 2)


async def test_a_beating_heart_does_not_hide_that_the_acceleration_has_died() -> None:
    device = band()
    plan = GattPlan(PLAN.setup, silent_after_s=0.02, watched=(DATA,))
    home = Home(worn(plan=plan), bands={ADDRESS: device})

    async def beat() -> None:
        while True:
            if CONTROL in device.subscriptions:
                device.notify(CONTROL, b"\x10")
            await asyncio.sleep(0)

    async with home.running():
        beating = asyncio.create_task(beat())
        home.air.advert(ADDRESS)
        await home.until(Link.BAND, "up")
        await home.clock.forward(1)
        await home.until(Link.BAND, "up down")
        beating.cancel()
    assert home.details(Link.BAND)[1] == "no data for 0.02 s"


async def test_a_refused_command_names_the_answer_and_is_tried_again_with_growing_waits() -> None:
    device = band(answers={START: b"\xf0\x02\x02\x0d"})  # 13: in the charger
    home = Home(worn(), bands={ADDRESS: device})
    async with home.running():
        for attempt in range(1, 5):
            home.air.advert(ADDRESS)
            await device.until("disconnect", attempt)
            await settle()
        assert home.changes(Link.BAND) == [False]
        assert "f0 02 02 0d" in home.details(Link.BAND)[0]
    waits = home.air.pauses
    assert waits == sorted(waits)
    assert waits[-1] > 6


async def test_a_band_that_cannot_be_reached_gives_its_slot_back() -> None:
    away, there = band(refuse=BleakError("refused")), band()
    home = Home(
        worn(),
        worn(name="other", address=SECOND),
        bands={ADDRESS: away, SECOND: there},
        max_connections=1,
    )
    async with home.running():
        home.air.advert(ADDRESS)
        await home.until(Link.BAND, "down")
        home.air.advert(SECOND)
        await home.until(Link.BAND, "down up")


async def test_no_more_bands_are_connected_at_once_than_the_settings_allow() -> None:
    first, second = band(), band()
    home = Home(
        worn(),
        worn(name="other", address=SECOND),
        bands={ADDRESS: first, SECOND: second},
        max_connections=1,
    )
    async with home.running():
        home.air.advert(ADDRESS)
        await home.until(Link.BAND, "up")
        home.air.advert(SECOND)
        await settle()
        assert second.did == []
        assert "no free connection slot" in home.details(Link.BAND)[-1]
        first.drop()
        await second.until("connect")


async def test_a_device_that_stopped_its_own_stream_is_set_up_again_without_reconnecting() -> None:
    script = Script({1: lambda _: Decoded(restart_stream=True)})
    device = band()
    home = Home(worn(script), bands={ADDRESS: device})
    async with home.running():
        home.air.advert(ADDRESS)
        await home.until(Link.BAND, "up")
        device.notify(CONTROL, b"\x01\x02")
        await device.until("write 0202", 2)
        assert device.did.count("connect") == 1
        assert device.did.count(f"subscribe {DATA}") == 1


async def test_a_stream_that_stops_again_and_again_is_reconnected() -> None:
    script = Script({1: lambda _: Decoded(restart_stream=True)})
    device = band()
    home = Home(worn(script), bands={ADDRESS: device})
    async with home.running():
        home.air.advert(ADDRESS)
        await home.until(Link.BAND, "up")
        for started in range(2, 5):
            device.notify(CONTROL, b"\x01\x02")
            await device.until("write 0202", started)
            await settle()
        device.notify(CONTROL, b"\x01\x02")
        await home.until(Link.BAND, "up down")


async def test_a_device_without_an_optional_characteristic_is_served_without_it() -> None:
    device = band(uuids=(CONTROL, DATA))
    home = Home(worn(), bands={ADDRESS: device})
    async with home.running():
        home.air.advert(ADDRESS)
        await home.until(Link.BAND, "up")


async def test_a_device_without_a_needed_characteristic_says_which() -> None:
    device = band(uuids=(CONTROL, BATTERY))
    home = Home(worn(), bands={ADDRESS: device})
    async with home.running():
        home.air.advert(ADDRESS)
        await home.until(Link.BAND, "down")
    assert DATA in home.details(Link.BAND)[0]


async def test_a_link_with_packets_too_small_for_the_plan_is_served_and_says_so() -> None:
    device = band()
    home = Home(worn(plan=GattPlan(PLAN.setup, min_mtu=300)), bands={ADDRESS: device})
    async with home.running():
        home.air.advert(ADDRESS)
        await home.until(Link.BAND, "up")
        assert home.radio.status().devices[0].detail == "MTU 247, needs 300"


async def test_the_charge_is_read_again_at_the_plans_interval_of_the_homes_time() -> None:
    device = band()
    home = Home(worn(), bands={ADDRESS: device})
    async with home.running():
        home.air.advert(ADDRESS)
        await home.until(Link.BAND, "up")
        await settle()
        await home.clock.forward(3601)
        assert device.did.count(f"read {BATTERY}") == 2


async def test_connecting_and_restarting_the_scan_exclude_each_other() -> None:
    gate = asyncio.Event()
    device = band(gate=gate)
    home = Home(worn(), bands={ADDRESS: device}, deaf_after_s=90.0, canary=FOREIGN)
    async with home.running():
        home.air.advert(ADDRESS)
        await device.until("connect")
        await home.clock.forward(100)
        assert home.air.stops == 0
        gate.set()
        await home.until(Link.BAND, "up")
        await settle()
        assert (home.air.stops, home.air.starts) == (1, 2)


async def test_beside_a_living_stream_deafness_is_told_and_only_the_scan_is_started_anew() -> None:
    device = band()
    home = Home(worn(), bands={ADDRESS: device}, deaf_after_s=90.0, canary=FOREIGN)
    async with home.running():
        home.air.advert(ADDRESS)
        await home.until(Link.BAND, "up")
        for _ in range(11):
            device.notify(DATA, b"\x02")
            await home.clock.forward(10)
        assert home.changes(Link.ADAPTER) == [True, False], "the sensors are unheard"
        assert home.air.starts > 1
        assert set(home.radio.status().recoveries) == {"scan"}
        assert home.changes(Link.BAND) == [True]


async def test_foreign_adverts_connect_nothing() -> None:
    device = band()
    home = Home(worn(), bands={ADDRESS: device})
    async with home.running():
        home.air.advert(FOREIGN)
        await settle()
    assert device.did == []


async def connected(device: FakeBand, plan: GattPlan) -> Conversation:
    backend = client_backend({ADDRESS: device})
    client = BleakClient(BLEDevice(ADDRESS, None, None), backend=backend)
    await client.connect()
    return Conversation(client, plan, lambda *_: None, step_s=0.02)


async def test_a_read_that_never_returns_is_given_up() -> None:
    plan = GattPlan((GattStep("read", BATTERY),))
    talk = await connected(band(hung_reads={BATTERY}), plan)
    with pytest.raises(DeviceError, match=f"read {BATTERY}: no answer within"):
        await talk.setup()


async def test_an_optional_read_that_never_returns_does_not_stand_in_the_way() -> None:
    plan = GattPlan((GattStep("read", BATTERY, optional=True), GattStep("subscribe", DATA)))
    device = band(hung_reads={BATTERY})
    await (await connected(device, plan)).setup()
    assert device.did[-1] == f"subscribe {DATA}"


async def test_a_command_without_its_answer_is_given_up() -> None:
    plan = GattPlan((GattStep("subscribe", CONTROL), PLAN.setup[-1]))
    talk = await connected(band(answers={START: b"\xf0\x05\x00\x00"}), plan)
    with pytest.raises(DeviceError, match="no answer within"):
        await talk.setup()


async def advertising(home: Home, until: Callable[[], bool]) -> None:
    """Let the band advertise, ten milliseconds apart, until that is so."""
    while not until():
        home.air.advert(ADDRESS)
        await asyncio.sleep(0.01)


async def test_a_bonded_band_that_breaks_off_thrice_has_lost_its_bond_until_it_works_again() -> (
    None
):
    device = band(refuse=BleakError("failed to discover services, device disconnected"))
    home = Home(worn(plan=replace(PLAN, bonded=True)), bands={ADDRESS: device})
    async with home.running():
        await advertising(home, lambda: home.changes(Link.BOND) == [False])
        assert device.did.count("connect") >= 3
        assert "--again" in home.details(Link.BOND)[0]
        device.refuse = None
        await advertising(home, lambda: home.changes(Link.BOND) == [False, True])


async def test_a_band_that_was_forgotten_waits_for_a_new_advert_and_not_in_a_circle() -> None:
    """Pairing again forgets what was found just now: the event loop stood still on that."""
    home = Home(worn(), bands={ADDRESS: band()})
    (waiting,) = home.radio._bands
    waiting._advertised.set()
    waiting._ear.found = None
    finding = asyncio.create_task(waiting._find(60.0))
    await settle()
    waiting._ear.found = BLEDevice(ADDRESS, None, None)
    waiting._advertised.set()
    assert await finding == waiting._ear.found


async def test_a_bonded_band_that_is_out_of_reach_has_not_lost_its_bond() -> None:
    device = band(refuse=BleakError("Timeout: not found"))
    home = Home(worn(plan=replace(PLAN, bonded=True)), bands={ADDRESS: device})
    async with home.running():
        await advertising(home, lambda: len(home.air.pauses) >= 4)
    assert home.changes(Link.BOND) == []


async def test_pairing_is_refused_with_the_reason() -> None:
    home = Home(worn(), worn(name="polar", address=SECOND, plan=replace(PLAN, bonded=True)))
    async with home.running():
        with pytest.raises(DeviceError, match="no band called x"):
            await home.radio.pair("x")
        with pytest.raises(DeviceError, match="needs no pairing"):
            await home.radio.pair("band")
        with pytest.raises(DeviceError, match="not heard"):
            await home.radio.pair("polar")


async def test_one_band_is_paired_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def unbonded(_found: BLEDevice) -> bool:
        return False

    monkeypatch.setattr("gateway.edge.band.bonded", unbonded)
    plan = replace(PLAN, bonded=True)
    away = band(refuse=BleakError("Timeout: not found"))
    home = Home(
        worn(plan=plan),
        worn(name="polar", address=SECOND, plan=plan),
        bands={ADDRESS: away, SECOND: away},
    )
    async with home.running():
        for address in (ADDRESS, SECOND):
            home.air.advert(address)
        first = asyncio.create_task(home.radio.pair("band"))
        await settle()
        with pytest.raises(DeviceError, match=f"{ADDRESS} is being paired just now"):
            await home.radio.pair("polar")
        assert not first.done()
        first.cancel()
        await asyncio.wait([first])
        second = asyncio.create_task(home.radio.pair("polar"))
        await settle()
        assert not second.done(), "the next may"
        second.cancel()
        await asyncio.wait([second])
