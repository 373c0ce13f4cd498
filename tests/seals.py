"""Encrypted adverts as the sensors make them."""

from cryptography.hazmat.primitives.ciphers.aead import AESCCM


def bthome(plain: bytes, counter: int, *, key: bytes, mac: bytes, info: int = 0x41) -> bytes:
    """Return a BTHome advert; `mac` in readable order, inside the advert when `info` says so."""
    count = counter.to_bytes(4, "little")
    nonce = mac + b"\xd2\xfc" + bytes([info]) + count
    body = AESCCM(key, tag_length=4).encrypt(nonce, plain, None)
    inside = mac[::-1] if info & 2 else b""
    return bytes([info]) + inside + body[:-4] + count + body[-4:]


def mibeacon(
    plain: bytes,
    counter: int,
    *,
    key: bytes,
    mac: bytes,
    control: int = 0x5948,
    product: int = 0x0A8D,
    capability: bytes = b"",
) -> bytes:
    """Return a MiBeacon advert; `mac` in readable order, inside it when `control` says so."""
    head = control.to_bytes(2, "little") + product.to_bytes(2, "little") + bytes([counter & 0xFF])
    extended = (counter >> 8).to_bytes(3, "little")
    nonce = mac[::-1] + head[2:5] + extended
    body = AESCCM(key, tag_length=4).encrypt(nonce, plain, b"\x11")
    inside = mac[::-1] if control & 0x10 else b""
    return head + inside + capability + body[:-4] + extended + body[-4:]
