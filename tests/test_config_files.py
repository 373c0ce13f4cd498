"""The files of config/ are made from the settings' types, complete, and valid."""

import dataclasses
import json
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from gateway import registry
from gateway.config import load, load_bytes
from gateway.config.example import example
from gateway.config.schema import schema
from gateway.errors import ConfigurationError
from gateway.option import Option
from gateway.settings import (
    AnnouncerSettings,
    FallSettings,
    InactivitySettings,
    RadioSettings,
    Role,
    StoreSettings,
)
from tests.fakes_config import RECORDS, SMALL

CONFIG = Path(__file__).parent.parent / "config"


def options() -> Iterator[tuple[str, Option]]:
    for cls in RECORDS:
        for f in dataclasses.fields(cls):
            yield f"{cls.__name__}.{f.name}", f.metadata["option"]


def test_every_option_is_explained_in_both_languages() -> None:
    for name, option in options():
        assert option.help.en.isascii() or "±" in option.help.en, name
        assert re.search("[가-힣]", option.help.ko), name


def test_every_number_has_a_range_that_its_default_is_in() -> None:
    for cls in RECORDS:
        for name, hint in typing.get_type_hints(cls).items():
            f = next(f for f in dataclasses.fields(cls) if f.name == name)
            if hint in (int, float):
                option = f.metadata["option"]
                assert option.low <= f.default <= option.high, f"{cls.__name__}.{name}"


def test_the_files_in_the_repository_are_current() -> None:
    written = json.loads((CONFIG / "gateway.schema.json").read_text(encoding="utf-8"))

    assert written == schema(registry.every()), "run scripts/generate_schema"
    assert (CONFIG / "gateway.yaml").read_text(encoding="utf-8") == example(registry.every())


def test_the_example_names_every_option() -> None:
    text = (CONFIG / "gateway.yaml").read_text(encoding="utf-8")
    keys = set(re.findall(r"^[ #-]*([a-z_]+):", text, re.MULTILINE))

    for cls in RECORDS:
        assert {f.name for f in dataclasses.fields(cls)} <= keys


def test_the_example_shows_the_defaults() -> None:
    settings = load(CONFIG / "gateway.yaml", registry.find, environ={})

    assert settings.radio == RadioSettings()
    assert settings.fall == FallSettings()
    assert settings.inactivity == InactivitySettings()
    assert settings.announcer == AnnouncerSettings()
    assert settings.store == StoreSettings()
    assert [d.role for d in settings.devices][:3] == [Role.SOS, Role.SOS_CANCEL, Role.DOOR]


def uncommented() -> str:
    """Return the example with every commented-out option switched on."""
    text = (CONFIG / "gateway.yaml").read_text(encoding="utf-8")
    return re.sub(r"^( *)# ([a-z_]+: [\[{\"].*)$", r"\1\2", text, flags=re.MULTILINE)


def test_the_example_is_valid_with_every_option_switched_on() -> None:
    loaded = load_bytes(uncommented().encode(), Path("g.yaml"), registry.find, environ={})

    for section in ("cert_file", "key_file", "password_file", "username"):
        assert f"uplink.brokers[#1].{section}" in loaded.places
    assert loaded.settings.announcer.command[0] == "/usr/bin/aplay"
    assert loaded.settings.devices[0].key_file is not None


def test_the_shortest_file_is_short_and_works() -> None:
    path = CONFIG / "minimal.yaml"
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("#")]

    assert load(path, registry.find, environ={}).devices[0].role is Role.SOS
    assert len(lines) <= 12


@pytest.mark.parametrize("text", [example(registry.every()), uncommented(), SMALL])
def test_what_loads_the_schema_accepts(text: str) -> None:
    document: Any = yaml.safe_load(text)

    jsonschema.Draft202012Validator(schema(registry.every())).validate(document)


@pytest.mark.parametrize(
    "text",
    [
        SMALL.replace("district:", "distrikt:"),
        SMALL.replace("role: sos", "role: soss"),
        SMALL.replace("driver: bthome", "driver: bthomme"),
        SMALL.replace("B4:35", "B435"),
        SMALL.replace("mqtts://", "https://"),
        SMALL + "fall: {cancel_window_s: 900}\n",
        SMALL + "fall: {enabled: 1}\n",
        SMALL + "inactivity: {quiet_from: 22:00}\n",
        SMALL + "    options: {bindkey: x}\n",
        SMALL + "announcer: {command: aplay}\n",
        SMALL.replace("    - url: mqtts://centre.example:8883\n", ""),
    ],
)
def test_what_the_schema_refuses_does_not_load(text: str) -> None:
    validator = jsonschema.Draft202012Validator(schema(registry.every()))

    assert not validator.is_valid(yaml.safe_load(text))
    with pytest.raises(ConfigurationError):
        load_bytes(text.encode(), Path("g.yaml"), registry.find, environ={})


def test_the_schema_is_a_valid_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema(registry.every()))
