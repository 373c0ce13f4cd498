"""The gate that every broker must pass: the configuration we ship, an intruder, and nodes killed.

Each broker with TLS and a certificate for each user, all of them in MQTT 3.1.1, which is what NATS
2.9 and RabbitMQ 3.10 speak. A cluster is started once for all that is asked of it here;
`scripts/fault_run --broker NAME` does as many runs as one likes.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.edge.brokers import client_id
from gateway.errors import LinkError
from gateway.settings import MqttChoice
from tests.brokers import needs_mosquitto
from tests.faults.children import Nursery
from tests.faults.engine import Engine, Lent
from tests.faults.identities import CENTRE
from tests.faults.nats import needs_nats
from tests.faults.plan import plan
from tests.faults.rabbitmq import needs_rabbitmq
from tests.faults.run import DURABLE, run
from tests.hubs import HUB
from tests.intruder import HEARS, OURS, THEIRS, Doors, Guest, guest, intrude, names

pytestmark = [
    pytest.mark.broker,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(600),  # three Erlang machines start in it
]
THEMES = ("broker", "everything")


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


def doors_of(lent: Lent) -> Doors:
    assert lent.identities is not None
    return Doors(lent.identities, lent.hub_ports[-1], lent.centre_ports[-1])


def name_of(doors: Doors) -> str:
    return client_id(HUB, doors.identities.broker(HUB, 0))


async def test_a_hub_with_any_client_id_cannot_hear_or_speak_for_its_neighbour(
    engine: Engine, tmp_path: Path
) -> None:
    async with (
        engine.lend(tmp_path, DURABLE, 0, 1) as lent,
        guest(doors := doors_of(lent), CENTRE, "ansim-centre-1", "ansim/1/11680/+/up/#") as centre,
    ):
        name = name_of(doors)
        heard = []
        for forged in names(doors):
            async with guest(doors, HUB, name, *HEARS):
                pass  # the victim's session is kept while it is away, and what it is sent with it
            await centre.says(OURS.dn("cmd"), b"for the victim")
            heard += await intrude(doors, forged)
        async with guest(doors, HUB, name, *HEARS) as victim:
            await victim.says(OURS.up("alarm"), b"true")
            await centre.hears(b"true")
            await centre.says(OURS.dn("ack"), b"stored")
            await victim.hears(b"stored")
        async with guest(doors, CENTRE, "ansim-centre-2", "ansim/1/11680/+/up/#") as late:
            await victim_speaks(doors, name)
            await late.hears(b"once more")
        assert [topic for topic, _ in heard if not topic.startswith(THEIRS.dn(""))] == []
        assert b"forged" not in [said for topic, said in victim.heard]
        for each in (centre, late):
            theirs = [topic for topic, said in each.heard if said == b"forged"]
            assert [topic for topic in theirs if not topic.startswith(THEIRS.up(""))] == []


async def victim_speaks(doors: Doors, name: str) -> None:
    async with guest(doors, HUB, name) as victim:
        await victim.says(OURS.up("alarm"), b"once more")


async def test_who_has_the_certificate_of_no_user_stays_outside(
    engine: Engine, tmp_path: Path
) -> None:
    async with engine.lend(tmp_path, DURABLE, 0, 2) as lent:
        doors = doors_of(lent)
        stranger = Guest(doors, doors.identities.stranger, "stranger")
        try:
            await stranger.connection.open()
            await stranger.connection.subscribe((OURS.dn("ack"),))
            await victim_hears_nothing_of(stranger, doors)
        except (LinkError, TimeoutError):
            return
        finally:
            await stranger.connection.close()


async def victim_hears_nothing_of(stranger: Guest, doors: Doors) -> None:
    """mosquitto lets everybody in whose certificate our authority signed, and gives him nothing."""
    async with (
        guest(doors, CENTRE, "ansim-centre-3") as centre,
        guest(doors, HUB, name_of(doors), OURS.dn("ack")) as victim,
    ):
        await stranger.says(OURS.dn("ack"), b"forged")
        await centre.says(OURS.dn("ack"), b"stored")
        await victim.hears(b"stored")
        assert (stranger.heard, [said for _, said in victim.heard]) == ([], [b"stored"])


async def test_every_cry_is_stored_exactly_once_while_nodes_are_killed(engine: Engine) -> None:
    async with Nursery() as nursery:
        for number, theme in enumerate(THEMES, start=70):
            account = await run(nursery, plan(number, theme), engine=engine)
            assert account.caused == 10
            assert account.good, account
            assert account.kills.get("broker", 0) > 0, account.kills
