"""A district's workers over real servers: what breaks delays, and neither loses nor doubles."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.edge.mqtt import Version
from tests.centre.hub import SmallHub
from tests.district import Nodes, Postgres, Workers, needs_district, options
from tests.fakes_centre import DISTRICT, alarm, birth
from tests.fleet.census import Habits
from tests.fleet.herd import Herd

pytestmark = [pytest.mark.broker, needs_district]

PARTITIONS = 8
HUBS = 60
PATIENCE_S = 40
LEASED = """SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted
AND classid = 1634628464"""


@pytest.fixture
async def postgres() -> AsyncIterator[Postgres]:
    async with Postgres() as running:
        yield running


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[Nodes]:
    async with Nodes(tmp_path, 1, PARTITIONS) as running:
        yield running


@pytest.fixture
async def workers(tmp_path: Path, nodes: Nodes, postgres: Postgres) -> AsyncIterator[Workers]:
    async with Workers(tmp_path, options(nodes, postgres, DISTRICT, PARTITIONS)) as running:
        await running.start("one")
        await running.start("two")
        async with asyncio.timeout(PATIENCE_S):
            await postgres.until(LEASED, PARTITIONS)
        yield running


@asynccontextmanager
async def fleet(nodes: Nodes, hubs: int) -> AsyncIterator[Herd]:
    brokers = [("127.0.0.1", port) for port in nodes.mqtt]
    habits = Habits(heartbeat_s=2.0, summary_s=2.0, batch_s=2.0, qos=0, pace=0.05)
    herd = Herd(range(hubs), DISTRICT, brokers, SystemClock(), habits=habits)
    living = asyncio.create_task(herd.run())
    try:
        async with asyncio.timeout(PATIENCE_S):
            herd.wake(0.5)
            await herd.until(lambda census: census.connected == hubs)
            yield herd
    finally:
        living.cancel()
        with suppress(asyncio.CancelledError):
            await living


@pytest.mark.timeout(150)  # 15 s on a quiet machine
async def test_whatever_dies_amid_a_fleets_alarms_each_is_stored_exactly_once(
    nodes: Nodes, postgres: Postgres, workers: Workers
) -> None:
    async with fleet(nodes, HUBS) as herd:
        await burst(herd)
        await workers.kill("one")
        await burst(herd)
        await postgres.kill()
        await burst(herd)
        await postgres.start()
        await workers.start("three")
        await burst(herd)
        await nodes.kill(0)
        await burst(herd)
        await nodes.start(0)
        await burst(herd)
        await herd.until(lambda census: len(census.to_stored) == len(census.pressed))
        await herd.until(lambda census: census.telemetry_stored > HUBS)
    pressed = sorted(herd.census.pressed)
    kept = await postgres.rows("SELECT id FROM message WHERE stream = 'alarm'")
    assert sorted(row["id"] for row in kept) == pressed
    raised = await postgres.rows("SELECT id FROM alert WHERE matter = 'raised'")
    assert sorted(row["id"] for row in raised) == pressed


async def burst(herd: Herd, presses: int = 20) -> None:
    """Press here and there, over some batches of the centre's."""
    for _ in range(presses):
        herd.press()
        await asyncio.sleep(0.01)


async def test_the_homes_hear_that_the_centre_is_there_whichever_worker_says_so(
    nodes: Nodes, workers: Workers
) -> None:
    async with asyncio.timeout(PATIENCE_S):
        async with SmallHub(nodes.mqtt[0], version=Version.V311) as hub:
            await hub.say(birth(), retain=True)
            while not await hub.centre.get():
                pass
            for name in ("one", "two"):
                await workers.kill(name)
            while await hub.centre.get():
                pass
            await workers.start("three")
            while not await hub.centre.get():
                pass
            await hub.say(alarm(1))
            assert (await hub.acks.get()).ids == ("A1",)
