"""Packets and settings for driver tests."""

from collections.abc import Mapping

from gateway.core.model import At, Reading, Value
from gateway.driver import Channel, Decoder, DeviceSettings, Driver, Packet

BOOT = "boot-1"


def at(mono_ms: int = 0, boot: str = BOOT) -> At:
    return At(boot, mono_ms, 1_700_000_000_000 + mono_ms, proven=True)


def packet(
    uuid: str, data: bytes | str, mono_ms: int = 0, channel: Channel = Channel.NOTIFY
) -> Packet:
    raw = bytes.fromhex(data) if isinstance(data, str) else data
    return Packet(at(mono_ms), "dev", channel, uuid, raw)


def decoder(
    driver: Driver,
    *,
    address: str = "AA:BB:CC:DD:EE:FF",
    key: str | None = None,
    memory: Mapping[str, int | str] | None = None,
    options: Mapping[str, int | float | str | bool] | None = None,
) -> Decoder:
    secret = bytes.fromhex(key) if key else None
    return driver.new_decoder(DeviceSettings("dev", address, secret, options or {}), memory)


def values(readings: tuple[Reading, ...]) -> list[Value]:
    return [reading.value for reading in readings]
