"""The words of the inactivity detector: levels by presence, and what `ansim status` says."""

from collections.abc import Mapping
from types import MappingProxyType

LEVELS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "attention": ("attention", "주의"),
        "warning": ("warning", "경고"),
        "emergency": ("emergency", "위급"),
    }
)

PRESENCES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "home": ("probably at home", "집에 있는 것으로 보임"),
        "asleep": ("probably in bed or a chair", "침대나 의자에 있는 것으로 보임"),
        "away": ("probably out", "외출한 것으로 보임"),
        "arrived": (
            "the front door moved after an absence, and nothing inside since",
            "외출 후 현관문이 움직였으나 집 안에서 활동이 없음",
        ),
        "ambiguous": (
            "the front door moved, and nothing inside since: gone out, or still in",
            "현관문이 움직인 뒤 집 안 활동이 없음: 외출했거나 아직 집에 있음",
        ),
        "said-away": ("away, as announced", "외출로 설정됨"),
        "unknown": ("home or out, nobody knows", "집에 있는지 알 수 없음"),
        "out-of-reach": ("the band is out of reach", "밴드가 수신 범위를 벗어남"),
    }
)

_SILENCE = (
    "no sign of life for {hours:.1f} h (allowed: {allowed:.1f} h), last from {last}",
    "{hours:.1f}시간 동안 생활 신호 없음 (허용 {allowed:.1f}시간), 마지막 신호: {last}",
)
_OUTLOOK = (
    "attention in {left:.1f} h if nothing more is heard; last sign {hours:.1f} h ago from {last}",
    "이후 신호가 없으면 {left:.1f}시간 뒤 주의 경보. 마지막 생활 신호 {hours:.1f}시간 전({last})",
)

TEXTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        f"inactivity.{level}.{presence}": (
            f"{words[0]}: {_SILENCE[0]}; {where[0]}",
            f"{words[1]}: {_SILENCE[1]}. {where[1]}",
        )
        for level, words in LEVELS.items()
        for presence, where in PRESENCES.items()
    }
    | {
        f"inactivity.outlook.{presence}": (
            f"{_OUTLOOK[0]}; {where[0]}",
            f"{_OUTLOOK[1]}. {where[1]}",
        )
        for presence, where in PRESENCES.items()
    }
    | {
        "inactivity.over": (
            "a sign of life from {last} after {hours:.1f} h",
            "{hours:.1f}시간 만에 생활 신호 확인 ({last})",
        ),
        "inactivity.said-home": (
            "the centre says that the resident is home, after {hours:.1f} h",
            "{hours:.1f}시간 만에 관제센터가 재택을 확인함",
        ),
        "inactivity.held": (
            "by night attention waits for the morning, {hours:.1f} h longer",
            "야간에는 주의 경보를 아침까지 {hours:.1f}시간 미룸",
        ),
        "inactivity.held-to-warning": (
            "by night attention waits for the warning, {hours:.1f} h longer",
            "야간에는 주의 경보를 경고 단계까지 {hours:.1f}시간 미룸",
        ),
        "inactivity.blind": (
            "nothing of the home can be heard: the deadline stands still",
            "집 안 신호를 들을 수 없어 무활동 시간이 멈춰 있습니다",
        ),
        "inactivity.unseen": (
            "not counted: {hours:.1f} h in which nobody could hear",
            "신호를 들을 수 없던 {hours:.1f}시간은 세지 않음",
        ),
        "inactivity.lost": (
            "nobody saw whether the resident left meanwhile",
            "그사이 외출했는지 확인되지 않음",
        ),
        "inactivity.less-seen": (
            "not seen: {sensors}, so {times:.1f} times as long is allowed",
            "확인되지 않는 센서: {sensors}. 허용 시간 {times:.1f}배",
        ),
        "inactivity.door-unseen": (
            "front door not seen: {sensors}",
            "현관문 센서 확인되지 않음: {sensors}",
        ),
        "inactivity.nothing-yet": (
            "no sign of life since the start; attention in {left:.1f} h if none comes",
            "시작 후 생활 신호 없음. 계속 없으면 {left:.1f}시간 뒤 주의 경보",
        ),
        "inactivity.no-sensor": (
            "no device here gives signs of life: inactivity cannot be seen",
            "생활 신호를 주는 기기가 없어 무활동을 알 수 없습니다",
        ),
    }
)
