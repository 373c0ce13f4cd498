"""Which broker a run has: a mosquitto of its own, or a cluster that serves run after run.

secure   TLS with certificates for hub and centre, on the very configuration that we ship
mqtt     the hub's version; the clusters of Debian know 3.1.1 only
"""

import contextlib
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, Self

from gateway.edge.brokers import client_id
from gateway.settings import BrokerSettings, MqttChoice
from tests.brokers import Mosquitto, shipped
from tests.faults.cluster import Cluster, free_base
from tests.faults.identities import CENTRE, HUBS, Identities
from tests.faults.nats import NatsCluster
from tests.faults.plan import Plan
from tests.faults.rabbitmq import RabbitCluster
from tests.hubs import DISTRICT, HUB

CLUSTERS: dict[str, type[Cluster]] = {"nats": NatsCluster, "rabbitmq": RabbitCluster}
HUB_QOS = {"nats": 0, "rabbitmq": 1}  # as config/brokers/README.md says of each
ENGINES = ("mosquitto", *CLUSTERS)


class Broker(Protocol):
    """What a run does to its broker."""

    @property
    def port(self) -> int:
        """Where it listens; of a cluster a node that lives."""

    async def kill(self) -> bool:
        """kill -9; False: not now, one node is down already."""

    async def start(self) -> None:
        """Start what was killed."""


@dataclass(frozen=True, slots=True)
class Lent:
    """A run's broker: `hub_ports` are doors of their own, any of `centre_ports` will do."""

    broker: Broker
    hub_ports: Sequence[int]
    centre_ports: Sequence[int]
    identities: Identities | None = None
    mqtt: MqttChoice = MqttChoice.AUTO
    hub_qos: int = 1

    @property
    def a_hub_port(self) -> int:
        """A door of the hub's behind which somebody lives."""
        return self.broker.port

    @property
    def a_centre_port(self) -> int:
        """A door of the centre's behind which somebody lives."""
        return self.broker.port if len(self.centre_ports) > 1 else self.centre_ports[0]

    def hub(self, port: int) -> BrokerSettings:
        """Return how the hub goes to a door."""
        return replace(self._to(HUB, port), subscription_qos=self.hub_qos)

    def centre(self, port: int) -> BrokerSettings:
        """Return how the centre goes to its door."""
        return self._to(CENTRE, port)

    def _to(self, who: str, port: int) -> BrokerSettings:
        if self.identities is None:
            return BrokerSettings(f"mqtt://127.0.0.1:{port}", mqtt=self.mqtt)
        return self.identities.broker(who, port, self.mqtt)


@dataclass
class Engine:
    """Brokers of one kind; a cluster lives from its first run to the engine's end."""

    name: str = "mosquitto"
    secure: bool = False
    mqtt: MqttChoice = MqttChoice.AUTO
    number: int = 1
    _cluster: Cluster | None = None
    _stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def shared(self) -> bool:
        """Whether runs come one after another to the same broker."""
        return self.name in CLUSTERS

    def plays(self, plan: Plan) -> bool:
        """Whether a plan's theme is for these brokers.

        The certificate of `tls` is a mosquitto's without client certificates; `wire` reads packets,
        which in TLS are not to be read; behind a kernel's network the broker has another name.
        """
        return not (plan.tls and (self.shared or self.secure)) and not (
            self.secure and (plan.wired or plan.theme == "wire")
        )

    def district(self, seed: int) -> str:
        """Return a run's district: one of its own where others were before."""
        return f"{2_000_000_000 + seed % 1_000_000_000}" if self.shared else DISTRICT

    @contextlib.asynccontextmanager
    async def lend(
        self, directory: Path, lines: tuple[str, ...], port: int, seed: int
    ) -> AsyncIterator[Lent]:
        """Give a run its broker. lines, port: mosquitto's; `{centre}` in them is the centre's."""
        if self.shared:
            cluster = await self._living()
            await cluster.start()
            await cluster.whole()
            ports, who = cluster.ports, cluster.identities
            lent = Lent(cluster, ports, ports, who, self.mqtt, HUB_QOS[self.name])
            try:
                yield lent
            finally:
                name = client_id(HUB, lent.hub(cluster.port))
                await cluster.forget({name: HUB, f"ansim-centre-{self.district(seed)}": CENTRE})
            return
        identities = None
        if self.secure:
            identities = Identities(directory, HUBS)
            ours = [line for line in shipped(directory) if not line.startswith("autosave")]
            lines = (*ours, *(line for line in lines if line.startswith("autosave")))
        async with Mosquitto(directory, lines, port) as broker:
            apart = any("{centre}" in line for line in lines)
            centre = broker.centre_port if apart else broker.port
            yield Lent(broker, [broker.port], [centre], identities, self.mqtt)

    async def _living(self) -> Cluster:
        if self._cluster is None:
            temporary = tempfile.TemporaryDirectory(
                prefix=f"ansim-{self.name}-", ignore_cleanup_errors=True
            )
            directory = Path(self._stack.enter_context(temporary))
            identities = Identities(directory, HUBS) if self.secure else None
            kind = CLUSTERS[self.name]
            cluster = kind(directory, free_base(self.number), identities)
            self._cluster = await self._stack.enter_async_context(cluster)
        return self._cluster
