"""The technician's YAML as typed, frozen settings. gateway.config fills them; everybody reads them.

Each field's metadata carries its help (English, Korean), from which the commented example, the JSON
Schema and the error messages are made. Secrets are paths here, never values.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType


class Language(StrEnum):
    """What people read."""

    KO = "ko"
    EN = "en"


class ScanMode(StrEnum):
    """How the adapter scans."""

    ACTIVE = "active"
    PASSIVE = "passive"


class Point(StrEnum):
    """The fall detector's operating points."""

    BALANCED = "balanced"
    QUIET = "quiet"
    SENSITIVE = "sensitive"


@dataclass(frozen=True, slots=True)
class HubSettings:
    """Who this hub is."""

    id: str  # pseudonym, 26 base32 characters
    district: str  # administrative code
    language: Language = Language.KO
    timezone: str = "Asia/Seoul"


@dataclass(frozen=True, slots=True)
class RadioSettings:
    """The Bluetooth adapter. `adapter`: MAC, hciN, or empty for the first."""

    adapter: str = ""
    scan: ScanMode = ScanMode.ACTIVE
    max_connections: int = 3
    deaf_after_s: float = 90.0


@dataclass(frozen=True, slots=True)
class DeviceStanza:
    """One band or sensor. `place` is a word of gateway.core.wire.PLACES; `role` what it is here."""

    name: str
    driver: str
    address: str
    place: str = ""
    key_file: Path | None = None
    role: str = ""  # sos, cancel, door, inner-door, window, bed, chair, band…
    options: Mapping[str, int | float | str | bool] = field(
        default_factory=lambda: MappingProxyType({})
    )


@dataclass(frozen=True, slots=True)
class FallSettings:
    """The fall detector."""

    enabled: bool = True
    operating_point: Point = Point.BALANCED
    cancel_window_s: float = 30.0


@dataclass(frozen=True, slots=True)
class InactivitySettings:
    """The inactivity detector: the service's own levels are ceilings that learning undercuts."""

    enabled: bool = True
    attention_h: float = 8.0
    warning_h: float = 12.0
    emergency_h: float = 24.0
    away_h: float = 48.0
    cancel_window_s: float = 30.0
    quiet_from: str = "22:00"
    quiet_to: str = "06:00"


@dataclass(frozen=True, slots=True)
class AnnouncerSettings:
    """What tells the resident. `command` runs in a unit of its own; empty: nothing does."""

    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """One broker, as a URL: mqtts://host:8883 or mqtt://127.0.0.1:1883."""

    url: str
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    username: str = ""
    password_file: Path | None = None


@dataclass(frozen=True, slots=True)
class UplinkSettings:
    """The way to the centre."""

    brokers: tuple[BrokerSettings, ...]
    keepalive_s: int = 60
    heartbeat_s: float = 60.0
    window: int = 20
    test_alarm_every_h: float = 24.0


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """The database and what it keeps."""

    directory: Path = Path("/var/lib/ansim-gateway")
    batch_s: float = 600.0
    keep_readings_h: float = 72.0
    max_mb: int = 200


@dataclass(frozen=True, slots=True)
class Settings:
    """A whole gateway.yaml."""

    hub: HubSettings
    uplink: UplinkSettings
    devices: tuple[DeviceStanza, ...]
    radio: RadioSettings = RadioSettings()
    fall: FallSettings = FallSettings()
    inactivity: InactivitySettings = InactivitySettings()
    announcer: AnnouncerSettings = AnnouncerSettings()
    store: StoreSettings = StoreSettings()
    control_socket: Path = Path("/run/ansim-gateway/control.sock")
