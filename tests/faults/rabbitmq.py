"""A RabbitMQ cluster of three nodes on loopback: MQTT 3.1.1, sessions in quorum queues. Debian's.

With identities it runs the configuration that we ship (config/brokers/rabbitmq), else the same with
a plain port for everybody. A node is an Erlang machine that takes ten seconds or more to come back.
"""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Self

import pytest

from gateway.centre.admission import rabbitmq_definitions
from tests.faults.cluster import NODES, Cluster, shipped
from tests.faults.identities import CENTRE

# Not Debian's wrapper in /usr/sbin, which keeps one node under a user of its own.
SERVER = shutil.which("rabbitmq-server", path="/usr/lib/rabbitmq/bin")
EPMD = shutil.which("epmd", path="/usr/bin:/usr/local/bin")
needs_rabbitmq = pytest.mark.skipif(
    SERVER is None, reason="RabbitMQ is missing: apt-get install rabbitmq-server"
)
SHIPPED = Path(__file__).resolve().parents[2] / "config" / "brokers" / "rabbitmq"
COOKIE = "ansim-harness"
EVERYTHING = ".*"


class RabbitCluster(Cluster):
    """Three nodes of rabbitmq-server, with an epmd of their own."""

    name = "rabbitmq"
    _epmd: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        assert EPMD is not None
        self._epmd = await asyncio.create_subprocess_exec(
            EPMD, "-address", "127.0.0.1", "-port", str(self._epmd_port)
        )
        return await super().__aenter__()

    async def __aexit__(self, *_: object) -> None:
        await super().__aexit__()
        if self._epmd is not None and self._epmd.returncode is None:
            self._epmd.kill()
            await self._epmd.wait()

    @property
    def _epmd_port(self) -> int:
        return self.clients[0]  # nobody speaks AMQP here

    def prepare(self) -> None:
        """Write users, plugins and the nodes' secret."""
        definitions = rabbitmq_definitions(
            self.identities.hubs if self.identities else (), [CENTRE], {CENTRE: COOKIE}
        )
        if self.identities is None:
            for right in definitions["permissions"]:
                right.update(configure=EVERYTHING, write=EVERYTHING, read=EVERYTHING)
            definitions["topic_permissions"] = []
        (self.directory / "definitions.json").write_text(json.dumps(definitions))
        shutil.copy(SHIPPED / "enabled_plugins", self.directory)
        cookie = self.directory / ".erlang.cookie"
        cookie.write_text(COOKIE)
        cookie.chmod(0o400)

    def command(self, number: int) -> tuple[list[str], dict[str, str]]:
        """Return how a node is started."""
        assert SERVER is not None
        config = self.directory / f"rabbitmq-{number}.conf"
        config.write_text(self._config(number))
        return [SERVER], {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.directory),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "RABBITMQ_NODENAME": f"n{number}@localhost",
            "RABBITMQ_DIST_PORT": str(self.routes[number]),
            "RABBITMQ_MNESIA_BASE": str(self.directory / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.directory / "log"),
            "RABBITMQ_CONFIG_FILE": str(config),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.directory / "enabled_plugins"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RUNNING_UNDER_SYSTEMD": "true",  # the Erlang machine itself, with no shell around it
        }

    def _config(self, number: int) -> str:
        changes = [(f"rabbit@ansim-{one + 1}", f"n{one}@localhost") for one in range(NODES)]
        changes += [
            ("/etc/rabbitmq/definitions.json", str(self.directory / "definitions.json")),
            ("0.0.0.0:8883", f"127.0.0.1:{self.ports[number]}"),
        ]
        if self.identities is not None:
            changes.append(("/etc/rabbitmq/certs", str(self.identities.ca_file.parent)))
        else:
            changes += [
                ("mqtt.listeners.tcp = none", ""),
                ("mqtt.listeners.ssl.1", "mqtt.listeners.tcp.1"),
                ("ssl_options.", "# ssl_options."),
                ("mqtt.ssl_cert_login = true", f"mqtt.default_user = {CENTRE}"),
                ("mqtt.allow_anonymous = false", f"mqtt.default_pass = {COOKIE}"),
            ]
        return shipped(SHIPPED / "rabbitmq.conf", changes)
