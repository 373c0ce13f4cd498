"""Xiaomi MiBeacon: real frames, counters, refusals."""

import pytest

from drivers.mibeacon import DRIVER, SERVICE
from gateway.core.model import (
    Battery,
    Contact,
    Hazard,
    HazardState,
    Measurement,
    Motion,
    Quantity,
    Reading,
    Value,
)
from gateway.driver import Channel, Decoded, Decoder, MalformedPacket, Packet, Replayed, WrongKey
from gateway.layouts.sealed import address_bytes
from tests import seals
from tests.fakes_drivers import at, decoder, packet, values

MOTION_KEY, MOTION_MAC = "4960bb9f8711b4ffd7df1756d11427ae", "18:C2:3C:20:8E:77"
DOOR_KEY, DOOR_MAC = "017e52d2684779298709b117c0a75a7b", "E4:AA:EC:81:21:AE"
MOTION = "58 59 8D 0A 8C 77 8E 20 3C C2 18 5A 27 36 28 EC 32 06 00 00 C4 26 40 15"
STILL = "48 59 8D 0A 92 79 53 75 0F ED 0F 99 06 00 00 5C AD 2C 29"
DOOR = "58 58 8B 09 A3 AE 21 81 EC AA E4 0E 2C 55 3C 04 00 00 D2 8A 50 0C"


def sealed(plain: str, counter: int, *, control: int = 0x5948, capability: str = "") -> bytes:
    return seals.mibeacon(
        bytes.fromhex(plain),
        counter,
        key=bytes.fromhex(MOTION_KEY),
        mac=address_bytes(MOTION_MAC),
        control=control,
        capability=bytes.fromhex(capability),
    )


def advert(data: bytes | str, mono_ms: int = 0) -> Packet:
    return packet(SERVICE, data, mono_ms, Channel.ADVERT)


def motion_sensor(*, accept_counter_restart: bool = False) -> Decoder:
    options = {"accept_counter_restart": accept_counter_restart}
    return decoder(DRIVER, address=MOTION_MAC, key=MOTION_KEY, options=options)


def test_a_real_motion_frame_says_motion_in_the_light() -> None:
    decoded = motion_sensor().decode(advert(MOTION, 5))
    assert decoded.readings == (
        Reading(at(5), "dev", Motion(detected=True)),
        Reading(at(5), "dev", Measurement(Quantity.LIGHT, 1.0)),
    )
    assert decoded.memory is not None
    assert decoded.memory["counter"] == 6 << 8 | 0x8C


def test_a_real_frame_without_address_says_still_for_thirty_seconds() -> None:
    decoded = motion_sensor().decode(advert(STILL))
    assert values(decoded.readings) == [
        Motion(detected=False),
        Measurement(Quantity.STILL_FOR, 30.0),
    ]


def test_a_real_door_left_open_is_open() -> None:
    door = decoder(DRIVER, address=DOOR_MAC, key=DOOR_KEY)
    assert values(door.decode(advert(DOOR)).readings) == [Contact(open=True)]


@pytest.mark.parametrize(
    ("plain", "expected"),
    [
        ("0F 00 03 00 00 00", [Motion(detected=True), Measurement(Quantity.LIGHT, 0.0)]),
        ("17 10 04 1E 00 00 00", [Motion(detected=True), Measurement(Quantity.STILL_FOR, 30.0)]),
        ("17 10 04 78 00 00 00", [Motion(detected=False), Measurement(Quantity.STILL_FOR, 120.0)]),
        ("18 48 02 00 00", [Motion(detected=True), Measurement(Quantity.STILL_FOR, 0.0)]),
        ("18 48 02 3C 00", [Motion(detected=False), Measurement(Quantity.STILL_FOR, 60.0)]),
        ("19 10 01 00", [Contact(open=True)]),
        ("19 10 01 01", [Contact(open=False)]),
        ("19 10 01 03", []),
        ("18 10 01 01", [Measurement(Quantity.LIGHT, 1.0)]),
        ("0A 10 01 64", [Battery(100)]),
        ("03 48 01 32", [Battery(50)]),
        ("0A 10 01 FF", []),
        (
            "08 4A 04 00 00 C8 42",
            [Motion(detected=True), Measurement(Quantity.ILLUMINANCE, 100.0)],
        ),
        ("08 4A 04 00 00 C0 7F", [Motion(detected=True)]),
        ("04 10 02 F6 FF", [Measurement(Quantity.TEMPERATURE, -1.0)]),
        (
            "0D 10 04 FE 00 F4 01",
            [Measurement(Quantity.TEMPERATURE, 25.4), Measurement(Quantity.HUMIDITY, 50.0)],
        ),
        ("14 10 01 01", [HazardState(Hazard.WATER, present=True)]),
        ("15 10 01 00", [HazardState(Hazard.SMOKE, present=False)]),
        ("04 48 01 02", [Contact(open=False)]),
        ("FF 77 02 01 02 0A 10 01 64", [Battery(100)]),
        ("0F 00 01 00 0A 10 01 64", [Battery(100)]),
    ],
)
def test_each_object_has_its_meaning(plain: str, expected: list[Value]) -> None:
    assert values(motion_sensor().decode(advert(sealed(plain, 1))).readings) == expected


def test_the_same_packet_again_says_nothing_and_is_no_error() -> None:
    sensor = motion_sensor()
    sensor.decode(advert(MOTION))
    assert sensor.decode(advert(MOTION, 100)) == Decoded(proves_life=False)


def test_the_same_packet_says_nothing_after_a_restart_either() -> None:
    memory = motion_sensor().decode(advert(MOTION)).memory
    again = decoder(DRIVER, address=MOTION_MAC, key=MOTION_KEY, memory=memory)
    assert again.decode(advert(MOTION)) == Decoded(proves_life=False)


def test_an_older_counter_is_a_replay_also_after_a_restart() -> None:
    sensor = motion_sensor()
    memory = sensor.decode(advert(sealed("19 10 01 01", 0x1_00))).memory
    restarted = decoder(DRIVER, address=MOTION_MAC, key=MOTION_KEY, memory=memory)
    for one in (sensor, restarted):
        with pytest.raises(Replayed, match="counter 255 after 256"):
            one.decode(advert(sealed("19 10 01 00", 0xFF)))


def test_the_same_counter_with_other_content_is_a_replay() -> None:
    sensor = motion_sensor()
    sensor.decode(advert(sealed("19 10 01 01", 7)))
    with pytest.raises(Replayed):
        sensor.decode(advert(sealed("19 10 01 00", 7)))


def test_a_fresh_battery_lets_the_counter_begin_anew() -> None:
    sensor = motion_sensor()
    sensor.decode(advert(sealed("0A 10 01 0A", 5000)))
    decoded = sensor.decode(advert(sealed("0A 10 01 64", 1)))
    assert values(decoded.readings) == [Battery(100)]
    assert decoded.memory is not None
    assert decoded.memory["restarts"] == 1


def test_a_small_counter_without_a_fresh_battery_is_a_replay() -> None:
    sensor = motion_sensor()
    sensor.decode(advert(sealed("0A 10 01 0A", 5000)))
    with pytest.raises(Replayed):
        sensor.decode(advert(sealed("0F 00 03 00 00 00", 1)))


def test_the_technician_can_allow_a_counter_to_begin_anew() -> None:
    sensor = motion_sensor(accept_counter_restart=True)
    sensor.decode(advert(sealed("0A 10 01 0A", 5000)))
    decoded = sensor.decode(advert(sealed("19 10 01 01", 1)))
    assert values(decoded.readings) == [Contact(open=False)]


def test_a_new_key_forgets_the_old_keys_counters() -> None:
    memory = motion_sensor().decode(advert(MOTION)).memory
    rebound = decoder(DRIVER, address=DOOR_MAC, key=DOOR_KEY, memory=memory)
    assert values(rebound.decode(advert(DOOR)).readings) == [Contact(open=True)]


def test_a_new_key_that_counts_from_the_start_is_a_wrong_key_and_no_replay() -> None:
    sensor = motion_sensor()
    sensor.decode(advert(sealed("19 10 01 01", 5000)))
    mac, other = address_bytes(MOTION_MAC), bytes.fromhex(DOOR_KEY)
    rebound = seals.mibeacon(bytes.fromhex("19100100"), 300, key=other, mac=mac)
    with pytest.raises(WrongKey):
        sensor.decode(advert(rebound))


def test_a_counter_that_is_not_small_does_not_begin_anew_even_with_a_fresh_battery() -> None:
    sensor = motion_sensor(accept_counter_restart=True)
    sensor.decode(advert(sealed("0A 10 01 0A", 5000)))
    with pytest.raises(Replayed):
        sensor.decode(advert(sealed("0A 10 01 64", 100)))


def test_a_wrong_key_is_named_so() -> None:
    sensor = decoder(DRIVER, address=MOTION_MAC, key=DOOR_KEY)
    with pytest.raises(WrongKey, match="tag does not match"):
        sensor.decode(advert(MOTION))


def test_a_missing_key_is_named_so() -> None:
    with pytest.raises(WrongKey, match="no key is set"):
        decoder(DRIVER, address=MOTION_MAC).decode(advert(MOTION))


def test_a_bare_beacon_is_no_error_and_no_proof_of_life() -> None:
    beacon = "10 59 8D 0A 01 77 8E 20 3C C2 18"
    assert motion_sensor().decode(advert(beacon)) == Decoded(proves_life=False)


@pytest.mark.parametrize("capability", ["08", "28 01"])
def test_the_capability_bytes_are_passed_over(capability: str) -> None:
    data = sealed("0A 10 01 64", 1, control=0x5978, capability=capability)
    assert values(motion_sensor().decode(advert(data)).readings) == [Battery(100)]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("", "0 bytes"),
        ("58 59 8D 0A", "4 bytes"),
        ("C8 59 8D 0A 92 79 53 75 0F ED 0F 99 06 00 00 5C AD 2C 29", "mesh"),
        ("40 50 8D 0A 01 0F 00 03 00 01 00", "plaintext"),
        ("48 39 8D 0A 92 79 53 75 0F ED 0F 99 06 00 00 5C AD 2C 29", "version 3"),
        ("48 59 8D 0A 92 06 00 00 5C AD 2C", "too short"),
        ("58 59 8D 0A 8C 00 8E 20 3C C2 18 5A 27 36 28 EC 32 06 00 00 C4", "address"),
        ("68 59 8D 0A 8C", "capability cut short"),
    ],
)
def test_a_broken_envelope_is_refused_by_name(data: str, why: str) -> None:
    with pytest.raises(MalformedPacket, match=why):
        motion_sensor().decode(advert(data))


@pytest.mark.parametrize(("plain", "why"), [("0F 00", "type"), ("0F 00 03 00", "cut short")])
def test_an_object_cut_short_is_refused(plain: str, why: str) -> None:
    with pytest.raises(MalformedPacket, match=why):
        motion_sensor().decode(advert(sealed(plain, 1)))


def test_it_promises_no_sign_of_life() -> None:
    assert DRIVER.capabilities({}).sign_of_life_s is None
