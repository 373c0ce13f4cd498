"""Kernels for a band's sample frames: unpack them, and give each sample its time.

Delta frames (Polar types 80 and up): a reference sample of three i16, then blocks of
[width in bits][count][count x 3 differences]. A block is one bit string, least significant bit
first, rounded up to a byte; a difference is two's complement of `width` bits, x y z interleaved,
added to the sample before. The caller has checked the envelope: no kernel reads past `data`.
"""

import numpy as np
import numpy.typing as npt

from gateway.core.jit import kernel
from gateway.core.model import Int16Array, Int64Array

Bytes = npt.NDArray[np.uint8]

_LOWEST, _HIGHEST = -32768, 32767


@kernel
def unpack_deltas(data: Bytes, at: int, scale: float, out: Int16Array) -> int:
    """Fill `out` with scaled samples, truncated toward zero; return the first row that is not i16.

    The raw value must fit 16 bits too: a sum that leaves them is no measurement. All well: -1.
    """
    value = np.zeros(3, np.int64)
    for axis in range(3):
        raw = np.int64(data[at + 2 * axis]) | np.int64(data[at + 2 * axis + 1]) << 8
        value[axis] = raw - 65536 if raw > _HIGHEST else raw
        scaled = np.int64(np.float64(value[axis]) * scale)
        if scaled < _LOWEST or scaled > _HIGHEST:
            return 0
        out[0, axis] = scaled
    at += 6
    row = 1
    while at < len(data):
        width = np.int64(data[at])
        count = np.int64(data[at + 1])
        at += 2
        end = at + (width * count * 3 + 7) // 8
        mask = (np.int64(1) << width) - 1
        sign = np.int64(1) << (width - 1)
        window = np.int64(0)
        have = np.int64(0)
        for _ in range(count):
            for axis in range(3):
                while have < width:
                    window |= np.int64(data[at]) << have
                    have += 8
                    at += 1
                value[axis] += ((window & mask) ^ sign) - sign
                window >>= width
                have -= width
                raw = value[axis]
                scaled = np.int64(np.float64(raw) * scale)
                if raw < _LOWEST or raw > _HIGHEST or scaled < _LOWEST or scaled > _HIGHEST:
                    return row
                out[row, axis] = scaled
            row += 1
        at = int(end)
    return -1


@kernel
def unpack_plain(data: Bytes, at: int, size: int, out: Int16Array) -> int:
    """Fill `out` from three `size`-byte integers a sample; the first row that is not i16, or -1."""
    sign = np.int64(1) << (8 * size - 1)
    for row in range(len(out)):
        for axis in range(3):
            raw = np.int64(0)
            for byte in range(size):
                raw |= np.int64(data[at]) << (8 * byte)
                at += 1
            raw = (raw ^ sign) - sign
            if raw < _LOWEST or raw > _HIGHEST:
                return row
            out[row, axis] = raw
    return -1


@kernel
def spread(t_ms: Int64Array, last_ms: float, step_ms: float, after_ms: float, pace: float) -> float:
    """Stamp samples `step_ms` apart, the last at `last_ms`, yet all later than `after_ms`.

    When the two contradict, the samples follow `after_ms` at `pace` times their step until they
    have caught up. Return the last sample's time, unrounded.
    """
    when = after_ms
    for i in range(len(t_ms)):
        when = last_ms - (len(t_ms) - 1 - i) * step_ms
        least = after_ms + (i + 1) * step_ms * pace
        when = max(when, least)
        t_ms[i] = np.int64(np.floor(when + 0.5))
    return when
