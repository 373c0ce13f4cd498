"""Says what happens, a line each, in Korean or English, with the home's own time before it."""

import sys
from collections.abc import Callable, MutableMapping
from typing import Any, TextIO
from zoneinfo import ZoneInfo

from gateway.centre.words import KINDS, MATTERS
from gateway.clock import Clock
from gateway.core.alerts import Matter
from gateway.core.model import Kind
from gateway.core.outputs import Announce, Sound
from gateway.localtime import local_time
from gateway.option import Language

ZONE = ZoneInfo("Asia/Seoul")

SOUNDS: dict[Sound, tuple[str, str]] = {
    Sound.PENDING: (
        "An alarm is about to go out. Press the green button if you are well.",
        "곧 도움을 요청합니다. 괜찮으시면 초록색 단추를 눌러 주세요.",
    ),
    Sound.RAISED: ("Help is being called.", "도움을 요청하고 있습니다."),
    Sound.CANCELLED: ("Good. No alarm.", "알겠습니다. 경보를 취소했습니다."),
    Sound.STORED: ("The centre has your call.", "관제센터가 요청을 받았습니다."),
    Sound.HANDLED: ("Somebody is taking care of it.", "담당자가 확인했습니다."),
    Sound.AWAY: ("You are going out. See you later.", "외출로 설정했습니다. 잘 다녀오세요."),
    Sound.HOME: ("Welcome home.", "귀가를 확인했습니다. 어서 오세요."),
    Sound.NOT_STORED: (
        "The centre does not answer yet; the hub goes on trying.",
        "관제센터가 아직 응답하지 않습니다. 계속 시도합니다.",
    ),
    Sound.NOT_PRESENTED: (
        "Nobody has looked at it yet; the hub says so.",
        "아직 아무도 확인하지 않았습니다.",
    ),
}

OVER = ("해소", "over")  # a fault or hazard has ended; only the centre closes it

MARKS = {"home": "·", "hub": "▸", "voice": "♪", "centre": "✓", "scene": "──"}


class Teller:
    """Writes lines; `quiet` keeps the hub's own lines away (between scenes)."""

    def __init__(self, clock: Clock, language: Language, out: TextIO = sys.stdout) -> None:
        self._clock, self._out = clock, out
        self._said: tuple[str, str] | None = None
        self._column = 0 if language is Language.EN else 1

    def pick(self, english: str, korean: str) -> str:
        """Return the text in the reader's language."""
        return (english, korean)[self._column]

    def scene(self, english: str, korean: str) -> None:
        """Begin a scene."""
        self._out.write("\n")
        self._line("scene", self.pick(english, korean))

    def home(self, english: str, korean: str) -> None:
        """Say what happens in the home."""
        self._line("home", self.pick(english, korean))

    def centre(self, english: str, korean: str) -> None:
        """Say what the centre does."""
        self._line("centre", self.pick(english, korean))

    def plain(self, text: str) -> None:
        """Write a line without a time."""
        self._out.write(text + "\n")
        self._out.flush()

    async def announce(self, announce: Announce) -> None:
        """Be the loudspeaker at home."""
        self._line("voice", "“" + self.pick(*SOUNDS[announce.sound]) + "”")

    def hub(self, line: MutableMapping[str, Any]) -> None:
        """Say what the daemon's journal says, where a visitor wants to know it."""
        teller: Callable[[MutableMapping[str, Any]], tuple[str, str] | None] | None
        teller = LINES.get(str(line.get("event")))
        said = teller(line) if teller else None
        if said is not None and said != self._said:  # a broker that is away is refused many times
            self._line("hub", self.pick(*said))
        self._said = said or self._said

    def time(self) -> str:
        """Return the home's time of day."""
        return local_time(self._clock.now().wall_ms, ZONE.key).strftime("%H:%M:%S")

    def _line(self, mark: str, text: str) -> None:
        self._out.write(f"{self.time()} {MARKS[mark]} {text}\n")
        self._out.flush()


def standing(state: str, *, over: bool) -> tuple[str, str]:
    """Return how it stands with an alert, in Korean and English."""
    return OVER if over else MATTERS[Matter(state)]


def _decided(line: MutableMapping[str, Any]) -> tuple[str, str]:
    kind_ko, kind = KINDS[Kind(line["kind"])]
    state_ko, state = standing(line["state"], over=bool(line.get("over")))
    return (
        f"{kind} ({line['device']}), {state}: {line['why']}",
        f"{kind_ko} ({line['device']}), {state_ko}: {line['why_ko']}",
    )


LINES: dict[str, Callable[[MutableMapping[str, Any]], tuple[str, str] | None]] = {
    "alarm decided": _decided,
    "broker lost": lambda line: (
        f"the way to the centre is gone: {line['reason']}",
        f"관제센터 연결이 끊겼습니다: {line['reason']}",
    ),
}
