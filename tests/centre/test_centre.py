"""The whole centre over a real broker: what a hub says is committed, answered and remembered."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest
from amqtt.broker import Broker

from gateway.centre.asking import AGAIN_MS
from gateway.centre.centre import Centre, Listener
from gateway.centre.database import CentreDatabase
from gateway.centre.outcome import Event, Notice
from gateway.centre.settings import CentreSettings
from gateway.clock import Clock, SystemClock
from gateway.core.wire import AckStatus, Cause, CommandName
from gateway.edge.mqtt import Version
from gateway.settings import BrokerSettings
from tests.brokers import Mosquitto, free_port, needs_mosquitto
from tests.centre.hub import SmallHub
from tests.fakes_centre import DISTRICT, EPOCH, HUB, AheadClock, alarm, birth, counted

pytestmark = [pytest.mark.broker, needs_mosquitto]


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    async with Mosquitto(tmp_path) as running:
        yield running


@pytest.fixture
def broker_port(broker: Mosquitto) -> int:
    return broker.port


@pytest.fixture
def settings(broker_port: int, tmp_path: Path) -> CentreSettings:
    return CentreSettings(
        broker=BrokerSettings(f"mqtt://127.0.0.1:{broker_port}"),
        districts=(DISTRICT,),
        database=tmp_path / "centre.db",
        operator="kim",
    )


@asynccontextmanager
async def running(
    settings: CentreSettings, listener: Listener | None = None, clock: Clock | None = None
) -> AsyncIterator[Centre]:
    clock = clock or SystemClock("boot")
    centre = Centre(settings, clock, listener=listener, retry_store_s=0.05)
    task = asyncio.create_task(centre.run())
    try:
        async with asyncio.timeout(10):
            await centre.up()
        yield centre
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("version", list(Version))
async def test_an_alarm_goes_from_stored_over_presented_and_handled_to_closed(
    settings: CentreSettings, broker_port: int, version: Version
) -> None:
    async with running(settings) as centre, SmallHub(broker_port, version=version) as hub:
        await hub.say(birth(), retain=True)
        await hub.say(alarm(1))
        stored = await hub.acks.get()
        assert (stored.status, stored.ids, stored.epoch) == (AckStatus.STORED, ("A1",), EPOCH)
        centre.present(["A1"])
        centre.handle("A1")
        centre.close("A1", Cause.REAL)
        rest = [await hub.acks.get() for _ in range(3)]
    assert [(ack.status, ack.cause, ack.operator) for ack in rest] == [
        (AckStatus.PRESENTED, None, "kim"),
        (AckStatus.HANDLED, None, "kim"),
        (AckStatus.CLOSED, Cause.REAL, "kim"),
    ]


async def test_a_repeated_alarm_is_stored_again_and_kept_once(
    settings: CentreSettings, broker_port: int
) -> None:
    async with running(settings) as centre, SmallHub(broker_port) as hub:
        for attempt in (1, 2, 3):
            await hub.say(alarm(1, attempt=attempt))
            assert (await hub.acks.get()).ids == ("A1",)
        assert (centre.counters.stored, centre.counters.duplicates) == (1, 2)


async def test_a_hub_hears_when_the_centre_comes_and_goes(
    settings: CentreSettings, broker_port: int
) -> None:
    async with SmallHub(broker_port) as hub:
        async with running(settings):
            assert await hub.centre.get() is True
        assert await hub.centre.get() is False


async def test_what_came_while_the_centre_was_away_is_stored_when_it_is_back(
    settings: CentreSettings, broker_port: int
) -> None:
    async with running(settings):
        pass
    async with SmallHub(broker_port) as hub:
        await hub.say(alarm(1))
        async with running(settings):
            assert (await hub.acks.get()).ids == ("A1",)


async def test_rubbish_is_journalled_and_what_follows_is_stored(
    settings: CentreSettings, broker_port: int
) -> None:
    events: asyncio.Queue[Event] = asyncio.Queue()
    listener = Listener(event=events.put_nowait)
    async with running(settings, listener) as centre, SmallHub(broker_port) as hub:
        await hub.say_raw(f"ansim/1/{DISTRICT}/{HUB}/up/alarm", b"\xff{")
        event = await events.get()
        assert (event.notice, event.hub) == (Notice.PROTOCOL, HUB)
        await hub.say(alarm(1))
        assert (await hub.acks.get()).ids == ("A1",)
        assert centre.counters.refused == 1


async def test_presented_is_said_at_once_where_another_program_is_the_screen(
    settings: CentreSettings, broker_port: int
) -> None:
    async with running(replace(settings, present=True)), SmallHub(broker_port) as hub:
        await hub.say(alarm(1))
        said = [(await hub.acks.get()).status for _ in range(2)]
    assert said == [AckStatus.STORED, AckStatus.PRESENTED]


async def test_an_operators_command_reaches_its_hub_and_is_logged(
    settings: CentreSettings, broker_port: int
) -> None:
    async with running(settings) as centre, SmallHub(broker_port) as hub:
        await hub.say(birth(), retain=True)
        await hub.say(counted("event", 1))
        await hub.acks.get()
        sent = centre.command(HUB, CommandName.TEST_ALARM)
        command = await hub.commands.get()
    assert (command.id, command.name, dict(command.args)) == (sent, CommandName.TEST_ALARM, {})
    with CentreDatabase(settings.database) as database:
        (entry,) = database.access_log(5)
    assert (entry["operator"], entry["action"], entry["hub"]) == (
        "kim",
        "command test-alarm",
        HUB,
    )


async def test_a_hub_that_missed_a_command_hears_it_again_until_it_answers(
    settings: CentreSettings, broker_port: int
) -> None:
    clock = AheadClock()
    async with running(settings, clock=clock) as centre, SmallHub(broker_port) as hub:
        await hub.say(birth(), retain=True)
        await hub.say(counted("event", 1))
        await hub.acks.get()
        sent = centre.command(HUB, CommandName.STATUS)
        assert (await hub.commands.get()).id == sent
        clock.ahead_ms += AGAIN_MS
        centre.tick()
        assert (await hub.commands.get()).id == sent
        await hub.say({**counted("res", 1), "cmd": sent, "ok": True})
        assert (await hub.acks.get()).stream == "res"
        clock.ahead_ms += AGAIN_MS
        centre.tick()
        later = centre.command(HUB, CommandName.TEST_ALARM)
        assert (await hub.commands.get()).id == later  # and nothing before it


async def test_a_broker_that_dies_and_returns_is_served_again(
    settings: CentreSettings, broker: Mosquitto
) -> None:
    async with running(settings) as centre:
        await broker.kill()
        while centre.view().broker_up:
            await centre.changed.wait()
            centre.changed.clear()
        await broker.start()
        await centre.up()
        async with SmallHub(broker.port) as hub:
            await hub.say(alarm(1))
            assert (await hub.acks.get()).ids == ("A1",)


async def test_a_centre_that_cannot_store_says_it_is_gone_and_stores_when_it_can(
    settings: CentreSettings, broker_port: int
) -> None:
    async with running(settings) as centre, SmallHub(broker_port) as hub:
        assert await hub.centre.get() is True
        break_disk(centre)
        await hub.say(alarm(1))
        assert await hub.centre.get() is False
        assert await hub.centre.get() is True
        assert (await hub.acks.get()).ids == ("A1",), "the broker kept what was not committed"
        assert (centre.fault, centre.counters.stored) == ("", 1)


async def test_a_centre_told_to_stop_in_the_middle_of_a_fault_stops(
    settings: CentreSettings, broker_port: int
) -> None:
    centre = Centre(settings, SystemClock("boot"))
    task = asyncio.create_task(centre.run())
    async with SmallHub(broker_port) as hub:
        assert await hub.centre.get() is True
        break_disk(centre)
        await hub.say(alarm(1))
        assert await hub.centre.get() is False  # the lines are just closing
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


def break_disk(centre: Centre) -> None:
    """Let the present connection write no more, as a file system remounted read-only does."""
    centre._database._connection.execute("PRAGMA query_only = ON")


async def test_a_hub_that_changes_to_the_second_broker_is_answered_there(
    settings: CentreSettings, broker: Mosquitto, tmp_path: Path
) -> None:
    async with Mosquitto(tmp_path) as second:
        url = f"mqtt://127.0.0.1:{second.port}"
        both = replace(settings, more_brokers=(BrokerSettings(url),))
        async with running(both) as centre:
            async with SmallHub(broker.port) as hub:
                await hub.say(alarm(1))
                assert (await hub.acks.get()).ids == ("A1",)
            await broker.kill()
            async with SmallHub(second.port) as hub:
                assert await hub.centre.get() is True
                await hub.say(alarm(1, attempt=3))
                assert (await hub.acks.get()).ids == ("A1",)
                await hub.say(alarm(2))
                assert (await hub.acks.get()).ids == ("A2",)
            assert centre.counters.stored == 2


async def test_each_district_has_its_own_line_and_state(
    settings: CentreSettings, broker_port: int
) -> None:
    both = replace(settings, districts=("11110", DISTRICT))
    async with running(both), SmallHub(broker_port) as hub:
        assert await hub.centre.get() is True
        await hub.say(alarm(1))
        assert (await hub.acks.get()).ids == ("A1",)


KILLED_AFTER_COMMIT = dedent(
    """
    import asyncio, os, signal, sys
    from pathlib import Path
    from gateway.centre.centre import Centre
    from gateway.centre.settings import CentreSettings
    from gateway.clock import SystemClock
    from gateway.settings import BrokerSettings
    from tests.fakes_centre import DISTRICT

    class Dying(Centre):
        def _tell(self, outcome, at_ms):
            os.kill(os.getpid(), signal.SIGKILL)

    settings = CentreSettings(BrokerSettings(sys.argv[1]), (DISTRICT,), Path(sys.argv[2]))
    asyncio.run(Dying(settings, SystemClock("boot")).run())
    """
)


async def test_a_centre_killed_between_commit_and_word_answers_the_repetition(
    settings: CentreSettings, broker_port: int
) -> None:
    root = Path(__file__).parents[2]
    arguments = [settings.broker.url, str(settings.database)]
    with subprocess.Popen(  # noqa: ASYNC220 - our own interpreter and text; waited for below
        [sys.executable, "-c", KILLED_AFTER_COMMIT, *arguments],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
    ) as dying:
        async with SmallHub(broker_port) as hub:
            assert await hub.centre.get() is True
            await hub.say(alarm(1))
            assert await asyncio.to_thread(dying.wait) == -signal.SIGKILL
            assert hub.acks.empty()
            async with running(settings) as centre:
                await hub.say(alarm(1, attempt=2))
                assert (await hub.acks.get()).ids == ("A1",)
                assert centre.counters.stored == 0


async def test_a_broker_that_speaks_only_311_will_do(
    settings: CentreSettings, tmp_path: Path
) -> None:
    """The demo's broker where no mosquitto is installed."""
    port = free_port()
    config = {
        "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }
    old = Broker(config)
    await old.start()
    try:
        at = BrokerSettings(f"mqtt://127.0.0.1:{port}")
        at_old = replace(settings, broker=at, version=Version.V311)
        async with running(at_old), SmallHub(port, version=Version.V311) as hub:
            assert await hub.centre.get() is True
            await hub.say(birth(), retain=True)
            await hub.say(alarm(1))
            assert (await hub.acks.get()).ids == ("A1",)
    finally:
        await old.shutdown()
