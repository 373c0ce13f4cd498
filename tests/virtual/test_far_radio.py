"""A world in another place behaves as one in this process: the same bleak code, the same errors."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import BleakBluetoothNotAvailableError, BleakDBusError
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.model import Press
from gateway.driver import sig
from gateway.virtual.far_frames import ADVERT, VALUE, Frames, pack
from gateway.virtual.far_radio import FarRadio
from gateway.virtual.far_world import FarWorld
from gateway.virtual.world import World
from tests.fakes_virtual import Echo, Heard

VALUE_UUID, NOTIFY = sig(0x2A3D), sig(0x2A3E)
BUTTON = "C0:00:00:00:03:03"


@pytest.fixture
async def radio(world: World, tmp_path: Path) -> AsyncIterator[FarRadio]:
    path = tmp_path / "world.sock"
    async with FarWorld(world, path), FarRadio(path) as far:
        yield far


async def test_adverts_arrive_as_they_were_sent(world: World, radio: FarRadio) -> None:
    button = world.shelly_button(BUTTON)
    near, far = Heard(), Heard()
    async with (
        BleakScanner(far, backend=radio.scanner_backend),
        BleakScanner(near, backend=world.scanner_backend),
    ):
        button.press(Press.LONG)
        (here, *_), (there, *_) = await near.count(1, BUTTON), await far.count(1, BUTTON)
    assert there == here
    assert there.rssi == -60


async def test_a_connection_reads_writes_and_is_told(world: World, radio: FarRadio) -> None:
    echo = await world.connectable(Echo(world.air, mtu=232))
    got: list[bytes] = []
    async with BleakClient(echo.address, backend=radio.client_backend) as client:
        assert client.mtu_size == 232
        await client.write_gatt_char(VALUE_UUID, b"second", response=True)
        await client.start_notify(NOTIFY, lambda _c, data: got.append(bytes(data)))
        await echo.say(b"one")
        assert bytes(await client.read_gatt_char(VALUE_UUID)) == b"second"
        await client.stop_notify(NOTIFY)
    assert got == [b"one"]
    assert echo.links == 0


async def test_a_lost_link_is_told_once(world: World, radio: FarRadio) -> None:
    echo = await world.connectable(Echo(world.air))
    told: list[BleakClient] = []
    lost = asyncio.Event()

    def note(client: BleakClient) -> None:
        told.append(client)
        lost.set()

    client = BleakClient(echo.address, note, backend=radio.client_backend)
    for _ in range(2):
        lost.clear()
        await client.connect()
        echo.drop()
        await lost.wait()
        assert not client.is_connected
    assert told == [client, client]


async def test_faults_cross_the_socket(world: World, radio: FarRadio) -> None:
    echo = await world.connectable(Echo(world.air))
    echo.die()
    with pytest.raises(TimeoutError):
        await BleakClient(echo.address, timeout=0.05, backend=radio.client_backend).connect()
    scanner = BleakScanner(Heard(), backend=radio.scanner_backend)
    await scanner.start()
    await world.power(on=False)
    with pytest.raises(BleakDBusError, match="No discovery started"):
        await scanner.stop()
    with pytest.raises(BleakBluetoothNotAvailableError):
        await scanner.start()


@given(st.lists(st.tuples(st.sampled_from([ADVERT, VALUE]), st.binary(max_size=40))), st.data())
def test_frames_survive_any_cut(frames: list[tuple[int, bytes]], data: st.DataObject) -> None:
    stream = b"".join(pack(kind, body) for kind, body in frames)
    reader = Frames()
    got: list[tuple[int, bytes]] = []
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        got += reader.feed(stream[:cut])
        stream = stream[cut:]
    assert got == frames
