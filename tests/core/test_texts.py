"""Every reason has words in both languages, and nothing else does."""

import re
import string
from pathlib import Path

import pytest

from gateway.core.model import Reason
from gateway.core.texts import TEXTS, render
from gateway.errors import Bug

CORE = Path(__file__).parents[2] / "gateway" / "core"


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


@pytest.mark.parametrize("code", sorted(TEXTS))
def test_both_languages_show_the_same_values(code: str) -> None:
    english, korean = TEXTS[code]
    assert fields(english) == fields(korean)
    assert re.search("[가-힣]", korean)


def test_every_reason_given_in_the_core_has_words() -> None:
    source = "\n".join(path.read_text() for path in CORE.rglob("*.py"))
    given = set(re.findall(r'"([a-z]+\.[a-z-]+)"', source))
    families = {code.split(".")[0] for code in TEXTS}
    given = {code for code in given if code.split(".")[0] in families}
    assert given - {"hub.returned", "fall.npz"} <= set(TEXTS), "an event's name, a model's file"


def test_a_reason_without_words_is_a_bug_that_says_which() -> None:
    with pytest.raises(Bug, match=r"fall\.flew"):
        render(Reason("fall.flew"))
