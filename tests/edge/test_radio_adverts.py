"""What comes in by adverts."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from gateway.core.model import Link, Memory
from gateway.driver import Decoded, DeviceSettings, MalformedPacket, Replayed, WrongKey, sig
from gateway.edge.radio import RadioDevice
from gateway.errors import ConfigurationError
from gateway.registry import find
from gateway.settings import DeviceStanza, ScanMode
from tests.fakes_radio import BTHOME, Script, press, refuse, sensor, settle
from tests.home_radio import ADDRESS, FOREIGN, Home

XIAOMI = sig(0xFE95)


async def test_a_press_is_stamped_once_and_delivered_with_its_counter() -> None:
    home = Home(sensor(Script({1: press})))
    async with home.running():
        home.air.advert(ADDRESS, {BTHOME: b"\x01\x07"}, rssi=-71)
    (heard,) = home.heard
    assert heard.at == home.clock.now()
    assert heard.readings[0].at == heard.at
    assert heard.memory == Memory("button", {"counter": 7})
    assert heard.rssi == -71


async def test_a_foreign_advert_reaches_no_decoder_and_delivers_nothing() -> None:
    script = Script()
    home = Home(sensor(script))
    async with home.running():
        home.air.advert(FOREIGN, {BTHOME: b"\x01\x07"})
    assert script.packets == []
    assert home.heard == []
    assert home.radio.status().adverts == 1


async def test_an_address_written_in_small_letters_is_the_same_device() -> None:
    home = Home(sensor(Script(), address=ADDRESS.lower()))
    async with home.running():
        home.air.advert(ADDRESS, {BTHOME: b"\x00"})
    assert len(home.heard) == 1


def test_two_devices_with_one_address_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=ADDRESS):
        Home(sensor(Script()), sensor(Script(), name="other", address=ADDRESS.lower()))


async def test_the_makers_data_is_offered_under_its_company_id() -> None:
    script = Script()
    home = Home(sensor(script, adverts=("mfr:0499",)))
    async with home.running():
        home.air.advert(ADDRESS, {BTHOME: b"x"}, manufacturer={0x0499: b"\x05", 0x0001: b"\x06"})
    assert [(packet.uuid, packet.data) for packet in script.packets] == [("mfr:0499", b"\x05")]


async def test_a_packet_without_readings_is_still_a_sign_of_life() -> None:
    home = Home(sensor(Script()))
    async with home.running():
        home.air.advert(ADDRESS, {BTHOME: b"\x00"})
    assert [heard.readings for heard in home.heard] == [()]


async def test_the_same_advert_heard_many_times_a_second_is_decoded_once_a_second() -> None:
    script = Script()
    home = Home(sensor(script))
    async with home.running():
        for _ in range(30):
            home.air.advert(ADDRESS, {BTHOME: b"\x00"}, rssi=-50)
            await home.clock.forward(0.1)
    assert len(script.packets) == len(home.heard) == 3
    assert home.radio.status().devices[0].rssi == -50


async def test_new_content_within_the_same_second_is_decoded_at_once() -> None:
    home = Home(sensor(Script({1: press})))
    async with home.running():
        home.air.advert(ADDRESS, {BTHOME: b"\x01\x07"})
        home.air.advert(ADDRESS, {BTHOME: b"\x01\x08"})
    assert [heard.memory for heard in home.heard] == [
        Memory("button", {"counter": 7}),
        Memory("button", {"counter": 8}),
    ]


async def test_an_advert_without_the_wanted_data_is_a_sign_of_life_once_a_second() -> None:
    home = Home(sensor(Script()))
    async with home.running():
        for _ in range(5):
            home.air.advert(ADDRESS, name="SBBT-002C")
    assert [heard.readings for heard in home.heard] == [()]


async def test_an_encrypted_sensor_is_believed_alive_only_from_what_its_key_opens() -> None:
    home = Home(sensor(Script(), encrypted=True))
    async with home.running():
        home.air.advert(ADDRESS, name="anybody can say so")
    assert home.heard == []


async def test_what_does_not_decode_is_counted_and_dropped() -> None:
    script = Script({1: refuse(MalformedPacket), 2: refuse(Replayed)})
    home = Home(sensor(script))
    async with home.running():
        home.air.advert(ADDRESS, {BTHOME: b"\x01"})
        home.air.advert(ADDRESS, {BTHOME: b"\x02"})
    assert home.heard == []
    (status,) = home.radio.status().devices
    assert (status.packets, status.malformed, status.replayed) == (2, 1, 1)
    assert status.last_heard is not None


async def test_two_different_packets_that_the_key_does_not_open_mean_a_wrong_key() -> None:
    home = Home(sensor(Script({1: refuse(WrongKey)}), encrypted=True))
    async with home.running():
        home.air.advert(ADDRESS, {BTHOME: b"\x01\x01"})
        await home.clock.forward(5)
        home.air.advert(ADDRESS, {BTHOME: b"\x01\x01"})
        assert home.changes(Link.KEY) == []
        home.air.advert(ADDRESS, {BTHOME: b"\x01\x02"})
        home.air.advert(ADDRESS, {BTHOME: b"\x01\x03"})
        assert home.changes(Link.KEY) == [False]
        home.air.advert(ADDRESS, {BTHOME: b"\x00"})
    assert home.changes(Link.KEY) == [False, True]
    assert home.radio.status().devices[0].wrong_key == 4


async def test_one_failed_tag_between_good_packets_is_the_air_and_says_nothing() -> None:
    home = Home(sensor(Script({1: refuse(WrongKey)})))
    async with home.running():
        for data in (b"\x01\x01", b"\x00\x01", b"\x01\x02", b"\x00\x02"):
            home.air.advert(ADDRESS, {BTHOME: data})
    assert home.changes(Link.KEY) == []


async def test_a_drivers_bug_is_counted_logged_once_a_minute_and_the_radio_lives() -> None:
    def stumble(_: object) -> Decoded:
        raise ZeroDivisionError

    home = Home(sensor(Script({1: stumble})))
    with capture_logs() as logs:
        async with home.running():
            for second in range(61):
                home.air.advert(ADDRESS, {BTHOME: bytes([1, second])})
                await home.clock.forward(1)
            home.air.advert(ADDRESS, {BTHOME: b"\x00"})
    assert len([log for log in logs if log["event"] == "driver bug"]) == 2
    assert home.radio.status().devices[0].bugs == 61
    assert len(home.heard) == 1


async def test_a_survey_lists_foreign_and_configured_senders_strongest_first() -> None:
    home = Home(sensor(Script()))
    async with home.running():
        survey = asyncio.create_task(home.radio.survey(0.05))
        await settle()
        home.air.advert(FOREIGN, manufacturer={0x004C: b"\x02"}, rssi=-80)
        home.air.advert(ADDRESS, {BTHOME: b"\x00"}, name="SBBT-002C", rssi=-40)
        found = await survey
        home.air.advert("22:22:22:22:22:22")
    assert [(one.address, one.device) for one in found] == [(ADDRESS, "button"), (FOREIGN, "")]
    assert found[0].services == (BTHOME,)
    assert found[1].services == ("mfr:004c",)
    assert home.radio.recent() == found


async def test_the_scan_mode_is_the_technicians() -> None:
    home = Home(sensor(Script()), scan=ScanMode.PASSIVE)
    async with home.running():
        assert home.air.modes == ["passive"]


HEADS = st.sampled_from([b"", b"\x40", b"\x44", b"\x41", b"\x45", b"\x58\x58", b"\x30\x58"])
DATA = st.builds(bytes.__add__, HEADS, st.binary(max_size=24))


@given(st.lists(st.tuples(st.integers(0, 4), DATA), max_size=20))
async def test_whatever_bytes_are_on_the_air_nothing_is_raised(
    adverts: list[tuple[int, bytes]],
) -> None:
    """The devices are served by the project's own drivers, with a key and without."""
    devices = []
    for number, (driver, key) in enumerate(
        [("bthome", None), ("bthome", bytes(16)), ("mibeacon", bytes(16))]
    ):
        stanza = DeviceStanza(f"d{number}", driver, f"AA:BB:CC:00:00:0{number}")
        chosen = find(driver)
        settings = DeviceSettings(stanza.name, stanza.address, key)
        devices.append(RadioDevice(stanza, chosen, chosen.new_decoder(settings, None)))
    home = Home(*devices)
    async with home.running():
        for number, data in adverts:
            home.air.advert(
                f"AA:BB:CC:00:00:0{number}", {BTHOME: data, XIAOMI: data}, manufacturer={1: data}
            )
    status = home.radio.status()
    assert status.adverts == len(adverts)
    assert [device.bugs for device in status.devices] == [0, 0, 0]
