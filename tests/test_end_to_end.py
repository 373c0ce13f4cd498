"""The thin whole: a press on a virtual button, through everything real, to `stored`."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from gateway.clock import SystemClock
from gateway.core.alerts import Word
from gateway.core.model import At, Press
from gateway.mounts import Mount
from gateway.settings import (
    AnnouncerSettings,
    BrokerSettings,
    DeviceStanza,
    RadioSettings,
    Role,
    Settings,
)
from gateway.virtual.shelly import ShellyButton
from gateway.virtual.time import SteppedClock
from gateway.virtual.wear import fall, quiet
from gateway.virtual.world import World
from tests.brokers import Mosquitto, needs_mosquitto
from tests.homes import Desk, centre, daemon, settings

BUTTON = "B4:35:22:F5:3D:A4"
WRIST = "A0:9E:1A:00:00:01"
BAND = DeviceStanza(name="band", driver="polar_pmd", address=WRIST)
SOS = DeviceStanza(name="sos", driver="bthome", address=BUTTON, place="living", role=Role.SOS)

pytestmark = [needs_mosquitto, pytest.mark.broker]


@dataclass
class Place:
    """A home with one SOS button, its broker, and a centre that listens."""

    broker: Mosquitto
    world: World
    button: ShellyButton
    desk: Desk
    home: Settings


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with Mosquitto(tmp_path) as broker, World(SystemClock()) as world:
        url = f"mqtt://127.0.0.1:{broker.port}"
        async with centre(tmp_path, BrokerSettings(url=url)) as desk:
            button = world.shelly_button(BUTTON)
            yield Place(broker, world, button, desk, settings(tmp_path, url, SOS))


async def test_one_press_is_stored_by_the_centre_once_and_the_hub_knows(place: Place) -> None:
    async with daemon(place.home, place.world) as hub:
        place.button.press(Press.SINGLE)
        message = await place.desk.alarm("pers")
        assert (message.body["msg"], message.body["state"]) == ("new", "raised")
        assert message.body["durable"] is True
        assert message.body["attempt"] == 1
        await hub.pump.idle(lambda: all(a.word is Word.PRESENTED for a in hub.pipeline.book))
        (alert,) = hub.pipeline.book
        assert alert.id == message.id
    assert len(place.desk.alarms("pers")) == 1


async def test_a_press_is_not_counted_again_by_a_hub_that_restarts(place: Place) -> None:
    async with daemon(place.home, place.world):
        place.button.press(Press.SINGLE)
        await place.desk.alarm("pers")
    async with daemon(place.home, place.world) as hub:
        place.button.press(Press.DOUBLE)
        second = await place.desk.alarm("pers", count=2)
        assert second.body["evid"]["values"] == {"press": "double"}
        (alert,) = hub.pipeline.book
        assert second.body["refs"] == [alert.id]


async def test_a_hub_whose_database_was_deleted_is_heard_under_a_new_epoch(place: Place) -> None:
    async with daemon(place.home, place.world):
        place.button.press(Press.SINGLE)
        first = await place.desk.alarm("pers")
    shutil.rmtree(place.home.store.directory)
    async with daemon(place.home, place.world):
        place.button.press(Press.DOUBLE)
        second = await place.desk.alarm("pers", count=2)
    assert second.epoch != first.epoch
    assert (second.seq, second.body["msg"]) == (first.seq, "new"), "the same number, another epoch"


class NextBoot(SystemClock):
    """The same time, after the machine was switched off and on."""

    def now(self) -> At:
        return replace(super().now(), boot="c" * 32)


async def test_a_database_in_memory_is_said_at_the_next_boot_and_its_cries_are_still_stored(
    place: Place,
) -> None:
    memory = (Mount(Path("/"), "tmpfs", "tmpfs"),)
    async with daemon(place.home, place.world, mounts=memory):
        place.button.press(Press.SINGLE)
        first = await place.desk.alarm("pers")
        assert place.desk.alarms("fault.store") == []
    async with daemon(place.home, place.world, NextBoot(), mounts=memory) as hub:
        fault = await place.desk.ended("fault.store")
        assert "lies in memory (tmpfs, /)" in str(fault.body["evid"])
        place.button.press(Press.SINGLE)
        second = await place.desk.alarm("pers", count=2)
        assert second.epoch == hub.store.epoch != first.epoch


async def test_a_corrupt_database_is_set_aside_named_in_an_alarm_and_the_hub_goes_on(
    place: Place,
) -> None:
    directory = place.home.store.directory
    async with daemon(place.home, place.world):
        place.button.press(Press.SINGLE)
        await place.desk.alarm("pers")
    (database,) = directory.glob("*.db")
    database.write_bytes(b"no database at all" * 1000)
    async with daemon(place.home, place.world) as hub:
        fault = await place.desk.alarm("fault.store")
        assert hub.store.found.kept_as in fault.body["evid"]["en"]
        place.button.press(Press.DOUBLE)
        await place.desk.alarm("pers", count=2)
    assert (directory / hub.store.found.kept_as).exists()


async def test_one_missing_bind_key_is_a_fault_of_its_sensor_and_not_the_end_of_the_hub(
    place: Place, tmp_path: Path
) -> None:
    locked = DeviceStanza("hall", "bthome", "B4:35:22:F5:3D:A5", key_file=tmp_path / "gone.key")
    home = replace(place.home, devices=(*place.home.devices, locked))
    async with daemon(home, place.world):
        fault = await place.desk.alarm("fault.sensor")
        assert (fault.body["sensor"], fault.body["evid"]["reason"]) == ("hall", "sensor.key")
        place.button.press(Press.SINGLE)
        await place.desk.alarm("pers")


async def test_an_adapter_that_goes_deaf_is_told_to_the_centre_and_so_is_its_return(
    place: Place,
) -> None:
    home = replace(place.home, radio=RadioSettings(deaf_after_s=1.0, canary=BUTTON))
    async with daemon(home, place.world):
        place.button.press(Press.SINGLE)
        await place.desk.alarm("pers")
        place.world.deaf(deaf=True)
        fault = await place.desk.alarm("fault.adapter")
        assert fault.body["evid"]["reason"] == "adapter.deaf"
        place.world.deaf(deaf=False)
        place.button.press(Press.DOUBLE)
        back = await place.desk.ended("fault.adapter")  # after what recovery has tried
        assert back.body["refs"] == [fault.id]
    assert not place.desk.alarms("inactivity"), "what the hub could not hear is no silence"


async def test_an_alarm_pressed_while_the_broker_is_dead_is_stored_once_when_it_is_back(
    place: Place,
) -> None:
    async with daemon(place.home, place.world) as hub:
        await place.broker.kill()
        place.button.press(Press.SINGLE)
        await hub.pump.idle(lambda: bool(list(hub.pipeline.book)))
        await place.broker.start()
        await place.desk.alarm("pers", within_s=50)
    assert len(place.desk.alarms("pers")) == 1


@pytest.mark.timeout(150)
async def test_a_fall_played_on_a_real_bands_frames_is_pending_then_raised_with_its_evidence(
    tmp_path: Path,
) -> None:
    clock = SteppedClock()
    async with Mosquitto(tmp_path) as broker, World(clock) as world:
        url = f"mqtt://127.0.0.1:{broker.port}"
        band = await world.polar_band(WRIST)
        home = settings(
            tmp_path, url, BAND, announcer=AnnouncerSettings(command=("true", "{sound}"))
        )
        time = asyncio.create_task(clock.run(rate=4.0))
        async with (
            centre(tmp_path, BrokerSettings(url=url)) as desk,
            daemon(home, world),
        ):
            band.play(np.concatenate([quiet(4.0), fall(lying_s=60.0)]), 50.0)
            pending = await desk.alarm("fall", within_s=60)
            assert (pending.body["msg"], pending.body["state"]) == ("new", "pending")
            assert pending.body["due"] is not None
            assert 0.5 < pending.body["cert"] <= 1.0
            raised = await desk.alarm("fall", count=2, within_s=60)
            assert (raised.body["msg"], raised.body["state"]) == ("update", "raised")
            assert raised.body["refs"] == [pending.id]
            while not [m for m in desk.stored if m.leaf == "evidence"]:
                desk.changed.clear()
                await asyncio.wait_for(desk.changed.wait(), 60)
            parts = [m.body for m in desk.stored if m.leaf == "evidence"]
            assert {part["alert"] for part in parts} == {pending.id}
        time.cancel()
