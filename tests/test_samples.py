"""Each sample kernel equals its slow twin, compiled and as plain Python."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import samples
from tests import naive_samples as naive

F = TypeVar("F", bound=Callable[..., object])


def _plain_python(function: F) -> F:
    return getattr(function, "py_func", function)


UNPACK_DELTAS = [samples.unpack_deltas, _plain_python(samples.unpack_deltas)]
UNPACK_PLAIN = [samples.unpack_plain, _plain_python(samples.unpack_plain)]
SPREAD = [samples.spread, _plain_python(samples.spread)]

BLOCK = st.integers(1, 16).flatmap(
    lambda width: st.integers(0, 20).flatmap(
        lambda count: st.binary(
            min_size=(width * count * 3 + 7) // 8, max_size=(width * count * 3 + 7) // 8
        ).map(lambda body: bytes([width, count]) + body)
    )
)
PAYLOAD = st.tuples(st.binary(min_size=6, max_size=6), st.lists(BLOCK, max_size=4)).map(
    lambda parts: parts[0] + b"".join(parts[1])
)


@pytest.mark.parametrize("unpack", UNPACK_DELTAS)
@given(payload=PAYLOAD)
def test_deltas_unpack_as_the_slow_twin_does(unpack: Callable[..., int], payload: bytes) -> None:
    expected = naive.deltas(payload)
    out = np.zeros((len(expected), 3), np.int16)
    wrong = unpack(np.frombuffer(payload, np.uint8), 0, 1.0, out)
    fits = [all(-32768 <= one <= 32767 for one in sample) for sample in expected]
    assert wrong == (fits.index(False) if False in fits else -1)
    good = len(expected) if wrong < 0 else wrong
    assert out[:good].tolist() == expected[:good]


@pytest.mark.parametrize("unpack", UNPACK_DELTAS)
@given(payload=PAYLOAD, scale=st.floats(0.0001, 2.0))
def test_scaled_deltas_are_cut_toward_zero(
    unpack: Callable[..., int], payload: bytes, scale: float
) -> None:
    raw = naive.deltas(payload)
    out = np.zeros((len(raw), 3), np.int16)
    wrong = unpack(np.frombuffer(payload, np.uint8), 0, scale, out)
    good = len(raw) if wrong < 0 else wrong
    assert out[:good].tolist() == [[int(one * scale) for one in sample] for sample in raw[:good]]


@pytest.mark.parametrize("unpack", UNPACK_PLAIN)
@given(size=st.integers(1, 3), body=st.binary(min_size=9, max_size=90))
def test_plain_samples_unpack_as_the_slow_twin_does(
    unpack: Callable[..., int], size: int, body: bytes
) -> None:
    payload = body[: len(body) // (3 * size) * 3 * size]
    expected = naive.plain(payload, size)
    out = np.zeros((len(expected), 3), np.int16)
    wrong = unpack(np.frombuffer(payload, np.uint8), 0, size, out)
    fits = [all(-32768 <= one <= 32767 for one in sample) for sample in expected]
    assert wrong == (fits.index(False) if False in fits else -1)
    good = len(expected) if wrong < 0 else wrong
    assert out[:good].tolist() == expected[:good]


@pytest.mark.parametrize("spread", SPREAD)
@given(
    count=st.integers(1, 60),
    last_ms=st.floats(0, 1e9),
    step_ms=st.floats(2.0, 100.0),
    ahead_ms=st.floats(-1e4, 1e4),
)
def test_samples_are_spread_as_the_slow_twin_does(
    spread: Callable[..., float], count: int, last_ms: float, step_ms: float, ahead_ms: float
) -> None:
    t_ms = np.zeros(count, np.int64)
    spread(t_ms, last_ms, step_ms, last_ms + ahead_ms, 0.95)
    assert t_ms.tolist() == naive.spread(count, last_ms, step_ms, last_ms + ahead_ms, 0.95)


@given(
    values=st.lists(st.lists(st.integers(-1000, 1000), min_size=3, max_size=3), min_size=2),
    width=st.integers(12, 16),
)
def test_what_is_packed_unpacks_again(values: list[list[int]], width: int) -> None:
    payload = naive.pack(values, [(width, len(values) - 1)])
    out = np.zeros((len(values), 3), np.int16)
    assert samples.unpack_deltas(np.frombuffer(payload, np.uint8), 0, 1.0, out) == -1
    assert out.tolist() == values
