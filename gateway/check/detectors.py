"""Rules about what the detectors need: a band that shows impacts, sensors that prove they live."""

from collections.abc import Iterator

from gateway.check.finding import Equipped, Finding, Home, error, note, warning
from gateway.core.detectors.visibility import HOURLY_MS
from gateway.core.routine.measures import BATHROOM, INSIDE
from gateway.option import Text
from gateway.settings import InactivitySettings, Role

# Below these an impact is not seen: wrist impacts exceed 2 g (a ±2 g band clips every one of them)
# and last under 100 ms (two samples at 20 Hz). Clipping at ±4 g costs nothing measurable.
MIN_RATE_HZ = 20.0
MIN_RANGE_G = 4.0
_MINUTES_A_DAY = 24 * 60


def detectors(home: Home) -> Iterator[Finding]:
    """Look at each detector that is switched on."""
    if home.settings.fall.enabled:
        yield from _falls(home)
    if home.settings.inactivity.enabled:
        yield from _levels(home.settings.inactivity)
        yield from _night(home.settings.inactivity)
        yield from _sensors(home)
    if home.settings.routine.enabled:
        yield from _routine(home)
    yield from _cancelling(home)


def _falls(home: Home) -> Iterator[Finding]:
    if not home.bands:
        yield warning(
            "fall",
            "no device streams acceleration: falls will not be noticed",
            "가속도를 보내는 기기가 없습니다. 낙상을 감지할 수 없습니다",
            Text(
                "add a band, or say that this is meant: fall: {enabled: false}",
                "밴드를 추가하거나, 의도한 것이면 fall: {enabled: false}",
            ),
        )
    for band in home.bands:
        yield from _impact(band)


def _impact(band: Equipped) -> Iterator[Finding]:
    rate, reach = band.can.sample_rate_hz, band.can.range_g
    short: list[Text] = []
    if rate is None or rate < MIN_RATE_HZ:
        has = "unknown" if rate is None else f"{rate:g} Hz"
        short.append(
            Text(
                f"{has}, {MIN_RATE_HZ:g} Hz needed: an impact lasts under 0.1 s",
                f"샘플 속도 {has}, 최소 {MIN_RATE_HZ:g} Hz (충격은 0.1초 미만)",
            )
        )
    if reach is None or reach < MIN_RANGE_G:
        has = "unknown" if reach is None else f"±{reach:g} g"
        short.append(
            Text(
                f"{has}, ±{MIN_RANGE_G:g} g needed: impacts exceed 2 g and would be clipped",
                f"측정 범위 {has}, 최소 ±{MIN_RANGE_G:g} g (충격은 2 g을 넘어 잘림)",
            )
        )
    if short:
        yield error(
            band.key,
            "cannot feed the fall detector: " + "; ".join(text.en for text in short),
            "낙상 감지에 쓸 수 없는 밴드: " + "; ".join(text.ko for text in short),
            Text(
                "set its options higher if it can, use another band, or fall: {enabled: false}",
                "가능하면 options를 높이거나 다른 밴드를 쓰거나 fall: {enabled: false}",
            ),
        )


def _levels(level: InactivitySettings) -> Iterator[Finding]:
    hours = (level.attention_h, level.warning_h, level.emergency_h)
    if list(hours) != sorted(set(hours)):
        said = " < ".join(f"{h:g}" for h in hours)
        yield error(
            "inactivity",
            f"the levels must ascend: attention < warning < emergency, here {said}",
            f"단계는 주의 < 경고 < 위급 순으로 커져야 합니다. 현재 {said}",
            Text("the service's own are 8, 12, 24", "기본값은 8, 12, 24"),
        )
    if level.away_h < level.emergency_h:
        yield warning(
            "inactivity.away_h",
            f"{level.away_h:g} h while out is less than emergency_h ({level.emergency_h:g} h) "
            "at home",
            f"외출 허용 {level.away_h:g}시간이 재실 위급 {level.emergency_h:g}시간보다 짧습니다",
        )


def _night(level: InactivitySettings) -> Iterator[Finding]:
    begin, end = _minutes(level.quiet_from), _minutes(level.quiet_to)
    length = (end - begin) % _MINUTES_A_DAY
    if length == 0:
        yield warning(
            "inactivity.quiet_from",
            "the night begins and ends at the same time: there is none",
            "밤의 시작과 끝이 같습니다. 밤이 없는 것으로 처리됩니다",
        )
    elif length > _MINUTES_A_DAY // 2:
        yield warning(
            "inactivity.quiet_from",
            f"a night of {length / 60:g} h ({level.quiet_from} to {level.quiet_to}): swapped?",
            f"밤이 {length / 60:g}시간({level.quiet_from}~{level.quiet_to}). 순서가 바뀌었습니까?",
        )


def _sensors(home: Home) -> Iterator[Finding]:
    fixed = [device for device in home.lively if not device.connects]
    if home.devices and not home.lively:
        yield warning(
            "inactivity",
            "nothing shows that somebody is about (no motion, door, bed or band): a long silence "
            "will not be noticed",
            "생활 신호를 알려 줄 기기(동작, 문, 침대, 밴드) 없음: 무활동을 감지할 수 없습니다",
            Text(
                "add a motion sensor, or say that this is meant: inactivity: {enabled: false}",
                "동작 센서를 추가하거나, 의도한 것이면 inactivity: {enabled: false}",
            ),
        )
    if mute := [d.stanza.name for d in fixed if not _hourly(d.can.sign_of_life_s)]:
        listed = ", ".join(mute)
        yield note(
            "inactivity",
            f"{listed}: no sign of life at least hourly; if one dies it is believed for two days "
            "after it was heard last, and less each day from then on",
            f"{listed}: 한 시간 이내의 주기 신호가 없어, 고장 나면 마지막 신호 후 이틀까지 "
            "정상으로 보고 그 뒤 매일 신뢰도를 낮춥니다",
        )
    if home.lively and all(d.stanza.role is Role.DOOR for d in home.lively):
        yield warning(
            "inactivity",
            "nothing watches inside: after the front door a return looks like a departure",
            "집 안을 보는 센서가 없어 귀가와 외출을 구별할 수 없습니다",
            Text("add a motion sensor", "동작 센서를 추가하십시오"),
        )
    if fixed and not any(d.stanza.role is Role.DOOR for d in home.devices):
        yield warning(
            "inactivity",
            "no front door contact: an outing looks like a long silence at home",
            "현관문 센서가 없습니다. 외출이 집 안의 장시간 무활동처럼 보입니다",
            Text("role: door on a contact sensor", "문 열림 센서에 role: door"),
        )


def _hourly(sign_of_life_s: float | None) -> bool:
    return sign_of_life_s is not None and sign_of_life_s * 1000 <= HOURLY_MS


def _routine(home: Home) -> Iterator[Finding]:
    """Say which measures the daily summary of this home will not have."""
    missing = []
    if not any(d.stanza.place in BATHROOM and INSIDE & set(d.can.provides) for d in home.devices):
        missing.append(Text("bathroom visits (no sensor there)", "화장실 이용(센서 없음)"))
    if not any(d.stanza.role is Role.DOOR for d in home.devices):
        missing.append(Text("time out (no front door)", "외출 시간(현관문 센서 없음)"))
    if not any("AccelerationBlock" in d.can.provides for d in home.devices):
        missing.append(Text("activity (no band)", "활동 시간(밴드 없음)"))
    if not any("HeartRate" in d.can.provides for d in home.devices):
        missing.append(Text("resting heart rate (no band)", "안정 시 심박수(밴드 없음)"))
    if missing and home.devices:
        yield note(
            "routine",
            "the daily summary will be without " + ", ".join(text.en for text in missing),
            "하루 요약에서 빠지는 항목: " + ", ".join(text.ko for text in missing),
        )


def _cancelling(home: Home) -> Iterator[Finding]:
    told = bool(home.settings.announcer.command)
    fall, still = home.settings.fall, home.settings.inactivity
    windows = {
        "fall.cancel_window_s": (fall.enabled and home.bands, fall.cancel_window_s),
        "inactivity.cancel_window_s": (still.enabled and home.lively, still.cancel_window_s),
    }
    for key, (runs, seconds) in windows.items():
        if runs and seconds > 0 and not told:
            yield warning(
                key,
                f"nothing tells the resident of a pending alarm, so its window of {seconds:g} s "
                "is treated as 0: every alarm goes out at once",
                f"경보 대기를 알릴 수단이 없어 취소 시간 {seconds:g}초를 0으로 처리(바로 경보)",
                Text(
                    "announcer: {command: [...]}, or 0 here", "announcer: {command: [...]} 또는 0"
                ),
            )
    cancels = {Role.CANCEL, Role.SOS_CANCEL}
    if told and not any(device.stanza.role in cancels for device in home.devices):
        yield note(
            "announcer",
            "the resident is told but has no button to cancel with; only plain signs of being "
            "well cancel",
            "알림은 있지만 취소 버튼이 없습니다. 괜찮다는 움직임으로만 취소됩니다",
            Text("role: cancel or sos-cancel on a button", "버튼에 role: cancel 또는 sos-cancel"),
        )


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
