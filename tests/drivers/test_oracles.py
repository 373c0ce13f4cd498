"""Our decoders against bthome-ble and xiaomi-ble over generated payloads, defects included."""

from typing import Any

import pytest
from bthome_ble.const import MEAS_TYPES
from hypothesis import given
from hypothesis import strategies as st

from drivers import bthome, mibeacon
from gateway.core.model import (
    Battery,
    Button,
    Contact,
    HazardState,
    Measurement,
    Motion,
    Occupied,
    Press,
    Quantity,
    Value,
)
from gateway.driver import Channel, Replayed
from gateway.layouts import bthome_objects
from tests import oracles, seals
from tests.fakes_drivers import decoder, packet, values

ADDRESS, MAC = "54:48:E6:8F:80:A5", bytes.fromhex("5448E68F80A5")
KEY = bytes.fromhex("231d39c1d7cc1ab1aee224cd096db932")

# ids we give a meaning. Not 40 (metres here, mm there) and not 58 (steps of 0.35 degrees, which the
# oracle rounds to one decimal).
NUMBERS = {
    1: "01 09 2E 2F 57 59",
    2: "02 03 0C 12 14 3D 3F 41 45 4A 5A",
    3: "04 05 42",
    4: "3E 5B",
}
SWITCHES = "11 15 17 1A 1B 1C 1D 1E 20 21 22 23 25 29 2B 2C 2D"
PRESSES = {
    Press.SINGLE: "press",
    Press.DOUBLE: "double_press",
    Press.TRIPLE: "triple_press",
    Press.LONG: "long_press",
    Press.LONG_DOUBLE: "long_double_press",
    Press.LONG_TRIPLE: "long_triple_press",
    Press.HOLD: "hold_press",
    Press.RELEASE: "hold_release",
}


def _objects(ids: str, raw: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    what = st.sampled_from(list(bytes.fromhex(ids)))
    return st.tuples(what, raw).map(lambda one: bytes([one[0]]) + one[1])


NUMBER = st.one_of(
    *(_objects(ids, st.binary(min_size=size, max_size=size)) for size, ids in NUMBERS.items())
).filter(lambda one: one[0] != 1 or one[1] <= 100)
SWITCH = _objects(SWITCHES, st.sampled_from([b"\x00", b"\x01"]))
PRESS = _objects("3A", st.sampled_from([bytes([one]) for one in (0, 1, 2, 3, 4, 5, 6, 128, 129)]))
PAYLOAD = st.lists(NUMBER | SWITCH | PRESS, min_size=1, max_size=6, unique_by=lambda one: one[0])


def number(value: Value) -> float | str:
    """Return the number or word behind a value, as an oracle would tell it."""
    match value:
        case Measurement(_, told):
            return round(told, 6)
        case Motion(told) | Contact(told) | Occupied(told) | HazardState(_, told):
            return float(told)
        case Battery(percent, low):
            return float(percent if percent is not None else bool(low))
        case Button(press):
            return PRESSES[press]
        case _:
            raise AssertionError(value)


def theirs(told: dict[str, Any]) -> list[float | str]:
    return sorted(
        (one if isinstance(one, str) else round(float(one), 6) for one in told.values()), key=str
    )


def ours(told: list[Value]) -> list[float | str]:
    return sorted((number(one) for one in told), key=str)


def seal_bthome(plain: bytes, counter: int) -> bytes:
    return seals.bthome(plain, counter, key=KEY, mac=MAC)


def ask_bthome(data: bytes, key: bytes | None) -> tuple[list[Value], dict[str, Any]]:
    one = decoder(bthome.DRIVER, address=ADDRESS, key=key.hex() if key else None)
    told = values(one.decode(packet(bthome.SERVICE, data, channel=Channel.ADVERT)).readings)
    advert = oracles.heard(ADDRESS, bthome.SERVICE, data)
    return told, oracles.said(oracles.bthome(key), advert)


@given(objects=PAYLOAD)
def test_plain_bthome_says_what_bthome_ble_says(objects: list[bytes]) -> None:
    # Same kind twice (03 and 2E are both humidity): the oracle renames them, the numbers stay.
    told, oracle = ask_bthome(b"\x40" + b"".join(sorted(objects)), None)
    assert ours(told) == theirs(oracle)


@given(objects=PAYLOAD, counter=st.integers(0, 2**32 - 1))
def test_encrypted_bthome_says_what_bthome_ble_says(objects: list[bytes], counter: int) -> None:
    told, oracle = ask_bthome(seal_bthome(b"".join(sorted(objects)), counter), KEY)
    assert ours(told) == theirs(oracle)


def test_every_bthome_id_has_the_length_that_bthome_ble_gives_it() -> None:
    by_itself = {"raw", "string", "command"}
    lengths = [0] * 256
    for what, one in MEAS_TYPES.items():
        lengths[what] = -1 if one.data_format in by_itself else one.data_length
    assert lengths == bthome_objects.LENGTH


MI_OBJECTS = st.one_of(
    _objects("0F", st.binary(min_size=3, max_size=3)).map(lambda one: b"\x0f\x00\x03" + one[1:]),
    st.binary(min_size=4, max_size=4).map(lambda raw: b"\x17\x10\x04" + raw),
    st.binary(min_size=2, max_size=2).map(lambda raw: b"\x18\x48\x02" + raw),
    st.binary(min_size=4, max_size=4).map(lambda raw: b"\x1b\x10\x04" + raw),
    st.integers(0, 2).map(lambda one: b"\x19\x10\x01" + bytes([one])),
    st.integers(0, 1).map(lambda one: b"\x18\x10\x01" + bytes([one])),
    st.integers(0, 100).map(lambda one: b"\x03\x48\x01" + bytes([one])),
    st.binary(min_size=2, max_size=2).map(lambda raw: b"\x04\x10\x02" + raw),
    st.binary(min_size=2, max_size=2).map(lambda raw: b"\x06\x10\x02" + raw),
    st.binary(min_size=4, max_size=4).map(lambda raw: b"\x0d\x10\x04" + raw),
    st.integers(0, 1).map(lambda one: b"\x14\x10\x01" + bytes([one])),
    st.integers(0, 1).map(lambda one: b"\x15\x10\x01" + bytes([one])),
    st.integers(1, 2).map(lambda one: b"\x04\x48\x01" + bytes([one])),
)


@given(plain=MI_OBJECTS, counter=st.integers(0, 2**32 - 1))
def test_mibeacon_says_what_xiaomi_ble_says(plain: bytes, counter: int) -> None:
    data = seals.mibeacon(plain, counter, key=KEY, mac=MAC)
    one = decoder(mibeacon.DRIVER, address=ADDRESS, key=KEY.hex())
    told = values(one.decode(packet(mibeacon.SERVICE, data, channel=Channel.ADVERT)).readings)
    oracle = oracles.said(oracles.xiaomi(KEY), oracles.heard(ADDRESS, mibeacon.SERVICE, data))
    oracle.pop("is door_left_open", None)  # a level of "open" that has no value of its own here
    oracle.pop("is device_forcibly_removed", None)
    shared = [
        value
        for value in told
        if not (isinstance(value, Measurement) and value.quantity is Quantity.STILL_FOR)
    ]
    assert ours(shared) == theirs(oracle)


def test_what_bthome_ble_counts_twice_we_count_once() -> None:
    press = bytes.fromhex("4400070164" + "3A01")
    parser = oracles.bthome()
    oracle = [
        oracles.said(parser, oracles.heard(ADDRESS, bthome.SERVICE, press, at_s)).get("button")
        for at_s in (100.0, 106.0)
    ]
    assert oracle == ["press", "press"]  # the defect: the same advert 6 s later is a second press
    one = decoder(bthome.DRIVER, address=ADDRESS)
    adverts = [packet(bthome.SERVICE, press, at_ms, Channel.ADVERT) for at_ms in (100_000, 106_000)]
    counted = [Button(Press.SINGLE) in values(one.decode(advert).readings) for advert in adverts]
    assert counted == [True, False]


def test_what_bthome_ble_accepts_after_a_restart_we_refuse() -> None:
    new, old = seal_bthome(b"\x3a\x00", 1000), seal_bthome(b"\x3a\x01", 500)
    oracles.said(oracles.bthome(KEY), oracles.heard(ADDRESS, bthome.SERVICE, new))
    restarted = oracles.said(oracles.bthome(KEY), oracles.heard(ADDRESS, bthome.SERVICE, old))
    assert restarted == {"button": "press"}  # the defect: an old frame, after a restart
    first = decoder(bthome.DRIVER, address=ADDRESS, key=KEY.hex())
    memory = first.decode(packet(bthome.SERVICE, new)).memory
    ours_restarted = decoder(bthome.DRIVER, address=ADDRESS, key=KEY.hex(), memory=memory)
    with pytest.raises(Replayed):
        ours_restarted.decode(packet(bthome.SERVICE, old))
