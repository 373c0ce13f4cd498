"""Xiaomi motion sensor RTCGQ02LM: encrypted MiBeacon v5 adverts.

    02 01 06 | len 16 95 FE | control u16 | product u16 | counter u8 | [MAC 6, reversed]
             | ciphertext | extended counter 3 | MIC 4

    control 5958 with the MAC, 5948 without; objects [type u16][length u8][data]
    AES-128-CCM, tag of 4 bytes, associated data 11,
    nonce = MAC reversed + product + counter + extended counter

custom-components/ble_monitor and Bluetooth-Devices/xiaomi-ble describe the format; both captured
packets of the device notes are reproduced byte for byte in the tests.
"""

import struct

from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from gateway.clock import Clock
from gateway.virtual.advert import write_advert
from gateway.virtual.advertiser import Advertiser
from gateway.virtual.link import RSSI_DBM, Air

MIBEACON = 0xFE95
PRODUCT = 0x0A8D
WITH_MAC, WITHOUT_MAC = 0x5958, 0x5948
MOTION, NO_MOTION, BATTERY = 0x000F, 0x101B, 0x100A
DARK, LIGHT = 0, 256
ASSOCIATED = b"\x11"


class XiaomiMotion(Advertiser):
    """One RTCGQ02LM.

    counter: of the next packet: the low byte is the frame counter, the rest the extended one.
    with_mac: whether its packets name its address (the longer ones of the device do not).
    It promises no sign of life (beacon_s None); with one, it tells its battery.
    """

    def __init__(
        self,
        air: Air,
        clock: Clock,
        address: str,
        key: bytes,
        *,
        beacon_s: float | None = None,
        rssi: int = RSSI_DBM,
    ) -> None:
        super().__init__(air, clock, address, beacon_s=beacon_s, rssi=rssi)
        self.key = key
        self.counter = 1
        self.battery = 100

    def packet(self, kind: int, data: bytes, *, with_mac: bool) -> bytes:
        """Return the service data of the next packet, and count it."""
        mac = bytes.fromhex(self.address.replace(":", ""))[::-1]
        control = WITH_MAC if with_mac else WITHOUT_MAC
        frame, extended = self.counter & 0xFF, (self.counter >> 8).to_bytes(3, "little")
        self.counter = (self.counter + 1) % (1 << 32)
        head = struct.pack("<HHB", control, PRODUCT, frame)
        plain = struct.pack("<HB", kind, len(data)) + data
        nonce = mac + head[2:] + extended
        sealed = AESCCM(self.key, tag_length=4).encrypt(nonce, plain, ASSOCIATED)
        return head + (mac if with_mac else b"") + sealed[:-4] + extended + sealed[-4:]

    def sign_of_life(self) -> bytes:
        """Return a battery report."""
        data = self.packet(BATTERY, bytes([self.battery]), with_mac=True)
        return write_advert(service_data=(MIBEACON, data))

    def detect(self, *, light: bool = True) -> None:
        """See somebody, in the light or in the dark."""
        seen = (LIGHT if light else DARK).to_bytes(3, "little")
        self.tell(lambda: self._advert(MOTION, seen, with_mac=True))

    def still_for(self, seconds: int) -> None:
        """Tell that nobody has moved for so long."""
        said = struct.pack("<I", seconds)
        self.tell(lambda: self._advert(NO_MOTION, said, with_mac=False))

    def _advert(self, kind: int, data: bytes, *, with_mac: bool) -> bytes:
        return write_advert(service_data=(MIBEACON, self.packet(kind, data, with_mac=with_mac)))
