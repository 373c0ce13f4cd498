"""Walks the settings' types and the file's tree together; problems are collected, never raised.

A value with a problem becomes `_NOTHING`, and a record with such a value too, so that everything
else is still looked at: a technician mends a file once, not once an error.
"""

import dataclasses
import shlex
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from gateway.config import words
from gateway.config.forms import FORMS, Wrong
from gateway.config.problems import Place, Problem, both, closest, shown
from gateway.config.scalars import as_bool, as_number, as_text, as_word
from gateway.config.yaml_source import Entry, Items, Scalar, Table, Tree
from gateway.driver import Driver, OptionSpec
from gateway.errors import ConfigurationError
from gateway.option import Form, Option, Text
from gateway.secret import CREDENTIAL, CREDENTIALS_DIRECTORY
from gateway.settings import DeviceStanza, Settings

# Finds a driver; of one that does not exist it returns None or raises ConfigurationError.
DriverOf = Callable[[str], Driver | None]

_NOTHING: Final[Any] = object()
_ANY = Option(Text("", ""))


@dataclass(slots=True)
class Reader:
    """One reading of one file. `places` holds each key's position under its dotted name."""

    base: Path
    driver_of: DriverOf | None
    driver_names: tuple[str, ...]
    environ: Mapping[str, str]
    problems: list[Problem]
    places: dict[str, Place] = field(default_factory=dict)

    def settings(self, tree: Tree) -> Settings | None:
        """Return the whole, or None when there are problems."""
        found = self._record(Settings, tree, "")
        return None if self.problems or not isinstance(found, Settings) else found

    def _record(self, cls: type, tree: Tree, path: str) -> Any:
        if isinstance(tree, Scalar) and tree.empty:
            tree = Table(tree.place, ())  # a section whose lines are all commented out
        if not isinstance(tree, Table):
            return self._refuse(tree, path, Wrong(words.NOT_A_TABLE))
        fields = {f.name: f for f in dataclasses.fields(cls)}
        hints = typing.get_type_hints(cls)
        values: dict[str, Any] = {}
        for entry in tree.entries:
            where = f"{path}.{entry.key}" if path else entry.key
            if entry.key not in fields:
                meant = self._unknown(entry, cls, path, where)
                values.setdefault(meant, _NOTHING)  # misspelt: no need to say that it is missing
                continue
            self.places[where] = entry.place
            option: Option = fields[entry.key].metadata["option"]
            values[entry.key] = self._value(hints[entry.key], option, entry.value, where)
        for f in fields.values():
            if f.name not in values and _required(f):
                self._refuse(tree, path, words.missing(f.name, f.metadata["option"]))
                values[f.name] = _NOTHING
        if cls is DeviceStanza:
            self._device(values, tree, path)
        return _NOTHING if any(v is _NOTHING for v in values.values()) else cls(**values)

    def _unknown(self, entry: Entry, cls: type, path: str, where: str) -> str:
        """Refuse a key that no option has; return the one that was probably meant."""
        if words.is_secret(entry.key):
            wrong = words.secret_in_file(entry.key, cls)
        else:
            wrong = words.unknown_key(entry.key, [f.name for f in dataclasses.fields(cls)], path)
        self._refuse(entry, where, wrong)
        return wrong.meant

    def _value(self, wanted: Any, option: Option, tree: Tree, path: str) -> Any:
        if isinstance(wanted, type) and dataclasses.is_dataclass(wanted):
            return self._record(wanted, tree, path)
        origin = typing.get_origin(wanted)
        if origin is tuple:
            return self._list(typing.get_args(wanted)[0], option, tree, path)
        if origin is Mapping:
            return self._options_table(tree, path)
        if origin is types.UnionType:  # Path | None: leaving it out is how None is said
            wanted = typing.get_args(wanted)[0]
        if not isinstance(tree, Scalar):
            return self._refuse(tree, path, Wrong(words.NOT_A_SCALAR))
        return self._scalar(wanted, option, tree, path)

    def _list(self, item: type, option: Option, tree: Tree, path: str) -> Any:
        if isinstance(tree, Scalar) and tree.empty:
            tree = Items(tree.place, ())
        if not isinstance(tree, Items):
            advice = None
            if item is str and isinstance(tree, Scalar):
                advice = both(_as_command(path.rpartition(".")[2], tree.text))
            return self._refuse(tree, path, Wrong(words.NOT_A_LIST, write=advice))
        if wrong := words.count(len(tree.items), option):
            self._refuse(tree, path, wrong)
        found, one = [], Option(Text("", ""), form=option.form)
        names: dict[str, Place] = {}
        for number, element in enumerate(tree.items, start=1):
            where = f"{path}[{self._label(element, number, names)}]"
            self.places[where] = element.place
            found.append(self._value(item, one, element, where))
        return _NOTHING if any(v is _NOTHING for v in found) else tuple(found)

    def _label(self, element: Tree, number: int, names: dict[str, Place]) -> str:
        """Return how an item is called in messages: its name, where it has one of its own."""
        name = element.get("name") if isinstance(element, Table) else None
        if not isinstance(name, Scalar) or FORMS[Form.NAME](name.text):
            return f"#{number}"
        if name.text in names:
            self._refuse(name, f"devices[#{number}].name", words.taken(name.text, names[name.text]))
            return f"#{number}"
        names[name.text] = name.place
        return name.text

    def _scalar(self, wanted: type, option: Option, scalar: Scalar, path: str) -> Any:
        found: Any
        if wanted is bool:
            found = as_bool(scalar)
        elif wanted is int or wanted is float:
            found = as_number(scalar, wanted, option)
        elif issubclass(wanted, StrEnum):
            found = as_word(scalar, wanted)
        else:
            # A key of digits only is a number to YAML: look before a message would quote it.
            typed = FORMS[option.form](scalar.text) if option.form is Form.SECRET_FILE else None
            found = typed if typed and not scalar.empty else as_text(scalar)
            if isinstance(found, str) and option.form in FORMS:
                found = FORMS[option.form](found) or found
        if isinstance(found, Wrong):
            return self._refuse(scalar, path, found)
        if wanted is Path:
            return self._path(found)
        if option.form in {Form.ADDRESS, Form.ADAPTER, Form.SPARE} and ":" in found:
            return found.upper()
        return wanted(found)

    def _path(self, text: str) -> Path:
        """Return a path: beside the YAML file, or a credential, found where systemd put it."""
        if not text.startswith(CREDENTIAL):
            return self.base / text
        directory = self.environ.get(CREDENTIALS_DIRECTORY)
        return Path(directory) / text.removeprefix(CREDENTIAL) if directory else Path(text)

    # ------------------------------------------------------------------ a device and its driver
    def _options_table(self, tree: Tree, path: str) -> Any:
        """Return the options as they stand; `_device` gives them types once the driver is known."""
        if isinstance(tree, Scalar) and tree.empty:
            return Table(tree.place, ())
        if not isinstance(tree, Table):
            return self._refuse(tree, path, Wrong(words.NOT_A_TABLE))
        return tree

    def _device(self, values: dict[str, Any], tree: Table, path: str) -> None:
        name, given = values.get("driver"), values.get("options", Table(tree.place, ()))
        if given is _NOTHING:
            return
        specs: Mapping[str, OptionSpec] | None = None
        driver: Driver | None = None
        if isinstance(name, str) and self.driver_of:
            driver = find_driver(self.driver_of, name)
            if driver is None:
                at = tree.get("driver") or tree
                values["driver"] = self._refuse(
                    at, f"{path}.driver", words.unknown_driver(name, self.driver_names)
                )
            else:
                specs = driver.options
        options = self._options(given, specs, f"{path}.options")
        if options is not _NOTHING:
            options = MappingProxyType(options)
            if driver is not None and (why := unable(driver, options)):
                self._refuse(given, f"{path}.options", Wrong(both(why)))
        values["options"] = options

    def _options(self, given: Table, specs: Mapping[str, OptionSpec] | None, path: str) -> Any:
        found: dict[str, Any] = {key: spec.default for key, spec in (specs or {}).items()}
        for entry in given.entries:
            where = f"{path}.{entry.key}"
            self.places[where] = entry.place
            if words.is_secret(entry.key):
                wrong = words.secret_in_file(entry.key, DeviceStanza)
                found[entry.key] = self._refuse(entry, where, wrong)
            elif not isinstance(entry.value, Scalar):
                found[entry.key] = self._refuse(entry.value, where, Wrong(words.NOT_A_SCALAR))
            elif specs is None:
                found[entry.key] = self._untyped(entry.value, where)
            elif entry.key not in specs:
                wrong = words.unknown_key(entry.key, list(specs), where)
                found[entry.key] = self._refuse(entry, where, wrong)
            else:
                found[entry.key] = self._option(specs[entry.key], entry.value, where)
        return _NOTHING if any(v is _NOTHING for v in found.values()) else found

    def _option(self, spec: OptionSpec, scalar: Scalar, path: str) -> Any:
        value = self._scalar(spec.type, _ANY, scalar, path)
        if value is _NOTHING or not spec.choices or value in spec.choices:
            return value
        listed = ", ".join(str(choice) for choice in spec.choices)
        wrong = Text(
            f"{shown(scalar.text)} is not allowed here", f"{shown(scalar.text)}: 쓸 수 없음"
        )
        advice = Text(f"one of {listed}", f"다음 중 하나: {listed}")
        meant = closest(scalar.text, [c for c in spec.choices if isinstance(c, str)])
        return self._refuse(scalar, path, Wrong(wrong, meant, advice))

    def _untyped(self, scalar: Scalar, path: str) -> Any:
        """Return an option of a driver taken on trust: by YAML's own guess."""
        guess: type = {"bool": bool, "int": int, "float": float}.get(scalar.kind, str)
        return self._scalar(guess, _ANY, scalar, path)

    def _refuse(self, at: Tree | Entry, path: str, wrong: Wrong) -> Any:
        self.problems.append(Problem(at.place, path, wrong.wrong, wrong.meant, wrong.write))
        return _NOTHING


def find_driver(driver_of: DriverOf, name: str) -> Driver | None:
    """Return a driver, or None when there is none of this name."""
    try:
        return driver_of(name)
    except ConfigurationError:
        return None


def unable(driver: Driver, options: Mapping[str, int | float | str | bool]) -> str:
    """Return why a driver cannot do what its options ask together, or nothing."""
    try:
        driver.capabilities(options)
    except (ConfigurationError, ValueError) as error:
        return str(error)
    return ""


def _required(f: "dataclasses.Field[Any]") -> bool:
    return f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING


def _as_command(key: str, text: str) -> str:
    """Return a shell-like line as the list that is wanted."""
    try:
        parts = shlex.split(text)
    except ValueError:
        parts = text.split()
    quoted = ", ".join(f'"{part}"' for part in parts)
    return f"{key}: [{quoted}]"
