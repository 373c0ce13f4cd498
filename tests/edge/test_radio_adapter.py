"""BlueZ's adapters, asked over a real D-Bus daemon on which a small stand-in plays bluetoothd."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from bleak.exc import BleakError
from dbus_fast.aio import MessageBus
from dbus_fast.constants import MessageType, PropertyAccess
from dbus_fast.service import ServiceInterface, dbus_property

from gateway.edge.adapter import (
    AdapterState,
    Examiner,
    Fault,
    adapters,
    find_adapter,
    in_words,
    power,
)
from gateway.edge.recovery import Sign
from gateway.errors import RadioError

pytestmark = pytest.mark.skipif(
    shutil.which("dbus-daemon") is None, reason="needs dbus-daemon (apt-get install dbus-daemon)"
)
BUILT_IN, DONGLE = "DC:A6:32:00:00:01", "00:1A:7D:00:00:02"


class Adapter(ServiceInterface):
    def __init__(self, address: str) -> None:
        super().__init__("org.bluez.Adapter1")
        self.address, self.powered, self.discovering = address, True, False
        self.said: list[bool] = []

    @dbus_property(access=PropertyAccess.READ)
    def Address(self) -> "s":  # type: ignore[name-defined] # noqa: F821, N802 - D-Bus's own
        return self.address

    @dbus_property()
    def Powered(self) -> "b":  # type: ignore[name-defined] # noqa: F821, N802
        return self.powered

    @Powered.setter
    def Powered_setter(self, on: "b") -> None:  # type: ignore[name-defined] # noqa: F821, N802
        self.powered = on
        self.said.append(on)

    @dbus_property(access=PropertyAccess.READ)
    def Discovering(self) -> "b":  # type: ignore[name-defined] # noqa: F821, N802
        return self.discovering


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
    owner = bluetoothd.bus.unique_name or ""
    assert await adapters() == [
        AdapterState("hci0", BUILT_IN, powered=True, owner=owner),
        AdapterState("hci1", DONGLE, powered=False, owner=owner),
    ]


async def test_an_adapter_that_is_off_or_gone_has_a_fault_and_another_has_none(
    bluetoothd: Bluetoothd,
) -> None:
    bluetoothd.adapters["hci1"].powered = False
    assert await Examiner()("hci0") is None
    assert await Examiner()("") is None
    assert await Examiner()(DONGLE.lower()) == Fault(Sign.OFF, "switched off")
    assert await Examiner()("hci2") == Fault(Sign.GONE, "gone")


async def test_an_adapter_that_does_not_scan_although_it_was_told_to_has_a_fault(
    bluetoothd: Bluetoothd,
) -> None:
    fault = await Examiner()("hci0", scanning=True)
    assert fault is not None
    assert fault.sign is Sign.STOPPED
    bluetoothd.adapters["hci0"].discovering = True
    assert await Examiner()("hci0", scanning=True) is None


async def test_another_bluetoothd_than_the_one_that_was_told_to_scan_is_a_fault(
    bluetoothd: Bluetoothd, system_bus: str
) -> None:
    ask = Examiner()
    assert await ask("") is None
    second = await MessageBus(bus_address=system_bus).connect()
    Bluetoothd(second)
    await bluetoothd.bus.release_name("org.bluez")
    await second.request_name("org.bluez")
    fault = await ask("", scanning=True)
    assert fault is not None
    assert fault.sign is Sign.RESTARTED
    assert await ask("") is None, "the scan is started anew with this one"
    second.disconnect()


async def test_an_adapter_is_switched_off_and_on_over_dbus(bluetoothd: Bluetoothd) -> None:
    await power("hci1", on=False)
    await power("hci1", on=True)
    assert bluetoothd.adapters["hci1"].said == [False, True]
    with pytest.raises(RadioError, match="UnknownObject"):
        await power("hci7", on=True)


async def test_without_bluetoothd_the_fault_says_that_it_does_not_answer(system_bus: str) -> None:
    fault = await Examiner()("")
    assert fault is not None
    assert fault.sign is Sign.ABSENT
    assert "bluetoothd does not run" in fault.detail


async def test_a_bluetoothd_that_hangs_is_told_from_one_that_is_absent(
    system_bus: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.edge.adapter.ANSWER_S", 0.05)
    async with asyncio.timeout(5):
        bus = await MessageBus(bus_address=system_bus).connect()
        bus.add_message_handler(lambda said: said.message_type is MessageType.METHOD_CALL)
        await bus.request_name("org.bluez")
        fault = await Examiner()("")
        bus.disconnect()
    assert fault is not None
    assert fault.sign is Sign.HUNG


async def test_without_dbus_there_is_a_fault_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere/bus")
    fault = await Examiner()("")
    assert fault is not None
    assert fault.sign is Sign.ABSENT


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
