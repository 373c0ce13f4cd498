"""What a hub process and a world process say to each other, over one Unix socket.

    [length u32][kind u8][body]

    A  advert        address 6, rssi i8, advertising data
    N  value         link u16, handle u16, value      (notification or indication)
    L  lost          link u16
    Q  question      JSON {"id", "op", ...}           hub -> world
    R  reply         JSON {"id", "ok": ...} or {"id", "error": kind, "text": ...}

Adverts and values are most of the traffic and stay binary. The socket lies in a private folder and
both ends are ours: this is a test bench, not a protocol for others.
"""

import json
import struct
from collections.abc import Iterator
from typing import Any

ADVERT, VALUE, LOST, QUESTION, REPLY = b"ANLQR"
HEAD = struct.Struct("<IB")
LINK_VALUE = struct.Struct("<HH")
TIMED_OUT, UNAVAILABLE, DBUS, FAILED = "timeout", "unavailable", "dbus", "failed"

Message = dict[str, Any]


def pack(kind: int, body: bytes) -> bytes:
    """Return one frame."""
    return HEAD.pack(len(body), kind) + body


def pack_json(kind: int, message: Message) -> bytes:
    """Return one frame of JSON."""
    return pack(kind, json.dumps(message).encode())


def pack_advert(address: str, rssi: int, data: bytes) -> bytes:
    """Return the frame of an advert."""
    return pack(ADVERT, bytes.fromhex(address.replace(":", "")) + struct.pack("b", rssi) + data)


class Frames:
    """Frames out of a stream that is cut anywhere."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield (kind, body) of every frame that is whole by now."""
        held = self._held + data if self._held else data
        at = 0
        while len(held) - at >= HEAD.size:
            length, kind = HEAD.unpack_from(held, at)
            end = at + HEAD.size + length
            if end > len(held):
                break
            yield kind, held[at + HEAD.size : end]
            at = end
        self._held = held[at:]
