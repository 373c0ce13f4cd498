"""Whatever goes in comes out: the encoder against a slow, obvious decoder of the format."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from gateway.core.model import Int16Array
from gateway.virtual.pmd_encoder import delta_fitting, delta_payload, frame, plain_payload

SAMPLES = arrays(
    np.int16,
    array_shapes(min_dims=1, max_dims=1, min_side=1, max_side=70).map(lambda s: (s[0], 3)),
    elements=st.integers(-16_000, 16_000),
)


def decode(payload: bytes) -> Int16Array:
    last = [int(v) for v in np.frombuffer(payload[:6], "<i2")]
    found = [list(last)]
    at = 6
    while at < len(payload):
        width, count = payload[at], payload[at + 1]
        size = (width * count * 3 + 7) // 8
        bits = int.from_bytes(payload[at + 2 : at + 2 + size], "little")
        at += 2 + size
        for number in range(count * 3):
            value = (bits >> (number * width)) & ((1 << width) - 1)
            value -= (value >> (width - 1)) << width
            last[number % 3] += value
            if number % 3 == 2:
                found.append(list(last))
    assert at == len(payload)
    return np.array(found, np.int16)


@given(SAMPLES)
def test_a_delta_frame_gives_the_same_samples_in_one_block_or_in_several(acc: Int16Array) -> None:
    whole, short = delta_payload(acc), delta_payload(acc, at_most=0)
    assert np.array_equal(decode(whole), acc)
    assert np.array_equal(decode(short), acc)
    assert len(short) <= len(whole)


@given(SAMPLES, st.integers(16, 240))
def test_what_fits_is_exact_and_the_rest_waits_for_the_next_frame(
    acc: Int16Array, room: int
) -> None:
    count, payload = delta_fitting(acc, room)
    assert 1 <= count <= len(acc)
    assert len(payload) <= room
    assert np.array_equal(decode(payload), acc[:count])


def test_a_sample_in_the_sdk_s_own_test_is_written_as_short_as_it_can_be() -> None:
    """AccDataTest has 06 01 7B 0F 08 for these; 4 bits are enough, and as lawful."""
    acc = np.array([(-15, 20, 1008), (-20, 17, 1008)], np.int16)
    assert delta_payload(acc) == bytes.fromhex("F1FF 1400 F003 0401 DB00".replace(" ", ""))


def test_a_plain_frame_is_the_one_of_the_sdk_s_own_test() -> None:
    acc = np.array([(-9, -1, 999), (-8, -2, 997)], np.int16)
    sent = frame(2_000_000_000, 0x01, plain_payload(acc))
    expected = "02 00943577 00000000 01 F7FF FFFF E703 F8FF FEFF E503"
    assert sent == bytes.fromhex(expected.replace(" ", ""))


def test_one_blow_in_a_quiet_frame_takes_three_blocks_and_not_seventeen_bits_for_all() -> None:
    acc = np.full((57, 3), 1000, np.int16)
    acc[30] = 8000
    assert len(delta_payload(acc)) == 302
    assert len(delta_payload(acc, at_most=219)) == 44


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((0, 3), np.int16),
        np.zeros((5, 2), np.int16),
        np.zeros((5, 3), np.int32),
        np.array([(-20_000, 0, 0), (20_000, 0, 0)], np.int16),
    ],
)
def test_what_the_format_cannot_carry_is_refused(wrong: Int16Array) -> None:
    with pytest.raises(ValueError, match=r"samples are|does not fit"):
        delta_payload(wrong)
