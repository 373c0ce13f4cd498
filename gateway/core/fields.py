"""JSON off the wire, read strictly: the shape is checked before anything believes it.

Theory of operation. `read_object` turns bytes into one JSON object or says precisely why not;
`Fields` then takes field by field, by name and type. Whoever is at fault gives the error's class:
CentreError when a hub reads the centre, HubMessageError when the centre reads a hub.

Why not json.loads alone [each seen in the tests]: it keeps the last of two equal keys (so two
readers can understand two things), accepts NaN and Infinity, turns 1e999 into inf, passes lone
surrogates that no UTF-8 can carry on, and answers deep nesting with RecursionError.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any, NoReturn, TypeVar

from gateway.core.model import At
from gateway.errors import AnsimError, CentreError

MAX_BYTES = 16 * 1024
"""No message of the contract needs more; a larger one is not read at all."""
MAX_DEPTH = 16
MAX_INT = 2**63 - 1  # what SQLite can keep
ID = re.compile(r"[0-9A-Za-z._-]{1,64}")
STREAMS = re.compile(r"alarm|event|sum|evidence|res|routine")
_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})"
)

E = TypeVar("E", bound=StrEnum)


# -------------------------------------------------------------------------------------- time
def timestamp(wall_ms: int) -> str:
    """Return RFC 3339 in UTC with milliseconds.

    >>> timestamp(0)
    '1970-01-01T00:00:00.000Z'
    """
    instant = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=wall_ms)
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_timestamp(text: str) -> int:
    """Return Unix milliseconds of an RFC 3339 time; CentreError if it is none."""
    if not _RFC3339.fullmatch(text):
        raise CentreError(f"not an RFC 3339 time: {text[:40]!r}")
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise CentreError(f"not an RFC 3339 time: {text!r}") from None
    return round((instant - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))


def instant_fields(at: At) -> dict[str, Any]:
    """Return `t`, `mono_ms` and `clock` of an instant, as every message carries them."""
    return {
        "t": timestamp(at.wall_ms),
        "mono_ms": at.mono_ms,
        "clock": "proven" if at.proven else "estimated",
    }


# -------------------------------------------------------------------------------------- JSON
def encode(message: Mapping[str, Any]) -> bytes:
    """Return the payload of a message: compact UTF-8 JSON."""
    return json.dumps(
        message, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=dict
    ).encode()


def read_object(payload: bytes, error: type[AnsimError]) -> dict[str, Any]:
    """Return the one JSON object in `payload`, or raise `error` with the reason."""
    if len(payload) > MAX_BYTES:
        raise error(f"{len(payload)} bytes, more than {MAX_BYTES}")

    try:
        value = json.loads(
            payload.decode(),
            object_pairs_hook=partial(_pairs, error),
            parse_constant=partial(_constant, error),
            parse_float=partial(_number, error),
        )
    except UnicodeDecodeError as wrong:
        raise error(f"not UTF-8 at byte {wrong.start}") from None
    except RecursionError:
        raise error("nested too deeply") from None
    except ValueError as wrong:  # JSONDecodeError, and an int of more than 4300 digits
        raise error(f"not JSON: {str(wrong)[:80]}") from None
    if not isinstance(value, dict):
        raise error(f"a {_name(value)}, not an object")
    _sound(value, error)
    return value


def _pairs(error: type[AnsimError], items: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(items)
    if len(found) != len(items):
        raise error("a key stands twice in one object")
    return found


def _constant(error: type[AnsimError], name: str) -> NoReturn:
    raise error(f"{name} is not JSON")


def _number(error: type[AnsimError], text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise error(f"a number too large: {text[:20]}")
    return value


def _sound(value: object, error: type[AnsimError]) -> None:
    """Refuse what later steps could choke on: depth, lone surrogates, integers no store takes."""
    level: list[object] = [value]
    for _ in range(MAX_DEPTH):
        below: list[object] = []
        for one in level:
            if isinstance(one, dict):
                below += one.keys()
                below += one.values()
            elif isinstance(one, list):
                below += one
            elif isinstance(one, str) and not one.isascii():
                try:
                    one.encode()
                except UnicodeEncodeError:
                    raise error("a lone surrogate in a string") from None
            elif isinstance(one, int) and abs(one) > MAX_INT:
                raise error("an integer beyond 64 bits")
        if not below:
            return
        level = below
    raise error("nested too deeply")


def _name(value: object) -> str:
    names: dict[type, str] = {
        dict: "JSON object",
        list: "JSON array",
        str: "string",
        bool: "boolean",
        int: "number",
        float: "number",
    }
    return names.get(type(value), "null")


class Fields:
    """One JSON object, taken field by field; each refusal names the field."""

    def __init__(self, values: Mapping[str, Any], error: type[AnsimError], where: str = "") -> None:
        self._values = values
        self._error = error
        self._where = where

    def refuse(self, field: str, why: str) -> NoReturn:
        """Raise, naming the field."""
        raise self._error(f"{self._where}{field}: {why}")

    def has(self, field: str) -> bool:
        """Whether the field is there and not null."""
        return self._values.get(field) is not None

    def only(self, known: Iterable[str]) -> None:
        """Refuse fields that are not `known`."""
        unknown = sorted(self._values.keys() - set(known))
        if unknown:
            self.refuse(unknown[0][:40], "unknown field")

    def version(self, version: int) -> None:
        """Refuse another version of the contract."""
        if self.integer("v") != version:
            self.refuse("v", f"version {self._values['v']}, this end speaks {version}")

    def text(self, field: str, pattern: re.Pattern[str] = ID) -> str:
        """Return a string that `pattern` describes whole."""
        value = self._take(field)
        if not isinstance(value, str):
            self.refuse(field, f"a {_name(value)}, not a string")
        if not pattern.fullmatch(value):
            self.refuse(field, f"{value[:40]!r} does not look like one")
        return value

    def integer(self, field: str, least: int = 0, most: int = MAX_INT) -> int:
        """Return an integer from `least` to `most`."""
        value = self._take(field)
        if type(value) is not int:
            self.refuse(field, f"a {_name(value)}, not an integer")
        if not least <= value <= most:
            self.refuse(field, f"{value} is not from {least} to {most}")
        return value

    def boolean(self, field: str) -> bool:
        """Return true or false."""
        value = self._take(field)
        if not isinstance(value, bool):
            self.refuse(field, f"a {_name(value)}, not a boolean")
        return value

    def word(self, field: str, words: type[E]) -> E:
        """Return one of `words`."""
        text = self.text(field, re.compile(r".{1,64}"))
        try:
            return words(text)
        except ValueError:
            self.refuse(field, f"{text!r} is none of {', '.join(words)}")

    def time(self, field: str) -> int:
        """Return an RFC 3339 time as Unix milliseconds."""
        text = self.text(field, re.compile(r".{1,64}"))
        try:
            return parse_timestamp(text)
        except CentreError as wrong:
            self.refuse(field, str(wrong))

    def ids(self, field: str) -> tuple[str, ...]:
        """Return an array of ids; absent is empty."""
        if not self.has(field):
            return ()
        value = self._take(field)
        if not isinstance(value, list):
            self.refuse(field, f"a {_name(value)}, not an array")
        for one in value:
            if not isinstance(one, str) or not ID.fullmatch(one):
                self.refuse(field, f"{str(one)[:40]!r} is no id")
        return tuple(value)

    def inner(self, field: str) -> "Fields":
        """Return an object within; absent is empty."""
        value = self._values.get(field)
        if value is None:
            value = {}
        if not isinstance(value, dict):
            self.refuse(field, f"a {_name(value)}, not an object")
        return Fields(value, self._error, f"{self._where}{field}.")

    def _take(self, field: str) -> Any:
        if not self.has(field):
            self.refuse(field, "missing")
        return self._values[field]
