"""The board's keys, pure: what was typed so far and one key in, what to do out.

A number, then a letter. Closing asks one more letter, the cause. Numbers stay with their alarm
(gateway.centre.view.Numbers), so nothing slips under the fingers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from gateway.core.wire import Cause, CommandName

ESCAPE = "\x1b"
ERASE = frozenset("\x7f\b")
DIGITS = frozenset("0123456789")
MOST_DIGITS = 4
STEPS: Mapping[str, int] = MappingProxyType({"j": 1, "k": -1})

CAUSE_KEYS: Mapping[str, Cause] = MappingProxyType(
    {"r": Cause.REAL, "f": Cause.FALSE, "t": Cause.TEST, "p": Cause.RESIDENT}
)
COMMAND_KEYS: Mapping[str, CommandName] = MappingProxyType(
    {
        "t": CommandName.TEST_ALARM,
        "s": CommandName.STATUS,
        "a": CommandName.AWAY,
        "o": CommandName.HOME,
    }
)


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands on the prompt: a number, and whether the cause is asked for.

    note: a phrase of the board, said: words as they are; either until the next key.
    """

    number: str = ""
    closing: bool = False
    note: str = ""
    said: str = ""
    scroll: int = 0


NOTHING_TYPED = Typed()


@dataclass(frozen=True, slots=True)
class Handle:
    """Handled: the alarm of this number."""

    number: int


@dataclass(frozen=True, slots=True)
class Close:
    """Closed, with its cause: the alarm of this number."""

    number: int
    cause: Cause


@dataclass(frozen=True, slots=True)
class Order:
    """A command for the hub of this number."""

    number: int
    name: CommandName


@dataclass(frozen=True, slots=True)
class Quit:
    """Leave."""


@dataclass(frozen=True, slots=True)
class OtherLanguage:
    """Korean to English and back."""


Action = Handle | Close | Order | Quit | OtherLanguage

WHOLE_KEYS: Mapping[str, Action] = MappingProxyType({"q": Quit(), "l": OtherLanguage()})
LETTERS = frozenset({"h", "c", *COMMAND_KEYS})


def press(typed: Typed, key: str) -> tuple[Typed, Action | None]:
    """Return what is typed after this key, and what to do (None: nothing yet)."""
    empty = Typed(scroll=typed.scroll)
    if key == ESCAPE:
        return empty, None
    if typed.closing:
        cause = CAUSE_KEYS.get(key)
        return (typed, None) if cause is None else (empty, Close(int(typed.number), cause))
    if key in WHOLE_KEYS:
        return empty, WHOLE_KEYS[key]
    if key in LETTERS:
        return _of_number(typed, key)
    return _edited(replace(typed, note="", said=""), key), None


def _of_number(typed: Typed, key: str) -> tuple[Typed, Action | None]:
    if not typed.number:
        return replace(typed, note="number?"), None
    number, empty = int(typed.number), Typed(scroll=typed.scroll)
    if key == "c":
        return replace(typed, closing=True, note="", said=""), None
    return empty, Handle(number) if key == "h" else Order(number, COMMAND_KEYS[key])


def _edited(typed: Typed, key: str) -> Typed:
    if key in ERASE:
        return replace(typed, number=typed.number[:-1])
    if key in DIGITS:
        return replace(typed, number=(typed.number + key)[-MOST_DIGITS:])
    if key in STEPS:
        return replace(typed, scroll=max(0, typed.scroll + STEPS[key]))
    return typed
