import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.driver import sig
from gateway.virtual.advert import read_advert, write_advert


def test_all_that_an_advert_can_say_is_read_again() -> None:
    data = write_advert(name="Ab", uuids=[0x180D], service_data=(0xFCD2, b"\x44"))
    content = read_advert(data + write_advert(maker=(0x0499, b"\x05\x06"), flags=None))
    assert content.name == "Ab"
    assert content.uuids == [sig(0x180D)]
    assert content.service_data == {sig(0xFCD2): b"\x44"}
    assert content.makers == {0x0499: b"\x05\x06"}


def test_long_uuids_and_transmit_power_are_read() -> None:
    uuid = bytes(range(16))
    data = b"\x11\x07" + uuid + b"\x13\x21" + uuid + b"\x01\x02" + b"\x02\x0a\xf4"
    content = read_advert(data)
    text = "0f0e0d0c-0b0a-0908-0706-050403020100"
    assert content.uuids == [text]
    assert content.service_data == {text: b"\x01\x02"}
    assert content.tx_power == -12


def test_an_advert_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="31 bytes, not 32"):
        write_advert(name="x" * 27)


@given(st.binary(max_size=62))
def test_no_bytes_at_all_break_the_reader(data: bytes) -> None:
    content = read_advert(data)
    assert sum(len(value) for value in content.service_data.values()) <= len(data)
