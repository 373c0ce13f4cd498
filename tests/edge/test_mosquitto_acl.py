"""The broker configuration we ship, against a hub that tries to be its neighbour."""

import asyncio
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from gateway.core.wire import Topics
from gateway.edge.brokers import endpoint
from gateway.edge.certificates import Authority
from gateway.edge.mqtt import Connection, Endpoint, Publication, Received, Refused, Version
from gateway.errors import LinkError
from gateway.settings import BrokerSettings
from tests.brokers import Mosquitto, needs_mosquitto, shipped

pytestmark = [pytest.mark.broker, needs_mosquitto]

A = Topics("11680", "A" * 26)
B = Topics("11680", "B" * 26)
TODAY = datetime(2026, 1, 1, tzinfo=UTC)


class Guest:
    """A client of the broker that keeps what it receives."""

    def __init__(self, prepare: Callable[[], Endpoint], client_id: str, version: Version) -> None:
        self.heard: list[str] = []
        self._arrived = asyncio.Event()
        self.connection = Connection(
            prepare,
            version=version,
            client_id=client_id,
            keepalive_s=60,
            will=Publication(f"ansim/1/11680/{client_id}/up/state", b"gone"),
            received=self._received,
        )

    def _received(self, message: Received) -> None:
        self.connection.acknowledge(message)
        self.heard.append(message.payload.decode())
        self._arrived.set()

    async def hears(self, text: str) -> None:
        while text not in self.heard:
            self._arrived.clear()
            await self._arrived.wait()

    async def tries(self, topic: str, text: str) -> None:
        """Publish, whether the broker says no (MQTT 5) or swallows it (3.1.1)."""
        try:
            await self.connection.publish(Publication(topic, text.encode()))
        except LinkError as refused:
            assert "Not authorized" in str(refused)  # noqa: PT017 - 3.1.1 raises nothing


def with_certificates(directory: Path) -> tuple[list[str], Callable[[str, int], Endpoint]]:
    """Return the shipped configuration, and how a user of it connects."""
    authority = Authority(directory, not_before=TODAY)
    authority.server(["127.0.0.1"])
    pairs = {name: authority.client(name) for name in (A.hub, B.hub, "centre")}

    def connect(name: str, port: int) -> Endpoint:
        pair = pairs[name]
        url = f"mqtts://127.0.0.1:{port}"
        broker = BrokerSettings(url, authority.ca_file, pair.cert_file, pair.key_file)
        return endpoint(broker, strict=True)

    return shipped(directory), connect


def with_passwords(directory: Path) -> tuple[list[str], Callable[[str, int], Endpoint]]:
    """Return the shipped configuration as it describes the way without client certificates."""
    authority = Authority(directory, not_before=TODAY)
    authority.server(["127.0.0.1"])
    passwords = directory / "passwords"
    passwords.touch()
    for name in (A.hub, B.hub, "centre"):
        command = ["mosquitto_passwd", "-b", str(passwords), name, f"of {name}"]
        subprocess.run(command, check=True, capture_output=True)
        (directory / f"{name}.password").write_text(f"of {name}\n")
    lines = [
        line
        for line in shipped(directory)
        if not line.startswith(("require_certificate", "use_identity_as_username"))
    ]

    def connect(name: str, port: int) -> Endpoint:
        broker = BrokerSettings(
            f"mqtts://127.0.0.1:{port}",
            authority.ca_file,
            username=name,
            password_file=directory / f"{name}.password",
        )
        return endpoint(broker, strict=True)

    return [*lines, f"password_file {passwords}"], connect


@pytest.mark.parametrize("version", list(Version))
@pytest.mark.parametrize("way", [with_certificates, with_passwords])
async def test_a_hub_cannot_read_write_or_evict_its_neighbour(
    tmp_path: Path,
    way: Callable[[Path], tuple[list[str], Callable[[str, int], Endpoint]]],
    version: Version,
) -> None:
    lines, connect = way(tmp_path)
    async with Mosquitto(tmp_path, lines) as broker:

        def guest(name: str, client_id: str) -> Guest:
            return Guest(partial(connect, name, broker.port), client_id, version)

        centre, victim = guest("centre", "centre"), guest(A.hub, A.hub)
        intruder = guest(B.hub, A.hub)  # the neighbour's client id, its own credentials
        for each, topics in (
            (centre, ("ansim/1/+/+/up/#",)),
            (victim, (A.dn("ack"), A.dn("cmd"), A.centre)),
            (intruder, (A.dn("#"), A.up("#"), "ansim/#", B.dn("ack"))),
        ):
            await each.connection.open()
            await each.connection.subscribe(topics)

        await intruder.tries(A.up("alarm"), "forged alarm")
        await intruder.tries(A.dn("ack"), "forged stored")
        await intruder.tries(A.centre, "forged centre")
        await intruder.tries(B.up("alarm"), "own alarm")
        await victim.tries(A.up("alarm"), "true alarm")
        await centre.hears("own alarm")
        await centre.hears("true alarm")
        await centre.tries(A.dn("cmd"), "for A")
        await centre.tries(A.centre, "for all")
        await centre.tries(B.dn("ack"), "for B")
        await victim.hears("for all")
        await victim.hears("for A")
        await intruder.hears("for all")
        await intruder.hears("for B")

        assert not victim.connection.closed.is_set()
        assert sorted(centre.heard) == ["own alarm", "true alarm"]
        assert sorted(victim.heard) == ["for A", "for all"]
        assert set(intruder.heard) == {"for B", "for all"}
        for each in (intruder, victim, centre):
            await each.connection.close()


async def test_a_centre_has_a_connection_for_each_district_by_its_own_door(
    tmp_path: Path,
) -> None:
    lines, connect = with_certificates(tmp_path)
    async with Mosquitto(tmp_path, lines) as broker:
        hub = Guest(lambda: connect(A.hub, broker.port), A.hub, Version.V5)
        await hub.connection.open()
        desks = [
            Guest(lambda: connect("centre", broker.centre_port), f"centre-{district}", Version.V5)
            for district in ("11680", "11740")
        ]
        for desk in desks:
            await desk.connection.open()
            await desk.connection.subscribe(("ansim/1/11680/+/up/#",))
        await hub.tries(A.up("alarm"), "alarm")
        for desk in desks:
            await desk.hears("alarm")
            await desk.connection.close()
        await hub.connection.close()


async def test_nobody_comes_in_without_a_certificate(tmp_path: Path) -> None:
    lines, _ = with_certificates(tmp_path)
    async with Mosquitto(tmp_path, lines) as broker:
        url = f"mqtts://127.0.0.1:{broker.port}"
        stranger = Guest(
            lambda: endpoint(BrokerSettings(url, tmp_path / "ca.crt"), strict=True),
            A.hub,
            Version.V311,
        )
        with pytest.raises(LinkError):
            await stranger.connection.open()


async def test_a_wrong_password_is_refused_by_name(tmp_path: Path) -> None:
    lines, connect = with_passwords(tmp_path)
    async with Mosquitto(tmp_path, lines) as broker:
        (tmp_path / f"{A.hub}.password").write_text("guess")
        guest = Guest(lambda: connect(A.hub, broker.port), A.hub, Version.V5)
        with pytest.raises(Refused, match="Not authorized"):
            await guest.connection.open()
