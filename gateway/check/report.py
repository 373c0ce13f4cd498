"""All findings of a file, and what will run, as `ansim check FILE` prints it."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain
from pathlib import Path
from types import MappingProxyType

from gateway.check.detectors import detectors
from gateway.check.devices import devices
from gateway.check.files import files
from gateway.check.finding import Finding, Home, Severity
from gateway.check.radio import radio
from gateway.check.summary import summary
from gateway.check.uplink import uplink
from gateway.config import DriverOf, InvalidConfig, load_with_places
from gateway.config.problems import Place
from gateway.mounts import Mount
from gateway.option import Language, Text
from gateway.settings import Settings

_NO_PLACES: Mapping[str, Place] = MappingProxyType({})


def check(
    settings: Settings,
    driver_of: DriverOf,
    now: datetime | None = None,
    *,
    places: Mapping[str, Place] = _NO_PLACES,
    environ: Mapping[str, str] = os.environ,
    mounts: tuple[Mount, ...] = (),
) -> list[Finding]:
    """Return everything worth telling, errors first, each part in the order of the file.

    now: an aware time, to judge certificates' dates; None while the clock is not proven.
    places: positions of the keys, from `load_with_places`.
    mounts: this machine's, from `gateway.mounts.here`; without them nothing is said of memory.
    """
    home = Home.of(settings, driver_of, environ, mounts)
    found = [
        replace(finding, place=place_of(finding.key, places))
        for finding in chain(
            devices(home), radio(home), detectors(home), uplink(home, now), files(home)
        )
    ]
    order = list(Severity)
    return sorted(found, key=lambda f: (order.index(f.severity), f.place or Place(0, 0)))


def place_of(key: str, places: Mapping[str, Place]) -> Place | None:
    """Return where a key stands, or what contains it: a default stands nowhere itself."""
    while key:
        if key in places:
            return places[key]
        key = key[: max(key.rfind("."), key.rfind("["), 0)]
    return None


def report(
    path: Path | str,
    driver_of: DriverOf,
    language: Language | None = None,
    *,
    now: datetime | None = None,
    driver_names: Iterable[str] = (),
    environ: Mapping[str, str] = os.environ,
    mounts: tuple[Mount, ...] = (),
) -> tuple[str, int]:
    """Return what `ansim check` prints, and its exit code: 0 it can run, 1 it has errors.

    language: None takes the file's.
    """
    try:
        loaded = load_with_places(path, driver_of, driver_names=driver_names, environ=environ)
    except InvalidConfig as problem:
        language = language or problem.language
        verdict = _COUNTS[0].of(language).format(len(problem.problems)) + _NO_START.of(language)
        return f"{problem.render(language)}\n\n{verdict}", 1
    settings = loaded.settings
    language = language or settings.hub.language
    findings = check(settings, driver_of, now, places=loaded.places, environ=environ, mounts=mounts)
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    parts = [finding.render(loaded.file, language) for finding in findings]
    if not errors:
        parts += [*([""] if parts else []), *summary(Home.of(settings, driver_of, {}), language)]
    return "\n".join([*parts, "", _verdict(findings, language)]), 1 if errors else 0


_COUNTS = (
    Text("errors {}: ", "오류 {}건: "),
    Text("errors {}, warnings {}, notes {}: ", "오류 {}건, 주의 {}건, 참고 {}건: "),
)
_NO_START = Text("the hub would not start", "허브가 시작되지 않습니다")
_UNFIT = Text("mend the errors before a home relies on this", "오류를 고친 뒤에 사용하십시오")
_FIT = Text("the hub can run", "실행할 수 있습니다")


def _verdict(findings: Sequence[Finding], language: Language) -> str:
    counts = [sum(finding.severity is severity for finding in findings) for severity in Severity]
    outcome = _UNFIT if counts[0] else _FIT
    return _COUNTS[1].of(language).format(*counts) + outcome.of(language)
