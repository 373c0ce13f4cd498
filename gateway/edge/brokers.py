"""The list of brokers: which is next, in which version it speaks, how long to wait in between.

A round goes over the whole list without pause; after a round that brought nothing comes a back-off
with full jitter (a broker that died has thousands of hubs: contract, section 4), short while an
alarm about the resident waits.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from gateway.core.wire import Topics, encode, will_body
from gateway.edge.mqtt import Connection, Endpoint, Publication, Received, Refused, Version
from gateway.edge.tls import client_context
from gateway.errors import LinkError
from gateway.settings import BrokerSettings, UplinkSettings

BACKOFF_MAX_S = 120.0
BACKOFF_URGENT_S = 10.0
V311_FOR_S = 3600.0  # how long a broker that refused MQTT 5 is not asked again


def backoff_s(rounds: int, jitter: random.Random, *, urgent: bool) -> float:
    """Return the pause after `rounds` failed rounds over all brokers: full jitter, 1 to 120 s."""
    most = min(BACKOFF_URGENT_S if urgent else BACKOFF_MAX_S, 2.0 ** min(rounds, 7))
    return jitter.uniform(1.0, max(1.0, most))


def endpoint(broker: BrokerSettings, *, strict: bool) -> Endpoint:
    """Return where to connect, with the files it needs read; LinkError names the one at fault."""
    url = urlsplit(broker.url)
    secure = url.scheme == "mqtts"
    try:
        password = broker.password_file.read_text().strip() if broker.password_file else None
    except (OSError, UnicodeDecodeError) as wrong:
        raise LinkError(f"password file {broker.password_file}: {wrong}") from wrong
    return Endpoint(
        host=url.hostname or "",
        port=url.port or (8883 if secure else 1883),
        tls=client_context(broker, check_dates=strict) if secure else None,
        username=broker.username,
        password=password,
    )


class Brokers:
    """The technician's list, and where in it we are. `strict`: certificates' dates are checked."""

    def __init__(
        self,
        settings: UplinkSettings,
        topics: Topics,
        received: Callable[[Connection, Received], None],
        *,
        strict: bool,
    ) -> None:
        self._settings = settings
        self._topics = topics
        self._received = received
        self._now = 0
        self._tried = 0
        self._old_until: dict[int, float] = {}
        self.strict = strict
        self.connection: Connection | None = None

    @property
    def broker(self) -> BrokerSettings:
        """The one whose turn it is."""
        return self._settings.brokers[self._now]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._settings.brokers)

    def turn(self, *, healthy: bool) -> int:
        """Go on to the next; return how many rounds have failed if one is over now, else 0."""
        self._tried = 1 if healthy else self._tried + 1
        self._now = (self._now + 1) % len(self._settings.brokers)
        rounds, rest = divmod(self._tried, len(self._settings.brokers))
        return 0 if rest else rounds

    async def open(self, birth: Mapping[str, Any]) -> Connection:
        """Connect to the broker whose turn it is, in MQTT 5 if it can."""
        now = asyncio.get_running_loop().time()
        until = self._old_until.pop(self._now, 0.0)
        if until <= now:
            try:
                return await self._dial(Version.V5, birth)
            except Refused as refused:
                if not refused.old:
                    raise
            until = now + V311_FOR_S
        connection = await self._dial(Version.V311, birth)
        self._old_until[self._now] = until  # only what was seen to work is remembered
        return connection

    async def _dial(self, version: Version, birth: Mapping[str, Any]) -> Connection:
        will = will_body(self._topics.hub, birth["boot"], birth["session"])
        connection = Connection(
            partial(endpoint, self.broker, strict=self.strict),
            version=version,
            client_id=self._topics.hub,
            keepalive_s=self._settings.keepalive_s,
            will=Publication(self._topics.up("state"), encode(will), retain=True),
            received=lambda message: self._received(connection, message),
        )
        self.connection = connection
        await connection.open()
        return connection

    async def goodbye(self, birth: Mapping[str, Any]) -> None:
        """Tell the centre that this hub goes on purpose, and leave."""
        if self.connection is None:
            return
        gone = will_body(self._topics.hub, birth["boot"], birth["session"])
        out = Publication(self._topics.up("state"), encode(gone), retain=True)
        try:
            async with asyncio.timeout(2.0):
                await self.connection.publish(out)
                await self.connection.close()
        except (LinkError, TimeoutError):
            pass  # the broker's will says the same
