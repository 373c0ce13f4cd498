"""Shelly BLU motion, door/window and button: BTHome v2 adverts, plain or encrypted.

    plain      02 01 06 | len 16 D2 FC | 44 | objects (ascending ids)
    encrypted  02 01 06 | len 16 D2 FC | 45 | ciphertext | counter u32 | MIC 4

    AES-128-CCM, tag of 4 bytes, nonce = MAC (as read) + D2 FC + info byte + counter (as sent)

    motion 00 packet id, 01 battery, 05 illuminance, 21 motion
    door   00 packet id, 01 battery, 05 illuminance, 2D open, 3F rotation
    button 00 packet id, 01 battery, 3A event

bthome.io/format (v2); the Shelly BLU API documentation for which objects each device sends. Two
captured packets are reproduced byte for byte in the tests. Beacon mode, which the technician
switches on at commissioning, is the only regular sign of life of a Shelly BLU device.
"""

import struct

from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from gateway.clock import Clock
from gateway.core.model import Press
from gateway.virtual.advert import write_advert
from gateway.virtual.advertiser import Advertiser
from gateway.virtual.link import Air

BTHOME = 0xFCD2
SLEEPY, ENCRYPTED_SLEEPY = 0x44, 0x45
PACKET_ID, BATTERY, ILLUMINANCE = 0x00, 0x01, 0x05
MOTION, WINDOW, BUTTON, ROTATION = 0x21, 0x2D, 0x3A, 0x3F
BEACON_S = 60.0
COUNTER_MODULUS = 1 << 32


EVENTS = {
    Press.SINGLE: 0x01,
    Press.DOUBLE: 0x02,
    Press.TRIPLE: 0x03,
    Press.LONG: 0x04,
    Press.LONG_DOUBLE: 0x05,
    Press.LONG_TRIPLE: 0x06,
    Press.HOLD: 0x80,
    Press.RELEASE: 0x81,
}
UNPRESSED = 0x00


class ShellyBlu(Advertiser):
    """What all Shelly BLU devices share.

    packet_id, counter: of the next packet; settable, to play a device that has run for years or
                        one whose battery was changed.
    battery: percent. beacon_s None: beacon mode is off, as it is from the factory.
    """

    def __init__(
        self,
        air: Air,
        clock: Clock,
        address: str,
        *,
        key: bytes | None = None,
        beacon_s: float | None = BEACON_S,
        rssi: int = -60,
    ) -> None:
        super().__init__(air, clock, address, beacon_s=beacon_s, rssi=rssi)
        self.key = key
        self.packet_id = 0
        self.counter = 1
        self.battery = 100
        self.illuminance_lx = 0.0

    def packet(self, *objects: bytes) -> bytes:
        """Return the service data of the next packet, and count it."""
        plain = bytes([PACKET_ID, self.packet_id, BATTERY, self.battery]) + b"".join(objects)
        self.packet_id = (self.packet_id + 1) % 256
        if self.key is None:
            return bytes([SLEEPY]) + plain
        counter = struct.pack("<I", self.counter)
        self.counter = (self.counter + 1) % COUNTER_MODULUS
        info = bytes([ENCRYPTED_SLEEPY])
        mac = bytes.fromhex(self.address.replace(":", ""))
        nonce = mac + struct.pack("<H", BTHOME) + info + counter
        sealed = AESCCM(self.key, tag_length=4).encrypt(nonce, plain, None)
        return info + sealed[:-4] + counter + sealed[-4:]

    def advert(self, *objects: bytes) -> bytes:
        """Return the whole advert of the next packet."""
        return write_advert(service_data=(BTHOME, self.packet(*objects)))

    def lux(self) -> bytes:
        """Return the illuminance object."""
        return bytes([ILLUMINANCE]) + round(self.illuminance_lx * 100).to_bytes(3, "little")


class ShellyButton(ShellyBlu):
    """SBBT-002C: one button."""

    def sign_of_life(self) -> bytes:
        """Return the beacon: no event, the button is named unpressed."""
        return self.advert(bytes([BUTTON, UNPRESSED]))

    def press(self, press: Press = Press.SINGLE) -> None:
        """Press it."""
        self.tell(lambda: self.advert(bytes([BUTTON, EVENTS[press]])))


class ShellyMotion(ShellyBlu):
    """SBMO-003Z: says "motion" at the first movement, "no motion" when its blind time ends."""

    detected = False

    def sign_of_life(self) -> bytes:
        """Return the beacon: the state as it is."""
        return self.advert(self.lux(), bytes([MOTION, self.detected]))

    def detect(self) -> None:
        """See somebody."""
        self.detected = True
        self.tell(self.sign_of_life)

    def clear(self) -> None:
        """End the blind time: nobody moved meanwhile."""
        self.detected = False
        self.tell(self.sign_of_life)


class ShellyDoor(ShellyBlu):
    """SBDW-002C: door or window contact."""

    is_open = False
    rotation_deg = 0.0

    def sign_of_life(self) -> bytes:
        """Return the beacon: the state as it is."""
        turned = struct.pack("<Bh", ROTATION, round(self.rotation_deg * 10))
        return self.advert(self.lux(), bytes([WINDOW, self.is_open]), turned)

    def open(self) -> None:
        """Open it."""
        self.is_open = True
        self.tell(self.sign_of_life)

    def close(self) -> None:
        """Close it."""
        self.is_open = False
        self.tell(self.sign_of_life)
