"""Byte layouts that the Bluetooth SIG fixed and several drivers share: heart rate, battery.

    Heart Rate Measurement 0x2A37, notified          Battery Level 0x2A19, read or notified
    FF HH [HH] [EE EE] [RR RR]...                    PP
      F flags: b0 value is u16, b1 in contact,         P percent u8, 0 to 100
               b2 contact supported, b3 energy
               follows, b4 RR intervals follow
      H beats per minute   E energy expended, kJ   R u16 each, 1/1024 s, oldest first

Source: Heart Rate Service 1.0 and polarofficial/polar-ble-sdk BleHrClientTest. 0 bpm means that the
band has no reading: it is never an alarm.
"""

import struct
from dataclasses import replace

from gateway.core.model import Battery, HeartRate, Reading, Worn
from gateway.driver import MalformedPacket as Malformed
from gateway.driver import Packet, sig

HEART_RATE = sig(0x2A37)
BATTERY = sig(0x2A19)

_U16 = struct.Struct("<H")
_ONE_BYTE = 1
_LOWEST_BPM, _HIGHEST_BPM = 20, 300
_FULL = 100
_TELL_WORN_EVERY_MS = 60_000


def parse_heart_rate(data: bytes) -> HeartRate:
    """Return what one Heart Rate Measurement says.

    >>> parse_heart_rate(bytes.fromhex("0400"))
    HeartRate(bpm=None, contact=False, rr_ms=())
    """
    if not data:
        raise Malformed("heart rate of no bytes", data)
    flags = data[0]
    at = 3 if flags & 1 else 2
    rr_at = at + (2 if flags & 8 else 0)
    if len(data) < rr_at:
        raise Malformed("heart rate cut short", data)
    intervals = len(data) - rr_at
    if intervals % 2 or (intervals and not flags & 16):
        raise Malformed("heart rate with bytes left over", data)
    bpm = _U16.unpack_from(data, 1)[0] if flags & 1 else data[1]
    if bpm and not _LOWEST_BPM <= bpm <= _HIGHEST_BPM:
        raise Malformed(f"heart rate of {bpm} bpm", data)
    return HeartRate(
        bpm=bpm or None,
        contact=bool(flags & 2) if flags & 4 else None,
        rr_ms=tuple(round(raw * 1000 / 1024) for (raw,) in _U16.iter_unpack(data[rr_at:])),
    )


def parse_battery(data: bytes) -> Battery:
    """Return what one Battery Level says.

    >>> parse_battery(b"d")
    Battery(percent=100, low=None)
    """
    if len(data) != _ONE_BYTE:
        raise Malformed(f"battery level of {len(data)} bytes", data)
    if data[0] > _FULL:
        raise Malformed(f"battery level of {data[0]} %", data)
    return Battery(data[0])


class SigDecoder:
    """Heart rate and battery of one band, which may also tell by skin contact whether it is worn.

    `Worn` is told when it changes and once a minute, so that one lost on the way is made good.
    A band whose contact bits cannot be trusted (`trust_contact` False) never tells, and its heart
    rate comes without them: whoever reads them later cannot know which band to believe.
    """

    def __init__(self, device: str, *, trust_contact: bool) -> None:
        self._device, self._trust_contact = device, trust_contact
        self._worn: bool | None = None
        self._told_ms = 0

    def readings(self, packet: Packet) -> tuple[Reading, ...]:
        """Return the readings of a heart rate or battery packet."""
        if packet.uuid == BATTERY:
            return (Reading(packet.at, self._device, parse_battery(packet.data)),)
        if packet.uuid != HEART_RATE:
            raise Malformed(f"bytes of an unknown characteristic {packet.uuid}", packet.data)
        rate = parse_heart_rate(packet.data)
        if not self._trust_contact:
            rate = replace(rate, contact=None)
        heart = Reading(packet.at, self._device, rate)
        if rate.contact is None:
            return (heart,)
        due = packet.at.mono_ms - self._told_ms >= _TELL_WORN_EVERY_MS
        if rate.contact is self._worn and not due:
            return (heart,)
        self._worn, self._told_ms = rate.contact, packet.at.mono_ms
        return (heart, Reading(packet.at, self._device, Worn(rate.contact)))
