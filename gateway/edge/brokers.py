"""The list of brokers: which is next, in which version it speaks, how long to wait in between.

Each hub has an order of its own (rendezvous hashing: the brokers by a hash of hub and url), so that
hubs share the brokers evenly, a lost broker's hubs share those that are left, and a broker that is
added takes its part from each. Nothing is kept: the order is the same after every restart.

A round goes over the whole list without pause; after a round that brought nothing comes a back-off
with full jitter, short while an alarm about the resident waits. A broker that died has thousands of
hubs, all of which learn of it at once: who loses a connection that was good and has no alarm on the
way comes back at a random instant of 20 s, to the same broker first (38,400 hubs with one of three
nodes killed were back in 33 s; without it, 6,024 hung: contract, section 4).

Who was driven elsewhere goes home when the first broker takes connections again, an hour or so
later: else a broker that was restarted would stand empty.
"""

import asyncio
import hashlib
import hmac
import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from gateway.core.wire import Topics, encode, will_body
from gateway.edge.mqtt import Connection, Endpoint, Publication, Received, Refused, Version
from gateway.edge.tls import client_context
from gateway.errors import LinkError
from gateway.settings import BrokerOrder, BrokerSettings, MqttChoice, UplinkSettings

BACKOFF_MAX_S = 120.0
BACKOFF_URGENT_S = 10.0
HEALTHY_S = 30.0  # a connection that lived this long begins a new series of back-offs
STORM_S = 20.0  # the centre passes over an absence below 30 s
HOME_S = 3600.0
PROBE_S = 3.0
V311_FOR_S = 3600.0  # how long a broker that refused MQTT 5 is not asked again


ONLY = {MqttChoice.V5: Version.V5, MqttChoice.V311: Version.V311}


def backoff_s(rounds: int, jitter: random.Random, *, urgent: bool) -> float:
    """Return the pause after `rounds` failed rounds over all brokers: full jitter, 1 to 120 s."""
    most = min(BACKOFF_URGENT_S if urgent else BACKOFF_MAX_S, 2.0 ** min(rounds, 7))
    return jitter.uniform(1.0, max(1.0, most))


def ordered(hub: str, settings: UplinkSettings) -> Sequence[BrokerSettings]:
    """Return the brokers in the order in which this hub tries them."""
    if settings.order is BrokerOrder.LISTED:
        return settings.brokers
    return sorted(
        settings.brokers, key=lambda b: hashlib.sha256(f"{hub} {b.url}".encode()).digest()
    )


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
        port=port_of(broker),
        tls=client_context(broker, check_dates=strict) if secure else None,
        username=broker.username,
        password=password,
    )


def client_id(hub: str, broker: BrokerSettings) -> str:
    """Return what this hub calls itself at a broker: with a part that follows from its secret.

    A broker that takes the client id at its word throws off whoever has it already: NATS and
    RabbitMQ do, whatever their ACL says. Nobody else can know this one; it stays the same over
    restarts, as the session does that is kept under it.
    """
    file = broker.key_file or broker.password_file
    if file is None:
        return hub
    try:
        secret = file.read_bytes()
    except OSError as wrong:
        raise LinkError(f"{file}: {wrong}") from wrong
    return f"{hub}-{hmac.digest(secret, b'client id', 'sha256').hex()[:16]}"


async def _listens(broker: BrokerSettings) -> bool:
    """Return whether somebody takes connections there."""
    url = urlsplit(broker.url)
    try:
        async with asyncio.timeout(PROBE_S):
            _, writer = await asyncio.open_connection(url.hostname, port_of(broker))
    except (OSError, TimeoutError):
        return False
    writer.transport.abort()
    return True


def port_of(broker: BrokerSettings) -> int:
    """Return the port of a broker's url, or its scheme's."""
    url = urlsplit(broker.url)
    return url.port or (8883 if url.scheme == "mqtts" else 1883)


class Turns:
    """Whose turn of `count` brokers it is, and after what pause. No socket, no clock.

    scripts/fleet's light hubs come back by this very policy.
    """

    __slots__ = ("_busy", "_tried", "count", "now")

    def __init__(self, count: int) -> None:
        self.count = count
        self.now = self._tried = self._busy = 0

    def over(self, jitter: random.Random, *, healthy: bool, urgent: bool, reached: bool) -> float:
        """Return the pause after a connection, or a try at one.

        healthy: it was good for a while. urgent: an alarm about the resident waits. reached: there
        is a broker, but it did not let us in or threw us out soon: then it has more than it can do.
        """
        if healthy and not urgent:
            self._tried = self._busy = 0
            return jitter.uniform(0.0, STORM_S)
        self._tried = 1 if healthy else self._tried + 1
        self._busy = 0 if healthy or not reached else self._busy + 1
        self.now = (self.now + 1) % self.count
        if self._busy and not urgent:
            return jitter.uniform(1.0, min(BACKOFF_MAX_S, STORM_S * 2.0 ** min(self._busy - 1, 7)))
        rounds, rest = divmod(self._tried, self.count)
        return 0.0 if rest else backoff_s(rounds, jitter, urgent=urgent)

    def home(self) -> None:
        """Turn to the first."""
        self.now = self._tried = self._busy = 0


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
        self._list = ordered(topics.hub, settings)
        self._topics = topics
        self._received = received
        self.turns = Turns(len(self._list))
        self._old_until: dict[int, float] = {}
        self.strict = strict
        self.connection: Connection | None = None

    @property
    def broker(self) -> BrokerSettings:
        """The one whose turn it is."""
        return self._list[self.turns.now]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._list)

    async def way_home(self, jitter: random.Random, idle: Callable[[], bool]) -> None:
        """Wait until the first broker could have us back and nothing is under way; then turn to it.

        Only asked whether somebody listens: what we have is kept until then. Waits for ever where
        we are at home.
        """
        there = False
        while not there:
            await asyncio.sleep(jitter.uniform(0.5 * HOME_S, 1.5 * HOME_S))
            there = self.turns.now != 0 and idle() and await _listens(self._list[0])
        self.turns.home()

    async def open(self, birth: Mapping[str, Any]) -> Connection:
        """Connect to the broker whose turn it is, in MQTT 5 if it can."""
        if self.broker.mqtt is not MqttChoice.AUTO:
            return await self._dial(ONLY[self.broker.mqtt], birth)
        now = asyncio.get_running_loop().time()
        until = self._old_until.pop(self.turns.now, 0.0)
        if until <= now:
            try:
                return await self._dial(Version.V5, birth)
            except Refused as refused:
                if not refused.old:
                    raise
            until = now + V311_FOR_S
        connection = await self._dial(Version.V311, birth)
        self._old_until[self.turns.now] = until  # only what was seen to work is remembered
        return connection

    async def _dial(self, version: Version, birth: Mapping[str, Any]) -> Connection:
        will = will_body(self._topics.hub, birth["boot"], birth["session"])
        connection = Connection(
            partial(endpoint, self.broker, strict=self.strict),
            version=version,
            client_id=client_id(self._topics.hub, self.broker),
            keepalive_s=self._settings.keepalive_s,
            will=Publication(self._topics.up("state"), encode(will), retain=True),
            received=lambda message: self._received(connection, message),
            subscription_qos=self.broker.subscription_qos,
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
