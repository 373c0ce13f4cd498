"""The settings' types -> JSON Schema, for editors that check and complete YAML while it is typed.

It says a little less than `ansim check` (YAML 1.1's guesses, files, what devices can do) and never
more: what the schema refuses, `load` refuses as well.
"""

import dataclasses
import types
import typing
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

from gateway.core.wire import PLACES
from gateway.driver import Driver
from gateway.option import Form, Option, Text
from gateway.settings import ROLE_HELP, DeviceStanza, Role, Settings

Schema = dict[str, Any]

_PATTERNS: Mapping[Form, str] = MappingProxyType(
    {
        Form.HUB_ID: "^([a-z2-7]{26}|[A-Z2-7]{26})$",
        Form.DISTRICT: "^[A-Za-z0-9_-]{1,64}$",
        Form.NAME: "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$",
        Form.ADDRESS: "^([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$",
        Form.ADAPTER: "^(hci[0-9]{1,2}|([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2})?$",
        Form.SPARE: "^([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$",
        Form.CLOCK: "^([01][0-9]|2[0-3]):[0-5][0-9]$",
        Form.BROKER_URL: "^mqtts?://[A-Za-z0-9_.:%\\[\\]-]+/?$",
    }
)
_JSON_TYPES: Mapping[type, str] = MappingProxyType(
    {bool: "boolean", int: "integer", float: "number", str: "string"}
)


def schema(drivers: Iterable[Driver]) -> Schema:
    """Return the schema of a whole gateway.yaml, with the names and options of these drivers."""
    whole = _record(Settings)
    _name_drivers(whole["properties"]["devices"]["items"], tuple(drivers))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "gateway.yaml of ansim-gateway",
        **whole,
    }


def _record(cls: type) -> Schema:
    hints = typing.get_type_hints(cls)
    fields = dataclasses.fields(cls)
    required = [
        f.name
        for f in fields
        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    ]
    properties = {f.name: _property(hints[f.name], f, cls) for f in fields}
    found: Schema = {"type": "object", "additionalProperties": False, "properties": properties}
    return found | ({"required": required} if required else {})


def _property(wanted: Any, f: "dataclasses.Field[Any]", owner: type) -> Schema:
    option: Option = f.metadata["option"]
    found: Schema = {"description": _both(option.help)}
    if isinstance(wanted, type) and dataclasses.is_dataclass(wanted):
        inner = _record(wanted)
        if "required" not in inner:
            inner["type"] = ["object", "null"]  # a section with all its lines commented out
        return found | inner
    found |= _value(wanted, option)
    if owner is DeviceStanza and f.name == "role":
        found["description"] += "\n" + "\n".join(
            f'"{role}": {_both(ROLE_HELP[role])}' for role in Role
        )
    if f.default is not dataclasses.MISSING and f.default is not None:
        found["default"] = list(f.default) if isinstance(f.default, tuple) else _plain(f.default)
    return found


def _value(wanted: Any, option: Option) -> Schema:
    origin = typing.get_origin(wanted)
    if origin is types.UnionType:
        wanted = typing.get_args(wanted)[0]
    if origin is tuple:
        return _list(typing.get_args(wanted)[0], option)
    if origin is Mapping:
        scalar = {"type": ["string", "number", "boolean"]}
        return {"type": ["object", "null"], "additionalProperties": scalar}
    if isinstance(wanted, type) and issubclass(wanted, StrEnum):
        return {"enum": [member.value for member in wanted]}
    if wanted is Path:
        return {"type": "string", "minLength": 1}
    found: Schema = {"type": _JSON_TYPES[wanted]}
    if option.low is not None:
        found["minimum"] = option.low
    if option.high is not None:
        found["maximum"] = option.high
    if option.form in _PATTERNS:
        found["pattern"] = _PATTERNS[option.form]
    if option.form is Form.PLACE:
        found = {"enum": list(PLACES)}
    return found


def _list(item: Any, option: Option) -> Schema:
    is_record = isinstance(item, type) and dataclasses.is_dataclass(item)
    items = _record(item) if is_record else _value(item, Option(option.help, form=option.form))
    found: Schema = {"type": "array" if option.low else ["array", "null"], "items": items}
    if option.low:
        found["minItems"] = option.low
    if option.high is not None:
        found["maxItems"] = option.high
    return found


def _name_drivers(device: Schema, drivers: tuple[Driver, ...]) -> None:
    """Let the stanza's `driver` decide which options it takes."""
    device["properties"]["driver"]["enum"] = [driver.name for driver in drivers]
    device["allOf"] = [
        {
            "if": {"properties": {"driver": {"const": driver.name}}, "required": ["driver"]},
            "then": {"properties": {"options": _driver_options(driver)}},
        }
        for driver in drivers
    ]


def _driver_options(driver: Driver) -> Schema:
    properties: dict[str, Schema] = {}
    for name, spec in driver.options.items():
        choices = {"enum": list(spec.choices)} if spec.choices else {}
        properties[name] = {
            "description": spec.help,
            "type": _JSON_TYPES[spec.type],
            "default": spec.default,
            **choices,
        }
    return {"additionalProperties": False, "properties": properties}


def _both(text: Text) -> str:
    return f"{text.en} / {text.ko}"


def _plain(value: object) -> object:
    return str(value) if isinstance(value, (Path, StrEnum)) else value
