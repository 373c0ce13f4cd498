"""BlueZ's adapters, asked over a real D-Bus daemon on which a small stand-in plays bluetoothd."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from bleak.exc import BleakError
from dbus_fast.aio import MessageBus
from dbus_fast.constants import PropertyAccess
from dbus_fast.service import ServiceInterface, dbus_property

from gateway.edge.adapter import AdapterState, adapter_fault, adapters, find_adapter, in_words
from gateway.errors import RadioError

pytestmark = pytest.mark.skipif(
    shutil.which("dbus-daemon") is None, reason="needs dbus-daemon (apt-get install dbus-daemon)"
)
BUILT_IN, DONGLE = "DC:A6:32:00:00:01", "00:1A:7D:00:00:02"


class Adapter(ServiceInterface):
    def __init__(self, address: str) -> None:
        super().__init__("org.bluez.Adapter1")
        self.address, self.powered = address, True

    @dbus_property(access=PropertyAccess.READ)
    def Address(self) -> "s":  # type: ignore[name-defined] # noqa: F821, N802 - D-Bus's own
        return self.address

    @dbus_property(access=PropertyAccess.READ)
    def Powered(self) -> "b":  # type: ignore[name-defined] # noqa: F821, N802
        return self.powered


class Bluetoothd:
    """Plays bluetoothd with two adapters."""

    def __init__(self, bus: MessageBus) -> None:
        self.bus = bus
        self.adapters = {"hci0": Adapter(BUILT_IN), "hci1": Adapter(DONGLE)}
        for name, adapter in self.adapters.items():
            bus.export(f"/org/bluez/{name}", adapter)


@pytest.fixture
async def system_bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    daemon = await asyncio.create_subprocess_exec(
        "dbus-daemon",
        "--session",
        "--nofork",
        "--print-address",
        f"--address=unix:path={tmp_path}/bus",
        stdout=asyncio.subprocess.PIPE,
    )
    assert daemon.stdout is not None
    address = (await daemon.stdout.readline()).decode().strip()
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
    yield address
    daemon.terminate()
    await daemon.wait()


@pytest.fixture
async def bluetoothd(system_bus: str) -> AsyncIterator[Bluetoothd]:
    bus = await MessageBus(bus_address=system_bus).connect()
    played = Bluetoothd(bus)
    await bus.request_name("org.bluez")
    yield played
    bus.disconnect()


async def test_an_adapter_is_found_by_its_mac_in_any_case(bluetoothd: Bluetoothd) -> None:
    assert await find_adapter(DONGLE.lower()) == "hci1"


async def test_a_name_is_taken_as_it_is_and_none_means_the_default() -> None:
    assert await find_adapter("hci3") == "hci3"
    assert await find_adapter("") is None


async def test_an_absent_mac_names_the_adapters_that_are_there(bluetoothd: Bluetoothd) -> None:
    with pytest.raises(RadioError, match=f"hci0 {BUILT_IN}, hci1 {DONGLE}"):
        await find_adapter("11:11:11:11:11:11")


async def test_what_bluetoothd_says_of_its_adapters(bluetoothd: Bluetoothd) -> None:
    bluetoothd.adapters["hci1"].powered = False
    assert await adapters() == [
        AdapterState("hci0", BUILT_IN, powered=True),
        AdapterState("hci1", DONGLE, powered=False),
    ]


async def test_an_adapter_that_is_off_or_gone_has_a_fault_and_another_has_none(
    bluetoothd: Bluetoothd,
) -> None:
    bluetoothd.adapters["hci1"].powered = False
    assert await adapter_fault("hci0") is None
    assert await adapter_fault(None) is None
    assert await adapter_fault("hci1") == "switched off"
    assert await adapter_fault("hci2") == "gone"


async def test_without_bluetoothd_the_fault_says_that_it_does_not_answer(system_bus: str) -> None:
    fault = await adapter_fault(None)
    assert fault is not None
    assert "bluetoothd does not run" in fault


async def test_without_dbus_there_is_a_fault_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere/bus")
    assert await adapter_fault(None) is not None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (FileNotFoundError(2, "No such file or directory"), "no D-Bus"),
        (
            RadioError("bluetoothd does not answer: org.freedesktop.DBus.Error.ServiceUnknown"),
            "run",
        ),
        (BleakError("[org.bluez.Error.NotReady] Resource Not Ready"), "rfkill"),
        (RadioError("no adapter hci7"), "no adapter hci7"),
    ],
)
def test_a_failed_adapter_is_told_in_words_that_can_be_acted_on(
    wrong: Exception, said: str
) -> None:
    assert said in in_words(wrong)
