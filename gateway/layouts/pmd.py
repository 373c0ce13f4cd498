"""Polar Measurement Data: frames of acceleration, and the words of the control point.

drivers/polar_pmd.py pictures the bytes. The envelope is checked here, block by block, so that the
kernels of gateway.core.samples may trust it; a refusal names the check.
"""

import struct
from dataclasses import dataclass

import numpy as np

from gateway.core.model import Int16Array
from gateway.core.samples import spread, unpack_deltas, unpack_plain
from gateway.driver import MalformedPacket

_HEAD = struct.Struct("<BQB")
_FLOAT = struct.Struct("<f")
_START_ACC = struct.Struct("<BBBBHBBHBBH")
ACC, SDK_MODE, _TYPE = 2, 9, 0x3F
START, STOP, ANSWER, STOPPED_ITSELF = 0x02, 0x03, 0xF0, 0x01
OK, ALREADY = 0, 6
_RATE, _RESOLUTION, _RANGE, _CHANNELS, _FACTOR = 0, 1, 2, 4, 5
_SETTING_SIZE = {0: 2, 1: 2, 2: 2, 3: 4, 4: 1, 5: 4, 6: 16}
_ANSWER_HEAD, _SETTINGS_AT = 4, 5
_HIGHEST_FACTOR = 1000.0
_PLAIN_SIZE = {0x00: 1, 0x01: 2, 0x02: 3}
_DELTA_G, DELTA = 0x80, 0x81
_REFERENCE = 6
_WIDEST = 16
_BITS = 16


@dataclass(frozen=True, slots=True)
class Frame:
    """One data notification: its samples, and the band's time of the last one."""

    stamp_ns: int
    kind: int
    acc_mg: Int16Array


def parse_frame(data: bytes, factor: float | None) -> Frame:
    """Return a frame's samples in mg; `factor` is what the answer to "start" told, if anything."""
    if len(data) <= _HEAD.size:
        raise MalformedPacket(f"a frame of {len(data)} bytes", data)
    measured, stamp_ns, kind = _HEAD.unpack_from(data)
    if measured & _TYPE != ACC:
        raise MalformedPacket(f"a frame of type {measured & _TYPE}, not acceleration", data)
    raw = np.frombuffer(data, np.uint8)
    size = _PLAIN_SIZE.get(kind)
    if size is not None:
        count, left = divmod(len(data) - _HEAD.size, 3 * size)
        if left:
            raise MalformedPacket("a sample cut short", data)
        acc_mg = np.empty((count, 3), np.int16)
        wrong = unpack_plain(raw, _HEAD.size, size, acc_mg)
    else:
        scale = _scale(kind, factor, data)
        acc_mg = np.empty((_delta_samples(data), 3), np.int16)
        wrong = unpack_deltas(raw, _HEAD.size, scale, acc_mg)
    if wrong >= 0:
        raise MalformedPacket(f"sample {wrong} leaves 16 bits", data)
    return Frame(stamp_ns, kind, acc_mg)


def _scale(kind: int, factor: float | None, data: bytes) -> float:
    if kind == DELTA:
        return 1.0 if factor is None else factor
    if kind != _DELTA_G:
        raise MalformedPacket(f"frame type {kind:02X}", data)
    if factor is None:
        raise MalformedPacket("frame type 80 before its factor was told", data)
    return factor * 1000.0


def _delta_samples(data: bytes) -> int:
    """Return how many samples a delta frame holds, after checking every block's extent."""
    at = _HEAD.size + _REFERENCE
    if len(data) < at:
        raise MalformedPacket("reference sample cut short", data)
    count = 1
    while at < len(data):
        if at + 2 > len(data):
            raise MalformedPacket("a byte left over", data)
        width, differences = data[at], data[at + 1]
        if not 1 <= width <= _WIDEST:
            raise MalformedPacket(f"differences of {width} bits", data)
        at += 2 + (width * differences * 3 + 7) // 8
        count += differences
    if at > len(data):
        raise MalformedPacket("a block longer than its frame", data)
    return count


# --------------------------------------------------------------------------- the control point
def start_command(rate_hz: int, range_g: int, *, channels: bool) -> bytes:
    """Return the command that starts acceleration of 16 bits; the H10 knows no channels.

    >>> start_command(50, 8, channels=False).hex(" ")
    '02 02 00 01 32 00 01 01 10 00 02 01 08 00'
    """
    settings = (_RATE, 1, rate_hz, _RESOLUTION, 1, _BITS, _RANGE, 1, range_g)
    command = _START_ACC.pack(START, ACC, *settings)
    return command + bytes([_CHANNELS, 1, 3]) if channels else command


def stopped_itself(data: bytes) -> bool:
    """Tell whether the device says, unasked, that it ended the acceleration stream."""
    return data[:1] == bytes([STOPPED_ITSELF]) and any(one & _TYPE == ACC for one in data[1:])


def started(data: bytes) -> bool:
    """Tell whether this is the answer that acceleration was started; MalformedPacket if cut."""
    if data[:1] != bytes([ANSWER]):
        return False
    if len(data) < _ANSWER_HEAD:
        raise MalformedPacket("an answer cut short", data)
    return data[1] == START and data[2] & _TYPE == ACC and data[3] == OK


def told_factor(answer: bytes) -> float | None:
    """Return the FACTOR among an answer's settings; None if it brings none."""
    at = _SETTINGS_AT
    while at + 2 <= len(answer):
        what, count = answer[at], answer[at + 1]
        at += 2
        size = _SETTING_SIZE.get(what)
        if size is None or at + size * count > len(answer):
            raise MalformedPacket(f"setting {what} unknown or cut short", answer)
        if what == _FACTOR and count:
            (factor,) = _FLOAT.unpack_from(answer, at)
            if not 0.0 < factor < _HIGHEST_FACTOR:
                raise MalformedPacket(f"a factor of {factor}", answer)
            return float(factor)
        at += size * count
    return None


def warm() -> None:
    """Load or compile the kernels of a stream."""
    data, samples = np.frombuffer(bytes(6), np.uint8), np.empty((1, 3), np.int16)
    unpack_deltas(data, 0, 1.0, samples)
    unpack_plain(data, 0, 2, samples)
    spread(np.empty(1, np.int64), 0.0, 1.0, 0.0, 1.0)
