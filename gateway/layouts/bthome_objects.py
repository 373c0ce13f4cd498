"""The objects of BTHome v2: [id][value]..., little-endian, of a length that only the id tells.

What follows an unknown id cannot be read, so it ends the reading. The same id again is the next of
its kind: the second 3A is button 2. Button 00 only holds the place of a button that was not
pressed, and is no event.

Source: Bluetooth-Devices/bthome-ble 3.25 and the format page "BTHome v2"; Shelly BLU API docs: a
button before firmware 1.0.20 sends FE for "hold".
"""

from collections.abc import Callable

from gateway.core.model import (
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
    Value,
)
from gateway.driver import MalformedPacket

_PACKET_ID, _BATTERY, _BUTTON, _COMMAND = 0x00, 0x01, 0x3A, 0x3B
_FULL = 100

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
LENGTH = [0] * 256  # by id; 0: unknown, -1: it says so itself
for _size, _ids in _BY_LENGTH.items():
    for _id in bytes.fromhex(_ids):
        LENGTH[_id] = _size

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
    return Battery(raw) if raw <= _FULL else None


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


def read_objects(payload: bytes, data: bytes) -> tuple[int | None, list[Value]]:
    """Return packet id and values; unknown ids end the reading, a cut object refuses it all."""
    packet_id: int | None = None
    values: list[Value] = []
    buttons = 0
    at, end = 0, len(payload)
    while at < end:
        what = payload[at]
        size = LENGTH[what]
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
