"""The control point of Polar's measurement service: commands in, answers out. Pure.

    write      [op][type][settings...]
    indicate   F0 [op][type][status][more][settings...]
    settings   [kind][count][values...]: 0 rate u16, 1 resolution u16, 2 range u16, 4 channels u8
    read       0F, then one bit for each measurement the band has

polarofficial/polar-ble-sdk, BlePMDClient, PmdControlPointCommand, PmdSetting. Only acceleration is
served; the other measurements of the feature bits answer "not supported".
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

ANSWER, STOPPED_ITSELF, FEATURES = 0xF0, 0x01, 0x0F
ASK_SETTINGS, START, STOP = 0x01, 0x02, 0x03
ACC, TYPE_BITS, LAST_TYPE = 0x02, 0x3F, 0x0E
RATE, RESOLUTION, RANGE, CHANNELS = 0x00, 0x01, 0x02, 0x04
FEATURE_BYTES = 17


class Status(IntEnum):
    """The fourth byte of an answer."""

    OK = 0
    BAD_OP = 1
    BAD_TYPE = 2
    NOT_SUPPORTED = 3
    BAD_LENGTH = 4
    BAD_PARAMETER = 5
    ALREADY_IN_STATE = 6
    BAD_RESOLUTION = 7
    BAD_RATE = 8
    BAD_RANGE = 9
    BAD_CHANNELS = 11
    BAD_STATE = 12
    IN_CHARGER = 13


REFUSALS = {
    RATE: Status.BAD_RATE,
    RESOLUTION: Status.BAD_RESOLUTION,
    RANGE: Status.BAD_RANGE,
    CHANNELS: Status.BAD_CHANNELS,
}


@dataclass(frozen=True, slots=True)
class Model:
    """A Polar device: what it offers and how it streams.

    frame_type: 0x01 plain or 0x81 delta. samples: most in one frame.
    features: the two bytes of feature bits. keeps_streaming: a lost link does not end its stream.
    """

    name: str
    rates_hz: tuple[int, ...]
    ranges_g: tuple[int, ...]
    channels: tuple[int, ...]
    frame_type: int
    samples: int
    features: bytes
    keeps_streaming: bool = False
    resolutions: tuple[int, ...] = (16,)

    def offers(self) -> dict[int, tuple[int, ...]]:
        """Return the settings a client chooses from; a device without channels names none."""
        every = {
            RATE: self.rates_hz,
            RESOLUTION: self.resolutions,
            RANGE: self.ranges_g,
            CHANNELS: self.channels,
        }
        return {kind: values for kind, values in every.items() if values}


VERITY_SENSE = Model("Polar Sense", (52,), (8,), (3,), 0x81, 57, b"\x6e\x02")
POLAR_360 = Model("Polar 360", (50,), (8,), (3,), 0x81, 57, b"\x8e\x02")
H10 = Model(
    "Polar H10", (25, 50, 100, 200), (2, 4, 8), (), 0x01, 36, b"\x05\x00", keeps_streaming=True
)


class BadSettings(Exception):  # noqa: N818 - a status, not a failure of ours
    """A start command the band refuses, with the status it answers."""

    def __init__(self, status: Status) -> None:
        self.status = status
        super().__init__(status.name)


class PmdControl:
    """What the band is doing, as its control point says.

    streaming: the chosen settings while acceleration is measured, else None.
    in_charger: no measurement can start.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.streaming: dict[int, int] | None = None
        self.in_charger = False

    def features(self) -> bytes:
        """Return what a read of the control point gives."""
        return (bytes([FEATURES]) + self.model.features).ljust(FEATURE_BYTES, b"\0")

    def command(self, data: bytes) -> bytes:
        """Obey a command and return the answer."""
        if len(data) < 2:  # noqa: PLR2004 - op and type
            return self._answer(data.ljust(2, b"\0"), Status.BAD_LENGTH)
        op, kind = data[0], data[1] & TYPE_BITS
        if op not in (ASK_SETTINGS, START, STOP):
            return self._answer(data, Status.BAD_OP)
        if kind != ACC:
            wrong = Status.BAD_TYPE if kind > LAST_TYPE else Status.NOT_SUPPORTED
            return self._answer(data, wrong)
        if op == ASK_SETTINGS:
            return self._answer(data, Status.OK, _write_settings(self.model.offers()))
        return self._answer(data, self._start(data[2:]) if op == START else self._stop())

    def _start(self, settings: bytes) -> Status:
        if self.in_charger:
            return Status.IN_CHARGER
        if self.streaming is not None:
            return Status.ALREADY_IN_STATE
        try:
            self.streaming = _choose(settings, self.model.offers())
        except BadSettings as refused:
            return refused.status
        return Status.OK

    def _stop(self) -> Status:
        if self.streaming is None:
            return Status.ALREADY_IN_STATE
        self.streaming = None
        return Status.OK

    @staticmethod
    def _answer(data: bytes, status: Status, settings: bytes = b"") -> bytes:
        return bytes([ANSWER, data[0], data[1], status, 0]) + settings


def _width(kind: int) -> int:
    return 1 if kind == CHANNELS else 2


def _write_settings(offers: dict[int, tuple[int, ...]]) -> bytes:
    return b"".join(
        bytes([kind, len(values)])
        + b"".join(struct.pack("<B" if _width(kind) == 1 else "<H", value) for value in values)
        for kind, values in offers.items()
    )


def _choose(settings: bytes, offers: dict[int, tuple[int, ...]]) -> dict[int, int]:
    """Read the settings of a start command: each kind once, one value, one that is offered."""
    chosen: dict[int, int] = {}
    at = 0
    while at < len(settings):
        kind = settings[at]
        if kind not in offers or kind in chosen:
            raise BadSettings(Status.BAD_PARAMETER)
        end = at + 2 + _width(kind)
        if len(settings) < end:
            raise BadSettings(Status.BAD_LENGTH)
        value = int.from_bytes(settings[at + 2 : end], "little")
        if settings[at + 1] != 1 or value not in offers[kind]:
            raise BadSettings(REFUSALS[kind])
        chosen[kind] = value
        at = end
    if missing := [kind for kind in (RATE, RESOLUTION, RANGE) if kind not in chosen]:
        raise BadSettings(REFUSALS[missing[0]])
    return chosen
