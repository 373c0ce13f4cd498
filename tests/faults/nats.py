"""A NATS JetStream cluster of three nodes on loopback: MQTT 3.1.1, R3. Debian's package.

With identities it runs the configuration that we ship (config/brokers/nats), else a bare one.
"""

import shutil
from pathlib import Path

import pytest

from gateway.centre.admission import nats_users
from tests.faults.cluster import NODES, Cluster, shipped
from tests.faults.identities import CENTRE

NATS = shutil.which("nats-server", path="/usr/sbin:/usr/bin:/usr/local/bin:/usr/local/sbin")
needs_nats = pytest.mark.skipif(
    NATS is None, reason="nats-server is missing: apt-get install nats-server"
)
SHIPPED = Path(__file__).resolve().parents[2] / "config" / "brokers" / "nats"

BARE = """
server_name: n{number}
listen: 127.0.0.1:{client}
jetstream: {{ store_dir: "{directory}/nats-{number}", max_file_store: 256MB }}
mqtt: {{ host: 127.0.0.1, port: {mqtt} }}
cluster: {{ name: ansim, listen: 127.0.0.1:{route}, routes: [{routes}] }}
"""


class NatsCluster(Cluster):
    """Three nodes of nats-server."""

    name = "nats"

    def prepare(self) -> None:
        """Write the users."""
        if self.identities is not None:
            users = nats_users(self.identities.hubs, [CENTRE])
            (self.directory / "nats").mkdir(exist_ok=True)
            (self.directory / "nats" / "users.conf").write_text(users)

    def command(self, number: int) -> tuple[list[str], dict[str, str]]:
        """Return how a node is started."""
        assert NATS is not None
        config = self.directory / f"nats-{number}.conf"
        config.write_text(self._bare(number) if self.identities is None else self._shipped(number))
        return [NATS, "-c", str(config)], {}

    def _routes(self) -> str:
        return ", ".join(f"nats://127.0.0.1:{port}" for port in self.routes)

    def _bare(self, number: int) -> str:
        return BARE.format(
            number=number,
            directory=self.directory,
            client=self.clients[number],
            mqtt=self.ports[number],
            route=self.routes[number],
            routes=self._routes(),
        )

    def _shipped(self, number: int) -> str:
        assert self.identities is not None
        named = ", ".join(f"nats://ansim-{one}:6222" for one in range(1, NODES + 1))
        return shipped(
            SHIPPED / "nats.conf",
            (
                ("server_name: ansim-1 ", f"server_name: ansim-{number + 1} "),
                ("/var/lib/nats/jetstream", f"{self.directory}/store-{number}"),
                ("max_file_store: 16GB", "max_file_store: 256MB"),
                ("listen: 127.0.0.1:6222", f"listen: 127.0.0.1:{self.routes[number]}"),
                (named, self._routes()),
                ("listen: 0.0.0.0:8883", f"listen: 127.0.0.1:{self.ports[number]}"),
                ("listen: 127.0.0.1:4222", f"listen: 127.0.0.1:{self.clients[number]}"),
                ("/etc/nats/certs", str(self.identities.ca_file.parent)),
            ),
        )
