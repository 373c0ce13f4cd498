"""Pairing: whom the agent lets in, what a technician is told, and how a lost bond is noticed."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from bleak.backends.device import BLEDevice
from dbus_fast.aio import MessageBus
from dbus_fast.constants import PropertyAccess
from dbus_fast.errors import DBusError
from dbus_fast.message import Message
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property
from hypothesis import given
from hypothesis import strategies as st

from gateway.edge.bonds import PATH, Guard, bonded, forget, keep_agent
from gateway.errors import RadioError

BAND, OTHER = "A0:9E:1A:00:00:04", "A0:9E:1A:00:00:05"
needs_dbus = pytest.mark.skipif(
    shutil.which("dbus-daemon") is None, reason="needs dbus-daemon (apt-get install dbus-daemon)"
)


def path(address: str) -> str:
    return f"/org/bluez/hci0/dev_{address.replace(':', '_')}"


def test_nobody_is_let_in_until_the_technician_says_so_and_then_only_that_device() -> None:
    guard = Guard()
    assert not guard.lets_in(path(BAND))
    guard.open(BAND.lower(), "012345")
    assert guard.lets_in(path(BAND))
    assert guard.passkey(path(BAND)) == 12345
    assert not guard.lets_in(path(OTHER))
    assert guard.passkey(path(OTHER)) is None
    guard.close()
    assert not guard.lets_in(path(BAND))
    assert guard.passkey(path(BAND)) is None


@given(st.text(max_size=40))
def test_a_closed_guard_lets_nothing_in_whatever_it_is_called(anything: str) -> None:
    assert not Guard().lets_in(anything)


class Manager(ServiceInterface):
    """Plays bluetoothd's agent manager."""

    def __init__(self) -> None:
        super().__init__("org.bluez.AgentManager1")
        self.registered: list[tuple[str, str]] = []
        self.more = asyncio.Event()

    @dbus_method()
    def RegisterAgent(self, agent: "o", capability: "s") -> None:  # type: ignore[name-defined] # noqa: F821, N802
        self.registered.append((agent, capability))

    @dbus_method()
    def RequestDefaultAgent(self, agent: "o") -> None:  # type: ignore[name-defined] # noqa: F821, N802
        self.more.set()


class Device(ServiceInterface):
    """Plays one device that bluetoothd knows."""

    def __init__(self) -> None:
        super().__init__("org.bluez.Device1")
        self.is_paired = False

    @dbus_property(access=PropertyAccess.READ)
    def Paired(self) -> "b":  # type: ignore[name-defined] # noqa: F821, N802
        return self.is_paired


class Adapter(ServiceInterface):
    """Plays the adapter, which can forget a device."""

    def __init__(self) -> None:
        super().__init__("org.bluez.Adapter1")
        self.removed: list[str] = []

    @dbus_method()
    def RemoveDevice(self, device: "o") -> None:  # type: ignore[name-defined] # noqa: F821, N802
        if device in self.removed:
            raise DBusError("org.bluez.Error.DoesNotExist", "Does Not Exist")
        self.removed.append(device)


class Bluetoothd:
    def __init__(self, bus: MessageBus) -> None:
        self.bus = bus
        self.manager, self.device, self.adapter = Manager(), Device(), Adapter()
        bus.export("/org/bluez", self.manager)
        bus.export("/org/bluez/hci0", self.adapter)
        bus.export(path(BAND), self.device)

    async def ask(self, agent: str, member: str, signature: str, body: list[Any]) -> Message:
        """Call the daemon's agent as bluetoothd does."""
        _, owner = self.agents[-1]
        return await self.bus.call(
            Message(
                destination=owner,
                path=agent,
                interface="org.bluez.Agent1",
                member=member,
                signature=signature,
                body=body,
            )
        )

    @property
    def agents(self) -> list[tuple[str, str]]:
        return [(agent, self.owner) for agent, _ in self.manager.registered]

    owner = ""


@pytest.fixture
async def bluetoothd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bluetoothd]:
    daemon = await asyncio.create_subprocess_exec(
        "dbus-daemon",
        "--session",
        "--nofork",
        "--print-address",
        f"--address=unix:path={tmp_path}/bus",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert daemon.stdout is not None
    address = (await daemon.stdout.readline()).decode().strip()
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
    bus = await MessageBus(bus_address=address).connect()
    played = Bluetoothd(bus)

    def whose(message: Message) -> bool:
        if message.member == "RegisterAgent":
            played.owner = message.sender or ""
        return False

    bus.add_message_handler(whose)
    await bus.request_name("org.bluez")
    yield played
    bus.disconnect()
    daemon.terminate()
    await daemon.wait()


@needs_dbus
async def test_the_daemons_agent_is_registered_and_answers_for_the_guard(
    bluetoothd: Bluetoothd,
) -> None:
    guard = Guard()
    running = asyncio.create_task(keep_agent(guard, structlog.get_logger(), passkeys=True))
    await bluetoothd.manager.more.wait()
    assert bluetoothd.manager.registered == [(PATH, "KeyboardOnly")]
    refused = await bluetoothd.ask(PATH, "RequestPasskey", "o", [path(BAND)])
    assert refused.error_name == "org.bluez.Error.Rejected"
    guard.open(BAND, "654321")
    key = await bluetoothd.ask(PATH, "RequestPasskey", "o", [path(BAND)])
    assert key.body == [654321]
    stranger = await bluetoothd.ask(PATH, "RequestAuthorization", "o", [path(OTHER)])
    assert stranger.error_name == "org.bluez.Error.Rejected"
    welcome = await bluetoothd.ask(PATH, "RequestAuthorization", "o", [path(BAND)])
    assert welcome.error_name is None
    running.cancel()
    await asyncio.wait([running])


@needs_dbus
async def test_the_agent_is_registered_again_with_a_new_bluetoothd(
    bluetoothd: Bluetoothd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.edge.bonds.LOOK_S", 0.01)
    address = os.environ["DBUS_SYSTEM_BUS_ADDRESS"]
    running = asyncio.create_task(keep_agent(Guard(), structlog.get_logger(), passkeys=False))
    await bluetoothd.manager.more.wait()
    bluetoothd.manager.more.clear()
    second = await MessageBus(bus_address=address).connect()
    second.export("/org/bluez", anew := Manager())
    await bluetoothd.bus.release_name("org.bluez")
    await second.request_name("org.bluez")
    await anew.more.wait()
    assert anew.registered == [(PATH, "NoInputNoOutput")]
    second.disconnect()
    running.cancel()
    await asyncio.wait([running])


@needs_dbus
async def test_what_bluez_knows_of_a_bond(bluetoothd: Bluetoothd) -> None:
    found = BLEDevice(BAND, "band", {"path": path(BAND)})
    assert not await bonded(found)
    bluetoothd.device.is_paired = True
    assert await bonded(found)
    assert not await bonded(BLEDevice(OTHER, "other", {"path": path(OTHER)}))
    await forget(found)
    await forget(found)  # bluetoothd has dropped it already: forgotten is forgotten
    assert bluetoothd.adapter.removed == [path(BAND)]
    with pytest.raises(RadioError, match="does not answer"):
        await forget(BLEDevice(BAND, "band", {"path": "/org/bluez/hci7/dev_x"}))
