"""The words of a day's summary, English and Korean: what changed and by how much, no diagnosis."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from gateway.core.routine.day import Day
from gateway.core.routine.measures import ENOUGH_DAYS, WEEK, Change, Compared, Unit, What
from gateway.core.routine.nights import Nights

Pair = tuple[str, str]

DAY_MIN: Final = 1440
LEAST_MIN: Final = 60  # seen of a day: less says nothing of it

NAMES: Final[Mapping[What, Pair]] = MappingProxyType(
    {
        What.FIRST: ("first motion", "첫 활동"),
        What.LAST: ("last motion", "마지막 활동"),
        What.VISITS: ("bathroom visits in the night", "야간 화장실 이용"),
        What.OUT: ("time out", "외출 시간"),
        What.ACTIVE: ("activity", "활동 시간"),
        What.PULSE: ("resting heart rate", "안정 시 심박수"),
    }
)
_CHANGES: Final[Mapping[Change, Pair]] = MappingProxyType(
    {
        Change.EARLIER: ("earlier", "이름"),
        Change.LATER: ("later", "늦음"),
        Change.MORE: ("more", "많음"),
        Change.LESS: ("less", "적음"),
        Change.USUAL: ("as usual", "평소와 같음"),
        Change.NONE: ("none all day", "하루 종일 없음"),
        Change.NOT_KNOWN: ("what is usual is not yet known", "평소 모습을 아직 모름"),
        Change.NOT_SEEN: ("not seen", "확인하지 못함"),
        Change.NO_SENSOR: ("no sensor for it", "해당 센서 없음"),
    }
)
_HIGHER: Final[Mapping[Change, Pair]] = MappingProxyType(
    {Change.MORE: ("higher", "높음"), Change.LESS: ("lower", "낮음")}
)
_WEEKDAYS: Final = (("Mon", "월"), ("Tue", "화"), ("Wed", "수"), ("Thu", "목"), ("Fri", "금"),
                    ("Sat", "토"), ("Sun", "일"))  # fmt: skip


def clock(minute: float) -> str:
    """Return a time of day, also of one after midnight.

    >>> clock(372), clock(1500)
    ('06:12', '01:00')
    """
    whole = round(minute) % 1440
    return f"{whole // 60:02}:{whole % 60:02}"


def length(minutes: float) -> Pair:
    """Return a length of time.

    >>> length(135), length(50)
    (('2 h 15 min', '2시간 15분'), ('50 min', '50분'))
    """
    hours, rest = divmod(round(abs(minutes)), 60)
    if not hours:
        return f"{rest} min", f"{rest}분"
    if not rest:
        return f"{hours} h", f"{hours}시간"
    return f"{hours} h {rest} min", f"{hours}시간 {rest}분"


def amount(value: float, unit: Unit) -> Pair:
    """Return a measure's value."""
    number = f"{value:.0f}" if value == round(value) else f"{value:.1f}"
    match unit:
        case Unit.CLOCK:
            return clock(value), clock(value)
        case Unit.MINUTES:
            return length(value)
        case Unit.TIMES:
            return number, f"{number}회"
        case Unit.BPM:
            return f"{number} bpm", f"{number}회/분"


def difference(one: Compared) -> Pair:
    """Return by how much a changed measure differs, and which way: "1 h 5 min later"."""
    by = length(one.by) if one.unit is Unit.CLOCK else amount(abs(one.by), one.unit)
    words = _HIGHER if one.unit is Unit.BPM else _CHANGES
    way = words[one.change]
    return f"{by[0]} {way[0]}", f"{by[1]} {way[1]}"


def standing(one: Compared) -> Pair:
    """Return how a measure stands, in a few words."""
    if one.changed:
        return difference(one)
    if one.change is Change.NOT_KNOWN:
        known = _CHANGES[one.change]
        return (
            f"{known[0]} ({one.days} of {ENOUGH_DAYS} days)",
            f"{known[1]}({ENOUGH_DAYS}일 중 {one.days}일)",
        )
    return _CHANGES[one.change]


def band(one: Compared) -> Pair:
    """Return the usual range, or nothing."""
    if one.usual is None:
        return "", ""
    low, high = amount(one.usual.low, one.unit), amount(one.usual.high, one.unit)
    return f"{low[0]} to {high[0]}", f"{low[1]}~{high[1]}"


def title(day: Day) -> Pair:
    """Return the day's name.

    >>> title(Day(20_778))
    ('2026-11-21 (Sat)', '2026-11-21(토)')
    """
    english, korean = _WEEKDAYS[day.date.weekday()]
    return f"{day.date} ({english})", f"{day.date}({korean})"


def changed_line(one: Compared) -> Pair:
    """Return what changed, by how much, and what is usual."""
    name, value, by, usual = (
        NAMES[one.what],
        amount(one.value or 0, one.unit),
        difference(one),
        band(one),
    )
    return (
        f"{name[0]} {value[0]}: {by[0]} than the median (usual {usual[0]})",
        f"{name[1]} {value[1]}: 중앙값보다 {by[1]}(평소 {usual[1]})",
    )


def blind_lines(day: Day, missed: int) -> list[Pair]:
    """Return what the hub did not see."""
    lines: list[Pair] = []
    if missed:
        lines.append(
            (
                f"days before it not seen at all: {missed}",
                f"그 전 {missed}일은 전혀 확인하지 못함",
            )
        )
    off, deaf = max(0, sum(day.blind) - day.deaf), day.deaf
    if off:
        english, korean = length(off)
        lines.append(
            (
                f"the hub was off, or without the time, for {english}",
                f"허브가 {korean} 동안 꺼져 있었거나 시각을 알 수 없었음",
            )
        )
    if deaf:
        english, korean = length(deaf)
        lines.append((f"the hub heard nothing for {english}", f"허브가 {korean} 동안 수신 불능"))
    if day.jumped:
        lines.append(
            ("the clock was changed: times are not compared", "시계가 바뀌어 시각은 비교하지 않음")
        )
    for device, minutes in worst(day):
        english, korean = length(minutes)
        lines.append(
            (f"{device} was not heard for {english}", f"{device} 신호가 {korean} 동안 없음")
        )
    return lines


def worst(day: Day, most: int = 3) -> list[tuple[str, int]]:
    """Return the sensors that were unheard longest."""
    return sorted(day.unheard.items(), key=lambda one: -one[1])[:most]


def lines(
    day: Day, compared: Sequence[Compared], nights: Nights, missed: int, most: int
) -> list[Pair]:
    """Return what is to be said of a day; at most so many changes are spelled out.

    A day without any sign of life begins with that. Nothing is said to be usual that was not seen.
    """
    changed = [one for one in compared if one.changed]
    said = _no_life(day, compared)
    said += [changed_line(one) for one in changed[:most]]
    if len(changed) > most:
        rest = len(changed) - most
        said.append((f"and {rest} more", f"그 밖에 {rest}가지"))
    if nights.told:
        said.append(_many(nights))
    if not said:
        said.append(_quiet(compared))
    return said + _not_seen(compared) + blind_lines(day, missed)


def sentence(day: Day, said: Iterable[Pair]) -> Pair:
    """Return the day's name and what is said of it, in a line."""
    name, both = title(day), list(said)
    return (
        f"{name[0]}: " + "; ".join(english for english, _ in both),
        f"{name[1]}: " + "; ".join(korean for _, korean in both),
    )


def _no_life(day: Day, compared: Sequence[Compared]) -> list[Pair]:
    first = next((one.change for one in compared if one.what is What.FIRST), Change.NO_SENSOR)
    if day.first is not None or first not in (Change.NONE, Change.NOT_SEEN):
        return []
    if any(day.signs):
        return [
            ("nobody up: only short walks in the night", "기상 활동 없음(야간의 짧은 움직임뿐)")
        ]
    if first is Change.NONE:
        return [("no sign of life in the home", "집 안에서 활동 없음")]
    if (watched := DAY_MIN - sum(day.blind)) < LEAST_MIN:
        return [("the day was not seen", "하루 전체를 확인하지 못함")]
    english, korean = length(watched)
    return [
        (
            f"no sign of life in the {english} that the hub saw",
            f"허브가 확인한 {korean} 동안 활동 없음",
        )
    ]


def _many(nights: Nights) -> Pair:
    whole = nights.seen == WEEK
    english = f"{nights.many} of the last {WEEK} nights"
    korean = f"최근 {WEEK}일 밤 중 {nights.many}일"
    if not whole:
        english = f"{nights.many} of the {nights.seen} nights seen in the last {WEEK}"
        korean = f"최근 {WEEK}일 밤 중 확인된 {nights.seen}일 가운데 {nights.many}일"
    return (
        f"many bathroom visits ({nights.limit} or more) in {english}",
        f"야간 화장실 이용 많음({nights.limit}회 이상): {korean}",
    )


def _not_seen(compared: Sequence[Compared]) -> list[Pair]:
    hidden = [NAMES[one.what] for one in compared if one.change is Change.NOT_SEEN]
    if not hidden:
        return []
    name = _CHANGES[Change.NOT_SEEN]
    return [
        (
            f"{name[0]}: " + ", ".join(english for english, _ in hidden),
            f"{name[1]}: " + ", ".join(korean for _, korean in hidden),
        )
    ]


def _quiet(compared: Sequence[Compared]) -> Pair:
    waiting = [one for one in compared if one.change is Change.NOT_KNOWN]
    if any(one.change is Change.USUAL for one in compared):
        return "nothing outside the usual range", "평소 범위를 벗어난 것 없음"
    if waiting:
        return standing(max(waiting, key=lambda one: one.days))
    return "nothing to compare", "비교할 것 없음"
