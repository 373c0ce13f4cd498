"""A day's summary from the daemon to the centre's database, once, over restarts and kills."""

import sqlite3
from pathlib import Path

import pytest

from gateway import registry
from gateway.centre.database import CentreDatabase
from gateway.core.outputs import Stream
from gateway.core.routine.diary import KEPT
from gateway.option import Language
from gateway.report.page import page
from gateway.report.read import read_home
from gateway.settings import BrokerSettings, DeviceStanza
from gateway.virtual.time import WALL_MS, SteppedClock
from gateway.virtual.world import World
from tests.brokers import Mosquitto, needs_mosquitto
from tests.homes import Desk, centre, daemon, settings

pytestmark = [needs_mosquitto, pytest.mark.broker]

HALL = DeviceStanza(
    name="hall", driver="bthome", address="B4:35:22:F5:3D:A4", place="hall", options={}
)
EVENING_MS = WALL_MS + 11 * 3_600_000  # 20:00 in Seoul
MORNING_MS = WALL_MS + 24 * 3_600_000 + 5 * 60_000  # 9:05 there, the day after


async def lives(directory: Path, url: str, wall_ms: int, boot: str, desk: Desk, count: int) -> None:
    """Run the hub for eleven minutes of its time, and until so many days are told."""
    clock = SteppedClock(boot=boot * 32, mono_ms=60_000, wall_ms=wall_ms)
    async with World(clock) as world, daemon(settings(directory, url, HALL), world) as hub:
        await clock.advance(660, hub.pump.idle)  # past a save of what is learnt
        await hub.store.flush()
        home = read_home(settings(directory, url, HALL), registry.find)
        assert "2026-11-2" in page(home, Language.EN), "a report, while the hub runs"
        while len(days(desk)) < count:
            desk.changed.clear()
            await desk.changed.wait()


def days(desk: Desk) -> list[str]:
    return [m.body["day"] for m in desk.stored if m.stream == Stream.ROUTINE]


async def test_a_day_is_told_to_the_centre_once_though_the_hub_restarts_that_morning(
    tmp_path: Path,
) -> None:
    async with Mosquitto(tmp_path) as broker:
        url = f"mqtt://127.0.0.1:{broker.port}"
        async with centre(tmp_path, BrokerSettings(url=url)) as desk:
            await lives(tmp_path, url, EVENING_MS, "1", desk, 0)
            await lives(tmp_path, url, MORNING_MS, "2", desk, 1)
            await lives(tmp_path, url, MORNING_MS + 600_000, "3", desk, 1)
            await lives(tmp_path, url, MORNING_MS + 24 * 3_600_000, "4", desk, 2)
            assert days(desk) == ["2026-11-21", "2026-11-22"]
        with CentreDatabase(tmp_path / "centre.db") as database:
            held = database._rows("SELECT body FROM message WHERE stream = 'routine'")
            assert len(list(held)) == 2
    with sqlite3.connect(tmp_path / "store" / "hub.db") as hub:
        kept = hub.execute("SELECT length(state) FROM detectors WHERE name = ?", [KEPT]).fetchone()
        assert kept[0] < 1000
        assert hub.execute("SELECT count(*) FROM outbox WHERE stream = 'routine'").fetchone()[0] < 2
    hub.close()
