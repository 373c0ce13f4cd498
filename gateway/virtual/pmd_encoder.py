"""Polar acceleration frames, written: the exact reverse of what a driver reads. Pure.

    [02][u64 ns since 2000, of the last sample][frame type][payload]

    type 01    i16 x 3 for each sample, mg
    type 81    reference i16 x 3, then blocks [width u8][count u8][count x 3 differences]:
               two's complement of `width` bits, x y z interleaved, one bit string per block,
               least significant bit first, filled up to a byte

polarofficial/polar-ble-sdk, AccData and BlePMDClient. A band sends one block as long as the frame
fits; where one strong movement would make it too long, blocks of different widths follow.
"""

import struct

import numpy as np

from gateway.core.model import Int16Array

ACC = 0x02
PLAIN_16, DELTA_16 = 0x01, 0x81
HEADER_BYTES, REFERENCE_BYTES, BLOCK_BYTES = 10, 6, 2
MAX_WIDTH, MAX_COUNT = 16, 255


def frame(stamp_ns: int, frame_type: int, payload: bytes) -> bytes:
    """Return a whole data notification."""
    return struct.pack("<BQB", ACC, stamp_ns, frame_type) + payload


def plain_payload(acc_mg: Int16Array) -> bytes:
    """Return the payload of a type 01 frame."""
    return checked(acc_mg).astype("<i2").tobytes()


def delta_payload(acc_mg: Int16Array, at_most: int | None = None) -> bytes:
    """Return the payload of a type 81 frame; in one block, or in several if it must be shorter.

    Raises ValueError for a step that 16 bits cannot hold. The result may still exceed `at_most`.
    """
    samples = checked(acc_mg).astype(np.int32)
    steps = np.diff(samples, axis=0)
    widths = _widths(steps)
    if len(steps) and int(widths.max()) > MAX_WIDTH:
        raise ValueError(f"a step of {int(np.abs(steps).max())} mg does not fit into 16 bits")
    cuts = [
        (first, min(first + MAX_COUNT, len(steps))) for first in range(0, len(steps), MAX_COUNT)
    ]
    if at_most is not None and _size(widths, cuts) > at_most:
        cuts = _cheapest_cuts(widths)
    head = struct.pack("<3h", *samples[0].tolist())
    return head + b"".join(_block(steps[a:b], int(widths[a:b].max())) for a, b in cuts)


def delta_fitting(acc_mg: Int16Array, at_most: int) -> tuple[int, bytes]:
    """Return how many of these samples go into `at_most` bytes of payload, and that payload."""
    count = len(acc_mg)
    while True:
        payload = delta_payload(acc_mg[:count], at_most)
        if len(payload) <= at_most or count == 1:
            return count, payload
        count -= max(1, (len(payload) - at_most) // REFERENCE_BYTES)


def checked(acc_mg: Int16Array) -> Int16Array:
    """Return the samples, if they are samples; raise ValueError otherwise."""
    if acc_mg.dtype != np.int16 or acc_mg.ndim != 2 or acc_mg.shape[1] != 3 or not len(acc_mg):  # noqa: PLR2004
        raise ValueError(f"samples are int16 [n, 3], not {acc_mg.dtype} {acc_mg.shape}")
    return acc_mg


def _widths(steps: "np.ndarray[tuple[int, ...], np.dtype[np.int32]]") -> Int16Array:
    """Return the bits that each step of three needs in two's complement, at least 1."""
    folded = np.where(steps < 0, ~steps, steps).max(axis=1, initial=0)
    bits: Int16Array = (np.frexp(folded.astype(np.float64))[1] + 1).astype(np.int16)
    return bits


def _size(widths: Int16Array, cuts: list[tuple[int, int]]) -> int:
    return REFERENCE_BYTES + sum(_cost(int(widths[a:b].max()), b - a) for a, b in cuts)


def _cost(width: int, count: int) -> int:
    return BLOCK_BYTES + (width * count * 3 + 7) // 8


def _cheapest_cuts(widths: Int16Array) -> list[tuple[int, int]]:
    """Return the blocks that make the frame shortest (dynamic programming over block ends)."""
    bits = widths.tolist()
    best = [0] + [1 << 30] * len(bits)
    start = [0] * (len(bits) + 1)
    for end in range(1, len(bits) + 1):
        widest = 0
        for first in range(end - 1, max(-1, end - 1 - MAX_COUNT), -1):
            widest = max(widest, bits[first])
            cost = best[first] + _cost(widest, end - first)
            if cost < best[end]:
                best[end], start[end] = cost, first
    cuts, end = [], len(bits)
    while end:
        cuts.append((start[end], end))
        end = start[end]
    return cuts[::-1]


def _block(steps: "np.ndarray[tuple[int, ...], np.dtype[np.int32]]", width: int) -> bytes:
    values = steps.reshape(-1, 1)
    bits = (values >> np.arange(width)) & 1
    packed = np.packbits(bits.astype(np.uint8).ravel(), bitorder="little")
    return bytes([width, len(steps)]) + packed.tobytes()
