"""The uplink against a real mosquitto and a small centre on the same broker."""

import asyncio
from pathlib import Path

import pytest

from gateway.core.inputs import Asked, Refused
from gateway.core.wire import (
    Ack,
    AckStatus,
    CentreState,
    Command,
    CommandName,
    centre_state_payload,
)
from gateway.edge.mqtt import Endpoint, Version
from gateway.edge.uplink import Uplink
from tests.brokers import Mosquitto, needs_mosquitto
from tests.fakes_uplink import (
    EPOCH,
    Centre,
    Core,
    FakeOutbox,
    alarm,
    event,
    new_uplink,
    running,
    settings,
)

pytestmark = [pytest.mark.broker, needs_mosquitto]


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


async def test_a_silent_centre_gets_the_alarm_again_with_only_the_attempt_changed(
    tmp_path: Path,
) -> None:
    core = Core(FakeOutbox([alarm(1)]))
    async with Mosquitto(tmp_path) as broker, centre_at(broker, answers=False) as centre:
        async with running(new_uplink(settings(broker.port), core)):
            await centre.until(lambda: len(centre.of("alarm")) == 2)  # 5 s later
            centre.answers = True
            centre.store(centre.of("alarm")[-1])
            await core.until(lambda: not core.outbox.rows)
        first, second = (dict(m.body) for m in centre.of("alarm"))
        assert (first.pop("attempt"), second.pop("attempt")) == (1, 2)
        assert first == second


async def test_after_a_killed_broker_everything_unfinished_goes_again(tmp_path: Path) -> None:
    core = Core(FakeOutbox([alarm(1), event(1)]))
    async with Mosquitto(tmp_path) as broker:
        async with centre_at(broker, answers=False) as centre:
            uplink = new_uplink(settings(broker.port), core)
            async with running(uplink):
                await centre.until(lambda: bool(centre.of("alarm") and centre.of("event")))
                births = centre.of("state")
                await broker.kill()
                await core.until(lambda: ("broker", False) in core.links())
                core.outbox.add(alarm(2))
                uplink.wake()
                await broker.start()
                async with centre_at(broker) as again:
                    again.state(centre_state_payload(CentreState(online=True)))
                    await core.until(lambda: not core.outbox.rows)
                    await again.until(lambda: bool(again.of("state")))
        attempts = {m.seq: m.body["attempt"] for m in again.of("alarm")}
        assert attempts[1] >= 2
        assert attempts[2] >= 1
        assert {m.seq for m in again.of("event")} == {1}
        # The birth is retained, and its session is newer than the one before.
        assert again.of("state")[0].body["session"] > births[0].body["session"]


async def test_while_the_centre_is_gone_only_alarms_go_up(tmp_path: Path) -> None:
    core = Core(FakeOutbox())
    async with Mosquitto(tmp_path) as broker, centre_at(broker) as centre:
        centre.state(centre_state_payload(CentreState(online=False)))
        async with running(new_uplink(settings(broker.port), core)) as uplink:
            await core.until(lambda: ("centre", False) in core.links())
            core.outbox.add(event(1), event(2))
            uplink.wake()
            core.outbox.add(alarm(1))
            uplink.wake()
            await centre.until(lambda: bool(centre.of("alarm")))
            await core.until(lambda: not core.outbox.rows)  # its `stored` shows the centre is back
            assert next(m.leaf for m in centre.messages if m.stream) == "alarm"


async def test_a_fresh_alarm_overtakes_a_backlog(tmp_path: Path) -> None:
    backlog = 5_000
    core = Core(FakeOutbox(event(n) for n in range(1, backlog + 1)))
    async with (
        Mosquitto(tmp_path) as broker,
        centre_at(broker) as centre,
        running(new_uplink(settings(broker.port), core)) as uplink,
    ):
        await centre.until(lambda: bool(centre.of("event")))
        core.outbox.add(alarm(1))
        uplink.wake()
        await centre.until(lambda: bool(centre.of("alarm")))
        assert len(centre.of("event")) < backlog / 2


async def test_a_command_comes_in_and_bad_ones_are_refused(tmp_path: Path) -> None:
    core = Core(FakeOutbox())
    late = Command("late", CommandName.HOME, {}, 1_000)
    good = Command("good", CommandName.HOME, {}, 1_795_000_060_000)
    async with Mosquitto(tmp_path) as broker, centre_at(broker) as centre:
        async with running(new_uplink(settings(broker.port), core)):
            await centre.until(lambda: bool(centre.of("state")))
            for payload in (b"\xff\x00", b'{"v":1,"id":"odd","name":"reboot"}'):
                centre.send("cmd", payload)
            centre.ask(late)
            centre.ask(good)
            centre.say(Ack(EPOCH, "alarm", AckStatus.PRESENTED, ids=("x",)))
            await core.until(lambda: any(getattr(v, "ack", None) for v in core.inputs))
        commands = [v.command for v in core.inputs if hasattr(v, "command")]
        assert commands == [good]
        assert [v.id for v in core.inputs if isinstance(v, Refused)] == ["odd", "late"]


async def test_a_command_that_nobody_answered_is_told_to_the_next_connection_too(
    tmp_path: Path,
) -> None:
    wanted = Command("wanted", CommandName.HOME, {}, 1_795_000_060_000)
    done = Command("done", CommandName.HOME, {}, 1_795_000_060_000)
    last = Command("last", CommandName.HOME, {}, 1_795_000_060_000)

    async def hear(until: Command, answer: Command, *asked: Command) -> list[Command]:
        core = Core(FakeOutbox())
        async with running(new_uplink(settings(broker.port), core)) as uplink:
            await core.until(lambda: ("broker", True) in core.links())
            for command in asked:
                centre.ask(command)
            await core.until(lambda: until in commands(core))
            uplink.answered(answer.id)
        return commands(core)

    async with Mosquitto(tmp_path) as broker, centre_at(broker) as centre:
        assert await hear(done, done, wanted, done) == [wanted, done]
        assert await hear(last, wanted, last) == [wanted, last]
        assert await hear(last, last) == [last]


def commands(core: Core) -> list[Command]:
    return [given.command for given in core.inputs if isinstance(given, Asked)]


async def test_heartbeats_follow_the_birth_in_the_same_session(tmp_path: Path) -> None:
    core = Core(FakeOutbox())
    async with Mosquitto(tmp_path) as broker, centre_at(broker) as centre:
        uplink: Uplink = new_uplink(settings(broker.port, heartbeat_s=0.05), core)
        async with running(uplink):
            await centre.until(lambda: len(centre.of("hb")) >= 2)
        birth = centre.of("state")[0].body
        assert {m.body["session"] for m in centre.of("hb")} == {birth["session"]}


async def test_stopping_does_not_wait_for_a_broker_that_is_not_there(tmp_path: Path) -> None:
    core = Core(FakeOutbox([alarm(1)]))
    async with Mosquitto(tmp_path) as broker:
        port = broker.port
    async with asyncio.timeout(5), running(new_uplink(settings(port), core)):
        await core.until(lambda: ("broker", False) in core.links())
