"""The uplink against a real mosquitto and a small centre on the same broker."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.core.wire import birth_body, heartbeat_body
from gateway.edge.mqtt import Endpoint, Version
from gateway.edge.uplink import Uplink
from gateway.settings import BrokerSettings, UplinkSettings
from tests.brokers import Mosquitto, needs_mosquitto
from tests.fakes_uplink import (
    EPOCH,
    HUB,
    TOPICS,
    Centre,
    Core,
    FakeOutbox,
    StandingClock,
    alarm,
    event,
)

pytestmark = [pytest.mark.broker, needs_mosquitto]


def settings(*ports: int, heartbeat_s: float = 60.0) -> UplinkSettings:
    brokers = tuple(BrokerSettings(url=f"mqtt://127.0.0.1:{port}") for port in ports)
    return UplinkSettings(brokers=brokers, heartbeat_s=heartbeat_s)


def new_uplink(settings: UplinkSettings, core: Core, clock: StandingClock | None = None) -> Uplink:
    clock = clock or StandingClock()
    uplink = Uplink(
        settings,
        TOPICS,
        core.outbox,
        core.deliver,
        clock,
        birth=lambda: birth_body(
            clock.now(),
            hub=HUB,
            boot=1,
            epoch=EPOCH,
            versions={"ansim": "0.1.0"},
            last_seq={"alarm": 0},
            sensors=[{"name": "band", "driver": "polar_pmd"}],
        ),
        heartbeat=lambda: heartbeat_body(
            clock.now(),
            hub=HUB,
            boot=1,
            epoch=EPOCH,
            high={"alarm": 0},
            uptime_s=1,
            rss_kib=1,
            outbox=0,
        ),
        jitter=random.Random(1),
        refused=core.refuse,
    )
    core.settle = uplink.settle
    return uplink


@asynccontextmanager
async def running(uplink: Uplink) -> AsyncIterator[Uplink]:
    task = asyncio.create_task(uplink.run())
    try:
        yield uplink
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def centre_at(broker: Mosquitto, *, answers: bool = True) -> Centre:
    endpoint = Endpoint("127.0.0.1", broker.port)
    return Centre(endpoint, answers=answers, version=Version.V5)


async def test_an_alarm_goes_up_and_is_finished_by_stored(tmp_path: Path) -> None:
    core = Core(FakeOutbox())
    async with Mosquitto(tmp_path) as broker, centre_at(broker) as centre:
        async with running(new_uplink(settings(broker.port), core)) as uplink:
            core.outbox.add(alarm(1), event(1))
            uplink.wake()
            await core.until(lambda: not core.outbox.rows)
            assert [m.body["attempt"] for m in centre.of("alarm")] == [1]
            assert uplink.status().alarms_waiting == 0
            assert uplink.status().version == "5.0"
        assert ("broker", True) in core.links()
        assert ("centre", True) in core.links()
        await centre.until(lambda: len(centre.of("state")) == 2)
        assert [m.body["online"] for m in centre.of("state")] == [True, False]
