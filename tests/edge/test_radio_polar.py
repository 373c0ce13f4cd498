"""A Polar band over a real Bluetooth stack, from its control point to blocks of acceleration."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from gateway.core.model import AccelerationBlock, Battery, HeartRate, Link
from gateway.settings import RadioSettings
from gateway.virtual.pmd_control import H10
from gateway.virtual.time import SteppedClock
from gateway.virtual.world import World
from tests.listen_radio import Listener, configured, radio

pytestmark = pytest.mark.radio

BAND = "A0:9E:1A:00:00:01"
PACE = 20.0  # home seconds in a second: a frame of 57 samples at 52 Hz every 55 ms


@pytest.fixture
async def world() -> AsyncIterator[World]:
    clock = SteppedClock()
    async with World(clock) as home:
        running = asyncio.create_task(clock.run(PACE))
        yield home
        running.cancel()


async def test_a_band_streams_acceleration_heart_rate_and_charge(world: World) -> None:
    listener = Listener()
    verity = await world.polar_band(BAND)
    device = configured("band", BAND, "polar_pmd")
    async with radio(world, listener, device, settings=RadioSettings(deaf_after_s=9e9)) as made:
        blocks = await listener.value("band", AccelerationBlock, 3)
        await listener.value("band", HeartRate)
        assert await listener.value("band", Battery) == [Battery(100)]
        (status,) = made.status().devices
        assert (status.connected, status.malformed, status.bugs) == (True, 0, 0)
        streamed = verity.streaming
    # the stream is stopped before the link is let go
    assert (streamed, verity.streaming, verity.links) == (True, False, 0)
    norms = np.linalg.norm(np.concatenate([b.acc_mg for b in blocks]).astype(float), axis=1)
    assert 1000 < norms.min() < norms.max() < 1030


async def test_a_stream_that_the_band_stopped_is_started_again_on_the_same_link(
    world: World,
) -> None:
    listener = Listener()
    verity = await world.polar_band(BAND)
    device = configured("band", BAND, "polar_pmd")
    async with radio(world, listener, device, settings=RadioSettings(deaf_after_s=9e9)):
        before = len(await listener.value("band", AccelerationBlock))
        verity.stop_itself()
        assert not verity.streaming
        await listener.value("band", AccelerationBlock, before + 2)
        assert listener.changes(Link.BAND) == [True]


async def test_a_strap_that_streams_on_over_a_lost_link_is_taken_over_again(world: World) -> None:
    listener = Listener()
    strap = await world.polar_band(BAND, H10)
    device = configured("band", BAND, "polar_pmd", options={"model": "h10"})
    async with radio(world, listener, device, settings=RadioSettings(deaf_after_s=9e9)):
        before = len(await listener.value("band", AccelerationBlock))
        strap.drop()
        await listener.link(Link.BAND, "up down up")
        await listener.value("band", AccelerationBlock, before + 2)
