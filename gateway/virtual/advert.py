"""Advertising data: AD structures written and read.

    [length u8][type u8][data length-1] ...      a legacy advert holds 31 bytes

Core Specification, Volume 3, Part C, section 11; the types are in the Assigned Numbers.
"""

import struct
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

FLAGS, UUIDS_16_PART, UUIDS_16, UUIDS_128_PART, UUIDS_128 = 0x01, 0x02, 0x03, 0x06, 0x07
NAME_PART, NAME, TX_POWER, SERVICE_DATA_16, SERVICE_DATA_128 = 0x08, 0x09, 0x0A, 0x16, 0x21
MAKER = 0xFF
LEGACY_BYTES = 31
LE_GENERAL, NO_CLASSIC = 2, 4


@dataclass(frozen=True, slots=True)
class AdvertContent:
    """What an advert says, in bleak's terms (128-bit lower-case UUIDs)."""

    name: str | None = None
    makers: dict[int, bytes] = field(default_factory=dict)
    service_data: dict[str, bytes] = field(default_factory=dict)
    uuids: list[str] = field(default_factory=list)
    tx_power: int | None = None


def uuid_text(little: bytes) -> str:
    """Return the 128-bit text of a UUID in its order on the air.

    >>> uuid_text(bytes.fromhex("D2FC"))
    '0000fcd2-0000-1000-8000-00805f9b34fb'
    """
    if len(little) == 2:  # noqa: PLR2004 - a 16-bit UUID
        return f"{int.from_bytes(little, 'little'):08x}-0000-1000-8000-00805f9b34fb"
    return str(uuid.UUID(bytes=little[::-1]))


def structures(data: bytes) -> Iterable[tuple[int, bytes]]:
    """Yield (type, data); a zero length or a structure past the end ends the advert."""
    at = 0
    while at + 1 < len(data) and data[at]:
        end = at + 1 + data[at]
        if end > len(data):
            return
        yield data[at + 1], data[at + 2 : end]
        at = end


def read_advert(data: bytes) -> AdvertContent:
    """Read what an advert (and its scan response, appended) says."""
    name: str | None = None
    tx_power: int | None = None
    makers: dict[int, bytes] = {}
    service_data: dict[str, bytes] = {}
    uuids: list[str] = []
    for kind, value in structures(data):
        if kind in (NAME, NAME_PART):
            name = value.decode(errors="replace")
        elif kind == MAKER:
            makers[int.from_bytes(value[:2], "little")] = value[2:]
        elif kind in (SERVICE_DATA_16, SERVICE_DATA_128):
            width = 2 if kind == SERVICE_DATA_16 else 16
            if len(value) >= width:
                service_data[uuid_text(value[:width])] = value[width:]
        elif kind in (UUIDS_16, UUIDS_16_PART, UUIDS_128, UUIDS_128_PART):
            width = 2 if kind in (UUIDS_16, UUIDS_16_PART) else 16
            whole = len(value) - len(value) % width
            uuids += [uuid_text(value[i : i + width]) for i in range(0, whole, width)]
        elif kind == TX_POWER and value:
            tx_power = int.from_bytes(value[:1], "little", signed=True)
    return AdvertContent(name, makers, service_data, list(dict.fromkeys(uuids)), tx_power)


def write_advert(
    *,
    name: str | None = None,
    uuids: Iterable[int] = (),
    service_data: tuple[int, bytes] | None = None,
    maker: tuple[int, bytes] | None = None,
    flags: int | None = LE_GENERAL | NO_CLASSIC,
) -> bytes:
    """Write an advert; one that does not fit into 31 bytes is refused."""
    parts: list[tuple[int, bytes]] = []
    if flags is not None:
        parts.append((FLAGS, bytes([flags])))
    if listed := b"".join(struct.pack("<H", u) for u in uuids):
        parts.append((UUIDS_16, listed))
    if service_data is not None:
        parts.append((SERVICE_DATA_16, struct.pack("<H", service_data[0]) + service_data[1]))
    if maker is not None:
        parts.append((MAKER, struct.pack("<H", maker[0]) + maker[1]))
    if name is not None:
        parts.append((NAME, name.encode()))
    data = b"".join(bytes([len(value) + 1, kind]) + value for kind, value in parts)
    if len(data) > LEGACY_BYTES:
        raise ValueError(f"an advert holds {LEGACY_BYTES} bytes, not {len(data)}: {data.hex(' ')}")
    return data
