"""Any band with the Bluetooth heart rate service: heart rate, contact, battery; no acceleration.

    0x2A37 notified   FF HH [HH] [EE EE] [RR RR]...   heart rate (see gateway.layouts.sig)
    0x2A19 read, notified   PP                        battery, percent

The contact bits are the only standard word for "not worn"; a band that sets them carelessly (the
Polar Verity Sense does) is configured with `trust_contact: false`.
"""

from collections.abc import Mapping

from gateway.driver import (
    Capabilities,
    Decoded,
    DeviceSettings,
    Driver,
    GattPlan,
    GattStep,
    OptionSpec,
    Packet,
)
from gateway.layouts.sig import BATTERY, HEART_RATE, SigDecoder

Options = Mapping[str, int | float | str | bool]

_SILENT_S = 30.0  # it notifies once a second; some pause while they search a pulse


class HeartRateBand:
    """One band."""

    def __init__(self, settings: DeviceSettings, memory: Mapping[str, int | str] | None) -> None:
        del memory  # nothing to replay: no counters
        trusted = bool(settings.options.get("trust_contact", True))
        self._sig = SigDecoder(settings.name, trust_contact=trusted)

    def decode(self, packet: Packet) -> Decoded:
        """Return the readings of a notification or read."""
        return Decoded(self._sig.readings(packet))


def _capabilities(options: Options) -> Capabilities:
    trusted = bool(options.get("trust_contact", True))
    return Capabilities(
        provides=("HeartRate", "Battery", *(("Worn",) if trusted else ())),
        sign_of_life_s=_SILENT_S,
        knows_worn="weak" if trusted else "no",
    )


def _plan(options: Options) -> GattPlan:
    del options
    return GattPlan(
        setup=(
            GattStep("subscribe", HEART_RATE),
            GattStep("subscribe", BATTERY, optional=True),
            GattStep("read", BATTERY, optional=True, every_s=3600.0),
        ),
        silent_after_s=_SILENT_S,
    )


DRIVER = Driver(
    name="heart_rate",
    summary=(
        "A band or strap with the Bluetooth heart rate service",
        "블루투스 심박 서비스를 쓰는 밴드·가슴 스트랩",
    ),
    models=("Polar H10", "Polar Verity Sense", "PineTime", "Bluetooth SIG 0x180D"),
    capabilities=_capabilities,
    new_decoder=HeartRateBand,
    plan=_plan,
    options={
        "trust_contact": OptionSpec(
            bool,
            True,  # noqa: FBT003 - an option's default
            "whether its skin contact says if it is worn",
            help_ko="피부 접촉 신호로 착용 여부를 판단할지",
        ),
    },
)
