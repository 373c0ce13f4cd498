"""Polar H10, Verity Sense, 360 and Loop: acceleration (Measurement Data), heart rate, battery.

Data characteristic FB005C82, notified:

    TT SS SS SS SS SS SS SS SS FF pp...
      T  measurement type in the lower 6 bits, 2 = acceleration
      S  u64, ns since 2000-01-01 of the LAST sample, by the band's own (often unset) clock
      F  frame type: 00, 01, 02 = plain i8, i16, i24 x 3, mg (H10: 01)
         80, 81 = delta (gateway.core.samples has the bits): raw x FACTOR x 1000 or x FACTOR = mg
      p  the samples

Control point FB005C81, written, answered by indication (so subscribe first):

    02 02 00 01 34 00 01 01 10 00 02 01 08 00 04 01 03     start: 52 Hz, 16 bit, 8 g, 3 channels
    03 02                                                  stop
    F0 OP TT ST MM ss...                                   answer: status ST (0 ok), settings
    01 TT...                                               unasked: the device stopped by itself

A setting is [type][count][values]; the answer to start brings the FACTOR (type 5, float32) if it
is not 1. The radio hands every notification and indication to the decoder, so that the answer to
"start" tells it of a new stream: the stamps before it count no more.

Stamps are good for their spacing only: gateway.core.bandclock turns them into the hub's time.

Source: polarofficial/polar-ble-sdk (BlePMDClient, AccData, PmdTimeStampUtils, KnownIssues.md); an
H10 left streaming runs its battery flat, so always stop before disconnecting.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gateway.core.bandclock import BandClock
from gateway.core.model import AccelerationBlock, At, Reading
from gateway.core.samples import unpack_deltas, unpack_plain
from gateway.driver import (
    Capabilities,
    Decoded,
    DeviceSettings,
    Driver,
    GattPlan,
    GattStep,
    MalformedPacket,
    OptionSpec,
    Packet,
)
from gateway.errors import ConfigurationError
from gateway.sig import BATTERY, HEART_RATE, SigDecoder

Options = Mapping[str, int | float | str | bool]

CONTROL = "fb005c81-02e7-f387-1cad-8acd2d8df0c8"
DATA = "fb005c82-02e7-f387-1cad-8acd2d8df0c8"

_HEAD = struct.Struct("<BQB")
_FLOAT = struct.Struct("<f")
_ACC, _SDK_MODE, _TYPE = 2, 9, 0x3F
_START, _STOP, _ANSWER, _STOPPED_ITSELF = 0x02, 0x03, 0xF0, 0x01
_OK, _ALREADY = 0, 6
_ANY_STATUS = tuple(range(256))
_SETTING_SIZE = {0: 2, 1: 2, 2: 2, 3: 4, 4: 1, 5: 4, 6: 16}
_FACTOR = 5
_PLAIN_SIZE = {0x00: 1, 0x01: 2, 0x02: 3}
_REFERENCE = 6
_WIDEST = 16


# --------------------------------------------------------------------------------- the decoder
class PolarBand:
    """One band: its stream's factor and clock."""

    def __init__(self, settings: DeviceSettings, memory: Mapping[str, int | str] | None) -> None:
        del memory  # stamps belong to a connection, nothing outlives it
        model, rate_hz, _, _ = _chosen(settings.options)
        self._name = settings.name
        self._clock = BandClock(rate_hz)
        self._factor: float | None = None
        self._sig = SigDecoder(settings.name, trust_contact=model.knows_worn == "yes")
        _warm()

    def decode(self, packet: Packet) -> Decoded:
        """Return the readings of a notification, indication or read."""
        if packet.uuid == DATA:
            return Decoded((Reading(packet.at, self._name, self._block(packet.at, packet.data)),))
        if packet.uuid == CONTROL:
            return self._control(packet.data)
        return Decoded(self._sig.readings(packet))

    def _block(self, at: At, data: bytes) -> AccelerationBlock:
        if len(data) <= _HEAD.size:
            raise MalformedPacket(f"a frame of {len(data)} bytes", data)
        kind, stamp, frame = _HEAD.unpack_from(data)
        if kind & _TYPE != _ACC:
            raise MalformedPacket(f"a frame of type {kind & _TYPE}, not acceleration", data)
        raw = np.frombuffer(data, np.uint8)
        size = _PLAIN_SIZE.get(frame)
        if size is not None:
            count, left = divmod(len(data) - _HEAD.size, 3 * size)
            if left:
                raise MalformedPacket("a sample cut short", data)
            acc_mg = np.empty((count, 3), np.int16)
            wrong = unpack_plain(raw, _HEAD.size, size, acc_mg)
        else:
            scale = self._scale(frame, data)
            count = _delta_samples(data)
            acc_mg = np.empty((count, 3), np.int16)
            wrong = unpack_deltas(raw, _HEAD.size, scale, acc_mg)
        if wrong >= 0:
            raise MalformedPacket(f"sample {wrong} leaves 16 bits", data)
        t_ms = self._clock.times(at.mono_ms, stamp, frame, count)
        if t_ms is None:
            raise MalformedPacket("the band's time runs backwards", data)
        return AccelerationBlock(t_ms, acc_mg)

    def _scale(self, frame: int, data: bytes) -> float:
        if frame == 0x81:
            return 1.0 if self._factor is None else self._factor
        if frame != 0x80:
            raise MalformedPacket(f"frame type {frame:02X}", data)
        if self._factor is None:
            raise MalformedPacket("frame type 80 before its factor was told", data)
        return self._factor * 1000.0

    def _control(self, data: bytes) -> Decoded:
        if data[:1] == bytes([_STOPPED_ITSELF]):
            stopped = any(one & _TYPE == _ACC for one in data[1:])
            return Decoded(restart_stream=stopped)
        if data[:1] != bytes([_ANSWER]):
            return Decoded()  # the features, when read
        if len(data) < 4:
            raise MalformedPacket("an answer cut short", data)
        if data[1] == _START and data[2] & _TYPE == _ACC and data[3] == _OK:
            self._factor = _told_factor(data)
            self._clock.new_stream()
        return Decoded()


def _delta_samples(data: bytes) -> int:
    """Return how many samples a delta frame holds, after checking every block's extent."""
    at = _HEAD.size + _REFERENCE
    if len(data) < at:
        raise MalformedPacket("reference sample cut short", data)
    count = 1
    while at < len(data):
        if at + 2 > len(data):
            raise MalformedPacket("a byte left over", data)
        width, differences = data[at], data[at + 1]
        if not 1 <= width <= _WIDEST:
            raise MalformedPacket(f"differences of {width} bits", data)
        at += 2 + (width * differences * 3 + 7) // 8
        count += differences
    if at > len(data):
        raise MalformedPacket("a block longer than its frame", data)
    return count


def _told_factor(answer: bytes) -> float | None:
    """Return the FACTOR among an answer's settings; None if it brings none."""
    at = 5
    while at + 2 <= len(answer):
        what, count = answer[at], answer[at + 1]
        at += 2
        size = _SETTING_SIZE.get(what)
        if size is None or at + size * count > len(answer):
            raise MalformedPacket(f"setting {what} unknown or cut short", answer)
        if what == _FACTOR and count:
            (factor,) = _FLOAT.unpack_from(answer, at)
            if not 0.0 < factor < 1000.0:
                raise MalformedPacket(f"a factor of {factor}", answer)
            return float(factor)
        at += size * count
    return None


def _warm() -> None:
    """Load or compile the kernels now, before READY, never on the first fall."""
    delta, plain = np.frombuffer(bytes(6), np.uint8), np.empty((1, 3), np.int16)
    unpack_deltas(delta, 0, 1.0, plain)
    unpack_plain(delta, 0, 2, plain)
    BandClock(1.0).times(0, 0, 0, 1)


# ------------------------------------------------------------------------------- the descriptor
@dataclass(frozen=True, slots=True)
class _Model:
    """What one product can stream; in SDK mode it gives no heart rate."""

    rates_hz: tuple[int, ...]
    ranges_g: tuple[int, ...]
    sdk_rates_hz: tuple[int, ...] = ()
    sdk_ranges_g: tuple[int, ...] = ()
    channels: bool = True
    knows_worn: str = "no"
    bonded: bool = False


_MODELS: Mapping[str, _Model] = {
    "h10": _Model((50, 25, 100, 200), (8, 4, 2), channels=False, knows_worn="yes"),
    "verity": _Model((52,), (8,), (26, 52, 104, 208, 416), (2, 4, 8, 16)),
    "360": _Model((50,), (8,), (12, 25, 50, 100, 200, 400), (8,), bonded=True),
}


def _chosen(options: Options) -> tuple[_Model, int, int, bool]:
    """Return model, rate, range and whether it needs SDK mode; ConfigurationError says what can."""
    name = str(options.get("model", "verity"))
    if name not in _MODELS:
        raise ConfigurationError(f"no Polar model {name!r}; there are: {', '.join(_MODELS)}")
    model = _MODELS[name]
    rate = int(options.get("rate_hz", 0)) or model.rates_hz[0]
    span = int(options.get("range_g", 0)) or model.ranges_g[0]
    if rate in model.rates_hz and span in model.ranges_g:
        return model, rate, span, False
    if rate in model.sdk_rates_hz and span in model.sdk_ranges_g:
        return model, rate, span, True
    rates = sorted({*model.rates_hz, *model.sdk_rates_hz})
    spans = sorted({*model.ranges_g, *model.sdk_ranges_g})
    raise ConfigurationError(
        f"a Polar {name} does not stream {rate} Hz at {span} g; rates: {rates}, ranges: {spans}"
    )


def _capabilities(options: Options) -> Capabilities:
    model, rate, span, sdk = _chosen(options)
    return Capabilities(
        provides=(
            "AccelerationBlock",
            "Battery",
            *(() if sdk else ("HeartRate",)),
            *(("Worn",) if model.knows_worn == "yes" else ()),
        ),
        sample_rate_hz=float(rate),
        range_g=float(span),
        sign_of_life_s=10.0,
        knows_worn=model.knows_worn,
        encrypted=model.bonded,
    )


def _write(command: bytes, ok: tuple[int, ...]) -> GattStep:
    return GattStep("write", CONTROL, command, answer=b"\xf0" + command[:2], ok=ok)


def _plan(options: Options) -> GattPlan:
    model, rate, span, sdk = _chosen(options)
    start = struct.pack("<BBBBHBBHBBH", _START, _ACC, 0, 1, rate, 1, 1, 16, 2, 1, span)
    if model.channels:
        start += bytes([4, 1, 3])
    # A stream left running by a connection that broke would answer "already", without its factor.
    stop = _write(bytes([_STOP, _ACC]), _ANY_STATUS)
    sdk_on = (_write(bytes([_START, _SDK_MODE]), (_OK, _ALREADY)),) if sdk else ()
    sdk_off = (_write(bytes([_STOP, _SDK_MODE]), _ANY_STATUS),) if sdk else ()
    heart = () if sdk else (GattStep("subscribe", HEART_RATE, optional=True),)
    return GattPlan(
        setup=(
            GattStep("subscribe", CONTROL),
            GattStep("subscribe", DATA),
            *heart,
            GattStep("subscribe", BATTERY, optional=True),
            GattStep("read", BATTERY, optional=True, every_s=3600.0),
            stop,
            *sdk_on,
            _write(start, (_OK,)),
        ),
        teardown=(stop, *sdk_off),
        min_mtu=232,
        bonded=model.bonded,
    )


DRIVER = Driver(
    name="polar_pmd",
    summary=(
        "Polar H10, Verity Sense, 360 and Loop: acceleration, heart rate, battery",
        "Polar H10·Verity Sense·360·Loop: 가속도, 심박, 배터리",
    ),
    models=("Polar H10", "Polar Verity Sense", "Polar 360", "Polar Loop"),
    capabilities=_capabilities,
    new_decoder=PolarBand,
    plan=_plan,
    options={
        "model": OptionSpec(str, "verity", "which Polar it is (Loop: 360)", tuple(_MODELS)),
        "rate_hz": OptionSpec(int, 0, "samples a second; 0: the model's usual rate"),
        "range_g": OptionSpec(int, 0, "greatest acceleration in g; 0: the model's usual range"),
    },
)
