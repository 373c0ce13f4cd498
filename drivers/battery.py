"""Any device with the Bluetooth battery service and nothing else we read.

    0x2A19 read, notified   PP   percent u8, 0 to 100

Polled, since many devices never notify: the read is also the device's sign of life.
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
from gateway.layouts.sig import BATTERY, SigDecoder

Options = Mapping[str, int | float | str | bool]

_EVERY_S = 3600.0


class BatteryDecoder:
    """One device."""

    def __init__(self, settings: DeviceSettings, memory: Mapping[str, int | str] | None) -> None:
        del memory  # nothing to replay: no counters
        self._sig = SigDecoder(settings.name, trust_contact=False)

    def decode(self, packet: Packet) -> Decoded:
        """Return the charge."""
        return Decoded(self._sig.readings(packet))


def _every_s(options: Options) -> float:
    return float(options.get("every_s", _EVERY_S))


def _capabilities(options: Options) -> Capabilities:
    return Capabilities(provides=("Battery",), sign_of_life_s=2 * _every_s(options))


def _plan(options: Options) -> GattPlan:
    every_s = _every_s(options)
    return GattPlan(
        setup=(
            GattStep("subscribe", BATTERY, optional=True),
            GattStep("read", BATTERY, every_s=every_s),
        ),
        silent_after_s=2 * every_s,
    )


DRIVER = Driver(
    name="battery",
    summary=(
        "The charge of any device with the Bluetooth battery service",
        "블루투스 배터리 서비스를 쓰는 기기의 충전량",
    ),
    models=("Bluetooth SIG 0x180F",),
    capabilities=_capabilities,
    new_decoder=BatteryDecoder,
    plan=_plan,
    options={
        "every_s": OptionSpec(
            float,
            _EVERY_S,
            "seconds between two reads of the charge",
            help_ko="충전량을 읽는 간격(초)",
        )
    },
)
