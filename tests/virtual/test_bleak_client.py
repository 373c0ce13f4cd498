"""The virtual client backend, through bleak's own API."""

import asyncio
from contextlib import suppress

import pytest
from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.exc import BleakBluetoothNotAvailableError, BleakError
from bleak_retry_connector import BleakNotFoundError, establish_connection

from gateway.driver import sig
from gateway.virtual.world import World
from tests.fakes_virtual import Echo, Heard

VALUE, NOTIFY, INDICATE = sig(0x2A3D), sig(0x2A3E), sig(0x2A3F)


async def find(world: World, echo: Echo) -> BLEDevice:
    heard = Heard()
    async with BleakScanner(heard, backend=world.scanner_backend):
        return await heard.device(echo.address)


async def test_reads_writes_and_names_what_it_found(world: World) -> None:
    echo = await world.connectable(Echo(world.air))
    device = await find(world, echo)
    assert device.name == "Echo"
    async with BleakClient(device, backend=world.client_backend) as client:
        assert client.is_connected
        assert client.name == "Echo"
        assert bytes(await client.read_gatt_char(VALUE)) == b"first"
        await client.write_gatt_char(VALUE, b"second", response=True)
        assert bytes(await client.read_gatt_char(VALUE)) == b"second"
        found = client.services.get_characteristic(NOTIFY)
        assert found is not None
        assert found.properties == ["read", "notify"]
    assert not client.is_connected


async def test_agrees_on_the_smaller_mtu_of_both(world: World) -> None:
    echo = await world.connectable(Echo(world.air, mtu=232))
    async with BleakClient(echo.address, backend=world.client_backend) as client:
        assert client.mtu_size == 232


async def test_carries_notifications_and_indications(world: World) -> None:
    echo = await world.connectable(Echo(world.air))
    got: list[bytes] = []
    async with BleakClient(echo.address, backend=world.client_backend) as client:
        await client.start_notify(NOTIFY, lambda _c, data: got.append(bytes(data)))
        await client.start_notify(INDICATE, lambda _c, data: got.append(b"!" + bytes(data)))
        await echo.say(b"one")
        await echo.insist(b"two")
        with pytest.raises(BleakError, match="already started"):
            await client.start_notify(NOTIFY, lambda _c, data: got.append(bytes(data)))
        await client.stop_notify(NOTIFY)
        await echo.say(b"unheard")
        await client.read_gatt_char(VALUE)
    assert got == [b"one", b"!two"]


async def test_each_value_comes_once_after_a_reconnect_of_the_same_client(world: World) -> None:
    echo = await world.connectable(Echo(world.air))
    lost = asyncio.Event()
    got: list[bytes] = []
    client = BleakClient(
        echo.address,
        disconnected_callback=lambda _c: lost.set(),
        backend=world.client_backend,
        bluez={},
    )
    for value in (b"one", b"two"):
        lost.clear()
        await client.connect()
        await client.start_notify(NOTIFY, lambda _c, data: got.append(bytes(data)))
        await echo.say(value)
        await client.read_gatt_char(VALUE)
        echo.drop()
        await lost.wait()
        assert not client.is_connected
    assert got == [b"one", b"two"]


async def test_a_lost_link_ends_the_read_that_waits_with_an_error(world: World) -> None:
    echo = await world.connectable(Echo(world.air))
    async with BleakClient(echo.address, backend=world.client_backend) as client:
        echo.hang(hung=True)
        read = asyncio.create_task(client.read_gatt_char(VALUE))
        await asyncio.sleep(0)
        echo.drop()
        with pytest.raises(BleakError, match="disconnected"):
            await read
        with pytest.raises(BleakError, match="Service Discovery"):
            await client.read_gatt_char(VALUE)


async def test_an_unheard_device_times_out_and_frees_the_adapter_for_the_next(
    world: World,
) -> None:
    gone, there = Echo(world.air, "C0:00:00:00:00:01"), Echo(world.air, "C0:00:00:00:00:02")
    await world.connectable(gone)
    await world.connectable(there)
    gone.die()
    with pytest.raises(TimeoutError):
        await BleakClient(gone.address, timeout=0.05, backend=world.client_backend).connect()
    async with BleakClient(there.address, backend=world.client_backend) as client:
        assert client.is_connected
    gone.revive()
    async with BleakClient(gone.address, backend=world.client_backend) as client:
        assert client.is_connected


async def test_waiting_for_an_absent_device_does_not_keep_a_present_one_waiting(
    world: World,
) -> None:
    gone, there = Echo(world.air, "C0:00:00:00:00:01"), Echo(world.air, "C0:00:00:00:00:02")
    await world.connectable(gone)
    await world.connectable(there)
    gone.die()
    waiting = asyncio.create_task(BleakClient(gone.address, backend=world.client_backend).connect())
    async with BleakClient(there.address, backend=world.client_backend) as client:
        assert client.is_connected
    assert not waiting.done()
    await world.power(on=False)
    with pytest.raises(BleakError, match="adapter is off"):
        await waiting


async def test_a_device_that_connects_and_never_answers_times_out(world: World) -> None:
    echo = await world.connectable(Echo(world.air))
    echo.hang(hung=True)
    client = BleakClient(echo.address, timeout=0.3, backend=world.client_backend)
    with pytest.raises(TimeoutError):
        await client.connect()
    echo.hang(hung=False)
    await client.connect()
    assert bytes(await client.read_gatt_char(VALUE)) == b"first"
    await client.disconnect()


async def test_a_cancelled_connect_leaves_nothing_pending(world: World) -> None:
    echo = await world.connectable(Echo(world.air))
    echo.die()
    attempt = asyncio.create_task(BleakClient(echo.address, backend=world.client_backend).connect())
    await asyncio.sleep(0.02)
    attempt.cancel()
    with suppress(asyncio.CancelledError):
        await attempt
    echo.revive()
    async with BleakClient(echo.address, backend=world.client_backend) as client:
        assert client.is_connected


async def test_power_off_drops_the_link_tells_the_client_and_refuses_the_next(
    world: World,
) -> None:
    echo = await world.connectable(Echo(world.air))
    lost = asyncio.Event()
    client = BleakClient(
        echo.address, disconnected_callback=lambda _c: lost.set(), backend=world.client_backend
    )
    await client.connect()
    await world.power(on=False)
    await lost.wait()
    with pytest.raises(BleakBluetoothNotAvailableError):
        await client.connect()
    await world.power(on=True)
    await client.connect()
    assert client.is_connected
    await client.disconnect()


async def test_establish_connection_takes_the_backend_through_its_keyword_arguments(
    world: World,
) -> None:
    echo = await world.connectable(Echo(world.air))
    device = await find(world, echo)
    client = await establish_connection(BleakClient, device, "echo", backend=world.client_backend)
    assert bytes(await client.read_gatt_char(VALUE)) == b"first"
    await client.disconnect()
    await world.power(on=False)
    with pytest.raises((BleakNotFoundError, BleakError)):
        await establish_connection(
            BleakClient, device, "echo", max_attempts=1, backend=world.client_backend
        )
