"""How one option of the YAML is described: help in both languages, range, form, example."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple


class Language(StrEnum):
    """What people read."""

    KO = "ko"
    EN = "en"


class Text(NamedTuple):
    """One thing said in both languages."""

    en: str
    ko: str

    def of(self, language: Language) -> str:
        """Return it in one language."""
        return self.ko if language is Language.KO else self.en


class Form(StrEnum):
    """What a text must look like beyond being text (gateway.config.forms checks each)."""

    ANY = "any"
    HUB_ID = "hub-id"
    DISTRICT = "district"
    TIMEZONE = "timezone"
    ADAPTER = "adapter"
    SPARE = "spare"  # of each item of a list
    NAME = "name"
    ADDRESS = "address"
    DRIVER = "driver"
    PLACE = "place"
    PASSKEY = "passkey"
    CLOCK = "clock"
    BROKER_URL = "broker-url"
    USERNAME = "username"
    SECRET_FILE = "secret-file"  # noqa: S105 - the name of a form, no secret
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Option:
    """What a field's type does not say: help, range (both ends allowed), form, an example."""

    help: Text
    low: float | None = None
    high: float | None = None
    form: Form = Form.ANY
    example: object = None


def say(
    en: str,
    ko: str,
    *,
    low: float | None = None,
    high: float | None = None,
    form: Form = Form.ANY,
    example: object = None,
) -> Mapping[str, Option]:
    """Return a field's metadata."""
    return MappingProxyType({"option": Option(Text(en, ko), low, high, form, example)})
