"""Drivers and a small valid file for the tests of the configuration."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.driver import (
    Capabilities,
    Decoded,
    DeviceSettings,
    Driver,
    GattPlan,
    OptionSpec,
    Packet,
)
from gateway.errors import ConfigurationError
from gateway.settings import (
    AnnouncerSettings,
    BrokerSettings,
    DeviceStanza,
    FallSettings,
    HubSettings,
    InactivitySettings,
    RadioSettings,
    Settings,
    StoreSettings,
    UplinkSettings,
)

Options = Mapping[str, int | float | str | bool]

HUB_ID = "mfzwizltmvzxg2lqnrsv6ylcmm"
SMALL = f"""\
hub:
  id: {HUB_ID}
  district: "1120000000"
uplink:
  brokers:
    - url: mqtts://centre.example:8883
devices:
  - name: sos-button
    driver: bthome
    address: "B4:35:22:11:22:33"
    role: sos
"""


class SilentDecoder:
    """Decodes nothing: these drivers are only looked at."""

    def decode(self, packet: Packet) -> Decoded:
        return Decoded()


def _decoder(device: DeviceSettings, memory: Mapping[str, int | str] | None) -> SilentDecoder:
    return SilentDecoder()


def _band(options: Options) -> Capabilities:
    rate, reach = options.get("rate_hz", 52), options.get("range_g", 8)
    if rate == 10 and reach == 4:
        raise ConfigurationError("no 10 Hz at 4 g")
    return Capabilities(
        ("AccelerationBlock", "HeartRate", "Battery"),
        sample_rate_hz=float(rate),
        range_g=float(reach),
        sign_of_life_s=2.0,
    )


BAND = Driver(
    name="polar_pmd",
    summary=("A band", "밴드"),
    models=("Band",),
    capabilities=_band,
    new_decoder=_decoder,
    plan=lambda options: GattPlan(()),
    options=MappingProxyType(
        {
            "rate_hz": OptionSpec(int, 52, "sample rate", (10, 25, 52)),
            "range_g": OptionSpec(int, 8, "range", (2, 4, 8)),
            "heart_rate": OptionSpec(bool, default=True, help="also the heart rate"),
            "mode": OptionSpec(str, "low", "its mode", ("low", "high")),
        }
    ),
)
SENSOR = Driver(
    name="bthome",
    summary=("BTHome sensors", "BTHome 센서"),
    models=("Shelly BLU",),
    capabilities=lambda options: Capabilities(("Motion", "Contact", "Button", "Battery")),
    new_decoder=_decoder,
    adverts=("0000fcd2-0000-1000-8000-00805f9b34fb",),
    needs_key="maybe",
)
SECRETIVE = Driver(
    name="mibeacon",
    summary=("Encrypted motion", "암호화 동작 센서"),
    models=("RTCGQ02LM",),
    capabilities=lambda options: Capabilities(("Motion", "Battery"), encrypted=True),
    new_decoder=_decoder,
    adverts=("0000fe95-0000-1000-8000-00805f9b34fb",),
    needs_key="always",
)
DRIVERS: Mapping[str, Driver] = MappingProxyType(
    {driver.name: driver for driver in (BAND, SENSOR, SECRETIVE)}
)


def driver_of(name: str) -> Driver | None:
    """Look a driver up as the registry does."""
    return DRIVERS.get(name)


RECORDS = (
    Settings,
    HubSettings,
    UplinkSettings,
    BrokerSettings,
    DeviceStanza,
    RadioSettings,
    FallSettings,
    InactivitySettings,
    AnnouncerSettings,
    StoreSettings,
)
