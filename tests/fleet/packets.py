"""MQTT 3.1.1 as bytes, as far as a light hub needs it. Source: OASIS MQTT Version 3.1.1.

type/flags  remaining length (1 to 4 bytes, 7 bits each)  variable header  payload
"""

from collections.abc import Iterator
from dataclasses import dataclass

CONNACK, PUBLISH, PUBACK, SUBACK, PINGRESP = 2, 3, 4, 9, 13
PINGREQ = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"
KEEP_SESSION_WILL_QOS1_RETAIN = 0x2C  # connect flags: will, will QoS 1, will retain; session kept


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet in; `body` is all behind the remaining length."""

    kind: int
    flags: int
    body: bytes


def connect(client_id: str, keepalive_s: int, will_topic: str, will: bytes) -> bytes:
    """Return a CONNECT that keeps its session and leaves a retained will."""
    head = b"\x00\x04MQTT\x04" + bytes((KEEP_SESSION_WILL_QOS1_RETAIN,))
    body = head + keepalive_s.to_bytes(2, "big")
    return _whole(0x10, body + _text(client_id) + _text(will_topic) + _field(will))


def subscribe(mid: int, topics: tuple[str, ...], qos: int) -> bytes:
    """Return a SUBSCRIBE to all of them."""
    asked = b"".join(_text(topic) + bytes((qos,)) for topic in topics)
    return _whole(0x82, mid.to_bytes(2, "big") + asked)


def publish(topic: str, payload: bytes, mid: int, *, retain: bool = False) -> bytes:
    """Return a PUBLISH with QoS 1."""
    return _whole(0x32 | retain, _text(topic) + mid.to_bytes(2, "big") + payload)


def puback(mid: int) -> bytes:
    """Return a PUBACK."""
    return b"\x40\x02" + mid.to_bytes(2, "big")


def published(packet: Packet) -> tuple[str, bytes, int]:
    """Return topic, payload and packet id (0 with QoS 0) of a PUBLISH."""
    length = int.from_bytes(packet.body[:2], "big")
    topic, rest = packet.body[2 : 2 + length].decode(), packet.body[2 + length :]
    if not packet.flags & 0x06:
        return topic, rest, 0
    return topic, rest[2:], int.from_bytes(rest[:2], "big")


def cut(data: bytes) -> Iterator[Packet | bytes]:
    """Give the whole packets of `data`, and last what is left of it."""
    at = 0
    while len(data) - at > 1:
        length, shift, end = 0, 0, at + 1
        while end < len(data):
            length |= (data[end] & 0x7F) << shift
            shift += 7
            end += 1
            if not data[end - 1] & 0x80:
                break
        else:
            break
        if len(data) < end + length:
            break
        yield Packet(data[at] >> 4, data[at] & 0x0F, data[end : end + length])
        at = end + length
    yield data[at:]


def _whole(first: int, body: bytes) -> bytes:
    length, coded = len(body), bytearray((first,))
    while True:
        length, digit = divmod(length, 128)
        coded.append(digit | (0x80 if length else 0))
        if not length:
            return bytes(coded) + body


def _field(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


def _text(text: str) -> bytes:
    return _field(text.encode())
