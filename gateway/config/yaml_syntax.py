"""What a YAML parser's complaint means to a technician, and what to do about it.

The parser's own words ("could not find expected ':'") name its grammar, not the mistake. None of
these messages quotes the file: the broken line may hold a password.
"""

import yaml

from gateway.config.problems import Place, Problem
from gateway.option import Text

# (a piece of PyYAML's complaint, what it means); first match wins.
_MEANINGS: tuple[tuple[str, Text], ...] = (
    (
        "mapping values are not allowed",
        Text(
            "a “:” that YAML does not expect here: the line is indented differently from its "
            "neighbours, or a value with “: ” in it needs quotes",
            "여기에 올 수 없는 “:”: 들여쓰기가 앞뒤 줄과 다르거나, “: ”가 든 값에 따옴표가 없음",
        ),
    ),
    (
        "could not find expected ':'",
        Text(
            "a key without “:” after it, or a quote left open above",
            "항목 이름 뒤에 “:”이 없거나, 위쪽에서 따옴표가 닫히지 않았습니다",
        ),
    ),
    (
        "expected <block end>",
        Text(
            "this line is indented differently from its neighbours; keys of one section start in "
            "the same column",
            "들여쓰기가 앞뒤 줄과 다릅니다. 같은 구역의 항목은 같은 열에서 시작해야 합니다",
        ),
    ),
    (
        "unexpected end of stream",
        Text("a quote is opened and never closed", "따옴표가 닫히지 않았습니다"),
    ),
    (
        "escape",  # "found unknown escape character", "expected escape sequence of 8 …"
        Text(
            "in double quotes a backslash is special: use single quotes",
            "큰따옴표 안의 역슬래시는 특수 문자입니다. 작은따옴표를 쓰십시오",
        ),
    ),
    (
        "undefined alias",
        Text(
            "“*” at the start of a value means an alias, and none has this name: use quotes",
            "값 앞의 “*”는 별칭을 뜻하는데 그런 별칭이 없습니다. 따옴표로 묶으십시오",
        ),
    ),
    (
        "found duplicate anchor",
        Text("the same anchor (&name) twice", "같은 앵커(&이름)가 두 번 있습니다"),
    ),
    (
        "but found another document",
        Text(
            "a second document begins here (“---”): one file is one hub",
            "여기서 두 번째 문서(“---”)가 시작됩니다. 파일 하나에 허브 하나입니다",
        ),
    ),
    (
        "cannot start any token",
        Text(
            "a value cannot start with this character: put the value in quotes",
            "이 문자로 값을 시작할 수 없습니다. 값을 따옴표로 묶으십시오",
        ),
    ),
    (
        "expected ',' or",
        Text(
            "a bracket or brace is opened and not closed, or a comma is missing",
            "괄호가 닫히지 않았거나 쉼표가 빠졌습니다",
        ),
    ),
)
_TAB = Text(
    "a tab: YAML is indented with spaces only; replace it by two spaces",
    "탭 문자: YAML 들여쓰기는 공백만 가능합니다. 공백 두 칸으로 바꾸십시오",
)


def explain(error: yaml.YAMLError, text: str) -> Problem:
    """Return what a parser's error means."""
    if isinstance(error, yaml.reader.ReaderError):
        return _forbidden_character(text, error.position)
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = str(getattr(error, "problem", "") or "")
    if mark is None:
        return Problem(None, "", Text("this is not YAML", "YAML 형식이 아닙니다"))
    place = Place(mark.line + 1, mark.column + 1)
    tab = _tab_before(text, mark.line)
    if tab:
        return Problem(tab, "", _TAB)
    for piece, meaning in _MEANINGS:
        if piece in said:
            return Problem(place, "", meaning)
    return Problem(
        place,
        "",
        Text(
            "YAML cannot be read from here on: look at indentation, quotes and “:”",
            "여기부터 YAML을 읽을 수 없습니다. 들여쓰기, 따옴표, “:”을 확인하십시오",
        ),
    )


def undecodable(data: bytes, offset: int) -> Problem:
    """Return where a file stops being UTF-8, and what it probably is."""
    line_start = data.rfind(b"\n", 0, offset) + 1
    place = Place(
        data.count(b"\n", 0, offset) + 1, len(data[line_start:offset].decode(errors="replace")) + 1
    )
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Problem(
            Place(1, 1),
            "",
            Text("saved as UTF-16: save it as UTF-8", "UTF-16으로 저장됨: UTF-8로 저장하십시오"),
        )
    return Problem(
        place,
        "",
        Text(
            "not UTF-8 from here on (CP949, EUC-KR?): save the file as UTF-8",
            "여기부터 UTF-8이 아닙니다(CP949, EUC-KR?). 파일을 UTF-8로 저장하십시오",
        ),
    )


def _forbidden_character(text: str, offset: int) -> Problem:
    line_start = text.rfind("\n", 0, offset) + 1
    place = Place(text.count("\n", 0, offset) + 1, offset - line_start + 1)
    code = f"U+{ord(text[offset]):04X}" if offset < len(text) else "U+0000"
    return Problem(
        place,
        "",
        Text(
            f"a character that no text file holds ({code}): delete it",
            f"텍스트에 쓸 수 없는 문자({code}): 지우십시오",
        ),
    )


def _tab_before(text: str, last: int) -> Place | None:
    """Return the tab that indents the line of an error or the line before it."""
    lines = text.split("\n")
    for number in (last, last - 1):
        if 0 <= number < len(lines):
            indent = lines[number][: len(lines[number]) - len(lines[number].lstrip())]
            if "\t" in indent:
                return Place(number + 1, indent.index("\t") + 1)
    return None
