"""BTHome v2: Shelly BLU motion, door and button, Bangle.js, and whatever else speaks it.

Service data of 0xFCD2 in an advert. Plain and encrypted:

    II [MM MM MM MM MM MM] (ii vv...)...
    II [MM MM MM MM MM MM] cc... NN NN NN NN TT TT TT TT
      I  b0 encrypted, b1 address included, b2 trigger-based, b5-7 version (2)
      M  the device's address, reversed, when b1
      i  object id   v  its value (gateway.layouts.bthome_objects has the table)
      c  AES-128-CCM ciphertext of the objects: no associated data, nonce = address in readable
         order, D2 FC, I, N
      N  counter u32   T  tag

An advert is repeated for seconds, and BlueZ hands out an old one after a restart, so a press is a
CHANGE: of packet id (object 00) and content, of the counter, or, where a device sends neither, of
content or after a silence. bthome-ble forgets the packet id after 4 s and at restart, and counts
the press twice; here (id, contents) is kept until the id changes, and is persisted.

Source: Bluetooth-Devices/bthome-ble 3.25 and the format page "BTHome v2".
"""

from collections.abc import Mapping

from gateway.core.model import At, Battery, Reading
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
from gateway.layouts.bthome_objects import read_objects
from gateway.layouts.sealed import (
    ACCEPT_COUNTER_RESTART,
    COUNTER_RESTART,
    Opened,
    Seal,
    address_bytes,
)

Options = Mapping[str, int | float | str | bool]

SERVICE = sig(0xFCD2)
_ENCRYPTED, _ADDRESS, _VERSION = 0x01, 0x02, 2
_TAIL = 8  # counter and tag

# Two adverts with the same content and no packet id are one event unless this much silence lies
# between them: Bangle.js and Shelly repeat an event for up to 30 s, many times a second.
_SILENCE_MS = 10_000
# One id may come with several contents (a device that alternates two adverts): all are remembered.
_CONTENTS_KEPT = 8
# Adverts get lost: a healthy device in range is heard at least once in this many of its beacons.
_BEACONS_MISSED = 10
_AN_HOUR_S = 3600.0


class BTHome:
    """One device: what it said last, and the counters that outlive a restart."""

    def __init__(self, settings: DeviceSettings, memory: Mapping[str, int | str] | None) -> None:
        self._name = settings.name
        self._address = address_bytes(settings.address)
        restart = settings.options.get(ACCEPT_COUNTER_RESTART, False)
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
        packet_id, values = read_objects(payload, data)
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


def _sign_of_life_s(beacon_s: float) -> float:
    """Return the longest time between two packets that a healthy sensor in range lets pass.

    A dead sensor that promises to be heard every hour must be known within two, so a slow beacon
    may miss fewer.
    """
    return max(beacon_s, min(beacon_s * _BEACONS_MISSED, _AN_HOUR_S))


def _capabilities(options: Options) -> Capabilities:
    beacon_s = float(options.get("beacon_s", 0.0))
    return Capabilities(
        provides=_PROVIDES[str(options.get("kind", "any"))],
        sign_of_life_s=_sign_of_life_s(beacon_s) if beacon_s > 0 else None,
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
            str,
            "any",
            "what the device is, for the rules of `ansim check`",
            tuple(_PROVIDES),
            "기기 종류(`ansim check` 규칙용)",
        ),
        "beacon_s": OptionSpec(
            float,
            0.0,
            "seconds between its regular adverts, when beacon mode is on (Shelly H&T: 60); 0: it "
            "speaks only when something happens, and its silence is no fault",
            help_ko="비컨 모드의 정기 광고 간격(초, Shelly H&T는 60). 0: 일이 있을 때만 알리며 "
            "침묵은 고장이 아님",
        ),
        ACCEPT_COUNTER_RESTART: COUNTER_RESTART,
    },
    needs_key="maybe",
)
