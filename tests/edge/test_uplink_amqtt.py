"""The demo's broker where mosquitto is not installed: it speaks 3.1.1, and that must do."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.edge import mqtt
from gateway.edge.mqtt import Endpoint, Version
from tests.brokers import free_port
from tests.fakes_uplink import Centre, Core, FakeOutbox, alarm, event, new_uplink, running, settings

amqtt_broker = pytest.importorskip("amqtt.broker", reason="amqtt is missing: pip install amqtt")


@asynccontextmanager
async def amqtt(port: int) -> AsyncIterator[None]:
    logging.getLogger("amqtt").setLevel(logging.CRITICAL)
    config = {
        "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }
    broker = amqtt_broker.Broker(config)
    await broker.start()
    try:
        yield
    finally:
        await broker.shutdown()


async def test_amqtt_serves_as_the_broker_over_3_1_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "CONNACK_S", 0.5)  # it answers MQTT 5 with silence
    port = free_port()
    core = Core(FakeOutbox([*map(alarm, range(1, 6)), *map(event, range(1, 101))]))
    async with (
        amqtt(port),
        Centre(Endpoint("127.0.0.1", port), version=Version.V311) as centre,
        running(new_uplink(settings(port), core)) as link,
    ):
        await core.until(lambda: not core.outbox.rows)
        assert link.status().version == "3.1.1"
        assert len({m.seq for m in centre.of("event")}) == 100
