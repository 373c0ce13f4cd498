"""All findings of a file, and what will run, as `ansim check FILE` prints it."""

import os
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain
from pathlib import Path
from types import MappingProxyType

from gateway.check.detectors import detectors
from gateway.check.devices import devices
from gateway.check.files import files
from gateway.check.finding import Finding, Home, Severity
from gateway.check.uplink import uplink
from gateway.config import DriverOf, InvalidConfig, load_with_places
from gateway.config.problems import Place
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
) -> list[Finding]:
    """Return everything worth telling, errors first, each part in the order of the file.

    now: an aware time, to judge certificates' dates; None while the clock is not proven.
    places: positions of the keys, from `load_with_places`.
    """
    home = Home.of(settings, driver_of, environ)
    found = [
        replace(finding, place=place_of(finding.key, places))
        for finding in chain(devices(home), detectors(home), uplink(home, now), files(home))
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
) -> tuple[str, int]:
    """Return what `ansim check` prints, and its exit code: 0 it will run, 1 it will not.

    language: None takes the file's.
    """
    try:
        loaded = load_with_places(path, driver_of, driver_names=driver_names, environ=environ)
    except InvalidConfig as problem:
        language = language or problem.language
        total = len(problem.problems)
        verdict = Text(
            f"{total} errors: the hub would not start", f"오류 {total}건: 실행할 수 없음"
        )
        return f"{problem.render(language)}\n\n{verdict.of(language)}", 1
    settings = loaded.settings
    language = language or settings.hub.language
    findings = check(settings, driver_of, now, places=loaded.places, environ=environ)
    count = {s: sum(f.severity is s for f in findings) for s in Severity}
    verdict = Text(
        f"{count[Severity.ERROR]} errors, {count[Severity.WARNING]} warnings, "
        f"{count[Severity.NOTE]} notes: ",
        f"오류 {count[Severity.ERROR]}건, 주의 {count[Severity.WARNING]}건, "
        f"참고 {count[Severity.NOTE]}건: ",
    )
    failed = count[Severity.ERROR] > 0
    outcome = _FAILS if failed else _RUNS
    parts = [finding.render(loaded.file, language) for finding in findings]
    if not failed:
        parts += ["", *summary(settings, driver_of, language)] if parts else []
        parts = parts or list(summary(settings, driver_of, language))
    parts += ["", verdict.of(language) + outcome.of(language)]
    return "\n".join(parts), 1 if failed else 0


_FAILS = Text("the hub would not start", "실행할 수 없음")
_RUNS = Text("the hub will run", "실행할 수 있음")


def summary(settings: Settings, driver_of: DriverOf, language: Language) -> Iterator[str]:
    """Yield what will run: devices, detectors, brokers."""
    home = Home.of(settings, driver_of, {})

    def say(en: str, ko: str) -> str:
        return Text(en, ko).of(language)

    yield say(f"hub {settings.hub.id}, district {settings.hub.district}", f"허브 {settings.hub.id}")
    rows = [
        (
            device.stanza.name,
            device.stanza.driver,
            device.stanza.address,
            device.stanza.place or "-",
            str(device.stanza.role) or "-",
            say("connects", "연결") if device.connects else say("listens", "수신"),
        )
        for device in home.devices
    ]
    head = tuple(
        text.of(language)
        for text in (
            Text("device", "기기"),
            Text("driver", "드라이버"),
            Text("address", "주소"),
            Text("place", "장소"),
            Text("role", "역할"),
            Text("link", "방식"),
        )
    )
    yield ""
    yield from table((head, *rows))
    yield ""
    yield from _what_runs(settings, home, say)


def _what_runs(settings: Settings, home: Home, say: Callable[[str, str], str]) -> Iterator[str]:
    off = say("off", "꺼짐")
    told = bool(settings.announcer.command)
    fall, still = settings.fall, settings.inactivity
    bands = [d.stanza.name for d in home.devices if d.gives("AccelerationBlock")]
    window = fall.cancel_window_s if told else 0
    on = say(
        f"{fall.operating_point}, from {', '.join(bands)}, cancel window {window:g} s",
        f"{fall.operating_point}, {', '.join(bands)}, 취소 시간 {window:g}초",
    )
    yield say("falls:      ", "낙상:     ") + (on if fall.enabled and bands else off)
    hours = f"{still.attention_h:g} / {still.warning_h:g} / {still.emergency_h:g}"
    on = say(f"{hours} h, out {still.away_h:g} h", f"{hours}시간, 외출 {still.away_h:g}시간")
    yield say("inactivity: ", "무활동:   ") + (on if still.enabled else off)
    for broker in settings.uplink.brokers:
        yield say("broker:     ", "브로커:   ") + broker.url
    yield say("store:      ", "저장:     ") + f"{settings.store.directory}"


def table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield aligned lines; a Korean syllable takes two columns of a terminal."""
    widths = [max(_width(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell + " " * (w - _width(cell)) for cell, w in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
