"""One attempt to connect: a link that comes about and breaks again and again is no time-out."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from bleak import BleakClient
from bleak.backends.device import BLEDevice

from gateway.edge import attempt
from gateway.edge.attempt import LOST, connect
from gateway.errors import DeviceError
from tests.fakes_gatt import FakeBand, client_backend

ADDRESS = "C0:9E:1A:00:00:04"
FOUND = BLEDevice(ADDRESS, None, None)


class Kernel:
    """Lets so many links come about and break, and then gives one that holds, or none."""

    def __init__(self, breaks: int, *, holds: bool) -> None:
        self.breaks, self.holds = breaks, holds
        self.begun, self.ended = asyncio.Event(), False

    async def establish(
        self, found: BLEDevice, _name: str, broken: Callable[[Any], None], **_: Any
    ) -> BleakClient:
        self.begun.set()
        client = BleakClient(found, broken, backend=client_backend({ADDRESS: FakeBand()}))
        try:
            for _break in range(self.breaks):
                await asyncio.sleep(0)
                broken(client)
            if not self.holds:
                await asyncio.Event().wait()
            await client.connect()
            return client
        finally:
            self.ended = True


@pytest.fixture
def lost() -> asyncio.Event:
    return asyncio.Event()


async def tried(
    monkeypatch: pytest.MonkeyPatch, kernel: Kernel, lost: asyncio.Event, most: int | None
) -> BleakClient:
    monkeypatch.setattr(attempt, "_establish", kernel.establish)
    return await connect(FOUND, "locked", lost, most_breaks=most)


async def test_a_link_that_breaks_so_often_ends_the_attempt_without_waiting_for_its_time(
    monkeypatch: pytest.MonkeyPatch, lost: asyncio.Event
) -> None:
    kernel = Kernel(3, holds=False)
    with pytest.raises(DeviceError, match=f"{LOST} 3 times while connecting"):
        await tried(monkeypatch, kernel, lost, 3)
    assert kernel.ended


async def test_one_that_broke_on_the_way_to_a_good_one_is_forgotten(
    monkeypatch: pytest.MonkeyPatch, lost: asyncio.Event
) -> None:
    client = await tried(monkeypatch, Kernel(2, holds=True), lost, 3)
    assert client.is_connected
    assert not lost.is_set()


async def test_broken_links_are_told_when_the_time_is_up(
    monkeypatch: pytest.MonkeyPatch, lost: asyncio.Event
) -> None:
    monkeypatch.setattr(attempt, "CONNECT_S", 0.02)
    with pytest.raises(DeviceError, match=LOST):
        await tried(monkeypatch, Kernel(2, holds=False), lost, None)


async def test_and_a_device_that_never_answered_is_a_time_out(
    monkeypatch: pytest.MonkeyPatch, lost: asyncio.Event
) -> None:
    monkeypatch.setattr(attempt, "CONNECT_S", 0.02)
    with pytest.raises(TimeoutError):
        await tried(monkeypatch, Kernel(0, holds=False), lost, 3)


async def test_whoever_cancels_the_attempt_ends_it(
    monkeypatch: pytest.MonkeyPatch, lost: asyncio.Event
) -> None:
    kernel = Kernel(0, holds=False)
    task = asyncio.create_task(tried(monkeypatch, kernel, lost, 3))
    await kernel.begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert kernel.ended
