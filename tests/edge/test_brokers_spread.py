"""The list of brokers: hubs share them, also what a lost one leaves, and return without a storm."""

import dataclasses
import random
from collections import Counter
from pathlib import Path

import pytest

from gateway.edge import brokers, uplink
from gateway.edge.brokers import Turns, client_id, ordered
from gateway.errors import LinkError
from gateway.settings import BrokerOrder, BrokerSettings, MqttChoice, UplinkSettings
from tests.fake_broker import FakeBroker
from tests.fakes_uplink import HUB, Core, FakeOutbox, alarm, new_uplink, running, settings

URLS = tuple(f"mqtts://broker-{number}.example:8883" for number in range(4))
HUBS = [f"{random.Random(n).getrandbits(128):032x}" for n in range(3000)]


def choices(hub: str, *urls: str) -> list[str]:
    listed = UplinkSettings(brokers=tuple(BrokerSettings(url) for url in urls))
    return [broker.url for broker in ordered(hub, listed)]


def test_hubs_share_the_brokers_evenly_whatever_the_order_of_the_list() -> None:
    first = Counter(choices(hub, *URLS[:3])[0] for hub in HUBS)
    assert set(first) == set(URLS[:3])
    assert all(900 < count < 1100 for count in first.values())
    assert all(choices(hub, *URLS[:3]) == choices(hub, *reversed(URLS[:3])) for hub in HUBS[:100])


def test_the_hubs_of_a_lost_broker_share_those_that_are_left() -> None:
    orphans = [hub for hub in HUBS if choices(hub, *URLS[:3])[0] == URLS[0]]
    second = Counter(choices(hub, *URLS[:3])[1] for hub in orphans)
    assert set(second) == {URLS[1], URLS[2]}
    assert abs(second[URLS[1]] - second[URLS[2]]) < len(orphans) / 5


def test_a_broker_that_is_added_takes_its_part_from_each_and_moves_no_other_hub() -> None:
    moved = Counter(
        before for hub in HUBS if (before := choices(hub, *URLS[:3])[0]) != choices(hub, *URLS)[0]
    )
    assert set(moved) == set(URLS[:3])
    assert 600 < sum(moved.values()) < 900
    assert all(choices(hub, *URLS)[0] in {URLS[3], choices(hub, *URLS[:3])[0]} for hub in HUBS)


def test_a_listed_order_is_every_hubs_order() -> None:
    listed = UplinkSettings(
        brokers=tuple(BrokerSettings(url) for url in URLS), order=BrokerOrder.LISTED
    )
    assert {tuple(ordered(hub, listed)) for hub in HUBS[:50]} == {listed.brokers}


def pauses(
    turns: Turns, times: int, *, healthy: bool = False, urgent: bool = False, reached: bool = False
) -> list[float]:
    jitter = random.Random(1)
    return [
        turns.over(jitter, healthy=healthy, urgent=urgent, reached=reached) for _ in range(times)
    ]


def test_after_a_good_connection_the_same_broker_is_asked_after_a_pause_of_its_whole_width() -> (
    None
):
    turns = Turns(3)
    waited = pauses(turns, 200, healthy=True, reached=True)
    assert (turns.now, min(waited) < 1.0, max(waited) > 19.0) == (0, True, True)


def test_where_nobody_listens_the_others_are_asked_at_once_and_a_pause_ends_each_round() -> None:
    waited = pauses(Turns(3), 30)
    assert [pause > 0.0 for pause in waited] == [False, False, True] * 10
    assert max(waited) > 30.0


def test_a_broker_that_is_there_and_lets_nobody_in_is_left_in_peace_ever_longer() -> None:
    turns = Turns(3)
    waited = pauses(turns, 300, reached=True)
    assert (turns.now, min(waited) >= 1.0, waited[0] <= 20.0) == (0, True, True)
    assert 50.0 < sum(waited) / len(waited) < max(waited) <= 120.0


def test_with_an_alarm_the_next_is_asked_at_once_and_no_pause_is_longer_than_ten_seconds() -> None:
    waited = pauses(Turns(3), 30, urgent=True, reached=True)
    assert [pause > 0.0 for pause in waited] == [False, False, True] * 10
    assert max(waited) <= 10.0


def test_a_good_connection_begins_a_new_series_of_pauses() -> None:
    turns = Turns(1)
    grown = pauses(turns, 7, reached=True)
    pauses(turns, 1, healthy=True, reached=True)
    assert (max(grown) > 40.0, pauses(turns, 1, reached=True)[0] <= 20.0) == (True, True)


async def born(broker: FakeBroker, times: int) -> None:
    await broker.until(lambda: len(broker.connections) == times and broker.count("state") == 1)


async def test_who_loses_a_good_connection_comes_back_to_the_same_broker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(uplink, "HEALTHY_S", 0.0)
    monkeypatch.setattr(brokers, "STORM_S", 0.1)
    core = Core(FakeOutbox())
    async with FakeBroker() as first, FakeBroker() as second:
        async with running(new_uplink(settings(first.port, second.port), core)):
            for number in range(1, 4):
                await born(first, number)
                first.cut()
            await born(first, 4)
        assert second.connections == []


async def test_the_pause_after_a_good_connection_is_over_its_whole_width(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(uplink, "HEALTHY_S", 0.0)
    core = Core(FakeOutbox())
    async with FakeBroker() as broker:
        link = new_uplink(settings(broker.port), core)
        pauses: list[float] = []

        async def noted(seconds: float) -> None:
            pauses.append(seconds)

        monkeypatch.setattr(link, "_pause", noted)
        async with running(link):
            for number in range(1, 31):
                await born(broker, number)
                broker.cut()
            await broker.until(lambda: len(broker.connections) == 31)
    assert min(pauses) < 4.0
    assert 16.0 < max(pauses) <= brokers.STORM_S


async def test_an_alarm_in_the_pause_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uplink, "HEALTHY_S", 0.0)
    monkeypatch.setattr(brokers, "STORM_S", 10_000.0)
    core = Core(FakeOutbox())
    async with FakeBroker() as broker, running(new_uplink(settings(broker.port), core)) as link:
        await broker.until(lambda: broker.count("state") == 1)
        broker.cut()
        await core.until(lambda: ("broker", False) in core.links())
        core.outbox.add(alarm(1))
        link.wake()
        await broker.until(lambda: broker.count("alarm") == 1)


async def test_with_an_alarm_on_the_way_the_next_broker_is_asked_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(uplink, "HEALTHY_S", 0.0)
    monkeypatch.setattr(brokers, "STORM_S", 10_000.0)
    core = Core(FakeOutbox([alarm(1)]))
    async with (
        FakeBroker() as first,
        FakeBroker() as second,
        running(new_uplink(settings(first.port, second.port), core)),
    ):
        await first.until(lambda: first.count("alarm") == 1)
        first.cut()
        await second.until(lambda: second.count("alarm") == 1)


async def test_a_hub_driven_elsewhere_goes_home_once_its_own_broker_listens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(brokers, "HOME_S", 0.05)
    core = Core(FakeOutbox())
    async with FakeBroker() as gone:
        port = gone.port
    async with FakeBroker() as second:
        async with running(new_uplink(settings(port, second.port), core)) as link:
            await second.until(lambda: second.count("state") == 1)
            async with FakeBroker(port=port) as first:
                await first.until(lambda: first.count("state") == 1)
                assert link.status().broker.endswith(f":{port}")
        assert len(second.connections) == 1  # it did not leave before somebody listened


@pytest.mark.parametrize("choice", [MqttChoice.V5, MqttChoice.V311])
async def test_a_version_that_is_asked_for_is_the_only_one_tried(choice: MqttChoice) -> None:
    core = Core(FakeOutbox())
    async with FakeBroker() as broker:
        plain = settings(broker.port)
        forced = dataclasses.replace(
            plain, brokers=(dataclasses.replace(plain.brokers[0], mqtt=choice),)
        )
        async with running(new_uplink(forced, core)):
            await broker.until(lambda: broker.count("state") == 1)
        assert [each.level for each in broker.connections] == [5 if choice is MqttChoice.V5 else 4]


@pytest.mark.parametrize("qos", [0, 1])
async def test_a_broker_is_asked_for_the_qos_that_its_stanza_says(qos: int) -> None:
    core = Core(FakeOutbox())
    async with FakeBroker() as broker:
        plain = settings(broker.port)
        one = dataclasses.replace(plain.brokers[0], subscription_qos=qos)
        async with running(new_uplink(dataclasses.replace(plain, brokers=(one,)), core)):
            await broker.until(lambda: bool(broker.connections and broker.last.filters))
        assert [asked for _, asked in broker.last.filters] == [qos, qos]


def test_the_client_id_ends_in_what_only_the_hubs_secret_gives_away(tmp_path: Path) -> None:
    def named(secret: bytes, *, key: bool = True) -> str:
        file = tmp_path / secret.decode()
        file.write_bytes(secret)
        broker = BrokerSettings(URLS[0], key_file=file if key else None, password_file=file)
        return client_id(HUB, broker)

    assert named(b"one") == named(b"one")
    assert len({named(b"one"), named(b"two"), named(b"three", key=False), HUB}) == 4
    assert named(b"one").startswith(f"{HUB}-")
    assert b"one".hex() not in named(b"one")
    assert client_id(HUB, BrokerSettings(URLS[0])) == HUB
    with pytest.raises(LinkError, match="missing"):
        client_id(HUB, BrokerSettings(URLS[0], key_file=tmp_path / "missing"))
