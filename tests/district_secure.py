"""The nodes of a district on the very files that we ship: TLS, a user for each hub, partitions."""

from collections.abc import Collection
from pathlib import Path

from gateway.centre.admission import nats_users
from gateway.centre.district.settings import PARTITIONS
from tests.district import Nodes
from tests.faults.cluster import NODES, shipped
from tests.faults.identities import CENTRE, Identities
from tests.faults.nats import SHIPPED

WORKER = "worker"
PASSWORD = "a-workers-own-password"  # noqa: S105 - of a server that lives for one test
BESIDE = '# include "nats/partitions.conf"'


class SecureNodes(Nodes):
    """Three of them. Workers have a password, hubs and the centre's presence certificates."""

    def __init__(self, directory: Path, hubs: Collection[str], seed: int = 1) -> None:
        super().__init__(directory, NODES, PARTITIONS, seed)
        self.identities = Identities(directory / "pems", tuple(hubs))
        self.pems = self.identities.ca_file.parent
        self.tls = self.identities.context(CENTRE)
        (directory / "nats").mkdir()
        users = nats_users(hubs, [CENTRE], {WORKER: PASSWORD})
        (directory / "nats" / "users.conf").write_text(users)
        partitions = (SHIPPED / "partitions.conf").read_text()
        (directory / "nats" / "partitions.conf").write_text(partitions)
        self._secret = directory / "worker.password"
        self._secret.write_text(PASSWORD)

    @property
    def urls(self) -> list[str]:
        """Return where workers connect."""
        return [f"tls://127.0.0.1:{port}" for port in self._client]

    def config(self, number: int) -> str:
        """Return a node's configuration, with the partitions that stand beside it."""
        named = ", ".join(f"nats://ansim-{one}:6222" for one in range(1, NODES + 1))
        return shipped(
            SHIPPED / "nats.conf",
            (
                ("server_name: ansim-1 ", f"server_name: ansim-{number + 1} "),
                ("/var/lib/nats/jetstream", f"{self._directory}/nats-{number}"),
                ("listen: 127.0.0.1:6222", f"listen: 127.0.0.1:{self._route[number]}"),
                (named, self.routes),
                ("listen: 0.0.0.0:8883", f"listen: 127.0.0.1:{self.mqtt[number]}"),
                ("listen: 127.0.0.1:4222", f"listen: 127.0.0.1:{self._client[number]}"),
                ("/etc/nats/certs", str(self.pems)),
                (BESIDE, BESIDE.removeprefix("# ")),
            ),
        )

    def login(self) -> list[str]:
        """Return how a worker is let in: its further options."""
        centre = self.pems / CENTRE
        brokers = [word for port in self.mqtt for word in ("--broker", f"mqtts://127.0.0.1:{port}")]
        return [
            *(word for url in self.urls for word in ("--nats", url)),
            *brokers,
            *("--ca", str(self.identities.ca_file)),
            *("--cert", f"{centre}.crt", "--key", f"{centre}.key"),
            *("--nats-user", WORKER, "--nats-password-file", str(self._secret)),
        ]
