"""The radio over a real Bluetooth stack: bumble controllers, the project's own drivers."""

import pytest
from bumble.gatt import Service

from gateway.clock import SystemClock
from gateway.core.model import (
    Battery,
    Button,
    HeartRate,
    Link,
    Motion,
    Press,
)
from gateway.settings import RadioSettings, ScanMode
from gateway.virtual.advert import write_advert
from gateway.virtual.link import Air
from gateway.virtual.peripheral import Peripheral, Prop, characteristic, short
from gateway.virtual.world import World
from tests.listen_radio import Listener, configured, radio

pytestmark = pytest.mark.radio

BUTTON, MOTION, NEIGHBOUR = "B4:35:22:F5:3D:A4", "B4:35:22:00:00:02", "C0:00:00:00:00:77"
BAND = "C0:00:00:00:00:0B"
KEY = bytes(range(16))


class HeartBand(Peripheral):
    """A band that tells its heart rate to whoever has subscribed, when the test says so."""

    def __init__(self, air: Air, address: str) -> None:
        super().__init__(air, "Band", address, advert=write_advert(name="Band"))
        self.pulse = characteristic(short(0x2A37), Prop.NOTIFY)
        self.charge = characteristic(short(0x2A19), Prop.READ | Prop.NOTIFY, bytes([80]))
        self.serve(
            [Service(short(0x180D), [self.pulse]), Service(short(0x180F), [self.charge])],
        )

    async def beat(self, bpm: int) -> None:
        await self.device.notify_subscribers(self.pulse, bytes([0x06, bpm]))


async def test_a_press_sent_eight_times_is_one_press() -> None:
    listener = Listener()
    async with World(SystemClock(), one_scanner=True) as world:
        button = world.shelly_button(BUTTON, key=KEY)
        neighbour = world.shelly_button(NEIGHBOUR)
        device = configured("sos", BUTTON, "bthome", KEY)
        async with radio(world, listener, device, settings=RadioSettings()) as made:
            neighbour.press()
            button.press()
            await listener.value("sos", Button)
            button.press(Press.LONG)
            presses = await listener.value("sos", Button, 2)
            assert made.status().adverts >= 3
    assert presses == [Button(Press.SINGLE), Button(Press.LONG)]


async def test_a_wrong_key_is_told_at_the_second_packet_and_the_rest_goes_on() -> None:
    listener = Listener()
    async with World(SystemClock()) as world:
        button = world.shelly_button(BUTTON, key=KEY)
        motion = world.shelly_motion(MOTION)
        devices = (
            configured("sos", BUTTON, "bthome", bytes(16)),
            configured("hall", MOTION, "bthome"),
        )
        async with radio(world, listener, *devices, settings=RadioSettings()):
            button.press()
            button.press()
            await listener.link(Link.KEY, "down")
            motion.detect()
            assert await listener.value("hall", Motion) == [Motion(detected=True)]
    assert listener.values("sos") == []


async def test_a_passive_scan_hears_the_configured_sensor() -> None:
    listener = Listener()
    async with World(SystemClock()) as world:
        motion = world.shelly_motion(MOTION)
        settings = RadioSettings(scan=ScanMode.PASSIVE)
        async with radio(world, listener, configured("hall", MOTION, "bthome"), settings=settings):
            motion.detect()
            await listener.value("hall", Motion)


async def test_a_band_is_read_and_heard_and_after_a_lost_link_each_beat_comes_once() -> None:
    listener = Listener()
    async with World(SystemClock(), one_scanner=True) as world:
        band = HeartBand(world.air, BAND)
        await world.connectable(band)
        device = configured("band", BAND, "heart_rate")
        async with radio(world, listener, device, settings=RadioSettings()) as made:
            await listener.link(Link.BAND, "up")
            assert listener.values("band") == [Battery(80)]
            await band.beat(61)
            await listener.value("band", HeartRate)
            band.drop()
            await listener.link(Link.BAND, "up down up")
            await band.beat(62)
            await band.beat(63)
            beats = await listener.value("band", HeartRate, 3)
            assert made.status().devices[0].connected
        assert band.links == 0  # the goodbye has disconnected
    assert [beat.bpm for beat in beats] == [61, 62, 63]


async def test_sensors_are_heard_while_a_band_is_connected() -> None:
    listener = Listener()
    async with World(SystemClock(), one_scanner=True) as world:
        await world.connectable(HeartBand(world.air, BAND))
        button = world.shelly_button(BUTTON)
        devices = (configured("band", BAND, "heart_rate"), configured("sos", BUTTON, "bthome"))
        async with radio(world, listener, *devices, settings=RadioSettings()):
            await listener.link(Link.BAND, "up")
            button.press()
            await listener.value("sos", Button)


async def test_a_band_lost_with_the_adapter_is_connected_again_when_it_is_back() -> None:
    listener = Listener()
    async with World(SystemClock()) as world:
        await world.connectable(HeartBand(world.air, BAND))
        world.shelly_motion(NEIGHBOUR, beacon_s=0.05)
        settings = RadioSettings(deaf_after_s=0.3, canary=NEIGHBOUR)
        device = configured("band", BAND, "heart_rate")
        async with radio(world, listener, device, settings=settings):
            await listener.link(Link.BAND, "up")
            await world.power(on=False)
            await listener.link(Link.BAND, "up down")
            await world.power(on=True)
            await listener.link(Link.BAND, "up down up")


async def test_an_adapter_switched_off_and_on_hears_again() -> None:
    listener = Listener()
    async with World(SystemClock()) as world:
        motion = world.shelly_motion(MOTION, beacon_s=0.05)
        settings = RadioSettings(deaf_after_s=0.3, canary=MOTION)
        async with radio(world, listener, configured("hall", MOTION, "bthome"), settings=settings):
            await listener.link(Link.ADAPTER, "up")
            await world.power(on=False)
            await listener.link(Link.ADAPTER, "up down")
            await world.power(on=True)
            await listener.link(Link.ADAPTER, "up down up")
    assert motion.alive
