"""Slow, obvious twins of gateway.core.samples."""

import math


def _bits(data: bytes) -> str:
    """Return the bits of a block in the order they are read: least significant first."""
    return "".join(f"{byte:08b}"[::-1] for byte in data)


def _signed(bits: str) -> int:
    raw = int(bits[::-1], 2)
    return raw - (1 << len(bits)) if bits[-1] == "1" else raw


def _i16(data: bytes) -> int:
    return int.from_bytes(data, "little", signed=True)


def deltas(data: bytes) -> list[list[int]]:
    """Return the raw samples of a delta payload."""
    samples = [[_i16(data[0:2]), _i16(data[2:4]), _i16(data[4:6])]]
    rest = data[6:]
    while rest:
        width, count = rest[0], rest[1]
        size = math.ceil(width * count * 3 / 8)
        bits, rest = _bits(rest[2 : 2 + size]), rest[2 + size :]
        for i in range(count):
            fields = [bits[(3 * i + axis) * width :][:width] for axis in range(3)]
            samples.append(
                [old + _signed(new) for old, new in zip(samples[-1], fields, strict=True)]
            )
    return samples


def pack(samples: list[list[int]], widths: list[tuple[int, int]]) -> bytes:
    """Return a delta payload; `widths` are (bits, how many samples) of its blocks, in order."""
    out = b"".join(one.to_bytes(2, "little", signed=True) for one in samples[0])
    at = 1
    for width, count in widths:
        bits = ""
        for before, now in zip(samples[at - 1 :], samples[at : at + count], strict=False):
            for old, new in zip(before, now, strict=True):
                bits += f"{(new - old) & ((1 << width) - 1):0{width}b}"[::-1]
        at += count
        size = math.ceil(len(bits) / 8)
        block = int(bits[::-1], 2).to_bytes(size, "little") if bits else b""
        out += bytes([width, count]) + block
    return out


def plain(data: bytes, size: int) -> list[list[int]]:
    """Return the samples of a plain payload of `size`-byte integers."""
    numbers = [
        int.from_bytes(data[i : i + size], "little", signed=True) for i in range(0, len(data), size)
    ]
    return [numbers[i : i + 3] for i in range(0, len(numbers), 3)]


def spread(count: int, last_ms: float, step_ms: float, after_ms: float, pace: float) -> list[int]:
    """Return the times of samples, as gateway.core.samples.spread fills them."""
    wanted = [last_ms - (count - 1 - i) * step_ms for i in range(count)]
    least = [after_ms + (i + 1) * step_ms * pace for i in range(count)]
    return [math.floor(max(pair) + 0.5) for pair in zip(wanted, least, strict=True)]
