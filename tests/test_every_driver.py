"""What holds for every registered driver, whatever bytes come."""

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import drivers
from gateway import registry
from gateway.driver import (
    Capabilities,
    Channel,
    DeviceSettings,
    Driver,
    GattPlan,
    MalformedPacket,
    Packet,
)
from tests.fakes_drivers import at
from tests.vectors import VECTORS, Vector

DRIVERS = registry.every()
FOLDER = Path(drivers.__path__[0])


def fresh(vector: Vector) -> DeviceSettings:
    return DeviceSettings("dev", vector.address, vector.key, vector.options)


def uuids(driver: Driver) -> list[str]:
    plan = driver.plan({}) if driver.plan else GattPlan(())
    return [*driver.adverts, *(step.uuid for step in plan.setup), "0000ffff"]


def heard(uuid: str, data: bytes, mono_ms: int = 0) -> Packet:
    return Packet(at(mono_ms), "dev", Channel.ADVERT, uuid, data)


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.name)
@given(data=st.data())
def test_any_bytes_are_decoded_or_refused(driver: Driver, data: st.DataObject) -> None:
    key = data.draw(st.sampled_from([None, bytes(16)])) if driver.needs_key != "never" else None
    settings = DeviceSettings("dev", "AA:BB:CC:DD:EE:FF", key)
    decoder = driver.new_decoder(settings, None)
    packets = st.tuples(st.sampled_from(uuids(driver)), st.binary(max_size=64))
    for uuid, raw in data.draw(st.lists(packets, max_size=5)):
        try:
            decoded = decoder.decode(heard(uuid, raw))
        except MalformedPacket as refused:
            assert refused.data == raw  # noqa: PT017 - the refusal is one of two right outcomes
        else:
            assert all(reading.device == "dev" for reading in decoded.readings)


@pytest.mark.parametrize("vector", VECTORS, ids=str)
@given(data=st.data())
def test_a_damaged_packet_is_decoded_or_refused(vector: Vector, data: st.DataObject) -> None:
    decoder = registry.find(vector.driver).new_decoder(fresh(vector), None)
    raw = bytearray(vector.data)
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(raw)))
    for mono_ms in (0, 5):
        try:
            decoded = decoder.decode(heard(vector.uuid, bytes(raw[:cut]), mono_ms))
        except MalformedPacket as refused:
            assert refused.check  # noqa: PT017 - the refusal is one of two right outcomes
        else:
            assert isinstance(decoded.readings, tuple)


@pytest.mark.parametrize("vector", VECTORS, ids=str)
def test_two_devices_of_one_driver_share_nothing(vector: Vector) -> None:
    driver = registry.find(vector.driver)
    packet = heard(vector.uuid, vector.data)
    one, other = (driver.new_decoder(fresh(vector), None) for _ in range(2))
    assert one.decode(packet) == other.decode(packet)


@pytest.mark.parametrize("vector", VECTORS, ids=str)
def test_memory_outlives_a_restart_unchanged(vector: Vector) -> None:
    driver = registry.find(vector.driver)
    first = driver.new_decoder(fresh(vector), None).decode(heard(vector.uuid, vector.data))
    if first.memory is not None:
        again = driver.new_decoder(fresh(vector), first.memory)
        assert again.decode(heard(vector.uuid, vector.data)).readings == ()
        assert all(isinstance(value, int | str) for value in first.memory.values())


def test_every_driver_has_a_vector() -> None:
    assert {vector.driver for vector in VECTORS} == {driver.name for driver in DRIVERS}


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.name)
def test_a_descriptor_says_how_its_device_is_reached_and_what_it_can(driver: Driver) -> None:
    assert driver.adverts or driver.plan
    assert all(driver.summary)
    assert driver.models
    defaults = {name: option.default for name, option in driver.options.items()}
    assert driver.capabilities({}) == driver.capabilities(defaults)
    assert isinstance(driver.capabilities({}), Capabilities)
    for option in driver.options.values():
        assert isinstance(option.default, option.type)
        assert option.help
        assert option.help_ko
        assert not option.choices or option.default in option.choices


@pytest.mark.parametrize("file", sorted(FOLDER.glob("[a-z]*.py")), ids=lambda file: file.stem)
def test_a_driver_opens_with_its_bytes_ends_with_its_descriptor_and_leans_on_no_other(
    file: Path,
) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    last = tree.body[-1]
    assert isinstance(last, ast.Assign)
    assert isinstance(last.targets[0], ast.Name)
    assert last.targets[0].id == "DRIVER"
    imported = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not [name for name in imported if name and name.startswith("drivers")]
