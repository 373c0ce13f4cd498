"""What a control centre is told when it starts."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from gateway.edge.mqtt import Version
from gateway.errors import ConfigurationError
from gateway.settings import BrokerSettings, Language


@dataclass(frozen=True, slots=True)
class CentreSettings:
    """One centre for some districts.

    client_id: stays the same over restarts, for the broker keeps what came meanwhile under it.
    present: say `presented` of whatever is raised, without a board (a demo, a test, another
        program that shows it). A board says so itself of what is really on its screen.
    more_brokers: the other ways a hub may take when its first broker is gone; the centre listens
        at all of them, and answers on all.
    version: of MQTT, tried first; a broker that is too old for it gets the other.
    labels: a YAML file hub -> name that never leaves the centre.
    """

    broker: BrokerSettings
    districts: tuple[str, ...]
    database: Path
    operator: str = "centre"
    client_id: str = "ansim-centre"
    language: Language = Language.KO
    timezone: str = "Asia/Seoul"
    present: bool = False
    labels: Path | None = None
    keepalive_s: int = 30
    version: Version = Version.V5
    more_brokers: tuple[BrokerSettings, ...] = ()

    def __post_init__(self) -> None:
        if not self.districts:
            raise ConfigurationError("a centre serves at least one district")
        for broker in self.brokers:
            url = urlsplit(broker.url)
            if url.scheme not in ("mqtt", "mqtts") or not url.hostname:
                raise ConfigurationError(f"{broker.url!r} is no broker: write mqtts://host:8883")
        try:
            ZoneInfo(self.timezone)
        except (ValueError, OSError) as wrong:
            raise ConfigurationError(f"no time zone {self.timezone!r}") from wrong

    @property
    def brokers(self) -> tuple[BrokerSettings, ...]:
        """Return every broker, the first one first."""
        return (self.broker, *self.more_brokers)
