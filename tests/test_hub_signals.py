"""Signals to a real hub process: SIGTERM drains and stops, SIGHUP reloads or refuses."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import SystemClock
from gateway.edge.control import ask
from gateway.settings import BrokerSettings
from gateway.virtual.far_world import FarWorld
from gateway.virtual.world import World
from tests.brokers import Mosquitto, needs_mosquitto
from tests.homes import centre
from tests.hubs import HubProcess, write_yaml

SOS, HALL = "B4:35:22:00:00:01", "0C:EF:F6:00:00:01"
BUTTON = {"name": "sos", "driver": "bthome", "address": SOS, "role": "sos"}
MOTION = {"name": "hall", "driver": "bthome", "address": HALL, "place": "hall"}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World(SystemClock()) as world:
        yield world


async def status(directory: Path) -> dict[str, Any]:
    told: dict[str, Any] = await ask(directory / "control.sock", {"ask": "status"})
    return told


@needs_mosquitto
@pytest.mark.broker
async def test_sigterm_right_after_a_press_still_brings_the_press_to_the_centre(
    tmp_path: Path, world: World
) -> None:
    air = tmp_path / "air.sock"
    async with Mosquitto(tmp_path) as broker, FarWorld(world, air):
        url = f"mqtt://127.0.0.1:{broker.port}"
        button = world.shelly_button(SOS)
        config = write_yaml(tmp_path, url, [BUTTON])
        async with centre(tmp_path, BrokerSettings(url=url)) as desk:
            hub = HubProcess.far(tmp_path, config, air)
            await hub.start()
            heard = (await status(tmp_path))["devices"][0]["packets"]
            button.press()
            while (await status(tmp_path))["devices"][0]["packets"] == heard:
                pass  # each question is a turn of the hub's loop
            assert await hub.end(signal.SIGTERM) == 0
            await hub.start()  # with the button silent, only what was committed is there
            await desk.alarm("pers")
            assert await hub.end(signal.SIGTERM) == 0
            assert len(desk.alarms("pers")) == 1


async def test_sigterm_ends_a_hub_whose_broker_takes_connections_and_says_nothing(
    tmp_path: Path, world: World
) -> None:
    air, called = tmp_path / "air.sock", asyncio.Event()

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.set()
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(hear, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    async with silent, FarWorld(world, air):
        band = {"name": "band", "driver": "polar_pmd", "address": "A0:9E:1A:00:00:01"}
        config = write_yaml(tmp_path, f"mqtt://127.0.0.1:{port}", [BUTTON, band])
        hub = HubProcess.far(tmp_path, config, air)
        await hub.start()
        await called.wait()
        assert await hub.end(signal.SIGTERM) == 0


@needs_mosquitto
@pytest.mark.broker
async def test_sighup_takes_a_new_file_and_refuses_a_broken_one(
    tmp_path: Path, world: World
) -> None:
    air = tmp_path / "air.sock"
    async with Mosquitto(tmp_path) as broker, FarWorld(world, air):
        url = f"mqtt://127.0.0.1:{broker.port}"
        button = world.shelly_button(SOS)
        write_yaml(tmp_path, url, [BUTTON])
        async with (
            centre(tmp_path, BrokerSettings(url=url)) as desk,
            HubProcess.far(tmp_path, tmp_path / "gateway.yaml", air) as hub,
        ):
            await _names(tmp_path, "sos")
            write_yaml(tmp_path, url, [BUTTON, MOTION])
            hub.send(signal.SIGHUP)
            await hub.told("READY=1")
            await _names(tmp_path, "sos", "hall")
            button.press()
            await desk.alarm("pers")
            (tmp_path / "gateway.yaml").write_text("hub: {id: nobody}\n")
            uptime = (await status(tmp_path))["uptime_s"]
            hub.send(signal.SIGHUP)
            await hub.told("STATUS=configuration refused, the old one stays")
            await _names(tmp_path, "sos", "hall")
            assert (await status(tmp_path))["uptime_s"] >= uptime, "it need not have stopped"
            assert "configuration refused" in hub.log.read_text()
            for wrong in ({"address": SOS}, {"key_file": str(tmp_path / "no")}):
                write_yaml(tmp_path, url, [BUTTON, {**MOTION, **wrong}])
                hub.send(signal.SIGHUP)
                await hub.told("STATUS=configuration refused, the old one stays")
            button.press()
            await desk.alarm("pers", count=2)
            assert await hub.end(signal.SIGTERM) == 0
            assert len(desk.alarms("pers")) == 2


async def _names(directory: Path, *names: str) -> None:
    assert [device["name"] for device in (await status(directory))["devices"]] == [*names]
