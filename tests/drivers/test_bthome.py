"""BTHome v2: real adverts, presses counted once, counters, refusals."""

import pytest

from drivers.bthome import DRIVER, SERVICE
from gateway.core.model import (
    Battery,
    Button,
    Contact,
    Hazard,
    HazardState,
    Measurement,
    Motion,
    Occupied,
    Press,
    Quantity,
    Reading,
    Value,
)
from gateway.driver import Channel, Decoded, Decoder, MalformedPacket, Packet, Replayed, WrongKey
from gateway.layouts.sealed import address_bytes
from tests import seals
from tests.fakes_drivers import BOOT, at, decoder, packet, values

KEY, MAC = "231d39c1d7cc1ab1aee224cd096db932", "54:48:E6:8F:80:A5"
SHELLY_KEY, SHELLY_MAC = "90bffd73cb6b26ef58a7a8eba9232036", "B4:35:22:F5:3D:A4"
SHELLY_PRESS = "45 0A EB 84 46 7F 85 BA 01 00 00 31 88 78 8C"
PLAIN_PRESS = "44 00 07 01 64 3A 01"


def sealed(plain: str, counter: int, info: int = 0x41) -> bytes:
    mac = address_bytes(MAC)
    return seals.bthome(bytes.fromhex(plain), counter, key=bytes.fromhex(KEY), mac=mac, info=info)


def advert(data: bytes | str, mono_ms: int = 0, boot: str = BOOT) -> Packet:
    one = packet(SERVICE, data, mono_ms, Channel.ADVERT)
    return Packet(at(mono_ms, boot), one.device, one.channel, one.uuid, one.data)


def encrypted(*, accept_counter_restart: bool = False) -> Decoder:
    options = {"accept_counter_restart": accept_counter_restart}
    return decoder(DRIVER, address=MAC, key=KEY, options=options)


def plain() -> Decoder:
    return decoder(DRIVER, address=MAC)


# -------------------------------------------------------------------------- captured adverts
def test_a_captured_climate_advert() -> None:
    decoded = encrypted().decode(advert("41 A4 72 66 C9 5F 73 00 11 22 33 78 23 72 14", 9))
    assert decoded.readings == (
        Reading(at(9), "dev", Measurement(Quantity.TEMPERATURE, 25.06)),
        Reading(at(9), "dev", Measurement(Quantity.HUMIDITY, 50.55)),
    )


def test_a_captured_motion_advert() -> None:
    decoded = encrypted().decode(advert("41 87 B9 00 11 22 33 72 B0 23 1F"))
    assert values(decoded.readings) == [Motion(detected=True)]


def test_a_captured_press_of_a_shelly_button() -> None:
    button = decoder(DRIVER, address=SHELLY_MAC, key=SHELLY_KEY)
    decoded = button.decode(advert(SHELLY_PRESS))
    assert values(decoded.readings) == [Battery(100), Button(Press.SINGLE)]
    assert decoded.memory == {
        "key": "f7d72521",
        "counter": 442,
        "sealed": SHELLY_PRESS.replace(" ", "").lower(),
        "battery": 100,
        "restarts": 0,
        "packet": 7,
        "contents": "000701643a01",
        "boot": "",
        "heard_ms": 0,
    }


def test_a_captured_door_advert() -> None:
    decoded = plain().decode(advert("40 00 4E 01 64 05 00 00 00 2D 01 3F 00 00"))
    assert values(decoded.readings) == [
        Battery(100),
        Measurement(Quantity.ILLUMINANCE, 0.0),
        Contact(open=True),
        Measurement(Quantity.ROTATION, 0.0),
    ]


def test_buttons_are_numbered_by_place_and_an_unpressed_one_is_no_event() -> None:
    decoded = plain().decode(advert("40 3A 00 3A 01 3A 03"))
    assert values(decoded.readings) == [Button(Press.SINGLE, 2), Button(Press.TRIPLE, 3)]


# ------------------------------------------------------------------------------- object ids
@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ("01 5D", [Battery(93)]),
        ("01 FF", []),
        ("02 CA 09", [Measurement(Quantity.TEMPERATURE, 25.06)]),
        ("45 11 FF", [Measurement(Quantity.TEMPERATURE, -23.9)]),
        ("57 EA", [Measurement(Quantity.TEMPERATURE, -22.0)]),
        ("58 EA", [Measurement(Quantity.TEMPERATURE, -7.7)]),
        ("03 BF 13", [Measurement(Quantity.HUMIDITY, 50.55)]),
        ("2E 23", [Measurement(Quantity.HUMIDITY, 35.0)]),
        ("04 13 8A 01", [Measurement(Quantity.PRESSURE, 1008.83)]),
        ("05 13 8A 14", [Measurement(Quantity.ILLUMINANCE, 13460.67)]),
        ("0C 02 0C", [Measurement(Quantity.VOLTAGE, 3.074)]),
        ("4A 02 0C", [Measurement(Quantity.VOLTAGE, 307.4)]),
        ("12 E2 04", [Measurement(Quantity.CO2, 1250.0)]),
        ("14 02 0C", [Measurement(Quantity.MOISTURE, 30.74)]),
        ("2F 23", [Measurement(Quantity.MOISTURE, 35.0)]),
        ("09 60", [Measurement(Quantity.COUNT, 96.0)]),
        ("3D 60 09", [Measurement(Quantity.COUNT, 2400.0)]),
        ("3E 2A 2C 09 60", [Measurement(Quantity.COUNT, 1611213866.0)]),
        ("59 EA", [Measurement(Quantity.COUNT, -22.0)]),
        ("5A EA EA", [Measurement(Quantity.COUNT, -5398.0)]),
        ("5B EA EA EA EA", [Measurement(Quantity.COUNT, -353703190.0)]),
        ("3F 02 0C", [Measurement(Quantity.ROTATION, 307.4)]),
        ("40 0C 00", [Measurement(Quantity.DISTANCE, 0.012)]),
        ("41 4E 00", [Measurement(Quantity.DISTANCE, 7.8)]),
        ("42 4E 34 00", [Measurement(Quantity.DURATION, 13.39)]),
        ("15 01", [Battery(None, low=True)]),
        ("17 01", [HazardState(Hazard.CARBON_MONOXIDE, present=True)]),
        ("1C 01", [HazardState(Hazard.GAS, present=True)]),
        ("1D 00", [HazardState(Hazard.HEAT, present=False)]),
        ("20 01", [HazardState(Hazard.WATER, present=True)]),
        ("29 01", [HazardState(Hazard.SMOKE, present=True)]),
        ("2B 00", [HazardState(Hazard.TAMPER, present=False)]),
        ("1A 01", [Contact(open=True)]),
        ("1B 00", [Contact(open=False)]),
        ("11 01", [Contact(open=True)]),
        ("2D 00", [Contact(open=False)]),
        ("1E 01", [Measurement(Quantity.LIGHT, 1.0)]),
        ("21 00", [Motion(detected=False)]),
        ("25 01", [Motion(detected=True)]),
        ("22 01", [Measurement(Quantity.VIBRATION, 1.0)]),
        ("2C 01", [Measurement(Quantity.VIBRATION, 1.0)]),
        ("23 01", [Occupied(occupied=True)]),
        ("3A 02", [Button(Press.DOUBLE)]),
        ("3A 04", [Button(Press.LONG)]),
        ("3A 05", [Button(Press.LONG_DOUBLE)]),
        ("3A 06", [Button(Press.LONG_TRIPLE)]),
        ("3A 80", [Button(Press.HOLD)]),
        ("3A 81", [Button(Press.RELEASE)]),
        ("3A FE", [Button(Press.HOLD)]),
        ("3A 7F", []),
    ],
)
def test_each_object_has_its_meaning(objects: str, expected: list[Value]) -> None:
    assert values(plain().decode(advert("40" + objects)).readings) == expected


ONE_BYTE = "0F 10 16 18 19 1F 24 26 27 28 2A 46 60 64 65"
TWO_BYTES = "06 07 08 0D 0E 13 3C 43 44 47 48 49 51 52 56 5D 5E 5F 61 F0"
THREE_BYTES, FOUR_BYTES = "0A 0B 4B F2", "4C 4D 4E 4F 50 55 5C 62 63 F1"


@pytest.mark.parametrize(
    "skipped",
    [
        bytes([what]) + bytes(length)
        for length, ids in enumerate((ONE_BYTE, TWO_BYTES, THREE_BYTES, FOUR_BYTES), start=1)
        for what in bytes.fromhex(ids)
    ]
    + [bytes.fromhex(one) for one in ("53 00", "53 03 41 42 43", "54 01 FF", "3B 62 01 02 03")],
)
def test_an_object_we_have_no_use_for_is_passed_over_by_its_length(skipped: bytes) -> None:
    assert values(plain().decode(advert(b"\x40" + skipped + b"\x3a\x01")).readings) == [
        Button(Press.SINGLE)
    ]


def test_an_unknown_id_ends_the_reading_and_keeps_what_came_before() -> None:
    assert values(plain().decode(advert("40 01 64 99 3A 01")).readings) == [Battery(100)]


# --------------------------------------------------------------------- one press, counted once
def test_the_same_advert_again_says_nothing_however_late_it_comes() -> None:
    button = plain()
    assert Button(Press.SINGLE) in values(button.decode(advert(PLAIN_PRESS)).readings)
    for mono_ms in (50, 5_000, 86_400_000):
        assert button.decode(advert(PLAIN_PRESS, mono_ms)).readings == ()


def test_the_same_advert_says_nothing_after_a_restart() -> None:
    memory = plain().decode(advert(PLAIN_PRESS)).memory
    restarted = decoder(DRIVER, address=MAC, memory=memory)
    assert restarted.decode(advert(PLAIN_PRESS, 60_000)).readings == ()


def test_a_new_packet_id_is_a_new_press_at_once() -> None:
    button = plain()
    button.decode(advert(PLAIN_PRESS))
    decoded = button.decode(advert("44 00 08 01 64 3A 01", 10))
    assert Button(Press.SINGLE) in values(decoded.readings)


def test_a_lower_packet_id_is_a_new_press_too() -> None:
    # A fresh battery starts the id anew; bthome-ble drops the press.
    button = plain()
    button.decode(advert(PLAIN_PRESS))
    assert button.decode(advert("44 00 01 01 64 3A 01", 10)).readings


def test_two_contents_that_alternate_under_one_packet_id_are_each_told_once() -> None:
    button = plain()
    told = [
        len(button.decode(advert(one)).readings)
        for one in ("40 00 07 3A 01", "40 00 07 01 64", "40 00 07 3A 01", "40 00 07 01 64")
    ]
    assert told == [1, 1, 0, 0]


def test_a_press_encrypted_anew_for_each_advert_is_one_press() -> None:
    button = encrypted()
    first = button.decode(advert(sealed("00 07 3A 01", 500)))
    again = button.decode(advert(sealed("00 07 3A 01", 501)))
    assert values(first.readings) == [Button(Press.SINGLE)]
    assert again.readings == ()
    assert again.memory is not None
    assert again.memory["counter"] == 501


def test_without_packet_ids_an_encrypted_press_is_told_by_its_counter() -> None:
    button = encrypted()
    for counter in (1, 2):
        decoded = button.decode(advert(sealed("3A 01", counter)))
        assert values(decoded.readings) == [Button(Press.SINGLE)]


def test_without_packet_ids_a_press_is_told_by_the_silence_before_it() -> None:
    button = plain()
    told = [
        len(button.decode(advert("40 3A 01", mono_ms)).readings)
        for mono_ms in (0, 50, 9_000, 18_000, 28_000)
    ]
    assert told == [1, 0, 0, 0, 1]


def test_without_packet_ids_a_restart_within_the_silence_tells_no_second_press() -> None:
    memory = plain().decode(advert("40 3A 01", 1000)).memory
    restarted = decoder(DRIVER, address=MAC, memory=memory)
    assert restarted.decode(advert("40 3A 01", 4000)).readings == ()


def test_without_packet_ids_a_press_after_a_reboot_is_a_press() -> None:
    memory = plain().decode(advert("40 3A 01", 1000)).memory
    rebooted = decoder(DRIVER, address=MAC, memory=memory)
    assert rebooted.decode(advert("40 3A 01", 4000, boot="boot-2")).readings


# ------------------------------------------------------------------------------- encryption
def test_the_same_encrypted_packet_again_is_no_error_and_no_proof_of_life() -> None:
    button = encrypted()
    memory = button.decode(advert(sealed("00 07 3A 01", 500))).memory
    restarted = decoder(DRIVER, address=MAC, key=KEY, memory=memory)
    for one in (button, restarted):
        assert one.decode(advert(sealed("00 07 3A 01", 500), 9)) == Decoded(proves_life=False)


def test_an_old_frame_is_a_replay_also_after_a_restart() -> None:
    button = encrypted()
    memory = button.decode(advert(sealed("00 08 3A 00", 1000))).memory
    restarted = decoder(DRIVER, address=MAC, key=KEY, memory=memory)
    for one in (button, restarted):
        with pytest.raises(Replayed, match="counter 500 after 1000"):
            one.decode(advert(sealed("00 07 3A 01", 500)))


def test_an_old_frame_with_a_small_counter_is_a_replay_too() -> None:
    button = encrypted()
    button.decode(advert(sealed("00 08 01 64 3A 00", 1000)))
    with pytest.raises(Replayed):
        button.decode(advert(sealed("00 01 01 64 3A 01", 5)))


def test_a_fresh_battery_lets_the_counter_begin_anew() -> None:
    button = encrypted()
    button.decode(advert(sealed("00 08 01 0A 3A 00", 1000)))
    decoded = button.decode(advert(sealed("00 01 01 64 3A 01", 5)))
    assert values(decoded.readings) == [Battery(100), Button(Press.SINGLE)]
    assert decoded.memory is not None
    assert (decoded.memory["counter"], decoded.memory["restarts"]) == (5, 1)


def test_the_technician_can_allow_the_counter_to_begin_anew() -> None:
    button = encrypted(accept_counter_restart=True)
    button.decode(advert(sealed("00 08 3A 00", 1000)))
    assert button.decode(advert(sealed("00 01 3A 01", 5))).readings


def test_a_refused_replay_moves_nothing() -> None:
    button = encrypted()
    button.decode(advert(sealed("00 08 3A 00", 1000)))
    with pytest.raises(Replayed):
        button.decode(advert(sealed("00 07 3A 01", 5)))
    assert button.decode(advert(sealed("00 09 3A 01", 1001))).readings


def test_an_address_inside_is_passed_over_when_it_is_the_devices_own() -> None:
    assert encrypted().decode(advert(sealed("3A 01", 5, info=0x43))).readings
    inside = "42 A5 80 8F E6 48 54 3A 01"
    assert values(plain().decode(advert(inside)).readings) == [Button(Press.SINGLE)]


def test_plaintext_from_a_device_with_a_key_is_refused() -> None:
    with pytest.raises(MalformedPacket, match="plaintext"):
        encrypted().decode(advert(PLAIN_PRESS))


def test_a_wrong_key_and_a_missing_key_are_named_so() -> None:
    with pytest.raises(WrongKey, match="does not match"):
        decoder(DRIVER, address=SHELLY_MAC, key=KEY).decode(advert(SHELLY_PRESS))
    with pytest.raises(WrongKey, match="no key is set"):
        decoder(DRIVER, address=SHELLY_MAC).decode(advert(SHELLY_PRESS))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("", "0 bytes"),
        ("40", "1 bytes"),
        ("20 3A 01", "version 1"),
        ("42 00 00", "address"),
        ("42 00 00 00 00 00 00 3A 01", "address"),
        ("40 3A", "object 3A cut short"),
        ("40 3A 01 02 01", "object 02 cut short"),
        ("40 53", "without its length"),
        ("40 53 05 41", "object 53 cut short"),
        ("41 00 00 00 00 00 00 00", "too short"),
    ],
)
def test_a_broken_envelope_is_refused_by_name(data: str, why: str) -> None:
    with pytest.raises(MalformedPacket, match=why):
        plain().decode(advert(data))


def test_only_a_beacon_promises_a_sign_of_life() -> None:
    assert DRIVER.capabilities({"kind": "motion"}).sign_of_life_s is None
    assert DRIVER.capabilities({"kind": "motion", "beacon_s": 60.0}).sign_of_life_s == 600.0
