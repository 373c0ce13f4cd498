"""What a district's worker is told when it starts."""

from dataclasses import dataclass, field
from pathlib import Path

from gateway.edge.mqtt import Version
from gateway.errors import ConfigurationError
from gateway.settings import BrokerSettings

PARTITIONS = 16
MAX_PARTITIONS = 256


@dataclass(frozen=True, slots=True)
class DistrictSettings:
    """One of N equal workers.

    dsn: PostgreSQL, as libpq reads it. nats: any nodes of the cluster. brokers: the same nodes'
    MQTT listeners, where the centre's own presence is told; empty: it is not told.
    partitions: fixed once the database exists, and the same in the broker's configuration.
    retain_days: how long telemetry is kept; alarms, and who looked at them, two years.
    replicas: copies of the streams, 3 on three nodes. ca_file: for tls:// nodes of NATS.
    """

    dsn: str = field(repr=False)
    nats: tuple[str, ...]
    districts: tuple[str, ...]
    brokers: tuple[BrokerSettings, ...] = ()
    partitions: int = PARTITIONS
    replicas: int = 1
    operator: str = "centre"
    present: bool = False
    name: str = "worker"
    nats_user: str = ""
    nats_password: str = field(default="", repr=False)
    ca_file: Path | None = None
    retain_days: int = 90
    max_bytes: int = 4 * 1024**3
    client_id: str = "ansim-centre"
    keepalive_s: int = 30
    version: Version = Version.V311

    def __post_init__(self) -> None:
        if not self.dsn:
            raise ConfigurationError("a worker needs a database: postgresql://user@host/name")
        if not self.districts:
            raise ConfigurationError("a worker serves at least one district")
        if not self.nats:
            raise ConfigurationError("a worker needs a NATS node: nats://host:4222")
        if not 1 <= self.partitions <= MAX_PARTITIONS:
            raise ConfigurationError(f"{self.partitions} partitions: 1 to {MAX_PARTITIONS}")
        if self.retain_days < 1:
            raise ConfigurationError(f"{self.retain_days} days of telemetry: at least 1")
        if self.replicas not in (1, 3, 5):
            raise ConfigurationError(f"{self.replicas} copies of a stream: 1, 3 or 5")
