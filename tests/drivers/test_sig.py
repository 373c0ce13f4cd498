"""Heart rate and battery, the layouts that the SIG fixed, and their two drivers."""

import pytest

from drivers import battery, heart_rate
from gateway.core.model import Battery, HeartRate, Reading, Worn
from gateway.driver import Channel, MalformedPacket
from gateway.layouts.sig import BATTERY, HEART_RATE, parse_battery, parse_heart_rate
from tests.fakes_drivers import at, decoder, packet, values


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("00 7F", HeartRate(127)),
        ("06 00", HeartRate(None, contact=True)),
        ("04 00", HeartRate(None, contact=False)),
        ("02 00", HeartRate(None)),
        ("06 48", HeartRate(72, contact=True)),
        ("01 48 00", HeartRate(72)),
        ("10 00 FF FF", HeartRate(None, rr_ms=(63999,))),
        ("18 48 01 00 00 04 00 02", HeartRate(72, rr_ms=(1000, 500))),
        ("10 48", HeartRate(72)),
    ],
)
def test_a_heart_rate_says(data: str, expected: HeartRate) -> None:
    assert parse_heart_rate(bytes.fromhex(data)) == expected


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("", "no bytes"),
        ("00", "cut short"),
        ("01 48", "cut short"),
        ("08 48 01", "cut short"),
        ("00 48 01 02", "left over"),
        ("10 48 01", "left over"),
        ("01 80 80", "32896 bpm"),
        ("00 05", "5 bpm"),
    ],
)
def test_an_impossible_heart_rate_is_refused(data: str, why: str) -> None:
    with pytest.raises(MalformedPacket, match=why):
        parse_heart_rate(bytes.fromhex(data))


def test_a_battery_says_its_percentage() -> None:
    assert parse_battery(b"\x64") == Battery(100)


@pytest.mark.parametrize("data", ["", "65", "64 00"])
def test_an_impossible_battery_is_refused(data: str) -> None:
    with pytest.raises(MalformedPacket, match="battery level of"):
        parse_battery(bytes.fromhex(data))


def test_the_battery_driver_reads_the_charge() -> None:
    decoded = decoder(battery.DRIVER).decode(packet(BATTERY, "64", 7, Channel.READ))
    assert decoded.readings == (Reading(at(7), "dev", Battery(100)),)


def test_a_band_says_worn_when_contact_changes_and_once_a_minute() -> None:
    band = decoder(heart_rate.DRIVER)
    on, off = HeartRate(72, contact=True), HeartRate(None, contact=False)
    said = [
        values(band.decode(packet(HEART_RATE, data, mono_ms)).readings)
        for data, mono_ms in (("06 48", 0), ("06 48", 1000), ("04 00", 2000), ("04 00", 62_000))
    ]
    assert said == [[on, Worn(worn=True)], [on], [off, Worn(worn=False)], [off, Worn(worn=False)]]


def test_a_band_without_contact_bits_never_says_worn() -> None:
    band = decoder(heart_rate.DRIVER)
    assert values(band.decode(packet(HEART_RATE, "00 48")).readings) == [HeartRate(72)]


def test_a_band_whose_contact_is_not_trusted_says_nothing_of_it() -> None:
    options = {"trust_contact": False}
    band = decoder(heart_rate.DRIVER, options=options)
    decoded = band.decode(packet(HEART_RATE, "04 00"))
    assert values(decoded.readings) == [HeartRate(None)]
    assert heart_rate.DRIVER.capabilities(options).knows_worn == "no"


def test_bytes_of_another_characteristic_are_refused() -> None:
    with pytest.raises(MalformedPacket, match="unknown characteristic"):
        decoder(heart_rate.DRIVER).decode(packet("00002a00", "00"))
