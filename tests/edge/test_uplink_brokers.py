"""The uplink against brokers that misbehave: too old, too slow, hanging, cut off, refusing."""

import asyncio
import json
import random

import pytest

from gateway.core.wire import Ack, AckStatus, ack_payload
from gateway.edge import centre_link, mqtt
from gateway.edge.brokers import backoff_s
from tests.contract import assert_valid
from tests.fake_broker import FakeBroker
from tests.fakes_uplink import (
    EPOCH,
    HUB,
    TOPICS,
    Core,
    FakeOutbox,
    alarm,
    event,
    new_uplink,
    running,
    settings,
)


@pytest.mark.parametrize("way", ["code", "close", "silence"])
async def test_a_broker_too_old_for_mqtt_5_gets_3_1_1(
    monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(mqtt, "CONNACK_S", 0.3)
    core = Core(FakeOutbox([alarm(1)]))
    async with FakeBroker(refuses_v5=way) as broker:
        async with running(new_uplink(settings(broker.port), core)) as link:
            await broker.until(lambda: broker.count("alarm") == 1)
            assert link.status().version == "3.1.1"
            stored = Ack(EPOCH, "alarm", AckStatus.STORED, ids=(alarm(1).id,))
            broker.send(TOPICS.dn("ack"), ack_payload(stored))
            await core.until(lambda: not core.outbox.rows)
        assert broker.last.client_id == HUB


async def test_the_will_belongs_to_the_session_of_the_birth() -> None:
    core = Core(FakeOutbox())
    async with FakeBroker() as broker:
        async with running(new_uplink(settings(broker.port), core)):
            await broker.until(lambda: broker.count("state") == 1)
            broker.cut()
            await broker.until(lambda: len(broker.connections) == 2 and broker.count("state") == 1)
        sessions = []
        for connected in broker.connections:
            will = assert_valid(connected.will_topic, connected.will)
            birth = json.loads(connected.published[0][1])
            assert connected.will_topic == TOPICS.up("state")
            assert connected.will_retained
            assert connected.keepalive == 60
            assert (will["online"], birth["online"]) == (False, True)
            assert will["session"] == birth["session"]
            sessions.append(birth["session"])
        assert sessions[0] < sessions[1]
        assert [each.said_goodbye for each in broker.connections] == [False, True]


async def test_the_servers_receive_maximum_is_never_exceeded_not_even_after_a_reconnect() -> None:
    core = Core(FakeOutbox([*map(event, range(1, 101)), *map(alarm, range(1, 21))]))
    async with FakeBroker(receive_maximum=5, acknowledges=False) as broker:

        async def serve(messages: int) -> None:
            for _ in range(messages):
                await broker.until(lambda: bool(broker.connections and broker.last.outstanding))
                broker.acknowledge(broker.last)

        async with running(new_uplink(settings(broker.port), core)) as link:
            await serve(60)
            assert link.status().window == 5
            broker.cut()
            await broker.until(lambda: len(broker.connections) == 2)
            await serve(121)  # the birth, 20 alarms and 100 events, all of them again
            broker.acknowledges = True
        assert [each.most_outstanding for each in broker.connections] == [5, 5]
        sent = {topic.rsplit("/", 1)[1] for topic, _ in broker.last.published}
        assert sent == {"state", "alarm", "event"}


async def test_of_two_hundred_queued_the_window_is_all_that_goes_out_unanswered() -> None:
    core = Core(FakeOutbox(map(event, range(1, 201))))
    async with FakeBroker(acknowledges=False) as broker:
        async with running(new_uplink(settings(broker.port, window=20), core)) as link:
            await broker.until(lambda: broker.count("event") == 17)  # 18 with the birth
            core.outbox.add(alarm(1))
            link.wake()
            await broker.until(lambda: broker.count("alarm") == 1)  # into the part kept for it
            assert broker.count("event") == 17
            broker.cut()
            await broker.until(lambda: len(broker.connections) == 2 and broker.count("event") == 16)
            broker.acknowledges = True
        # 18 and the alarm; on the second connection 18 and the goodbye.
        assert [each.most_outstanding for each in broker.connections] == [19, 19]


async def test_alarms_take_the_whole_window_when_there_are_many() -> None:
    core = Core(FakeOutbox([*map(alarm, range(1, 41)), *map(event, range(1, 9))]))
    async with (
        FakeBroker(acknowledges=False) as broker,
        running(new_uplink(settings(broker.port, window=8), core)),
    ):
        await broker.until(lambda: broker.count("alarm") == 7)  # 8 with the birth
        assert broker.count("event") == 0
        broker.acknowledges = True


async def test_the_next_broker_is_tried_at_once_when_one_is_not_there() -> None:
    core = Core(FakeOutbox([alarm(1)]))
    async with FakeBroker() as gone:
        nobody = gone.port
    async with (
        FakeBroker() as second,
        running(new_uplink(settings(nobody, second.port), core)) as link,
    ):
        await second.until(lambda: second.count("alarm") == 1)
        assert link.status().broker.endswith(str(second.port))


async def test_a_broker_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "CONNACK_S", 0.2)
    core = Core(FakeOutbox([alarm(1)]))
    async with (
        FakeBroker(hangs=True) as first,
        FakeBroker() as second,
        running(new_uplink(settings(first.port, second.port), core)),
    ):
        await second.until(lambda: second.count("alarm") == 1)
    assert any("no CONNACK" in getattr(value, "detail", "") for value in core.inputs)


async def test_an_alarm_not_stored_in_time_goes_by_the_second_broker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(centre_link, "SECOND_BROKER_AFTER_S", 0.1)
    core = Core(FakeOutbox([alarm(1)]))
    async with FakeBroker() as first, FakeBroker() as second:
        async with running(new_uplink(settings(first.port, second.port), core)):
            await first.until(lambda: first.count("alarm") == 1)
            await second.until(lambda: second.count("alarm") == 1)
        message = json.loads(second.last.published[-2][1])
        assert (message["id"], message["attempt"]) == (alarm(1).id, 2)


@pytest.mark.parametrize("reachable", [True, False])
async def test_an_alarm_not_stored_for_long_is_told_to_the_home_once(
    monkeypatch: pytest.MonkeyPatch, *, reachable: bool
) -> None:
    monkeypatch.setattr(centre_link, "NOT_STORED_S", 0.1)
    core = Core(FakeOutbox([alarm(1)]))
    async with (
        FakeBroker(hangs=not reachable) as broker,
        running(new_uplink(settings(broker.port), core)) as link,
    ):
        await core.until(lambda: ("centre", False) in core.links())
        core.outbox.add(alarm(2))
        link.wake()
        if reachable:
            await broker.until(lambda: broker.count("alarm") == 2)
            stored = Ack(EPOCH, "alarm", AckStatus.STORED, ids=(alarm(1).id, alarm(2).id))
            broker.send(TOPICS.dn("ack"), ack_payload(stored))
            await core.until(lambda: ("centre", True) in core.links())
    told = [up for name, up in core.links() if name == "centre"]
    assert told == [False, True][: 1 + reachable]


async def test_a_refused_subscription_is_said_and_the_connection_given_up() -> None:
    core = Core(FakeOutbox())
    async with (
        FakeBroker(refuses_subscriptions=True) as broker,
        running(new_uplink(settings(broker.port), core)),
    ):
        await core.until(lambda: ("broker", False) in core.links())
    assert any("refuses a subscription" in getattr(v, "detail", "") for v in core.inputs)


async def test_nonsense_from_the_broker_costs_the_connection_and_nothing_else() -> None:
    core = Core(FakeOutbox([alarm(1)]))
    async with FakeBroker() as broker, running(new_uplink(settings(broker.port), core)):
        await broker.until(lambda: broker.count("alarm") == 1)
        broker.last.writer.write(b"\x90\x01\x00" + b"\xff" * 40)
        await broker.until(lambda: len(broker.connections) == 2 and broker.count("alarm") == 1)


async def test_a_bug_in_what_takes_the_messages_ends_the_uplink() -> None:
    core = Core(FakeOutbox())

    def broken(_value: object) -> None:
        raise ZeroDivisionError

    async with FakeBroker() as broker:
        link = new_uplink(settings(broker.port), core)
        task = asyncio.create_task(link.run())
        await broker.until(lambda: broker.count("state") == 1)
        link._downlink._deliver = broken
        stored = Ack(EPOCH, "alarm", AckStatus.PRESENTED, ids=("x",))
        broker.send(TOPICS.dn("ack"), ack_payload(stored))
        with pytest.raises(ExceptionGroup) as caught:
            await task
        assert caught.group_contains(ZeroDivisionError)


def spread(rounds: int, *, urgent: bool) -> tuple[float, float]:
    jitter = random.Random(1)
    pauses = [backoff_s(rounds, jitter, urgent=urgent) for _ in range(500)]
    return min(pauses), max(pauses)


@pytest.mark.parametrize(
    ("rounds", "urgent", "most"),
    [(1, False, 2), (3, False, 8), (7, False, 120), (500, False, 120), (500, True, 10)],
)
def test_the_back_off_is_jittered_over_its_whole_width_and_short_for_an_alarm(
    rounds: int, most: float, *, urgent: bool
) -> None:
    least, longest = spread(rounds, urgent=urgent)
    assert 1 <= least < 1 + most / 10
    assert most * 0.9 < longest <= most


async def test_an_alarm_the_centre_never_stores_does_not_hold_the_rest_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(centre_link, "NOT_STORED_S", 0.1)
    core = Core(FakeOutbox([alarm(1)]))
    async with FakeBroker() as broker, running(new_uplink(settings(broker.port), core)) as link:
        await core.until(lambda: ("centre", False) in core.links())
        core.outbox.add(event(1))
        link.wake()
        await broker.until(lambda: broker.count("event") == 1)
