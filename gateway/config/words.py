"""The words for what can be wrong with a key of the YAML: unknown, missing, misplaced, a secret."""

import dataclasses
import re
import typing
from collections.abc import Iterable, Mapping

from gateway.config.forms import Wrong
from gateway.config.problems import Place, both, closest, shown
from gateway.option import Option, Text
from gateway.settings import BrokerSettings, DeviceStanza, Settings

_SECRET = re.compile(
    r"(mqtt|broker|tls|device)?(pass|passwd|password|passphrase|pw|secret|token|psk|key|bindkey|"
    r"blekey|encryptionkey|privatekey)",
    re.IGNORECASE,
)

NOT_A_TABLE = Text("keys with values are wanted here", "여기에는 “항목: 값”이 필요합니다")
NOT_A_LIST = Text("a list is wanted here, each item after “- ”", "여기에는 “- ”로 시작하는 목록")
NOT_A_SCALAR = Text("one value is wanted here", "여기에는 값 하나가 필요합니다")


def is_secret(key: str) -> bool:
    """Whether a key of this name would hold a secret itself rather than name its file."""
    return bool(_SECRET.fullmatch(re.sub(r"[^A-Za-z]", "", key)))


def secret_in_file(key: str, owner: type) -> Wrong:
    """Return what is said of a secret typed into the YAML; its value is never repeated."""
    of_key = key.casefold().endswith("key") and owner in {BrokerSettings, DeviceStanza}
    wanted = "key_file" if of_key or owner is DeviceStanza else "password_file"
    name = "mqtt-password" if wanted == "password_file" else "NAME.key"
    return Wrong(
        Text(
            f"a secret does not stand in this file: put it in a file of its own (mode 0600) and "
            f"name that in {wanted}",
            f"비밀 값은 이 파일에 쓰지 않습니다. 별도 파일(권한 0600)에 넣고 {wanted}에 "
            "그 파일 이름을 쓰십시오",
        ),
        write=both(f"{wanted}: keys/{name}"),
    )


def unknown_key(key: str, known: Iterable[str], here: str) -> Wrong:
    """Return what is said of a key that no option has."""
    wrong = Text("there is no such option", "없는 항목입니다")
    if meant := closest(key, known):
        return Wrong(wrong, meant)
    elsewhere = [place for place in _sections_with(key) if place != here]
    if elsewhere:
        where = " / ".join(place or "(top)" for place in elsewhere)
        return Wrong(
            Text(
                f"there is no such option here, but under {where}",
                f"여기가 아니라 {where} 항목입니다",
            )
        )
    return Wrong(
        wrong, write=Text("one of " + ", ".join(known), "다음 중 하나: " + ", ".join(known))
    )


def missing(name: str, option: Option) -> Wrong:
    """Return what is said of a required key that is not there."""
    example = f'{name}: "{option.example}"' if option.example else f"{name}:"
    return Wrong(
        Text(f"{name} is missing: {option.help.en}", f"{name} 항목이 빠졌습니다: {option.help.ko}"),
        write=both(example),
    )


def unknown_driver(name: str, names: Iterable[str]) -> Wrong:
    """Return what is said of a driver that does not exist."""
    listed = ", ".join(names)
    advice = Text(f"one of {listed}", f"다음 중 하나: {listed}")
    asking = Text("see `ansim drivers`", "`ansim drivers` 참고")
    return Wrong(
        Text(f"{shown(name)}: there is no such driver", f"{shown(name)}: 없는 드라이버입니다"),
        closest(name, names),
        advice if listed else asking,
    )


def taken(name: str, first: Place) -> Wrong:
    """Return what is said of a second device of one name."""
    return Wrong(
        Text(
            f"{shown(name)} is the name of another device already, at line {first.line}",
            f"{shown(name)}: {first.line}행의 기기가 이미 쓰는 이름입니다",
        ),
        write=both(f"name: {name}-2"),
    )


def count(found: int, option: Option) -> Wrong | None:
    """Return what is wrong with the length of a list, if anything is."""
    low, high = option.low or 0, option.high
    if found < low:
        return Wrong(Text(f"at least {low:g} wanted", f"최소 {low:g}개 필요합니다"))
    if high is not None and found > high:
        return Wrong(Text(f"{found}: at most {high:g}", f"{found}개: 최대 {high:g}개"))
    return None


def _sections_with(key: str) -> list[str]:
    """Return the sections that have an option of this name."""
    sections: Mapping[str, type] = {
        "": Settings,
        "devices[]": DeviceStanza,
        "uplink.brokers[]": BrokerSettings,
    } | {
        name: hint
        for name, hint in typing.get_type_hints(Settings).items()
        if dataclasses.is_dataclass(hint) and isinstance(hint, type)
    }
    return [
        place for place, cls in sections.items() if key in {f.name for f in dataclasses.fields(cls)}
    ]
