"""BTHome v2: Shelly BLU motion, door and button, Bangle.js, and whatever else speaks it.

Service data of 0xFCD2 in an advert. Plain and encrypted:

    II [MM MM MM MM MM MM] (ii vv...)...
    II [MM MM MM MM MM MM] cc... NN NN NN NN TT TT TT TT
      I  b0 encrypted, b1 address included, b2 trigger-based, b5-7 version (2)
      M  the device's address, reversed, when b1
      i  object id; v its value, little-endian, of a length that only the id tells: what follows an
         unknown id cannot be read
      c  AES-128-CCM ciphertext of the objects: no associated data, nonce = address in readable
         order, D2 FC, I, N
      N  counter u32   T  tag

An advert is repeated for seconds, and BlueZ hands out an old one after a restart, so a press is a
CHANGE: of packet id (object 00) and content, of the counter, or, where a device sends neither, of
content or after a silence. bthome-ble forgets the packet id after 4 s and at restart, and counts
the press twice; here (id, contents) is kept until the id changes, and is persisted.

Source: Bluetooth-Devices/bthome-ble 3.25 and the format page "BTHome v2"; Shelly BLU API docs: FE
is "hold" before firmware 1.0.20. Button 00 only holds the place of a button not pressed.
"""

from collections.abc import Callable, Mapping

from gateway.core.model import (
    At,
    Battery,
    Button,
    Contact,
    Hazard,
    HazardState,
    Measurement,
    Motion,
    Occupied,
    Press,
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
from gateway.sealed import Opened, Seal, address_bytes

Options = Mapping[str, int | float | str | bool]

SERVICE = sig(0xFCD2)
_ENCRYPTED, _ADDRESS, _VERSION = 0x01, 0x02, 2
_TAIL = 8  # counter and tag
_PACKET_ID, _BATTERY, _BUTTON, _COMMAND = 0x00, 0x01, 0x3A, 0x3B

# Two adverts with the same content and no packet id are one event unless this much silence lies
# between them: Bangle.js and Shelly repeat an event for up to 30 s, many times a second.
_SILENCE_MS = 10_000
# One id may come with several contents (a device that alternates two adverts): all are remembered.
_CONTENTS_KEPT = 8
# Adverts get lost: a healthy device in range is heard at least once in this many of its beacons.
_BEACONS_MISSED = 10

_PRESSES = {
    0x01: Press.SINGLE,
    0x02: Press.DOUBLE,
    0x03: Press.TRIPLE,
    0x04: Press.LONG,
    0x05: Press.LONG_DOUBLE,
    0x06: Press.LONG_TRIPLE,
    0x80: Press.HOLD,
    0x81: Press.RELEASE,
    0xFE: Press.HOLD,
}

# ------------------------------------------------------------------------------ the object ids
_VARIABLE = -1
_BY_LENGTH = {
    1: "00 01 09 0F 10 11 15 16 17 18 19 1A 1B 1C 1D 1E 1F 20 21 22 23 24 25 26 27 28 29 2A 2B 2C"
    " 2D 2E 2F 3A 46 57 58 59 60 64 65",
    2: "02 03 06 07 08 0C 0D 0E 12 13 14 3C 3D 3F 40 41 43 44 45 47 48 49 4A 51 52 56 5A 5D 5E 5F"
    " 61 F0",
    3: "04 05 0A 0B 42 4B F2",
    4: "3E 4C 4D 4E 4F 50 55 5B 5C 62 63 F1",
    _VARIABLE: "3B 53 54",
}
_LENGTH = [0] * 256
for _size, _ids in _BY_LENGTH.items():
    for _id in bytes.fromhex(_ids):
        _LENGTH[_id] = _size

Meaning = Callable[[int], Value | None]


def _number(quantity: Quantity, times: int = 1, over: int = 1) -> Meaning:
    # raw * times / over: one division rounds correctly (2506 / 100 = 25.06; 2506 * 0.01 is not).
    return lambda raw: Measurement(quantity, raw * times / over)


def _hazard(hazard: Hazard) -> Meaning:
    return lambda raw: HazardState(hazard, raw != 0)


def _switch(quantity: Quantity) -> Meaning:
    return lambda raw: Measurement(quantity, float(raw != 0))


def _contact(raw: int) -> Value:
    return Contact(raw != 0)


def _motion(raw: int) -> Value:
    return Motion(raw != 0)


def _battery(raw: int) -> Value | None:
    # An impossible charge must not cost the press that came with it.
    return Battery(raw) if raw <= 100 else None


_SIGNED = frozenset(bytes.fromhex("02 3F 45 57 58 59 5A 5B"))
_MEANING: dict[int, Meaning] = {
    _BATTERY: _battery,
    0x02: _number(Quantity.TEMPERATURE, 1, 100),
    0x03: _number(Quantity.HUMIDITY, 1, 100),
    0x04: _number(Quantity.PRESSURE, 1, 100),
    0x05: _number(Quantity.ILLUMINANCE, 1, 100),
    0x09: _number(Quantity.COUNT),
    0x0C: _number(Quantity.VOLTAGE, 1, 1000),
    0x11: _contact,
    0x12: _number(Quantity.CO2),
    0x14: _number(Quantity.MOISTURE, 1, 100),
    0x15: lambda raw: Battery(None, raw != 0),
    0x17: _hazard(Hazard.CARBON_MONOXIDE),
    0x1A: _contact,
    0x1B: _contact,
    0x1C: _hazard(Hazard.GAS),
    0x1D: _hazard(Hazard.HEAT),
    0x1E: _switch(Quantity.LIGHT),
    0x20: _hazard(Hazard.WATER),
    0x21: _motion,
    0x22: _switch(Quantity.VIBRATION),  # "moving": the thing it sits on, not a person
    0x23: lambda raw: Occupied(raw != 0),
    0x25: _motion,
    0x29: _hazard(Hazard.SMOKE),
    0x2B: _hazard(Hazard.TAMPER),
    0x2C: _switch(Quantity.VIBRATION),
    0x2D: _contact,
    0x2E: _number(Quantity.HUMIDITY),
    0x2F: _number(Quantity.MOISTURE),
    0x3D: _number(Quantity.COUNT),
    0x3E: _number(Quantity.COUNT),
    0x3F: _number(Quantity.ROTATION, 1, 10),
    0x40: _number(Quantity.DISTANCE, 1, 1000),
    0x41: _number(Quantity.DISTANCE, 1, 10),
    0x42: _number(Quantity.DURATION, 1, 1000),
    0x45: _number(Quantity.TEMPERATURE, 1, 10),
    0x4A: _number(Quantity.VOLTAGE, 1, 10),
    0x57: _number(Quantity.TEMPERATURE),
    0x58: _number(Quantity.TEMPERATURE, 35, 100),
    0x59: _number(Quantity.COUNT),
    0x5A: _number(Quantity.COUNT),
    0x5B: _number(Quantity.COUNT),
}


def _variable_length(payload: bytes, at: int, data: bytes) -> int:
    if at == len(payload):
        raise MalformedPacket(f"object {payload[at - 1]:02X} without its length", data)
    # A command: the number of its arguments in the low 5 bits, then the opcode, then they.
    return (payload[at] & 0x1F) + 1 if payload[at - 1] == _COMMAND else payload[at]


def _objects(payload: bytes, data: bytes) -> tuple[int | None, list[Value]]:
    """Return packet id and values; unknown ids end the reading, a cut object refuses it all."""
    packet_id: int | None = None
    values: list[Value] = []
    buttons = 0
    at, end = 0, len(payload)
    while at < end:
        what = payload[at]
        size = _LENGTH[what]
        start = at + 1
        if size == 0:
            break
        if size == _VARIABLE:
            size = _variable_length(payload, start, data)
            start += 1
        at = start + size
        if at > end:
            raise MalformedPacket(f"object {what:02X} cut short", data)
        if what == _BUTTON:
            buttons += 1
            press = _PRESSES.get(payload[start])
            if press is not None:
                values.append(Button(press, buttons))
        elif what == _PACKET_ID:
            packet_id = payload[start]
        elif (meaning := _MEANING.get(what)) is not None:
            raw = int.from_bytes(payload[start:at], "little", signed=what in _SIGNED)
            value = meaning(raw)
            if value is not None:
                values.append(value)
    return packet_id, values


class BTHome:
    """One device: what it said last, and the counters that outlive a restart."""

    def __init__(self, settings: DeviceSettings, memory: Mapping[str, int | str] | None) -> None:
        self._name = settings.name
        self._address = address_bytes(settings.address)
        restart = settings.options.get("accept_counter_restart", False)
        self._seal = Seal(settings.key, memory, allow_restart=bool(restart))
        kept = memory or {}
        self._packet_id = int(kept.get("packet", -1))
        self._contents = [bytes.fromhex(one) for one in str(kept.get("contents", "")).split()]
        self._boot, self._heard_ms = str(kept.get("boot", "")), int(kept.get("heard_ms", 0))

    def decode(self, packet: Packet) -> Decoded:
        """Return the readings of an advert; none for one heard before."""
        data = packet.data
        if self._seal.has_key and self._seal.is_repeat(data):
            return Decoded(proves_life=False)
        payload, opened = self._payload(data)
        packet_id, values = _objects(payload, data)
        if opened is not None:
            charge = next((v.percent for v in values if isinstance(v, Battery)), None)
            self._seal.accept(opened, charge)
            if packet_id is None:
                packet_id = opened.counter  # what a device without packet ids counts by
        if not self._is_new(packet.at, packet_id, payload):
            # Encrypted anew, the same event still moves the counter.
            return Decoded(memory=self._memory() if opened is not None else None)
        at, name = packet.at, self._name
        return Decoded(tuple([Reading(at, name, value) for value in values]), self._memory())

    def _payload(self, data: bytes) -> tuple[bytes, Opened | None]:
        if len(data) < 2:
            raise MalformedPacket(f"{len(data)} bytes of BTHome", data)
        info = data[0]
        if info >> 5 != _VERSION:
            raise MalformedPacket(f"BTHome version {info >> 5}", data)
        start = 1
        if info & _ADDRESS:
            start = 7
            if data[1:7] != self._address[::-1]:
                raise MalformedPacket("the address inside is another device's, or cut short", data)
        if not info & _ENCRYPTED:
            if self._seal.has_key:
                raise MalformedPacket("plaintext from a device that has a key", data)
            return data[start:], None
        tail = len(data) - _TAIL
        if tail < start:
            raise MalformedPacket("encrypted, and too short for counter and tag", data)
        sent = data[tail : tail + 4]
        nonce = self._address + b"\xd2\xfc" + data[:1] + sent
        body = data[start:tail] + data[tail + 4 :]
        opened = self._seal.open(data, body, nonce, None, int.from_bytes(sent, "little"))
        return opened.plain, opened

    def _is_new(self, at: At, packet_id: int | None, payload: bytes) -> bool:
        known = payload in self._contents
        if packet_id is None:
            near = at.boot == self._boot and at.mono_ms - self._heard_ms < _SILENCE_MS
            self._boot, self._heard_ms = at.boot, at.mono_ms
            if known and near:
                return False
            self._packet_id, self._contents = -1, [payload]
            return True
        if packet_id != self._packet_id:
            self._packet_id, self._contents = packet_id, [payload]
            return True
        if not known:
            self._contents = [*self._contents[-_CONTENTS_KEPT + 1 :], payload]
        return not known

    def _memory(self) -> dict[str, int | str]:
        return self._seal.memory() | {
            "packet": self._packet_id,
            "contents": " ".join([one.hex() for one in self._contents]),
            "boot": self._boot,
            "heard_ms": self._heard_ms,
        }


# ------------------------------------------------------------------------------- the descriptor
_PROVIDES: Mapping[str, tuple[str, ...]] = {
    "motion": ("Motion", "Measurement", "Battery"),
    "contact": ("Contact", "Measurement", "Battery"),
    "button": ("Button", "Battery"),
    "climate": ("Measurement", "Battery"),
    "any": ("Motion", "Contact", "Occupied", "Button", "HazardState", "Measurement", "Battery"),
}


def _capabilities(options: Options) -> Capabilities:
    beacon_s = float(options.get("beacon_s", 0.0))
    return Capabilities(
        provides=_PROVIDES[str(options.get("kind", "any"))],
        sign_of_life_s=beacon_s * _BEACONS_MISSED if beacon_s > 0 else None,
        encrypted=True,
    )


DRIVER = Driver(
    name="bthome",
    summary=(
        "BTHome v2 sensors and buttons (Shelly BLU, Bangle.js), plain or encrypted",
        "BTHome v2 센서와 버튼(Shelly BLU, Bangle.js), 평문 또는 암호화",
    ),
    models=("SBMO-003Z", "SBDW-002C", "SBBT-002C", "SBBT-004", "SBHT-003C", "Bangle.js 2"),
    adverts=(SERVICE,),
    capabilities=_capabilities,
    new_decoder=BTHome,
    options={
        "kind": OptionSpec(
            str, "any", "what the device is, for the rules of `ansim check`", tuple(_PROVIDES)
        ),
        "beacon_s": OptionSpec(
            float,
            0.0,
            "seconds between its regular adverts, when beacon mode is on (Shelly H&T: 60); 0: it "
            "speaks only when something happens, and its silence is no fault",
        ),
        "accept_counter_restart": OptionSpec(
            bool,
            False,  # noqa: FBT003 - an option's default
            "accept a counter that began anew although no fresh battery was seen; switch off again "
            "afterwards, since an old recording is accepted as well",
        ),
    },
    needs_key="maybe",
)
