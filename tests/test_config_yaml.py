"""Whatever bytes stand in the file: settings, or a clear error, within bounds."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.check import check
from gateway.config import Loaded, load_bytes
from gateway.config.example import example
from gateway.config.problems import InvalidConfig, Problem
from gateway.config.yaml_source import MAX_BYTES, parse
from gateway.option import Language
from gateway.settings import Settings
from tests.fakes_config import DRIVERS, RECORDS, SMALL, driver_of


def read(data: bytes) -> Loaded:
    return load_bytes(data, Path("g.yaml"), driver_of, driver_names=DRIVERS, environ={})


def only(data: str | bytes) -> Problem:
    with pytest.raises(InvalidConfig) as caught:
        read(data.encode() if isinstance(data, str) else data)
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize(
    ("data", "place", "said"),
    [
        (b"", None, "nothing is written"),
        (b"# only a comment\n", None, "nothing is written"),
        (b"---\n...\n", None, "nothing is written"),
        (b"\xef\xbb\xbf", None, "nothing is written"),
        (b"hello", (1, 1), "keys with values are wanted"),
        (b"- a\n- b\n", (1, 1), "keys with values are wanted"),
        (b"hub:\n\tid: x\n", (2, 1), "a tab"),
        (b"hub:\n  id: x\n  \tdistrict: y\n", (3, 3), "a tab"),
        (b"hub:\n  id: x\n district: y\n", (3, 2), "indented differently"),
        (b"hub: id: x\n", (1, 8), "a “:” that YAML does not expect"),
        (b"hub:\n  id\n  district: x\n", (3, 11), "a “:” that YAML does not expect"),
        (b'hub: "never closed\n', (2, 1), "a quote is opened"),
        (b"hub: {id: x\n", (2, 1), "a bracket or brace"),
        (b"hub: *none\n", (1, 6), "an alias"),
        (b"hub: @x\n", (1, 6), "cannot start with this character"),
        (b'hub: "C:\\Users"\n', (1, 11), "use single quotes"),
        (b"hub: 1\n---\nhub: 2\n", (2, 1), "a second document"),
        ("hub: 1\nd: 서울\n".encode("cp949"), (2, 4), "not UTF-8"),
        ("hub: 1\n".encode("utf-16"), (1, 1), "UTF-16"),
        (b"hub: a\x00b\n", (1, 7), "U+0000"),
        (b"hub: \x1b[31m\n", (1, 6), "U+001B"),
        (b"x: !!python/object/apply:os.system [ls]\n", (1, 4), "is not allowed here"),
        (b"x: !secret a\n", (1, 4), "is not allowed here"),
        (b"x: !!binary aGk=\n", (1, 4), "is not allowed here"),
        (b"x: &a [*a]\n", (1, 4), "an alias inside what it names"),
        (b"x: &a {<<: *a}\n", (1, 4), "an alias inside what it names"),
        (b"#" * (MAX_BYTES + 1), None, "larger than 256 KiB"),
        (b"x: " + b"[" * 5000, (1, 15), "nested deeper"),
    ],
)
def test_a_file_that_is_no_yaml_says_where_and_why(
    data: bytes, place: tuple[int, int] | None, said: str
) -> None:
    problem = only(data)

    assert problem.place == place
    assert said in problem.wrong.en


def test_a_byte_order_mark_and_windows_line_ends_are_fine() -> None:
    data = b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode()

    assert isinstance(read(data).settings, Settings)


def test_an_alias_bomb_is_refused_within_bounds() -> None:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]

    source = parse("\n".join(lines).encode())

    assert source.tree is None
    assert "blow this file up" in source.problems[0].wrong.en


def test_a_huge_file_of_errors_ends_and_does_not_fill_the_screen() -> None:
    item = '  - {name: a, driver: bthome, address: "B4:35:22:11:22:33"}\n'
    data = SMALL.encode() + (item * 4000).encode()[: MAX_BYTES - 1000]

    with pytest.raises(InvalidConfig) as caught:
        read(data)

    assert len(caught.value.problems) == 4000
    assert "more" in caught.value.render(Language.EN).splitlines()[-1]


def test_a_syntax_error_never_shows_the_broken_line() -> None:
    with pytest.raises(InvalidConfig) as caught:
        read(b'x:\n  password: "hunter2\n')

    assert "hunter2" not in caught.value.render(Language.EN) + repr(caught.value.args)


def outcome(data: bytes) -> Settings | InvalidConfig:
    try:
        return read(data).settings
    except InvalidConfig as problem:
        return problem


def survives(data: bytes) -> None:
    """Settings or InvalidConfig, which renders in both languages; anything else fails the test."""
    found = outcome(data)
    if isinstance(found, InvalidConfig):
        assert found.problems
        assert all("g.yaml" in found.render(language) for language in Language)
    else:
        assert all(f.render("g.yaml", Language.KO) for f in check(found, driver_of, environ={}))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_never_end_in_anything_but_a_configuration_error(data: bytes) -> None:
    survives(data)


YAMLISH = st.text(
    alphabet=st.sampled_from(list("ab: \n-[]{}&*!|>%@`'\"#,?~0123456789\\\t<=.xé가\u2028\x85")),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(YAMLISH)
def test_random_yaml_never_ends_in_anything_but_a_configuration_error(text: str) -> None:
    survives(text.encode())


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_mutated_file_never_ends_in_anything_but_a_configuration_error(
    data: st.DataObject,
) -> None:
    text = example(DRIVERS.values())
    begin = data.draw(st.integers(0, len(text)))
    end = min(len(text), begin + data.draw(st.integers(0, 30)))
    survives((text[:begin] + data.draw(YAMLISH) + text[end:]).encode())


WORDS = st.sampled_from(
    ["<<", "password", "rate_hz", "mode", *sorted({f.name for cls in RECORDS for f in fields(cls)})]
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.dates()
    | st.sampled_from(["mqtts://a:8883", "polar_pmd", "sos", "B4:35:22:11:22:33", "credential:"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=15,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(WORDS, VALUES, max_size=6))
def test_random_structures_never_end_in_anything_but_a_configuration_error(
    document: dict[str, Any],
) -> None:
    survives(yaml.safe_dump(document, allow_unicode=True).encode())


@settings(max_examples=200, deadline=None)
@given(WORDS, VALUES)
def test_any_value_at_any_key_of_a_good_file_is_taken_or_refused(key: str, value: Any) -> None:
    document = yaml.safe_load(SMALL)
    for section in (document, document["hub"], document["devices"][0]):
        changed = yaml.safe_dump(document | {key: value}).encode()
        survives(changed)
        section[key] = value
    survives(yaml.safe_dump(document).encode())
