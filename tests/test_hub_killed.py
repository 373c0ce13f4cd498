"""kill -9 of a real hub process, at any moment, while the world and the centre live on.

A press is on the air for as long as somebody holds the button near the hub: here until the centre
has it, so that a hub that was killed before it heard the press hears it after its restart, and one
that was killed after its commit hears it once more and must not count it again.
"""

import asyncio
import os
import random
import signal
from collections import Counter
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.core.model import Press
from gateway.settings import BrokerSettings
from gateway.virtual.far_world import FarWorld
from gateway.virtual.shelly import ShellyButton
from gateway.virtual.world import World
from tests.brokers import Mosquitto, needs_mosquitto
from tests.homes import Desk, centre
from tests.hubs import HubProcess, write_yaml

PLAIN, SEALED = "B4:35:22:00:00:01", "B4:35:22:00:00:02"
KEY = b"a press for help"
PRESSES = (Press.SINGLE, Press.DOUBLE, Press.TRIPLE, Press.LONG)
KILLS = int(os.environ.get("ANSIM_KILLS", "6"))
MOMENTS_S = (0.0, 0.002, 0.005, 0.01, 0.02, 0.05)

DEVICES: list[dict[str, object]] = [
    {"name": "plain", "driver": "bthome", "address": PLAIN, "role": "sos"},
    {"name": "sealed", "driver": "bthome", "address": SEALED, "role": "sos", "key": KEY},
]


def held(world: World, address: str, key: bytes | None = None) -> ShellyButton:
    """Return a button that says its last press for ever."""
    button = world.shelly_button(address, key=key, beacon_s=None)
    button._repeats = 10**6
    return button


def cries(desk: Desk) -> list[tuple[str, str]]:
    """Return what the centre stored: who cried, and how the button was pressed."""
    return [
        (message.body["sensor"], message.body["evid"]["values"]["press"])
        for message in desk.alarms("pers")
    ]


@needs_mosquitto
@pytest.mark.broker
@pytest.mark.timeout(30 + 15 * KILLS)
async def test_every_press_is_stored_exactly_once_whenever_the_hub_is_killed(
    tmp_path: Path,
) -> None:
    chance = random.Random(7)
    air = tmp_path / "air.sock"
    async with (
        Mosquitto(tmp_path) as broker,
        World(SystemClock()) as world,
        FarWorld(world, air),
    ):
        url = f"mqtt://127.0.0.1:{broker.port}"
        buttons = {"plain": held(world, PLAIN), "sealed": held(world, SEALED, KEY)}
        config = write_yaml(tmp_path, url, DEVICES)
        pressed: list[tuple[str, str]] = []
        async with centre(tmp_path, BrokerSettings(url=url)) as desk:
            hub = HubProcess.far(tmp_path, config, air)
            await hub.start()
            for number in range(KILLS):
                name, press = chance.choice(sorted(buttons)), chance.choice(PRESSES)
                pressed.append((name, press.value))
                buttons[name].press(press)
                await asyncio.sleep(chance.uniform(0.5, 1.5) * MOMENTS_S[number % len(MOMENTS_S)])
                assert await hub.end(signal.SIGKILL) == -signal.SIGKILL
                await hub.start()
                await desk.alarm("pers", count=len(pressed))
            assert await hub.end(signal.SIGTERM) == 0
            assert Counter(cries(desk)) == Counter(pressed)
            ids = [message.id for message in desk.alarms("pers")]
            assert len(set(ids)) == len(ids)
