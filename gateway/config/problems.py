"""What is wrong with a file, said so that a technician can mend it: all of it at once.

/etc/ansim/gateway.yaml:12:5: devices[sos-button].adress: there is no such option
    did you mean: address
    write: address: "B4:35:22:11:22:33"
"""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gateway.errors import ConfigurationError
from gateway.option import Language, Text

_DID_YOU_MEAN = Text("did you mean", "혹시")
_WRITE = Text("write", "이렇게 쓰십시오")
_MOST_SHOWN = 50  # a file that is something else altogether need not fill the screen


class Place(NamedTuple):
    """Where in the file, both from 1 as editors count."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, at which key, what, what was meant, what to write instead."""

    place: Place | None
    key: str
    wrong: Text
    meant: str = ""
    write: Text | None = None

    def render(self, file: str, language: Language) -> str:
        """Return it for people: one line, and up to two of advice."""
        where = f"{file}:{self.place.line}:{self.place.column}" if self.place else file
        head = f"{where}: {self.key}: " if self.key else f"{where}: "
        lines = [head + self.wrong.of(language)]
        if self.meant:
            mark = "?" if language is Language.KO else ""
            lines.append(f"    {_DID_YOU_MEAN.of(language)}: {self.meant}{mark}")
        if self.write:
            lines.append(f"    {_WRITE.of(language)}: {self.write.of(language)}")
        return "\n".join(lines)


class InvalidConfig(ConfigurationError):  # noqa: N818 - named after what it is
    """A file with everything that is wrong in it."""

    def __init__(self, file: str, problems: Sequence[Problem], language: Language) -> None:
        self.file, self.language = file, language
        self.problems = tuple(sorted(problems, key=lambda p: p.place or Place(0, 0)))
        super().__init__(self.render(language))

    def render(self, language: Language) -> str:
        """Return all problems in one language, in the order of the file."""
        shown = [p.render(self.file, language) for p in self.problems[:_MOST_SHOWN]]
        if more := len(self.problems) - len(shown):
            shown.append(Text(f"… and {more} more", f"… 외 {more}건").of(language))
        return "\n".join(shown)


def both(text: str) -> Text:
    """Return what reads the same in both languages: YAML."""
    return Text(text, text)


def closest(word: str, known: Iterable[str]) -> str:
    """Return the known word that was probably meant, or nothing.

    >>> closest("adress", ["name", "address"])
    'address'
    >>> closest("KeyFile", ["key_file"])
    'key_file'
    >>> closest("xyz", ["name"])
    ''
    """
    plain = {_plain(name): name for name in known if name}
    found = difflib.get_close_matches(_plain(word)[:60], plain, n=1, cutoff=0.65)
    return plain[found[0]] if found else ""


def _plain(word: str) -> str:
    return word.casefold().replace("-", "").replace("_", "").replace(" ", "")


def shown(value: str) -> str:
    """Return a value short and printable, for a message."""
    clean = "".join(c if c.isprintable() else "·" for c in value)
    return f"“{clean[:57]}…”" if len(clean) > 60 else f"“{clean}”"  # noqa: PLR2004 - a line's share
