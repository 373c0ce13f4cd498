"""A scalar of the file -> a value of the wanted type, or what is wrong with it.

YAML 1.1 guesses types from the look of a word; here the option's type decides, and where the two
disagree the technician is told to quote, because every other YAML tool would guess as well.
"""

import math
import re
from collections.abc import Iterable
from enum import StrEnum

from gateway.config.forms import Wrong
from gateway.config.problems import both, closest, shown
from gateway.config.yaml_source import Scalar
from gateway.option import Option, Text

_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,15})")
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]{0,15})?(\.[0-9]{1,15})?([eE][-+]?[0-9]{1,3})?")
_UNIT = re.compile(r"\s*([-+]?[0-9]+(?:\.[0-9]+)?)\s*([A-Za-z%초분시간]+)\s*")
_TRUE = frozenset({"true", "yes", "on"})

EMPTY = Wrong(
    Text("has no value: give one, or delete the line", "값이 없습니다. 값을 쓰거나 줄을 지우십시오")
)


def as_text(scalar: Scalar) -> str | Wrong:
    """Return a text; a word that YAML would take for something else must be quoted."""
    if scalar.empty:
        return EMPTY
    if scalar.kind == "str" or not scalar.plain:
        return scalar.text
    return _quote_it(scalar)


def as_bool(scalar: Scalar) -> bool | Wrong:
    """Return true or false; YAML 1.1's yes, no, on and off say the same."""
    if scalar.empty:
        return EMPTY
    if scalar.kind == "bool" and scalar.plain:
        return scalar.text.casefold() in _TRUE
    meant = "true" if scalar.text.casefold() in _TRUE | {"1", "y", "예"} else "false"
    return Wrong(
        Text(
            f"{shown(scalar.text)}: true or false is wanted",
            f"{shown(scalar.text)}: true 또는 false",
        ),
        write=both(meant),
    )


def as_number(scalar: Scalar, wanted: type[int] | type[float], option: Option) -> float | Wrong:
    """Return a number within the option's range."""
    if scalar.empty:
        return EMPTY
    text = scalar.text
    if not scalar.plain and scalar.kind == "str":
        return Wrong(
            Text("a number stands without quotes", "숫자는 따옴표 없이 씁니다"),
            write=_sample(option),
        )
    pattern = _INT if wanted is int else _FLOAT
    if not pattern.fullmatch(text) or not any(c.isdigit() for c in text):
        return _no_number(text, wanted, option)
    number: float = int(text) if wanted is int else float(text)
    if not math.isfinite(number):
        return _no_number(text, wanted, option)
    return _within(number, option) or number


def as_word(scalar: Scalar, enum: type[StrEnum] | None, words: Iterable[str] = ()) -> str | Wrong:
    """Return one of the words of an enumeration."""
    text = as_text(scalar)
    if isinstance(text, Wrong):
        return text
    known = tuple(enum) if enum else tuple(words)
    if text in known:
        return text
    listed = ", ".join(word or '""' for word in known)
    return Wrong(
        Text(f"{shown(text)} is not allowed here", f"{shown(text)}: 쓸 수 없는 값"),
        closest(text, known),
        Text(f"one of {listed}", f"다음 중 하나: {listed}"),
    )


def _within(number: float, option: Option) -> Wrong | None:
    low, high = option.low, option.high
    if (low is None or number >= low) and (high is None or number <= high):
        return None
    if high is None:
        return Wrong(
            Text(f"{number:g} is below {low:g}", f"{number:g}: 최소 {low:g}"), write=_sample(option)
        )
    return Wrong(
        Text(
            f"{number:g} is out of range: {low:g} to {high:g}",
            f"{number:g}: 허용 범위 {low:g}~{high:g} 밖입니다",
        ),
        write=_sample(option),
    )


def _no_number(text: str, wanted: type, option: Option) -> Wrong:
    kind = Text("a whole number", "정수") if wanted is int else Text("a number", "숫자")
    wrong = Text(f"{shown(text)}: {kind.en} is wanted", f"{shown(text)}: {kind.ko}가 필요합니다")
    if unit := _UNIT.fullmatch(text):
        return Wrong(
            Text(
                f"{shown(text)}: the unit is in the option's name, write the number only",
                f"{shown(text)}: 단위는 항목 이름에 있으므로 숫자만 씁니다",
            ),
            write=both(unit[1]),
        )
    if re.fullmatch(r"[0-9]+,[0-9]+", text):
        return Wrong(wrong, write=both(text.replace(",", ".")))
    if re.fullmatch(r"[0-9]+(:[0-9]+)+", text):
        return Wrong(
            Text(
                f"{shown(text)}: YAML reads this as a number in base 60; {kind.en} is wanted",
                f"{shown(text)}: YAML은 이것을 60진수로 읽습니다. {kind.ko}가 필요합니다",
            ),
            write=_sample(option),
        )
    if re.fullmatch(r"[-+]?0[0-9_]+", text):
        return Wrong(
            Text(
                f"{shown(text)}: a leading zero makes it an octal number in YAML",
                f"{shown(text)}: 앞의 0 때문에 YAML은 8진수로 읽습니다",
            ),
            write=both(text.lstrip("+-0_").replace("_", "") or "0"),
        )
    return Wrong(wrong, write=_sample(option))


def _sample(option: Option) -> Text | None:
    if option.low is None or option.high is None:
        return None
    return Text(
        f"a number from {option.low:g} to {option.high:g}", f"{option.low:g}~{option.high:g}의 숫자"
    )


def _quote_it(scalar: Scalar) -> Wrong:
    text = scalar.text
    taken = {
        "bool": Text("true or false", "참/거짓"),
        "int": Text("a number", "숫자"),
        "float": Text("a number", "숫자"),
        "timestamp": Text("a date", "날짜"),
    }.get(scalar.kind, Text("something else than text", "글자가 아닌 것"))
    if ":" in text and scalar.kind in {"int", "float"}:
        taken = Text("a number in base 60", "60진수 숫자")
    elif scalar.kind == "int" and re.fullmatch(r"0[0-7_]+", text):
        taken = Text("an octal number", "8진수 숫자")
    return Wrong(
        Text(
            f"{shown(text)}: without quotes YAML takes this for {taken.en}: quote it",
            f"{shown(text)}: 따옴표가 없으면 YAML은 {taken.ko}로 읽습니다. 따옴표로 묶으십시오",
        ),
        write=both(f'"{text}"'),
    )
