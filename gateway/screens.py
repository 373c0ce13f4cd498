"""What `ansim status` and `ansim scan` show on a terminal, in Korean or English. Pure.

Korean letters are two columns wide; `pad` counts columns, not characters.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gateway.centre.words import KINDS, MATTERS, PEOPLE
from gateway.core.alerts import Matter, Word
from gateway.core.model import Kind
from gateway.driver import Driver
from gateway.option import Language

UNSTORED = (Word.UNSENT, Word.SENT)
BAD = ("malformed", "replayed", "wrong_key")

WORDS: Mapping[str, tuple[str, str]] = {
    "hub": ("hub", "허브"),
    "adapter": ("adapter", "어댑터"),
    "broker": ("broker", "브로커"),
    "centre": ("centre", "관제센터"),
    "outbox": ("outbox", "보낼 것"),
    "clock": ("clock", "시계"),
    "store": ("store", "저장소"),
    "deadline": ("deadline", "무활동 기한"),
    "summary": ("summary", "일일 요약"),
    "kept": ("stored", "센터 저장됨"),
    "waits": ("not stored yet", "센터 미저장"),
    "unclear": ("whether it is stored is not known", "저장 여부 알 수 없음"),
    "sensors": ("SENSORS", "센서"),
    "alerts": ("OPEN ALARMS", "진행 중 경보"),
    "none": ("none", "없음"),
    "name": ("name", "이름"),
    "place": ("place", "위치"),
    "heard": ("heard", "수신"),
    "signal": ("signal", "신호"),
    "battery": ("battery", "배터리"),
    "state": ("state", "상태"),
    "what": ("what", "내용"),
    "never": ("never", "없음"),
    "ago": ("{} ago", "{} 전"),
    "connected": ("connected", "연결됨"),
    "scanning": ("scanning", "수신 중"),
    "deaf": ("NOT SCANNING", "수신 불능"),
    "proven": ("proven", "확인됨"),
    "estimated": ("not proven yet", "아직 확인 안 됨"),
    "up": ("connected", "연결됨"),
    "down": ("NOT CONNECTED", "연결 안 됨"),
    "healthy": ("healthy", "정상"),
    "failing": ("FAILING", "고장"),
    "malformed": ("malformed", "형식 오류"),
    "replayed": ("replayed", "재전송 거부"),
    "wrong_key": ("KEY DOES NOT FIT", "키 불일치"),
    "over": ("over", "해소"),
    "unsent": ("not stored yet", "미저장"),
    "not heard": ("not heard", "신호 없음"),
    "link lost": ("link lost", "연결 끊김"),
    "the radio stopped": ("the radio stopped", "무선 중지"),
    "alarm": ("alarms", "경보"),
    "event": ("events", "기록"),
    "sum": ("summaries", "요약"),
    "evidence": ("evidence", "증거"),
    "res": ("results", "명령 결과"),
    "routine": ("daily summaries", "일일 요약"),
    "uptime": ("up", "가동"),
    "address": ("address", "주소"),
    "services": ("services", "서비스"),
    "points": ("FALL DETECTOR, operating points", "낙상 감지기 동작점"),
    "point": ("point", "동작점"),
    "sensitivity": ("falls found", "낙상 감지"),
    "specificity": ("others left alone", "비낙상 통과"),
    "per_hour": ("false alarms per hour worn", "착용 시간당 오경보"),
    "acted": (
        "acted falls, people left out, thresholds set on others; real falls: fewer",
        "연기된 낙상, 학습과 기준값 설정에서 제외한 사람들 기준. 실제 낙상은 덜 감지됩니다",
    ),
    "provides": ("gives", "제공"),
    "sign": ("sign of life at least every", "생존 신호 간격"),
    "device": ("configured as", "등록 이름"),
}


class Words:
    """The words of one language."""

    def __init__(self, language: Language) -> None:
        self._column = 0 if language is Language.EN else 1

    def __getitem__(self, key: str) -> str:
        return WORDS[key][self._column]

    def pair(self, korean_english: tuple[str, str]) -> str:
        """Return the operator's word for something in this language."""
        return korean_english[1 - self._column]

    def reason(self, told: Mapping[str, Any]) -> str:
        """Return the reason of an alert in this language."""
        return str(told[("en", "ko")[self._column]])


def columns(text: str) -> int:
    """Return how many terminal columns a text takes.

    >>> columns("hub"), columns("허브")
    (3, 4)
    """
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def pad(text: str, width: int) -> str:
    """Return the text filled with blanks to so many columns."""
    return text + " " * (width - columns(text))


def table(rows: Sequence[Sequence[str]], indent: str = "  ") -> Iterable[str]:
    """Yield rows with their columns aligned."""
    if not rows:
        return
    widths = [max(columns(row[n]) for row in rows) for n in range(len(rows[0]))]
    for row in rows:
        cells = (pad(cell, width) for cell, width in zip(row, widths, strict=True))
        yield (indent + "  ".join(cells)).rstrip()


def since(seconds: float | None, words: Words) -> str:
    """Return "12 s ago" in the reader's language."""
    if seconds is None:
        return words["never"]
    return words["ago"].format(duration(seconds))


def duration(seconds: float) -> str:
    """Return a span as a person writes it.

    >>> duration(5), duration(150), duration(9000), duration(200_000)
    ('5s', '2m30s', '2h30m', '2d7h')
    """
    total = round(seconds)
    for size, name, below, below_name in (
        (86_400, "d", 3600, "h"),
        (3600, "h", 60, "m"),
        (60, "m", 1, "s"),
    ):
        if total >= size:
            rest = total % size // below
            return f"{total // size}{name}" + (f"{rest}{below_name}" if rest else "")
    return f"{total}s"


def status_screen(told: Mapping[str, Any], language: Language) -> str:
    """Return what `ansim status` prints."""
    words = Words(language)
    return "\n".join([*_head(told, words), "", *_sensors(told, words), "", *_alerts(told, words)])


def _head(told: Mapping[str, Any], words: Words) -> Iterable[str]:
    adapter, uplink, store = told["adapter"], told["uplink"], told["store"]
    hearing = words["scanning"] if adapter["scanning"] else words["deaf"]
    waiting = ", ".join(f"{words[stream]} {n}" for stream, n in store["unfinished"].items() if n)
    deadline = told["deadline"]
    rows = [
        (words["hub"], f"{told['hub']}  {words['uptime']} {duration(told['uptime_s'])}"),
        (words["clock"], f"{told['now']}  {words[told['clock']]}"),
        (
            words["adapter"],
            "  ".join(
                (adapter["name"], hearing, since(adapter["heard_s_ago"], words), adapter["detail"])
            ),
        ),
        (words["broker"], _broker(uplink, words)),
        (words["centre"], words["up" if uplink.get("centre_up") else "down"]),
        (
            words["store"],
            words["healthy" if store["healthy"] else "failing"]
            + f"  {store['bytes_on_disk'] / 1e6:.1f} MB",
        ),
        (words["outbox"], waiting or words["none"]),
    ]
    if deadline is not None:
        when = f"{deadline['at']}  " if deadline["at"] else ""
        rows.append((words["deadline"], when + words.reason(deadline)))
    if (summary := told.get("summary")) is not None:
        stored = {True: "kept", False: "waits", None: "unclear"}[summary["stored"]]
        rows.append((words["summary"], f"{words.reason(summary)}  ({words[stored]})"))
    yield from table(rows, indent="")


def _broker(uplink: Mapping[str, Any], words: Words) -> str:
    state = words["up" if uplink.get("connected") else "down"]
    return f"{uplink.get('broker') or '-'}  {state}  {uplink.get('last_error') or ''}"


def _sensors(told: Mapping[str, Any], words: Words) -> Iterable[str]:
    yield words["sensors"]
    head = tuple(words[k] for k in ("name", "place", "heard", "signal", "battery", "state"))
    rows = [
        (
            device["name"],
            device["place"],
            since(device["heard_s_ago"], words),
            "-" if device["rssi"] is None else f"{device['rssi']} dBm",
            "-" if device["battery"] is None else f"{device['battery']} %",
            _state(device, words),
        )
        for device in told["devices"]
    ]
    yield from table([head, *rows])


def _state(device: Mapping[str, Any], words: Words) -> str:
    """Return how it stands with a device: its link, what is wrong, what was thrown away."""
    detail = device["detail"]
    said = [words["connected"]] if device["connected"] else []
    said += [words[detail] if detail in WORDS else detail] if detail else []
    said += [f"{words[name]} {device[name]}" for name in BAD if device[name]]
    return ", ".join(said)


def _alerts(told: Mapping[str, Any], words: Words) -> Iterable[str]:
    yield words["alerts"]
    rows = [
        (
            words.pair(KINDS[Kind(alert["kind"])]),
            alert["device"],
            _stage(alert, words),
            since(alert["since_s"], words),
            words.reason(alert),
        )
        for alert in told["alerts"]
    ]
    yield from table(rows) if rows else (f"  {words['none']}",)


def _stage(alert: Mapping[str, Any], words: Words) -> str:
    """Return what is the matter, and how far the word has come."""
    matter = words["over"] if alert["ended"] else words.pair(MATTERS[Matter(alert["matter"])])
    word = Word(alert["word"])
    far = words["unsent"] if word in UNSTORED else words.pair(PEOPLE[word])
    return f"{matter}/{far}"


def pair_screen(name: str, told: Mapping[str, Any], language: Language) -> str:
    """Return what came of pairing."""
    if not told["paired"]:
        english = f"{name}: not paired. {told['detail']}"
        korean = f"{name}: 페어링하지 못했습니다. {told['detail']}"
    elif told["detail"] == "paired":
        english = f"{name}: paired. This hub keeps the bond, also over a restart."
        korean = f"{name}: 페어링되었습니다. 이 허브에 저장되어 다시 시작해도 유지됩니다."
    else:
        english = f"{name}: was paired before. If it does not answer: ansim pair {name} --again"
        korean = f"{name}: 이미 페어링되어 있습니다. 응답이 없으면: ansim pair {name} --again"
    return korean if language is Language.KO else english


def scan_screen(heard: Sequence[Mapping[str, Any]], language: Language) -> str:
    """Return what `ansim scan` prints."""
    words = Words(language)
    head = tuple(words[k] for k in ("address", "signal", "name", "device", "services"))
    rows = [
        (
            one["address"],
            f"{one['rssi']} dBm",
            one["name"],
            one["device"] or "-",
            " ".join(_short(uuid) for uuid in one["services"]),
        )
        for one in heard
    ]
    return "\n".join(table([head, *rows], indent=""))


def _short(uuid: str) -> str:
    """Return a SIG UUID by its 16 bits, as technicians know it."""
    tail = "-0000-1000-8000-00805f9b34fb"
    return f"0x{uuid[4:8].upper()}" if uuid.endswith(tail) else uuid


def drivers_screen(drivers: Iterable[Driver], language: Language, *, rules: bool) -> str:
    """Return what `ansim drivers` prints; `rules`: also what each can be used for."""
    words = Words(language)
    lines: list[str] = []
    for driver in drivers:
        lines.append(f"{driver.name}  {driver.summary[0 if language is Language.EN else 1]}")
        lines.append(f"  {', '.join(driver.models)}")
        if rules:
            can = driver.capabilities({})
            sign = words["none"] if can.sign_of_life_s is None else duration(can.sign_of_life_s)
            lines.append(f"  {words['provides']}: {', '.join(can.provides)}")
            lines.append(f"  {words['sign']}: {sign}")
            if can.sample_rate_hz is not None:
                lines.append(f"  {can.sample_rate_hz:g} Hz, ±{can.range_g:g} g")
    return "\n".join(lines)


def points_screen(figures: Mapping[str, tuple[float, float, float]], language: Language) -> str:
    """Return what `ansim drivers --rules` says of the fall detector.

    figures: operating point to sensitivity, specificity (shares) and false alarms per hour.
    """
    words = Words(language)
    head = tuple(words[k] for k in ("point", "sensitivity", "specificity", "per_hour"))
    rows = [
        (name, f"{sensitivity:.1%}", f"{specificity:.1%}", f"{per_hour:.2f}")
        for name, (sensitivity, specificity, per_hour) in figures.items()
    ]
    return "\n".join([words["points"], *table([head, *rows]), f"  {words['acted']}"])
