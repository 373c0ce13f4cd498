"""The words of the report, English and Korean."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from gateway.core.routine.day import Day
from gateway.option import Language

WORDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "title": ("Routine report", "생활 리듬 보고서"),
        "simulated": ("SIMULATED: nobody lives here", "모의 자료: 실제 거주자가 아닙니다"),
        "period": ("{first} to {last}, {days} days", "{first} ~ {last}, {days}일"),
        "made": ("made {made}", "작성 {made}"),
        "open": ("Not closed yet", "아직 종결되지 않은 경보"),
        "latest": ("{day}, against the last four weeks", "{day}, 지난 4주와 비교"),
        "week": (
            "Last 7 days: {name} outside the usual range on {count} of {days}.",
            "최근 7일: {name} {days}일 중 {count}일이 평소 범위를 벗어남.",
        ),
        "no-days": ("No whole day has been watched yet.", "아직 하루가 다 관찰되지 않았습니다."),
        "usual": ("usual {low} to {high}", "평소 {low} ~ {high}"),
        "map": ("When something was heard", "집 안에서 활동이 들린 시간"),
        "map-help": (
            "A row is a day from 4:00 to 4:00, the newest on top; a column is an hour.",
            "한 줄은 새벽 4시부터 다음 날 4시까지의 하루(맨 위가 최근), 한 칸은 한 시간입니다.",
        ),
        "less": ("little", "적음"),
        "more": ("much", "많음"),
        "out": ("out", "외출"),
        "blind": ("hub could not see", "허브가 확인 못 함"),
        "alarm": ("alarm", "경보"),
        "fault": ("technical fault", "기술 장애"),
        "limits": (
            "How long a silence may last before somebody asks",
            "연락 전까지 허용되는 무활동 시간",
        ),
        "limits-help": (
            "Over the day, while at home: the line is the median, the band the usual range.",
            "집에 있을 때 시간대별 값입니다. 선은 기간의 중앙값, 띠는 평소 범위입니다.",
        ),
        "near": ("How near the deadline came each day", "날짜별로 기한에 얼마나 가까웠는지"),
        "near-help": (
            (
                "The longest silence of the day as a share of what was allowed; at 100 % help is"
                " asked for (by night it may wait for the morning)."
            ),
            (
                "하루 중 가장 긴 무활동이 허용 시간의 몇 %였는지입니다. 100%가 되면 연락을"
                " 요청합니다(밤에는 아침까지 미룰 수 있음)."
            ),
        ),
        "alarms": ("Alarms", "경보"),
        "faults": ("Technical faults", "기술 장애"),
        "none": ("None in these weeks.", "이 기간에 없음."),
        "when": ("since", "시작"),
        "what": ("what", "종류"),
        "where": ("device", "기기"),
        "why": ("why", "이유"),
        "state": ("state", "상태"),
        "events": ("{count} signs of life", "생활 신호 {count}건"),
        "out-min": ("out {count} min", "외출 {count}분"),
        "blind-min": ("not seen {count} min", "미확인 {count}분"),
        "hours": ("hours", "시간"),
        "foot": (
            (
                "What changed and by how much; no diagnosis. Usual: 5th to 95th percentile of the"
                " four weeks that ended a week before the day. A day differs when it is outside"
                " that range and clearly off the median. Times in which the hub or a sensor could"
                " not see are hatched and not compared."
            ),
            (
                "무엇이 얼마나 달라졌는지만 보여 주며 진단이 아닙니다. 평소 범위는 그날로부터"
                " 일주일 전에 끝난 4주의 5~95% 구간이고, 그 범위를 벗어나고 중앙값과 뚜렷이 다를"
                " 때만 다르다고 표시합니다. 허브나 센서가 확인하지 못한 시간은 빗금으로 표시하고"
                " 비교하지 않습니다."
            ),
        ),
    }
)


class Say:
    """The words of one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._column = 0 if language is Language.EN else 1

    def __call__(self, key: str, **values: object) -> str:
        return WORDS[key][self._column].format(**values)

    def of(self, pair: tuple[str, str]) -> str:
        """Return one of (English, Korean)."""
        return pair[self._column]

    def day(self, day: Day) -> str:
        """Return a day for the margin of a picture: "Sat 21 Nov", "11/21 토"."""
        if self._column:
            return f"{day.date.month}/{day.date.day} {'월화수목금토일'[day.date.weekday()]}"
        names = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
        return f"{names[day.date.weekday()]} {day.date.day} {day.date:%b}"
