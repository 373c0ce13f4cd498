"""What an operator reads, Korean and English side by side."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.centre.case import Case
from gateway.centre.outcome import Notice
from gateway.core.alerts import Matter, Word
from gateway.core.model import Kind
from gateway.core.wire import PLACES, Cause
from gateway.settings import Language

Pair = tuple[str, str]
"""(Korean, English)."""

KINDS: Mapping[Kind, Pair] = MappingProxyType(
    {
        Kind.PERS: ("응급호출", "SOS"),
        Kind.FALL: ("낙상", "Fall"),
        Kind.INACTIVITY: ("무활동", "Inactivity"),
        Kind.VITALS: ("생체신호", "Vital signs"),
        Kind.SMOKE: ("연기", "Smoke"),
        Kind.GAS: ("가스", "Gas"),
        Kind.WATER: ("누수", "Water"),
        Kind.EXIT: ("외출", "Left home"),
        Kind.CO: ("일산화탄소", "CO"),
        Kind.NOTWORN: ("밴드 미착용", "Not worn"),
        Kind.FAULT_MAINS: ("정전", "Mains lost"),
        Kind.FAULT_BATTERY: ("배터리 부족", "Battery low"),
        Kind.FAULT_SENSOR: ("센서 이상", "Sensor fault"),
        Kind.FAULT_ADAPTER: ("수신기 이상", "Radio fault"),
        Kind.FAULT_CLOCK: ("시계 이상", "Clock fault"),
        Kind.FAULT_STORE: ("저장 이상", "Store fault"),
        Kind.FAULT_LINK: ("통신 이상", "Link fault"),
        Kind.FAULT_HUB: ("허브 이상", "Hub fault"),
    }
)

SEVERITIES: Mapping[int, Pair] = MappingProxyType(
    {
        4: ("출동", "GO"),
        3: ("전화", "CALL"),
        2: ("점검", "CHECK"),
        1: ("참고", "NOTE"),
    }
)

MATTERS: Mapping[Matter, Pair] = MappingProxyType(
    {
        Matter.PENDING: ("취소 대기", "pending"),
        Matter.RAISED: ("발령", "raised"),
        Matter.CANCELLED: ("취소됨", "cancelled"),
        Matter.CLOSED: ("종결", "closed"),
    }
)

PEOPLE: Mapping[Word, Pair] = MappingProxyType(
    {
        Word.UNSENT: ("-", "-"),
        Word.SENT: ("-", "-"),
        Word.STORED: ("저장", "stored"),
        Word.PRESENTED: ("표시", "presented"),
        Word.HANDLED: ("조치 중", "handled"),
    }
)

CAUSES: Mapping[Cause, Pair] = MappingProxyType(
    {
        Cause.REAL: ("실제", "real"),
        Cause.FALSE: ("오경보", "false"),
        Cause.TEST: ("시험", "test"),
        Cause.RESIDENT: ("본인 취소", "cancelled by the resident"),
    }
)

NOTICES: Mapping[Notice, Pair] = MappingProxyType(
    {
        Notice.RAISED_HERE: ("관제에서 발령함", "raised here"),
        Notice.NOT_PRESENTED: ("아무도 보지 못한 경보", "nobody has seen it"),
        Notice.HUB_GONE: ("허브 연락 두절", "hub gone"),
        Notice.HUB_BACK: ("허브 복귀(멈춰 있었음)", "hub back, it had stopped"),
        Notice.LINK_BACK: ("통신 복구(허브는 작동 중이었음)", "link back, the hub had run on"),
        Notice.EVICTED: ("저장 공간 부족으로 버린 측정값", "telemetry evicted for want of room"),
        Notice.UNTESTED: ("시험 경보 없음", "no test alarm for a day"),
        Notice.CUT_OFF: ("관제센터 통신 두절", "this centre is cut off"),
        Notice.HEARING: ("관제센터 통신 복구", "this centre hears again"),
        Notice.GAP: ("빠진 메시지", "messages missing"),
        Notice.PROTOCOL: ("규약 위반", "against the contract"),
        Notice.RESULT: ("명령 결과", "result of a command"),
        Notice.UNANSWERED: ("명령에 응답 없음", "command not answered"),
        Notice.ROUTINE: ("생활 변화", "routine changed"),
    }
)

_PLACES: Mapping[str, Pair] = MappingProxyType(
    {
        "bedroom": ("침실", "bedroom"),
        "toilet": ("화장실", "toilet"),
        "shower": ("욕실", "shower"),
        "kitchen": ("주방", "kitchen"),
        "living": ("거실", "living room"),
        "hall": ("현관", "hall"),
        "frontdoor": ("현관문", "front door"),
        "fridge": ("냉장고", "fridge"),
        "medicine": ("약장", "medicine"),
        "bed": ("침대", "bed"),
        "chair": ("의자", "chair"),
        "toiletseat": ("변기", "toilet seat"),
    }
)
_LOCATIONS = {code: word for word, code in PLACES.items() if word}
_INSTANCES = 64  # the lower six bits count rooms of one type, from 0

PHRASES: Mapping[str, Pair] = MappingProxyType(
    {
        "title": ("안심 관제", "Ansim centre"),
        "open": ("열린 경보", "open alarms"),
        "homes": ("가구", "homes"),
        "online": ("연결", "online"),
        "received": ("수신", "received"),
        "stored": ("저장", "stored"),
        "repeated": ("중복", "repeated"),
        "refused": ("거부", "refused"),
        "broker": ("중계 연결됨", "broker up"),
        "no-broker": ("중계 끊김", "broker down"),
        "fault": ("저장 불가! 경보를 받지 못합니다", "CANNOT STORE: no alarm is taken"),
        "none-open": ("열린 경보가 없습니다", "No open alarm"),
        "more": ("건 더 있음 (j/k로 이동)", "more (j/k to move)"),
        "recent": ("최근 종료", "recently over"),
        "heard": ("수신", "heard"),
        "never": ("수신 없음", "never heard"),
        "offline": ("두절", "gone"),
        "session": ("접속", "session"),
        "sensors": ("센서", "sensors"),
        "outbox": ("대기", "waiting"),
        "tested": ("시험", "tested"),
        "unproven": ("시각 미확인", "time unproven"),
        "began": ("발생", "began"),
        "here": ("허브 응답 없어 관제 발령", "raised here: hub fell silent"),
        "withdrawn": ("본인 취소 신호 있음", "a cancel came"),
        "over": ("상황 해소됨", "over, says the hub"),
        "not-durable": ("허브 저장 실패", "not durable at the hub"),
        "updates": ("추가 신호", "updates"),
        "unseen": ("미확인 60초 초과", "unseen for 60 s"),
        "certain": ("확률", "cert"),
        "keys": (
            "번호+ h 조치 c 종결 | 가구번호+ t 시험 s 상태 a 외출 o 귀가 | j/k 이동 l English q 끝",
            "no.+ h handled c close | home no.+ t test s status a away o home | j/k l 한글 q quit",
        ),
        "cause?": (
            "종결 사유: r 실제  f 오경보  t 시험  p 본인 취소  (Esc 그만)",
            "cause: r real  f false  t test  p cancelled by the resident  (Esc: stop)",
        ),
        "number?": ("먼저 번호를 누르세요", "first the number"),
        "no-such": ("그런 번호가 없습니다", "no such number"),
        "sent": ("명령을 보냈습니다", "command sent"),
    }
)


def say(pair: Pair, language: Language) -> str:
    """Return the words in one language."""
    return pair[0] if language is Language.KO else pair[1]


def phrase(name: str, language: Language) -> str:
    """Return one of the board's own phrases."""
    return say(PHRASES[name], language)


def place(loc: int, language: Language) -> str:
    """Return where it is, by the standard's code; a second room of its type is counted.

    >>> place(3073, Language.EN)
    'bedroom 2'
    """
    word = _LOCATIONS.get(loc - loc % _INSTANCES)
    if word is None:
        return ""
    name = say(_PLACES[word], language)
    return name if loc % _INSTANCES == 0 else f"{name} {loc % _INSTANCES + 1}"


def reason(case: Case, language: Language) -> str:
    """Return why, in the language where the hub gave it, else in the other, else its code."""
    first, second = ("ko", "en") if language is Language.KO else ("en", "ko")
    given = case.reason
    return given.get(first) or given.get(second) or given.get("reason", "")


def also(case: Case, language: Language) -> tuple[str, ...]:
    """Return what else must be known of it, in the language where the hub said so."""
    first, second = ("ko", "en") if language is Language.KO else ("en", "ko")
    return case.also.get(first) or case.also.get(second) or ()


def span(ms: int, language: Language) -> str:
    """Return a length of time in its two largest units.

    >>> span(3_725_000, Language.EN)
    '1 h 02 min'
    """
    seconds = max(0, ms) // 1000
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    korean = language is Language.KO
    if days:
        return f"{days}일 {hours % 24}시간" if korean else f"{days} d {hours % 24} h"
    if hours:
        return f"{hours}시간 {minutes % 60:02}분" if korean else f"{hours} h {minutes % 60:02} min"
    if minutes:
        return (
            f"{minutes}분 {seconds % 60:02}초" if korean else f"{minutes} min {seconds % 60:02} s"
        )
    return f"{seconds}초" if korean else f"{seconds} s"
