"""The demo: the daemon itself on a stage; with mosquitto, and with the broker from PyPI."""

import io

import pytest

from gateway.demo.day import sos, wake_up
from gateway.demo.hops import Hops, Trip, spread
from gateway.demo.stage import stage
from gateway.option import Language
from tests.brokers import needs_mosquitto

MORNING_MS = 1_795_212_000_000  # 2026-11-21 07:00 in Seoul


async def played(mosquitto: str | None) -> str:
    out = io.StringIO()
    async with stage(Language.KO, mosquitto, MORNING_MS, out) as ready:
        async with ready.real_time():
            await ready.daemon.ready.wait()
        await wake_up(ready)
        await sos(ready)
        (raised,) = ready.desk.alarms("pers", "raised")
        trip = ready.hops.trips[raised.id]
        assert list(trip.at) == ["decided", "durable", "published", "stored"]
        assert trip.air is not None
        assert ready.centre.counters.refused == 0
    return out.getvalue()


@needs_mosquitto
@pytest.mark.broker
async def test_a_press_in_the_demo_goes_the_whole_way_and_is_told_in_korean() -> None:
    told = await played(None)
    assert "07:00:00 ── 평범한 아침" in told
    assert "응급호출 버튼을 눌렀습니다 (한 번)" in told
    assert "“관제센터가 요청을 받았습니다.”" in told


@pytest.mark.timeout(120)
async def test_the_demo_runs_without_mosquitto_too() -> None:
    assert "응급호출 버튼을 눌렀습니다" in await played("")


def test_a_hop_is_measured_only_between_two_points_that_were_reached() -> None:
    trip = Trip("M", air=1.0, at={"decided": 1.001, "stored": 1.1})
    assert trip.ms("air", "decided") == pytest.approx(1.0)
    assert trip.ms("decided", "durable") is None
    assert spread([3.0, None, 1.0, 2.0]) == (3, 2.0, 3.0, 3.0)
    assert spread([None]) is None
    assert Hops().trips == {}
