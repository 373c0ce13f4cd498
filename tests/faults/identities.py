"""Certificates of a run's hub and centre, and of the broker, as a district would make them."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.edge.certificates import Authority, Pair
from gateway.edge.tls import client_context
from gateway.settings import BrokerSettings, MqttChoice
from tests.hubs import HUB

CENTRE = "centre"
STRANGER = "stranger"
NEIGHBOUR = "b" * 26
HUBS = (HUB, NEIGHBOUR)


class Identities:
    """A small certificate authority's work: the broker's certificate and one for each user."""

    def __init__(self, directory: Path, hubs: tuple[str, ...]) -> None:
        yesterday = datetime.now(UTC) - timedelta(days=1)  # noqa: TID251 - TLS asks the real time
        authority = Authority(directory, not_before=yesterday)
        self.server: Pair = authority.server(["127.0.0.1"])
        self.ca_file = authority.ca_file
        self.hubs, self.stranger = hubs, STRANGER
        self._pairs = {name: authority.client(name) for name in (*hubs, CENTRE, STRANGER)}

    def broker(self, who: str, port: int, mqtt: MqttChoice = MqttChoice.AUTO) -> BrokerSettings:
        """Return how a hub, or the centre, reaches a broker on this machine."""
        pair = self._pairs[who]
        url = f"mqtts://127.0.0.1:{port}"
        return BrokerSettings(url, self.ca_file, pair.cert_file, pair.key_file, mqtt=mqtt)

    def context(self, who: str) -> ssl.SSLContext:
        """Return somebody's TLS."""
        return client_context(self.broker(who, 0), check_dates=True)
