"""From the bytes of one configured device to what the core is told of it.

One `Ear` a device. It is handed stamped bytes and delivers one `Heard` for each packet that
decodes, also when it carries no reading: it is a sign of life. What does not decode is counted
and dropped; nothing a device sends is raised past the radio:

    MalformedPacket   counted
    Replayed          counted (an old counter, or the same one with other content)
    WrongKey          counted; two different packets in a row mean a wrong key, and the core is told
    anything else     a bug of the driver: counted, its traceback logged once a minute a device

An advert is repeated many times a second. The same bytes within the same second are not decoded
again. An encrypted sensor's presence is believed from packets that its key opens, never from an
advert anybody can forge.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from structlog.typing import FilteringBoundLogger

from gateway.core.model import At, Heard, Link, LinkChange, Memory
from gateway.driver import (
    Channel,
    Decoder,
    Driver,
    MalformedPacket,
    Packet,
    Replayed,
    WrongKey,
)
from gateway.settings import DeviceStanza

Deliver = Callable[[Heard | LinkChange], None]

REPEAT_MS = 1000
BUG_LOG_MS = 60_000
FAILED_TAGS = 2  # one broken tag may be the air; two different ones are a key that does not fit
NO_RSSI = -127  # what BlueZ says of a device that it lists but has not just heard


@dataclass(frozen=True, slots=True)
class RadioDevice:
    """A configured device: the technician's stanza, its driver, and the decoder made for it."""

    stanza: DeviceStanza
    driver: Driver
    decoder: Decoder


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """What the radio knows of one device, for `ansim status`."""

    name: str
    address: str
    last_heard: At | None
    rssi: int | None
    connected: bool
    detail: str
    packets: int
    malformed: int
    replayed: int
    wrong_key: int
    bugs: int


class Ear:
    """One device's packets in, what the core is told out.

    found: the newest BLEDevice that the scanner gave for it: what a connection is made from.
    on_found: told of each advert, by the part that waits to connect.
    """

    def __init__(self, device: RadioDevice, deliver: Deliver, log: FilteringBoundLogger) -> None:
        self.device = device
        self.name = device.stanza.name
        self.connected = False
        self.detail = ""
        self.found: BLEDevice | None = None
        self.on_found: Callable[[], None] | None = None
        self._deliver = deliver
        self._log = log.bind(device=self.name, driver=device.driver.name)
        adverts = device.driver.adverts
        self._services = tuple(uuid for uuid in adverts if not uuid.startswith("mfr:"))
        self._makers = tuple((int(uuid[4:], 16), uuid) for uuid in adverts if uuid[:4] == "mfr:")
        capabilities = device.driver.capabilities(device.stanza.options)
        self._forgeable = not capabilities.encrypted and device.stanza.key_file is None
        self._last: dict[str, tuple[bytes, int]] = {}  # by AD element: bytes, when decoded
        self._last_heard: At | None = None
        self._rssi: int | None = None
        self._told_ms = -REPEAT_MS
        self._packets = self._malformed = self._replayed = self._wrong_key = self._bugs = 0
        self._failed_tags = 0
        self._failed_data = b""
        self._bug_logged_ms: int | None = None

    def advert(self, at: At, found: BLEDevice, advert: AdvertisementData) -> None:
        """Take one advert of this device."""
        self.found = found
        self._last_heard = at
        self._rssi = None if advert.rssi == NO_RSSI else advert.rssi
        wanted = False
        for uuid, data in self._elements(advert):
            wanted = True
            last = self._last.get(uuid)
            if last and last[0] == data and at.mono_ms - last[1] < REPEAT_MS:
                continue
            self._last[uuid] = (data, at.mono_ms)
            self._decode(Packet(at, self.name, Channel.ADVERT, uuid, data, self._rssi))
        if not wanted and self._forgeable and at.mono_ms - self._told_ms >= REPEAT_MS:
            self._told_ms = at.mono_ms
            self._deliver(Heard(at, self.name, rssi=self._rssi))
        if self.on_found is not None:
            self.on_found()

    def value(self, at: At, channel: Channel, uuid: str, data: bytes) -> bool:
        """Take one value over the connection; say whether the device stopped its own stream."""
        self._last_heard = at
        return self._decode(Packet(at, self.name, channel, uuid, data))

    def packet(self, packet: Packet) -> None:
        """Take a packet that was stamped before: a recording's."""
        self._last_heard = packet.at
        self._decode(packet)

    def status(self) -> DeviceStatus:
        """Return what is known now."""
        return DeviceStatus(
            name=self.name,
            address=self.device.stanza.address,
            last_heard=self._last_heard,
            rssi=self._rssi,
            connected=self.connected,
            detail=self.detail,
            packets=self._packets,
            malformed=self._malformed,
            replayed=self._replayed,
            wrong_key=self._wrong_key,
            bugs=self._bugs,
        )

    def _elements(self, advert: AdvertisementData) -> Iterator[tuple[str, bytes]]:
        for uuid in self._services:
            if (data := advert.service_data.get(uuid)) is not None:
                yield uuid, data
        for maker, uuid in self._makers:
            if (data := advert.manufacturer_data.get(maker)) is not None:
                yield uuid, data

    def _decode(self, packet: Packet) -> bool:
        self._packets += 1
        try:
            decoded = self.device.decoder.decode(packet)
        except WrongKey:
            self._wrong_key += 1
            self._tag_failed(packet)
            return False
        except Replayed:
            self._replayed += 1
            return False
        except MalformedPacket as wrong:
            self._malformed += 1
            self._log.debug("malformed packet", check=wrong.check, uuid=packet.uuid)
            return False
        except Exception:  # noqa: BLE001 - a driver's bug must not silence the other devices
            self._bugs += 1
            self._report_bug(packet)
            return False
        if not decoded.proves_life:
            return decoded.restart_stream  # anybody could have sent it
        self._tag_opened(packet.at)
        memory = None if decoded.memory is None else Memory(self.name, decoded.memory)
        self._told_ms = packet.at.mono_ms
        self._deliver(Heard(packet.at, self.name, decoded.readings, memory, packet.rssi))
        return decoded.restart_stream

    def _tag_failed(self, packet: Packet) -> None:
        if packet.data == self._failed_data:
            return  # the same broken packet heard again is no second witness
        self._failed_data = packet.data
        self._failed_tags += 1
        if self._failed_tags == FAILED_TAGS:
            detail = f"{self.name}: the bind key does not open its packets"
            self._deliver(
                LinkChange(packet.at, Link.KEY, up=False, device=self.name, detail=detail)
            )

    def _tag_opened(self, at: At) -> None:
        if self._failed_tags >= FAILED_TAGS:
            self._deliver(LinkChange(at, Link.KEY, up=True, device=self.name))
        self._failed_tags, self._failed_data = 0, b""

    def _report_bug(self, packet: Packet) -> None:
        last, now = self._bug_logged_ms, packet.at.mono_ms
        if last is None or now - last >= BUG_LOG_MS:
            self._bug_logged_ms = now
            self._log.exception("driver bug", uuid=packet.uuid, data=packet.data.hex())
