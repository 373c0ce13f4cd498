"""Drivers are found by the name of their file."""

import pytest

from gateway import registry
from gateway.errors import ConfigurationError


def test_a_driver_is_found_by_the_name_of_its_file() -> None:
    assert registry.find("bthome").name == "bthome"


def test_every_file_in_drivers_is_a_driver() -> None:
    assert [driver.name for driver in registry.every()] == list(registry.available())


def test_a_misspelt_name_is_answered_with_what_was_probably_meant() -> None:
    with pytest.raises(ConfigurationError, match="no driver 'bthom'; did you mean 'bthome'"):
        registry.find("bthom")


@pytest.mark.parametrize("name", ["zzzz", "", "..", "os.path"])
def test_an_unknown_name_is_answered_with_the_list(name: str) -> None:
    with pytest.raises(ConfigurationError, match="there are: battery, bthome"):
        registry.find(name)
