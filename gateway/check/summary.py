"""What will run, in a screenful: devices, detectors, brokers."""

import unicodedata
from collections.abc import Iterator, Sequence

from gateway.check.finding import Home
from gateway.option import Language, Text
from gateway.settings import Role

_HEAD = (
    Text("device", "기기"),
    Text("driver", "드라이버"),
    Text("address", "주소"),
    Text("place", "장소"),
    Text("role", "역할"),
    Text("link", "방식"),
)
_CONNECTS, _LISTENS = Text("connects", "연결"), Text("adverts", "수신")
_OFF = Text("off", "꺼짐")
_NOTHING = Text("nothing can tell", "감지할 기기 없음")


def summary(home: Home, language: Language) -> Iterator[str]:
    """Yield the lines."""
    hub = home.settings.hub
    yield Text(f"hub {hub.id}, district {hub.district}", f"허브 {hub.id}, 지역 {hub.district}").of(
        language
    )
    yield ""
    yield from table((tuple(text.of(language) for text in _HEAD), *_devices(home, language)))
    yield ""
    yield from table([(name.of(language), what.of(language)) for name, what in _what_runs(home)])


def _devices(home: Home, language: Language) -> Iterator[tuple[str, ...]]:
    for device in home.devices:
        yield (
            device.stanza.name,
            device.stanza.driver,
            device.stanza.address,
            device.stanza.place or "-",
            str(device.stanza.role) or "-",
            (_CONNECTS if device.connects else _LISTENS).of(language),
        )


def _what_runs(home: Home) -> Iterator[tuple[Text, Text]]:
    settings = home.settings
    yield Text("SOS", "SOS"), _named(home, Role.SOS, Role.SOS_CANCEL)
    yield Text("cancel", "취소"), _named(home, Role.CANCEL, Role.SOS_CANCEL)
    yield Text("falls", "낙상"), _falls(home)
    yield Text("inactivity", "무활동"), _inactivity(home)
    for broker in settings.uplink.brokers:
        yield Text("broker", "브로커"), Text(broker.url, broker.url)
    yield Text("store", "저장"), Text(*[str(settings.store.directory)] * 2)


def _named(home: Home, *roles: Role) -> Text:
    names = [device.stanza.name for device in home.devices if device.stanza.role in roles]
    return Text(*[", ".join(names)] * 2) if names else Text("no button", "버튼 없음")


def _falls(home: Home) -> Text:
    fall = home.settings.fall
    bands = [band.stanza.name for band in home.bands]
    if not fall.enabled or not bands:
        return _NOTHING if fall.enabled else _OFF
    told = bool(home.settings.announcer.command)
    window, named = fall.cancel_window_s if told else 0, ", ".join(bands)
    return Text(
        f"{named}, {fall.operating_point}, cancel window {window:g} s",
        f"{named}, {fall.operating_point}, 취소 시간 {window:g}초",
    )


def _inactivity(home: Home) -> Text:
    still = home.settings.inactivity
    if not still.enabled or not home.lively:
        return _NOTHING if still.enabled else _OFF
    hours = f"{still.attention_h:g} / {still.warning_h:g} / {still.emergency_h:g}"
    return Text(
        f"{hours} h at most, {still.away_h:g} h while out",
        f"최대 {hours}시간, 외출 중 {still.away_h:g}시간",
    )


def table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield aligned lines; a Korean syllable takes two columns of a terminal."""
    widths = [max(_width(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell + " " * (w - _width(cell)) for cell, w in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
