"""What a driver is: a pure decoder of one device family's bytes, and a descriptor of it.

A driver is one file in `drivers/`: a docstring that pictures the bytes, the decoder, and as its
last lines `DRIVER = Driver(...)`. It imports this module and `gateway.core.model` only.

A device reaches the hub over one or both of two ways:

    advert      the scanner hears it; `Packet.channel` is `Channel.ADVERT`, `uuid` the AD element
                (service data: the 128-bit UUID; manufacturer data: "mfr:0499"), data its bytes
    GATT        the radio connects, runs `GattPlan.setup` and subscribes; `Packet.channel` is
                `Channel.NOTIFY` (or READ), `uuid` the characteristic, data its value
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from gateway.core.model import At, Reading
from gateway.errors import DeviceError


class Channel(StrEnum):
    """How the bytes came."""

    ADVERT = "advert"
    NOTIFY = "notify"
    READ = "read"


@dataclass(frozen=True, slots=True)
class Packet:
    """Bytes off the radio, stamped once. `uuid` is lower case, 128 bits ("mfr:0499" for makers)."""

    at: At
    device: str
    channel: Channel
    uuid: str
    data: bytes
    rssi: int | None = None


class MalformedPacket(DeviceError):  # noqa: N818 - named after what it is
    """Bytes that fail a check of their own format: which check, and the hex."""

    def __init__(self, check: str, data: bytes) -> None:
        self.check, self.data = check, data
        super().__init__(f"{check}: {data.hex(' ').upper()}")


class WrongKey(MalformedPacket):
    """An encrypted packet whose tag does not match: a wrong key, or bytes broken in the air."""


class Replayed(MalformedPacket):
    """A packet whose counter is not newer than one already accepted: old, forged, or a repeat.

    The very same packet heard again is no error (an advert is repeated many times): it decodes to
    no readings. This is for an older counter, or the same one with other content.
    """


@dataclass(frozen=True, slots=True)
class Decoded:
    """What one packet said.

    memory: the decoder's counters after this packet, if it moved them (JSON values); the edge
            persists them and hands them to `new_decoder` after a restart.
    restart_stream: the device stopped its stream by itself: the radio runs the plan's setup again.
    proves_life: False for bytes that anybody could have sent (a bare beacon of a device that has a
            key, its last packet played again): they must not count as a sign of life.
    """

    readings: tuple[Reading, ...] = ()
    memory: Mapping[str, int | str] | None = None
    restart_stream: bool = False
    proves_life: bool = True


class Decoder(Protocol):
    """One device's decoder; it may remember. Raises nothing but MalformedPacket."""

    def decode(self, packet: Packet) -> Decoded:
        """Turn one packet into readings."""
        ...


@dataclass(frozen=True, slots=True)
class DeviceSettings:
    """What the technician's stanza gives a decoder. `key` is the bind key (16 bytes), or None."""

    name: str
    address: str
    key: bytes | None = field(default=None, repr=False)
    options: Mapping[str, int | float | str | bool] = field(
        default_factory=lambda: MappingProxyType({})
    )


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a device can really do; rules are checked against it by `ansim check`.

    provides: names of the value types it can give ("AccelerationBlock", "Motion", ...).
    sample_rate_hz, range_g: of its acceleration, when it streams any.
    sign_of_life_s: the longest time between two packets that a healthy device in range lets pass;
        None: it promises none (an event-only sensor), so its silence proves nothing by itself.
    knows_worn: how far its worn state can be trusted: "yes", "weak" or "no".
    encrypted: whether its packets can be proven to be its own; forgeable ones are no proof of life.
    """

    provides: tuple[str, ...]
    sample_rate_hz: float | None = None
    range_g: float | None = None
    sign_of_life_s: float | None = None
    knows_worn: str = "no"
    encrypted: bool = False


@dataclass(frozen=True, slots=True)
class GattStep:
    """One step of setting up a connection.

    action: "subscribe" (notify or indicate), "write" (with response), or "read".
    answer: for "write": the first bytes that the indication on the same characteristic must start
        with; `ok` lists the statuses (byte 3 of a PMD answer) that count as success.
    optional: a device that lacks the characteristic is served without it.
    """

    action: str
    uuid: str
    data: bytes = b""
    answer: bytes = b""
    ok: tuple[int, ...] = ()
    optional: bool = False
    every_s: float | None = None


@dataclass(frozen=True, slots=True)
class GattPlan:
    """How to talk to a connected device: what to do after each connect, and before a disconnect.

    silent_after_s: the device is reconnected when nothing came for so long.
    watched: the characteristics that this is about (a band whose acceleration has died goes on
             telling its heart rate); empty: any value will do.
    """

    setup: tuple[GattStep, ...]
    teardown: tuple[GattStep, ...] = ()
    silent_after_s: float = 10.0
    min_mtu: int = 23
    bonded: bool = False
    watched: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OptionSpec:
    """One option of a device's stanza, for the configuration's types, errors and documentation.

    help, help_ko: one line for the technician, in English and Korean.
    """

    type: type
    default: int | float | str | bool
    help: str
    choices: tuple[int | float | str, ...] = ()
    help_ko: str = ""


@dataclass(frozen=True, slots=True)
class Driver:
    """A driver's descriptor.

    name: the file's name. summary: one line each in English and Korean.
    adverts: AD elements it wants (`Packet.uuid` values); empty when it needs a connection only.
    plan: what to do on a connection, from the stanza's options; None when adverts are all.
    new_decoder: called once per device with its settings and the persisted memory (or None).
    capabilities: from the stanza's options.
    needs_key: "never", "maybe" or "always".
    """

    name: str
    summary: tuple[str, str]
    models: tuple[str, ...]
    capabilities: Callable[[Mapping[str, int | float | str | bool]], Capabilities]
    new_decoder: Callable[[DeviceSettings, Mapping[str, int | str] | None], Decoder]
    adverts: tuple[str, ...] = ()
    plan: Callable[[Mapping[str, int | float | str | bool]], GattPlan] | None = None
    options: Mapping[str, OptionSpec] = field(default_factory=lambda: MappingProxyType({}))
    needs_key: str = "never"


def sig(short: int) -> str:
    """Return the 128-bit form of a 16-bit Bluetooth SIG UUID, as `Packet.uuid` carries it.

    >>> sig(0x180D)
    '0000180d-0000-1000-8000-00805f9b34fb'
    """
    return f"{short:08x}-0000-1000-8000-00805f9b34fb"


__all__ = [
    "At",
    "Capabilities",
    "Channel",
    "Decoded",
    "Decoder",
    "DeviceSettings",
    "Driver",
    "GattPlan",
    "GattStep",
    "MalformedPacket",
    "OptionSpec",
    "Packet",
    "Reading",
    "Replayed",
    "WrongKey",
    "sig",
]
