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

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.core.bandclock import BandClock
from gateway.core.model import AccelerationBlock, At, Reading
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
from gateway.layouts.pmd import (
    ACC,
    ALREADY,
    ANSWER,
    OK,
    SDK_MODE,
    START,
    STOP,
    parse_frame,
    start_command,
    started,
    stopped_itself,
    told_factor,
    warm,
)
from gateway.layouts.sig import BATTERY, HEART_RATE, SigDecoder

Options = Mapping[str, int | float | str | bool]

CONTROL = "fb005c81-02e7-f387-1cad-8acd2d8df0c8"
DATA = "fb005c82-02e7-f387-1cad-8acd2d8df0c8"

_ANY_STATUS = tuple(range(256))


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
        warm()  # compiled or loaded before READY, never on the first fall

    def decode(self, packet: Packet) -> Decoded:
        """Return the readings of a notification, indication or read."""
        if packet.uuid == DATA:
            return Decoded((Reading(packet.at, self._name, self._block(packet.at, packet.data)),))
        if packet.uuid == CONTROL:
            return self._control(packet.data)
        return Decoded(self._sig.readings(packet))

    def _block(self, at: At, data: bytes) -> AccelerationBlock:
        frame = parse_frame(data, self._factor)
        t_ms = self._clock.times(at.mono_ms, frame.stamp_ns, frame.kind, len(frame.acc_mg))
        if t_ms is None:
            raise MalformedPacket("the band's time runs backwards", data)
        return AccelerationBlock(t_ms, frame.acc_mg)

    def _control(self, data: bytes) -> Decoded:
        if started(data):
            self._clock.new_stream()
            self._factor = None
            self._factor = told_factor(data)
        return Decoded(restart_stream=stopped_itself(data))


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
        f" / Polar {name}에 없는 조합 {rate} Hz, {span} g. 속도(Hz): {rates}, 범위(g): {spans}"
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
    return GattStep("write", CONTROL, command, answer=bytes([ANSWER]) + command[:2], ok=ok)


def _plan(options: Options) -> GattPlan:
    model, rate, span, sdk = _chosen(options)
    start = start_command(rate, span, channels=model.channels)
    # A stream left running by a connection that broke would answer "already", without its factor.
    stop = _write(bytes([STOP, ACC]), _ANY_STATUS)
    sdk_on = (_write(bytes([START, SDK_MODE]), (OK, ALREADY)),) if sdk else ()
    sdk_off = (_write(bytes([STOP, SDK_MODE]), _ANY_STATUS),) if sdk else ()
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
            _write(start, (OK,)),
        ),
        teardown=(stop, *sdk_off),
        min_mtu=232,
        watched=(DATA,),
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
        "model": OptionSpec(
            str, "verity", "which Polar it is (Loop: 360)", tuple(_MODELS), "Polar 모델(Loop는 360)"
        ),
        "rate_hz": OptionSpec(
            int,
            0,
            "samples a second; 0: the model's usual rate",
            help_ko="초당 샘플 수, 0: 모델 기본값",
        ),
        "range_g": OptionSpec(
            int,
            0,
            "greatest acceleration in g; 0: the model's usual range",
            help_ko="최대 가속도(g), 0: 모델 기본값",
        ),
    },
)
