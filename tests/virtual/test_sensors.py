"""What the advertising devices say, byte for byte, and when."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from bleak import BleakScanner
from bleak.backends.device import BLEDevice
from bthome_ble import BTHomeBluetoothDeviceData
from habluetooth import BluetoothServiceInfoBleak

from gateway.core.model import Press
from gateway.driver import sig
from gateway.virtual.time import SteppedClock
from gateway.virtual.world import World
from tests.fakes_virtual import Heard

DOOR, MOTION, BUTTON = "C0:00:00:00:03:01", "C0:00:00:00:03:02", "C0:00:00:00:03:03"
XIAOMI = "18:C2:3C:20:8E:77"
BTHOME, MIBEACON = sig(0xFCD2), sig(0xFE95)
KEY = bytes.fromhex("231d39c1d7cc1ab1aee224cd096db932")
XIAOMI_KEY = bytes.fromhex("4960bb9f8711b4ffd7df1756d11427ae")


class Home:
    """A world whose time is moved by the test, and what its scanner heard."""

    def __init__(self, world: World, clock: SteppedClock, heard: Heard) -> None:
        self.world, self.clock, self.heard = world, clock, heard

    async def said(self, uuid: str, seconds: float) -> list[bytes]:
        """Let so much time pass; return the service data heard meanwhile."""
        self.heard.adverts.clear()
        await self.clock.advance(seconds)
        return [advert.service_data[uuid] for _, advert in self.heard.adverts]


@pytest.fixture
async def home() -> AsyncIterator[Home]:
    clock, heard = SteppedClock(), Heard()
    async with World(clock) as world, BleakScanner(heard, backend=world.scanner_backend):
        yield Home(world, clock, heard)


def oracle(address: str, data: bytes, key: bytes | None = None) -> dict[str, object]:
    """What bthome-ble reads from it."""
    parser = BTHomeBluetoothDeviceData(bindkey=key)
    info = BluetoothServiceInfoBleak(
        name="",
        address=address,
        rssi=-60,
        manufacturer_data={},
        service_data={BTHOME: data},
        service_uuids=[],
        source="local",
        device=BLEDevice(address, None, None),
        advertisement=None,
        connectable=False,
        time=0.0,
        tx_power=None,
    )
    update = parser.update(info)
    values = {k.key: v.native_value for k, v in update.entity_values.items()}
    values |= {k.key: v.native_value for k, v in update.binary_entity_values.items()}
    values |= {k.key: v.event_type for k, v in update.events.items()}
    return values


async def test_an_event_is_said_eight_times_in_home_time(home: Home) -> None:
    home.world.shelly_button(BUTTON).press(Press.DOUBLE)
    assert await home.said(BTHOME, 0.35) == [bytes.fromhex("44000001643A02")] * 4
    assert await home.said(BTHOME, 10) == [bytes.fromhex("44000001643A02")] * 4


async def test_a_beacon_repeats_the_state_once_in_its_interval(home: Home) -> None:
    door = home.world.shelly_door(DOOR, beacon_s=60)
    door.open()
    await home.said(BTHOME, 30)
    packets = await home.said(BTHOME, 91)
    assert [oracle(DOOR, packet)["window"] for packet in packets] == [True] * 16
    assert {packet[2] for packet in packets} == {1, 2}


async def test_an_encrypted_door_is_what_the_oracle_reads(home: Home) -> None:
    door = home.world.shelly_door(DOOR, key=KEY, beacon_s=None)
    door.battery, door.illuminance_lx, door.rotation_deg = 87, 12.34, -3.5
    door.open()
    (packet, *_) = await home.said(BTHOME, 1)
    assert packet[0] == 0x45
    read = oracle(DOOR, packet, KEY)
    assert (read["battery"], read["window"], read["rotation"]) == (87, True, -3.5)
    assert read["illuminance"] == 12.34


async def test_motion_is_told_when_it_begins_and_when_it_ends(home: Home) -> None:
    motion = home.world.shelly_motion(MOTION, beacon_s=None)
    motion.detect()
    first = await home.said(BTHOME, 5)
    motion.clear()
    second = await home.said(BTHOME, 5)
    assert [oracle(MOTION, said[0])["motion"] for said in (first, second)] == [True, False]


@pytest.mark.parametrize("press", Press)
async def test_every_press_is_read_by_the_oracle(home: Home, press: Press) -> None:
    home.world.shelly_button(BUTTON).press(press)
    (packet, *_) = await home.said(BTHOME, 1)
    told = {Press.SINGLE: "press", Press.HOLD: "hold_press", Press.RELEASE: "hold_release"}
    assert oracle(BUTTON, packet)["button"] == told.get(press, f"{press}_press")


async def test_the_xiaomi_packets_are_those_of_a_real_sensor(home: Home) -> None:
    sensor = home.world.xiaomi_motion(XIAOMI, XIAOMI_KEY)
    sensor.counter = (6 << 8) | 0x8C
    sensor.detect()
    (packet, *_) = await home.said(MIBEACON, 1)
    assert packet == bytes.fromhex("58598D0A8C778E203CC2185A273628EC32060000C4264015")


async def test_the_xiaomi_packet_without_an_address_is_that_of_a_real_sensor(home: Home) -> None:
    sensor = home.world.xiaomi_motion(XIAOMI, XIAOMI_KEY)
    sensor.counter = (6 << 8) | 0x92
    sensor.still_for(30)
    (packet, *_) = await home.said(MIBEACON, 1)
    assert packet == bytes.fromhex("48598D0A927953750FED0F990600005CAD2C29")


async def test_a_newer_event_replaces_the_one_still_being_repeated(home: Home) -> None:
    door = home.world.shelly_door(DOOR, beacon_s=None)
    door.open()
    await home.said(BTHOME, 0.15)
    door.close()
    packets = await home.said(BTHOME, 5)
    assert {packet[2] for packet in packets} == {1}
    assert len(packets) == 8


async def test_the_neighbours_send_as_much_as_asked_from_as_many_addresses(home: Home) -> None:
    crowd = home.world.neighbours(devices=30, rate_hz=5_000)
    await home.heard.count(300)
    assert crowd.sent >= 300
    addresses = {who for who, _ in home.heard.adverts}
    assert len(addresses) == 30
    assert all(int(who[:2], 16) < 0x40 for who in addresses)
    assert BTHOME not in {u for _, advert in home.heard.adverts for u in advert.service_data}


async def test_nothing_goes_on_when_the_world_has_ended() -> None:
    before = asyncio.all_tasks()
    async with World(SteppedClock()) as world:
        world.shelly_button(BUTTON).press()
        world.neighbours(devices=3, rate_hz=10)
        await world.polar_band("A0:9E:1A:00:00:01")
    assert asyncio.all_tasks() == before
