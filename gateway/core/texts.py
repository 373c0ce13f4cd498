"""Reasons in words, English and Korean, for whoever reads them: resident, technician, operator.

A reason travels as a code with its numbers; here it gets its words. Values are formatted by
`str.format`, so a template names what it shows and how.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from gateway.core.model import Reason
from gateway.core.texts_inactivity import TEXTS as INACTIVITY
from gateway.errors import Bug

TEXTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "sos.pressed": ("SOS button pressed ({press})", "응급호출 버튼을 눌렀습니다 ({press})"),
        "sos.again": ("SOS button pressed again", "응급호출 버튼을 다시 눌렀습니다"),
        "resident.cancelled": (
            "the resident pressed the cancel button",
            "어르신이 취소 버튼을 눌렀습니다",
        ),
        "fall.suspected": (
            "impact {impact_g:.1f} g after {lowest_g:.1f} g, arm turned by {turn_deg:.0f}°",
            "충격 {impact_g:.1f} g, 직전 최저 {lowest_g:.1f} g, 팔 방향 변화 {turn_deg:.0f}°",
        ),
        "fall.suspected-unseen": (
            "a fall-like movement around lost samples, arm turned by {turn_deg:.0f}°",
            "신호가 끊긴 사이 낙상과 비슷한 움직임, 팔 방향 변화 {turn_deg:.0f}°",
        ),
        "fall.still": (
            "impact {impact_g:.1f} g, then still for {still_s:.0f} of {measured_s:.0f} s",
            "충격 {impact_g:.1f} g 후 {measured_s:.0f}초 중 {still_s:.0f}초 동안 움직임 없음",
        ),
        "fall.not-walked": (
            "impact {impact_g:.1f} g, and no walking in the {measured_s:.0f} s since",
            "충격 {impact_g:.1f} g 후 {measured_s:.0f}초 동안 걷지 않음",
        ),
        "fall.silent": (
            "impact {impact_g:.1f} g, and no samples from the band since",
            "충격 {impact_g:.1f} g 후 밴드 신호 없음",
        ),
        "fall.off-skin": (
            "impact {impact_g:.1f} g, and the band has been off the skin since",
            "충격 {impact_g:.1f} g 후 밴드가 피부에서 떨어짐",
        ),
        "fall.walking": (
            "walking again for {seconds:.0f} s after the impact",
            "충격 후 {seconds:.0f}초 동안 다시 걸음",
        ),
        "fall.well": ("seen on their feet since: {what}", "이후 활동 확인: {what}"),
        "hazard.present": ("{hazard} detected", "{hazard} 감지"),
        "hazard.over": ("{hazard} no longer detected", "{hazard} 감지 해제"),
        "battery.low": ("battery at {percent:.0f} %", "배터리 {percent:.0f}%"),
        "battery.light": ("battery low, says the device", "기기가 배터리 부족을 알립니다"),
        "battery.back": ("battery replaced or charged", "배터리 교체 또는 충전됨"),
        "sensor.silent": (
            "nothing heard for {minutes:.0f} min, expected every {expected:.0f} min",
            "{minutes:.0f}분 동안 신호 없음 (예상 간격 {expected:.0f}분)",
        ),
        "sensor.back": ("heard again after {minutes:.0f} min", "{minutes:.0f}분 만에 다시 수신"),
        "sensor.key": (
            "its packets do not open with the configured key",
            "설정된 키로 신호를 해독할 수 없습니다",
        ),
        "sensor.key-back": ("its packets open again", "신호가 다시 해독됩니다"),
        "sensor.bond": (
            "it no longer accepts this hub's pairing; a technician has to pair it again: {detail}",
            "이 허브와의 페어링이 풀렸습니다. 기사가 다시 페어링해야 합니다: {detail}",
        ),
        "sensor.bond-back": ("its pairing works again", "페어링이 회복되었습니다"),
        "band.away": (
            "band out of reach for {minutes:.0f} min",
            "밴드가 {minutes:.0f}분 동안 연결되지 않습니다",
        ),
        "band.notworn": ("band not worn for {minutes:.0f} min", "밴드 미착용 {minutes:.0f}분"),
        "band.worn": ("band worn again", "밴드를 다시 착용했습니다"),
        "adapter.deaf": (
            "the Bluetooth adapter hears nothing: {detail}",
            "블루투스 수신 불능: {detail}",
        ),
        "adapter.back": ("the Bluetooth adapter hears again", "블루투스 수신이 회복되었습니다"),
        "adapter.step-scan": (
            "still deaf; scan started anew: {detail}",
            "수신 불능 지속, 스캔을 다시 시작함: {detail}",
        ),
        "adapter.step-power": (
            "still deaf; adapter switched off and on: {detail}",
            "수신 불능 지속, 어댑터를 껐다 켬: {detail}",
        ),
        "adapter.step-spare": (
            "still deaf; going on with the spare adapter: {detail}",
            "수신 불능 지속, 예비 어댑터로 전환: {detail}",
        ),
        "adapter.step-daemon": (
            "still deaf; bluetoothd restarted: {detail}",
            "수신 불능 지속, bluetoothd를 다시 시작함: {detail}",
        ),
        "adapter.step-reset": (
            "still deaf; controller reset: {detail}",
            "수신 불능 지속, 컨트롤러를 초기화함: {detail}",
        ),
        "adapter.step-systemd": (
            "still deaf; the hub's program is started anew: {detail}",
            "수신 불능 지속, 허브 프로그램을 다시 시작함: {detail}",
        ),
        "store.failed": (
            "the database failed: {detail}",
            "데이터베이스 이상: {detail}",
        ),
        "store.back": ("the database works again", "데이터베이스가 회복되었습니다"),
        "announcer.failed": (
            "nothing tells the resident of an alarm: {detail}",
            "어르신께 경보를 알릴 수 없습니다: {detail}",
        ),
        "announcer.back": (
            "the resident is told of alarms again",
            "어르신께 경보를 다시 알릴 수 있습니다",
        ),
        "clock.unproven": (
            "the hub's clock has not been proven for {minutes:.0f} min",
            "허브 시계가 {minutes:.0f}분 동안 확인되지 않았습니다",
        ),
        "clock.proven": ("the hub's clock is proven", "허브 시계가 확인되었습니다"),
        "clock.jumped": (
            "the hub's clock jumped by {minutes:+.0f} min",
            "허브 시계가 {minutes:+.0f}분 바뀌었습니다",
        ),
        "clock.repaired": (
            "the time of this alarm was corrected",
            "이 경보의 시각을 바로잡았습니다",
        ),
        "test.alarm": ("full-path test alarm", "전 구간 시험 경보"),
        **INACTIVITY,
    }
)


# Words of the values themselves, where a template shows one; the English values are words already.
KOREAN: Mapping[str, str] = MappingProxyType(
    {
        "single": "한 번",
        "double": "두 번",
        "triple": "세 번",
        "long": "길게",
        "long_double": "길게 두 번",
        "long_triple": "길게 세 번",
        "hold": "누르고 있음",
        "smoke": "연기",
        "gas": "가스",
        "co": "일산화탄소",
        "water": "누수",
        "tamper": "기기 훼손",
        "heat": "고열",
    }
)


def render(reason: Reason) -> tuple[str, str]:
    """Return the reason in English and Korean.

    Raises:
        Bug: the code has no text, or its values do not fit it.

    """
    try:
        english, korean = TEXTS[reason.code]
        spoken = {
            name: KOREAN.get(value, value) if isinstance(value, str) else value
            for name, value in reason.values.items()
        }
        return english.format(**reason.values), korean.format(**spoken)
    except (KeyError, ValueError, IndexError) as error:
        raise Bug(f"no words for reason {reason}: {error!r}") from error


def words(reason: Reason) -> dict[str, Any]:
    """Return what a message's `evid` carries of a reason: code, both languages, the numbers."""
    english, korean = render(reason)
    return {"reason": reason.code, "en": english, "ko": korean, "values": dict(reason.values)}
