"""Text in terminal cells: a Korean syllable takes two, and the columns must still stand.

What comes off the wire is shown in a terminal, so its control characters are taken out first: a
hub's text must not move the cursor or colour the alarm of another.
"""

import unicodedata


def plain(text: str) -> str:
    """Return the text with every control and format character as a space."""
    return "".join(" " if unicodedata.category(char)[0] == "C" else char for char in text)


def cells(text: str) -> int:
    """Return how many cells a text takes.

    >>> cells("낙상 fall")
    9
    """
    return sum(_width(char) for char in text)


def fit(text: str, width: int) -> str:
    """Return the text in exactly `width` cells: cut with an ellipsis, or filled up.

    >>> fit("화장실에서 낙상", 8) + "|"
    '화장실… |'
    """
    if width <= 0:
        return ""
    if cells(text) <= width:
        return text + " " * (width - cells(text))
    kept, used = [], 0
    for char in text:
        if used + _width(char) > width - 1:
            break
        kept.append(char)
        used += _width(char)
    return "".join(kept) + "…" + " " * (width - 1 - used)


def _width(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
