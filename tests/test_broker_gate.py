"""The gate that every broker must pass: the configuration we ship, an intruder, and nodes killed.

Each broker with TLS and a certificate for each user, all of them in MQTT 3.1.1, which is what NATS
2.9 and RabbitMQ 3.10 speak. A cluster is started once for all that is asked of it here;
`scripts/fault_run --broker NAME` does as many runs as one likes.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.core.wire import Topics
from gateway.edge.brokers import client_id, endpoint
from gateway.edge.mqtt import Connection, Publication, Received, Version
from gateway.errors import LinkError
from gateway.settings import MqttChoice
from tests.brokers import needs_mosquitto
from tests.faults.children import Nursery
from tests.faults.engine import Engine, Lent
from tests.faults.identities import CENTRE, NEIGHBOUR
from tests.faults.nats import needs_nats
from tests.faults.plan import plan
from tests.faults.rabbitmq import needs_rabbitmq
from tests.faults.run import DURABLE, run
from tests.hubs import HUB

pytestmark = [pytest.mark.broker, pytest.mark.asyncio(loop_scope="module")]
DISTRICT = "11680"
ANSWER_S = 5.0
THEMES = ("calm", "broker", "kills", "meddler")

OURS = Topics(DISTRICT, HUB)
THEIRS = Topics(DISTRICT, NEIGHBOUR)
HEARS = (OURS.dn("ack"), OURS.dn("cmd"), OURS.centre)
FOREIGN = (
    OURS.dn("ack"),
    OURS.dn("#"),
    OURS.up("#"),
    "#",
    "ansim/#",
    "ansim/1/11680/#",
    "ansim/1/+/+/dn/#",
    "+/+/+/+/+/+",
    "$MQTT/#",
)
"""What a neighbour has no business to hear."""

FORGED = (OURS.up("alarm"), OURS.up("state"), OURS.dn("ack"), OURS.centre, THEIRS.dn("ack"))
"""What a neighbour has no business to say."""


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("mosquitto", marks=needs_mosquitto),
        pytest.param("nats", marks=needs_nats),
        pytest.param("rabbitmq", marks=needs_rabbitmq),
    ],
)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(kind: str) -> AsyncIterator[Engine]:
    async with Engine(kind, secure=True, mqtt=MqttChoice.V311, number=700) as each:
        yield each


class Guest:
    """Somebody at the broker with a certificate and a client id of his own choice."""

    def __init__(self, lent: Lent, user: str, name: str, will: str = "") -> None:
        self.heard: list[tuple[str, bytes]] = []
        self._arrived = asyncio.Event()
        ports = lent.centre_ports if user == CENTRE else lent.hub_ports
        assert lent.identities is not None
        broker = lent.identities.broker(user, ports[-1])
        self.connection = Connection(
            lambda: endpoint(broker, strict=True),
            version=Version.V311,
            client_id=name,
            keepalive_s=60,
            will=Publication(will or Topics(DISTRICT, user).up("state"), b"forged", retain=True),
            received=self._received,
        )

    def _received(self, message: Received) -> None:
        self.connection.acknowledge(message)
        self.heard.append((message.topic, message.payload))
        self._arrived.set()

    async def hears(self, payload: bytes) -> None:
        async with asyncio.timeout(ANSWER_S):
            while payload not in [each for _, each in self.heard]:
                self._arrived.clear()
                await self._arrived.wait()

    async def says(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        async with asyncio.timeout(ANSWER_S):
            await self.connection.publish(Publication(topic, payload, retain=retain))


@asynccontextmanager
async def guest(
    lent: Lent, user: str, name: str, *topics: str, will: str = ""
) -> AsyncIterator[Guest]:
    each = Guest(lent, user, name, will)
    try:
        await each.connection.open()
        if topics:
            await each.connection.subscribe(topics)
        yield each
    finally:
        await each.connection.close()


def names(lent: Lent) -> Iterator[str]:
    """Return what an intruder may call himself: his own name, and his victim's in both forms."""
    yield client_id(NEIGHBOUR, lent.hub(0))
    yield HUB
    yield client_id(HUB, lent.hub(0))


async def intrude(lent: Lent, name: str) -> list[tuple[str, bytes]]:
    """Try everything under a client id; return what came to the intruder's ears.

    A broker may refuse, or say yes and do nothing, or hang up: each try has its own connection.
    """
    heard = []
    for topic in FOREIGN:
        try:
            async with guest(lent, NEIGHBOUR, name, topic) as intruder:
                async with guest(lent, CENTRE, "ansim-centre-lure") as centre:
                    await centre.says(OURS.dn("ack"), b"lure")
                    await centre.says(THEIRS.dn("cmd"), b"after the lure")
                heard += intruder.heard
        except (LinkError, TimeoutError):
            continue
    for topic in FORGED:
        try:
            async with guest(lent, NEIGHBOUR, name) as intruder:
                await intruder.says(topic, b"forged", retain=True)
        except (LinkError, TimeoutError):
            continue
    for topic in FORGED:
        try:
            async with guest(lent, NEIGHBOUR, name, will=topic) as intruder:
                intruder.connection.drop(LinkError("cut, so that the will is said"))
        except (LinkError, TimeoutError):
            continue
    return heard


@pytest.mark.timeout(180)
async def test_a_hub_with_any_client_id_cannot_hear_or_speak_for_its_neighbour(
    engine: Engine, tmp_path: Path
) -> None:
    async with (
        engine.lend(tmp_path, DURABLE, 0, 1) as lent,
        guest(lent, CENTRE, "ansim-centre-1", "ansim/1/11680/+/up/#") as centre,
    ):
        name = client_id(HUB, lent.hub(0))
        heard = []
        for forged in names(lent):
            async with guest(lent, HUB, name, *HEARS):
                pass  # the victim's session is kept while it is away, and what it is sent with it
            await centre.says(OURS.dn("cmd"), b"for the victim")
            heard += await intrude(lent, forged)
        async with guest(lent, HUB, name, *HEARS) as victim:
            await victim.says(OURS.up("alarm"), b"true")
            await centre.hears(b"true")
            await centre.says(OURS.dn("ack"), b"stored")
            await victim.hears(b"stored")
        async with guest(lent, CENTRE, "ansim-centre-2", "ansim/1/11680/+/up/#") as late:
            await victim_speaks(lent, name)
            await late.hears(b"once more")
        assert [topic for topic, _ in heard if not topic.startswith(THEIRS.dn(""))] == []
        assert b"forged" not in [said for topic, said in victim.heard]
        for each in (centre, late):
            theirs = [topic for topic, said in each.heard if said == b"forged"]
            assert [topic for topic in theirs if not topic.startswith(THEIRS.up(""))] == []


async def victim_speaks(lent: Lent, name: str) -> None:
    async with guest(lent, HUB, name) as victim:
        await victim.says(OURS.up("alarm"), b"once more")


@pytest.mark.timeout(60)
async def test_who_has_the_certificate_of_no_user_stays_outside(
    engine: Engine, tmp_path: Path
) -> None:
    async with engine.lend(tmp_path, DURABLE, 0, 2) as lent:
        assert lent.identities is not None
        stranger = Guest(lent, lent.identities.stranger, "stranger")
        try:
            await stranger.connection.open()
            await stranger.connection.subscribe((OURS.dn("ack"),))
            await victim_hears_nothing_of(stranger, lent)
        except (LinkError, TimeoutError):
            return
        finally:
            await stranger.connection.close()


async def victim_hears_nothing_of(stranger: Guest, lent: Lent) -> None:
    """mosquitto lets everybody in whose certificate our authority signed, and gives him nothing."""
    async with (
        guest(lent, CENTRE, "ansim-centre-3") as centre,
        guest(lent, HUB, client_id(HUB, lent.hub(0)), OURS.dn("ack")) as victim,
    ):
        await stranger.says(OURS.dn("ack"), b"forged")
        await centre.says(OURS.dn("ack"), b"stored")
        await victim.hears(b"stored")
        assert (stranger.heard, [said for _, said in victim.heard]) == ([], [b"stored"])


@pytest.mark.timeout(300)
async def test_every_cry_is_stored_exactly_once_while_nodes_are_killed(engine: Engine) -> None:
    async with Nursery() as nursery:
        for number, theme in enumerate(THEMES, start=70):
            account = await run(nursery, plan(number, theme), engine=engine)
            assert account.caused == 10
            assert account.good, account
