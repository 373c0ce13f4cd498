"""The virtual scanner backend, through bleak's own API."""

import asyncio

import pytest
from bleak import BleakScanner
from bleak.args.bluez import OrPattern
from bleak.assigned_numbers import AdvertisementDataType
from bleak.exc import BleakBluetoothNotAvailableError, BleakDBusError, BleakError

from gateway.clock import SystemClock
from gateway.core.model import Press
from gateway.driver import sig
from gateway.virtual.world import World
from tests.fakes_virtual import Echo, Heard

BUTTON = "B4:35:22:F5:3D:A4"
BTHOME = sig(0xFCD2)
# sent by a real SBBT-002C with this key: packet 7, battery 100 %, single press, counter 442
KEY = bytes.fromhex("90bffd73cb6b26ef58a7a8eba9232036")
CAPTURED = bytes.fromhex("450AEB8446 7F85BA01000031 88788C".replace(" ", ""))


async def test_a_press_is_heard_byte_for_byte_as_the_real_button_sent_it(world: World) -> None:
    button = world.shelly_button(BUTTON, key=KEY)
    button.packet_id, button.counter = 7, 442
    heard = Heard()
    async with BleakScanner(heard, backend=world.scanner_backend):
        button.press(Press.SINGLE)
        adverts = await heard.count(3, BUTTON)
    assert [advert.service_data for advert in adverts[:3]] == [{BTHOME: CAPTURED}] * 3
    assert adverts[0].rssi == -60
    assert heard.devices[BUTTON].address == BUTTON


async def test_two_scanners_hear_the_same_and_one_may_stop(world: World) -> None:
    button = world.shelly_button(BUTTON)
    first, second = Heard(), Heard()
    async with BleakScanner(first, backend=world.scanner_backend):
        async with BleakScanner(second, backend=world.scanner_backend):
            button.press()
            assert await first.count(1) == await second.count(1)
        button.press()
        await first.count(2)


async def test_a_second_scanner_is_refused_where_bluez_would() -> None:
    async with (
        World(SystemClock(), one_scanner=True) as world,
        BleakScanner(Heard(), backend=world.scanner_backend),
    ):
        with pytest.raises(BleakDBusError, match="InProgress"):
            await BleakScanner(Heard(), backend=world.scanner_backend).start()


async def test_a_deaf_adapter_hears_nothing_and_says_nothing(world: World) -> None:
    button = world.shelly_button(BUTTON)
    heard = Heard()
    async with BleakScanner(heard, backend=world.scanner_backend):
        world.deaf(deaf=True)
        button.press()
        for _ in range(20):
            await asyncio.sleep(0)
        assert heard.adverts == []
        world.deaf(deaf=False)
        button.press()
        await heard.count(1)


async def test_after_a_power_cut_the_scanner_is_dead_until_stopped_and_started(
    world: World,
) -> None:
    button = world.shelly_button(BUTTON)
    heard = Heard()
    scanner = BleakScanner(heard, backend=world.scanner_backend)
    await scanner.start()
    await world.power(on=False)
    with pytest.raises(BleakBluetoothNotAvailableError):
        await BleakScanner(heard, backend=world.scanner_backend).start()
    await world.power(on=True)
    button.press()
    for _ in range(20):
        await asyncio.sleep(0)
    assert heard.adverts == []
    with pytest.raises(BleakDBusError, match="No discovery started"):
        await scanner.stop()
    await scanner.start()
    button.press()
    await heard.count(1)
    await scanner.stop()


async def test_passive_scanning_needs_patterns_and_reports_an_unchanged_advert_once(
    world: World,
) -> None:
    with pytest.raises(BleakError, match="or_patterns"):
        BleakScanner(Heard(), scanning_mode="passive", backend=world.scanner_backend)
    echo = await world.connectable(Echo(world.air))
    button = world.shelly_button(BUTTON)
    heard = Heard()
    pattern = OrPattern(0, AdvertisementDataType.SERVICE_DATA_UUID16, b"\xd2\xfc")
    async with BleakScanner(
        heard,
        scanning_mode="passive",
        bluez={"or_patterns": [pattern]},
        backend=world.scanner_backend,
    ):
        button.press()
        await asyncio.sleep(0.25)
        button.press()
        await heard.count(2)
    assert [who for who, _ in heard.adverts] == [BUTTON, BUTTON]
    assert echo.address not in heard.devices


async def test_a_dead_sensor_is_silent_and_uses_up_no_packets(world: World) -> None:
    button = world.shelly_button(BUTTON)
    heard = Heard()
    async with BleakScanner(heard, backend=world.scanner_backend):
        button.die()
        button.press()
        button.revive()
        button.press()
        (advert, *_) = await heard.count(1)
    assert advert.service_data[BTHOME] == bytes.fromhex("4400 00 0164 3A01".replace(" ", ""))
