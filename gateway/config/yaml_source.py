"""Bytes of a YAML file -> a small tree that remembers where everything stood.

Only `yaml.compose` is used: it builds nodes, never objects, so a `!!python/…` tag is a string that
is refused here. What a scalar means is decided by the option it is written for (see scalars),
because YAML 1.1 would make `no` false, 22:00 the number 1320 and 010 eight. Bounds: bytes, depth,
and nodes after aliases are followed (a "billion laughs" file is 400 bytes). An alias inside what it
names is refused. A key written twice is a problem with both places, not a silent last-one-wins.
"""

from dataclasses import dataclass, field

import yaml

from gateway.config.problems import Place, Problem, shown
from gateway.config.yaml_syntax import explain, undecodable
from gateway.option import Text

MAX_BYTES = 256 * 1024  # 200 devices with comments are about 60 kB
MAX_DEPTH = 12
MAX_NODES = 20_000

_STANDARD = "tag:yaml.org,2002:"
_TAGS = frozenset(
    _STANDARD + name
    for name in ("str", "int", "float", "bool", "null", "timestamp", "value", "merge", "map", "seq")
)


@dataclass(frozen=True, slots=True)
class Scalar:
    """One word or text; `kind` is what YAML 1.1 takes it for, `plain` whether it is unquoted."""

    place: Place
    text: str
    kind: str
    plain: bool

    @property
    def empty(self) -> bool:
        """Whether nothing is written (or a null)."""
        return self.kind == "null"


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    place: Place
    items: tuple["Tree", ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One key with its value."""

    key: str
    place: Place
    value: "Tree"


@dataclass(frozen=True, slots=True)
class Table:
    """Keys and values, in the file's order, each key once."""

    place: Place
    entries: tuple[Entry, ...]

    def get(self, key: str) -> "Tree | None":
        """Return a key's value."""
        return next((entry.value for entry in self.entries if entry.key == key), None)


Tree = Scalar | Items | Table


@dataclass(slots=True)
class Source:
    """What was read: the tree (None when there is none) and what is wrong with it as YAML."""

    tree: Tree | None = None
    problems: list[Problem] = field(default_factory=list)


class _Refused(Exception):  # noqa: N818 - control flow inside this module
    def __init__(self, problem: Problem) -> None:
        self.problem = problem


class _Loader(yaml.SafeLoader):
    """Composes to a bounded depth; the composer recurses, so deep nesting would end the process."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise _Refused(
                Problem(
                    Place(mark.line + 1, mark.column + 1),
                    "",
                    Text(
                        f"nested deeper than {MAX_DEPTH} levels",
                        f"{MAX_DEPTH}단계보다 깊은 중첩",
                    ),
                )
            )
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


def parse(data: bytes) -> Source:
    """Read a YAML document; everything wrong with it is in `problems`, nothing is raised."""
    source = Source()
    try:
        text = _decode(data)
        node = _compose(text)
        source.tree = _Converter(source.problems).convert(node) if node else None
    except _Refused as refused:
        source.problems.append(refused.problem)
    return source


def _decode(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        kib = MAX_BYTES // 1024
        raise _Refused(
            Problem(
                None,
                "",
                Text(
                    f"larger than {kib} KiB: this is no gateway.yaml",
                    f"{kib} KiB보다 큼: gateway.yaml이 아닙니다",
                ),
            )
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _Refused(undecodable(data, error.start)) from None


def _compose(text: str) -> yaml.Node | None:
    try:
        loader = _Loader(text)
        try:
            return loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise _Refused(explain(error, text)) from None
    except (ValueError, RecursionError, IndexError, AttributeError, TypeError, OverflowError):
        # PyYAML leaks a few of these on absurd directives and escapes (`%YAML 9…9`, "\\UFFFFFFFF").
        raise _Refused(
            Problem(None, "", Text("this is not YAML", "YAML 형식이 아닙니다"))
        ) from None


class _Converter:
    """Nodes -> tree, within the budget."""

    def __init__(self, problems: list[Problem]) -> None:
        self._problems = problems
        self._above: list[int] = []
        self._nodes = 0

    def convert(self, node: yaml.Node) -> Tree:
        place = _place(node)
        self._nodes += 1
        if self._nodes > MAX_NODES or len(self._above) > MAX_DEPTH:
            raise _Refused(
                Problem(
                    place,
                    "",
                    Text(
                        "aliases (*name) blow this file up beyond all bounds",
                        "별칭(*이름)으로 파일이 지나치게 커집니다",
                    ),
                )
            )
        if id(node) in self._above:
            raise _Refused(
                Problem(
                    place,
                    "",
                    Text("an alias inside what it names", "별칭이 자기 자신을 가리킵니다"),
                )
            )
        if node.tag not in _TAGS:
            raise _Refused(
                Problem(
                    place,
                    "",
                    Text(
                        f"the tag {shown(node.tag)} is not allowed here: write plain values",
                        f"태그 {shown(node.tag)} 사용 불가: 값만 쓰십시오",
                    ),
                )
            )
        self._above.append(id(node))
        try:
            return self._by_kind(node, place)
        finally:
            self._above.pop()

    def _by_kind(self, node: yaml.Node, place: Place) -> Tree:
        if isinstance(node, yaml.MappingNode):
            return Table(place, tuple(self._entries(node).values()))
        if isinstance(node, yaml.SequenceNode):
            return Items(place, tuple(self.convert(item) for item in node.value))
        kind = node.tag.removeprefix(_STANDARD)
        plain = isinstance(node, yaml.ScalarNode) and node.style is None
        return Scalar(place, str(node.value), kind, plain)

    def _entries(self, node: yaml.MappingNode) -> dict[str, Entry]:
        own: dict[str, Entry] = {}
        merged: dict[str, Entry] = {}
        for key_node, value_node in node.value:
            place = _place(key_node)
            if key_node.tag == _STANDARD + "merge":
                merged = self._merge(value_node) | merged
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                self._say(place, Text("a key must be a word", "항목 이름은 단어여야 합니다"))
                continue
            key = str(key_node.value)
            if key in own:
                first = own[key].place
                self._say(
                    place,
                    Text(
                        f"written twice: first at line {first.line}, column {first.column}",
                        f"두 번 적혀 있습니다: 처음은 {first.line}행 {first.column}열",
                    ),
                    key,
                )
                continue
            own[key] = Entry(key, place, self.convert(value_node))
        return own | {key: entry for key, entry in merged.items() if key not in own}

    def _merge(self, node: yaml.Node) -> dict[str, Entry]:
        """Return what `<<: *name` brings; of several the first wins, as YAML 1.1 says."""
        tree = self.convert(node)
        tables = tree.items if isinstance(tree, Items) else (tree,)
        merged: dict[str, Entry] = {}
        for table in tables:
            if not isinstance(table, Table):
                self._say(
                    _place(node),
                    Text("<<: takes an alias of a mapping", "<<: 뒤에는 매핑의 별칭이 필요합니다"),
                )
                continue
            for entry in table.entries:
                merged.setdefault(entry.key, entry)
        return merged

    def _say(self, place: Place, wrong: Text, key: str = "") -> None:
        self._problems.append(Problem(place, shown(key) if key else "", wrong))


def _place(node: yaml.Node) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)
