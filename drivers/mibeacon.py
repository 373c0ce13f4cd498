"""Xiaomi MiBeacon v4/v5, encrypted: RTCGQ02LM motion, MCCGQ02HL door and their kin.

Service data of 0xFE95 in an advert:

    CC CC PP PP FF [MM MM MM MM MM MM] [KK [kk]] cc... XX XX XX TT TT TT TT
      C  frame control u16: b3 encrypted, b4 address included, b5 capability included,
         b6 objects included, b7 mesh (refused), b12-15 version
      P  product id u16, 0A8D RTCGQ02LM, 098B MCCGQ02HL   F  frame counter u8
      M  the device's address, reversed, when b4
      K  capability u8, when b5; with K & 20 one byte more
      c  AES-128-CCM ciphertext: associated data 11, nonce = address reversed, P, F, X
      X  counter's upper 24 bits: (X << 8) | F must rise    T  tag

The plaintext is objects of [type u16][length u8][data]. Plaintext frames are refused: anybody can
send them. A bare beacon (no objects) is no error and no proof of life.

Source: Bluetooth-Devices/xiaomi-ble 1.21, which keeps no memory of the counter. The key changes
when the sensor is bound again in the maker's app; a wrong one shows only as a tag that fails.
"""

import math
import struct
from collections.abc import Callable, Mapping

from gateway.core.model import (
    Battery,
    Contact,
    Hazard,
    HazardState,
    Measurement,
    Motion,
    Quantity,
    Reading,
    Value,
)
from gateway.driver import (
    Capabilities,
    Decoded,
    DeviceSettings,
    Driver,
    MalformedPacket,
    OptionSpec,
    Packet,
    sig,
)
from gateway.layouts.sealed import (
    ACCEPT_COUNTER_RESTART,
    COUNTER_RESTART,
    Opened,
    Seal,
    address_bytes,
)

Options = Mapping[str, int | float | str | bool]

SERVICE = sig(0xFE95)
_ENCRYPTED, _ADDRESS, _CAPABILITY, _OBJECTS, _MESH = 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 7
_EXTENDED_IO = 0x20
_TAIL = 7  # upper counter and tag
_HEAD = struct.Struct("<HHB")
_OBJECT = struct.Struct("<HB")
_FLOAT = struct.Struct("<f")
_AAD = b"\x11"

# The maker's app calls anything up to 30 s "motion".
_STILL_MOVING_S = 30
# RTCGQ02LM says 0 or 256, MJYD02YL 1 or 100.
_LIGHT_FROM = 100


# ------------------------------------------------------------------------- what an object means
def _u(data: bytes) -> int:
    return int.from_bytes(data, "little")


def _motion_with_light(data: bytes) -> list[Value]:
    light = float(_u(data) >= _LIGHT_FROM)
    return [Motion(detected=True), Measurement(Quantity.LIGHT, light)]


def _still_for(data: bytes) -> list[Value]:
    seconds = _u(data)
    return [
        Motion(detected=seconds <= _STILL_MOVING_S),
        Measurement(Quantity.STILL_FOR, float(seconds)),
    ]


def _no_motion(data: bytes) -> list[Value]:
    return [Motion(detected=False), Measurement(Quantity.STILL_FOR, float(_u(data)))]


def _motion_with_lux(data: bytes) -> list[Value]:
    (lux,) = _FLOAT.unpack(data)
    motion: list[Value] = [Motion(detected=True)]
    return [*motion, Measurement(Quantity.ILLUMINANCE, lux)] if math.isfinite(lux) else motion


def _door(data: bytes) -> list[Value]:
    # 0 open, 1 closed, 2 left open, 3 the device was reset (it says nothing about the door)
    return [Contact(data[0] != 1)] if data[0] <= 2 else []


def _opening(data: bytes) -> list[Value]:
    return [Contact(data[0] == 1)] if data[0] in {1, 2} else []


def _light(data: bytes) -> list[Value]:
    return [Measurement(Quantity.LIGHT, float(data[0] != 0))]


def _battery(data: bytes) -> list[Value]:
    return [Battery(data[0])] if data[0] <= 100 else []


def _temperature(data: bytes) -> list[Value]:
    tenths = int.from_bytes(data, "little", signed=True)
    return [Measurement(Quantity.TEMPERATURE, tenths / 10)]


def _humidity(data: bytes) -> list[Value]:
    return [Measurement(Quantity.HUMIDITY, _u(data) / 10)]


def _climate(data: bytes) -> list[Value]:
    return _temperature(data[:2]) + _humidity(data[2:])


def _water(data: bytes) -> list[Value]:
    return [HazardState(Hazard.WATER, data[0] != 0)]


def _smoke(data: bytes) -> list[Value]:
    return [HazardState(Hazard.SMOKE, data[0] != 0)]


# type: (length, meaning). An object of another length is not the one we know, and is passed over.
_MEANING: Mapping[int, tuple[int, Callable[[bytes], list[Value]]]] = {
    0x000F: (3, _motion_with_light),
    0x1004: (2, _temperature),
    0x1006: (2, _humidity),
    0x100A: (1, _battery),
    0x100D: (4, _climate),
    0x1014: (1, _water),
    0x1015: (1, _smoke),
    0x1017: (4, _still_for),
    0x1018: (1, _light),
    0x1019: (1, _door),
    0x101B: (4, _no_motion),
    0x4803: (1, _battery),
    0x4804: (1, _opening),
    0x4806: (1, _water),
    0x4818: (2, _still_for),
    0x4A08: (4, _motion_with_lux),
}


def _values(plain: bytes, data: bytes) -> list[Value]:
    values: list[Value] = []
    at = 0
    while at < len(plain):
        if len(plain) - at < _OBJECT.size:
            raise MalformedPacket("object without type and length", data)
        what, size = _OBJECT.unpack_from(plain, at)
        start = at + _OBJECT.size
        at = start + size
        if at > len(plain):
            raise MalformedPacket(f"object {what:04X} cut short", data)
        known = _MEANING.get(what)
        if known is not None and known[0] == size:
            values += known[1](plain[start:at])
    return values


class MiBeacon:
    """One sensor and the counter of its last packet."""

    def __init__(self, settings: DeviceSettings, memory: Mapping[str, int | str] | None) -> None:
        self._name = settings.name
        self._reversed = address_bytes(settings.address)[::-1]
        restart = settings.options.get(ACCEPT_COUNTER_RESTART, False)
        self._seal = Seal(settings.key, memory, allow_restart=bool(restart))

    def decode(self, packet: Packet) -> Decoded:
        """Return the readings of an advert; none for one heard before."""
        data = packet.data
        if self._seal.is_repeat(data):
            return Decoded(proves_life=False)
        opened = self._open(data)
        if opened is None:
            return Decoded(proves_life=False)
        values = _values(opened.plain, data)
        charge = next((v.percent for v in values if isinstance(v, Battery)), None)
        self._seal.accept(opened, charge)
        at, name = packet.at, self._name
        return Decoded(tuple([Reading(at, name, v) for v in values]), self._seal.memory())

    def _open(self, data: bytes) -> Opened | None:
        """Check envelope and tag; None: a bare beacon."""
        if len(data) < _HEAD.size:
            raise MalformedPacket(f"{len(data)} bytes of MiBeacon", data)
        control, _product, frame = _HEAD.unpack_from(data)
        if control & _MESH:
            raise MalformedPacket("a mesh device's frame", data)
        start = self._payload_start(control, data)
        if not control & _OBJECTS:
            return None
        if not control & _ENCRYPTED:
            raise MalformedPacket("plaintext: anybody could have sent it", data)
        if control >> 12 < 4:
            raise MalformedPacket(f"encryption of version {control >> 12}", data)
        tail = len(data) - _TAIL
        if tail < start:
            raise MalformedPacket("encrypted, and too short for counter and tag", data)
        extended = data[tail : tail + 3]
        nonce = self._reversed + data[2:5] + extended
        body = data[start:tail] + data[tail + 3 :]
        return self._seal.open(data, body, nonce, _AAD, _u(extended) << 8 | frame)

    def _payload_start(self, control: int, data: bytes) -> int:
        at = _HEAD.size
        if control & _ADDRESS:
            if data[at : at + 6] != self._reversed:
                raise MalformedPacket("the address inside is another device's, or cut short", data)
            at += 6
        if control & _CAPABILITY:
            if at >= len(data):
                raise MalformedPacket("capability cut short", data)
            at += 2 if data[at] & _EXTENDED_IO else 1
        return at


# ------------------------------------------------------------------------------- the descriptor
_PROVIDES: Mapping[str, tuple[str, ...]] = {
    "motion": ("Motion", "Measurement", "Battery"),
    "contact": ("Contact", "Measurement", "Battery"),
    "any": ("Motion", "Contact", "HazardState", "Measurement", "Battery"),
}


def _capabilities(options: Options) -> Capabilities:
    # RTCGQ02LM reports "no motion" until 1800 s after the last one, then nothing: it promises no
    # sign of life, so its silence proves nothing.
    return Capabilities(provides=_PROVIDES[str(options.get("kind", "any"))], encrypted=True)


DRIVER = Driver(
    name="mibeacon",
    summary=(
        "Xiaomi motion and door sensors (encrypted MiBeacon v4/v5)",
        "샤오미 동작·문열림 센서(암호화 MiBeacon v4/v5)",
    ),
    models=("RTCGQ02LM", "MCCGQ02HL", "MJYD02YL"),
    adverts=(SERVICE,),
    capabilities=_capabilities,
    new_decoder=MiBeacon,
    options={
        "kind": OptionSpec(
            str,
            "any",
            "what the device is, for the rules of `ansim check`",
            tuple(_PROVIDES),
            "기기 종류(`ansim check` 규칙용)",
        ),
        ACCEPT_COUNTER_RESTART: COUNTER_RESTART,
    },
    needs_key="always",
)
