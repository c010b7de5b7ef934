"""YAML as nodes with their lines: one bounded reader for what teams write and for what helm renders.

PyYAML's C parser is used for the syntax alone. What a plain scalar means is decided here, since PyYAML reads
`12:30` as 750, and Go, which reads the manifests in the end, doesn't.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

_DEEPEST = 64
_MOST_NODES = 200_000
_TRAILING_BLANKS = re.compile(rb"[ \t]+$", re.MULTILINE)

Path = tuple[str | int, ...]
"""Where in a document: keys and indices from its root."""


class InvalidYaml(Exception):
    """Not YAML, or not YAML that is accepted here. `line` counts from 1."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


@dataclass(frozen=True, slots=True)
class Scalar:
    """A plain or quoted text, as written."""

    text: str
    is_plain: bool
    line: int


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple[Node, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys are texts; each has the line that it stands on."""

    items: tuple[tuple[Scalar, Node], ...]
    line: int


Node = Scalar | Sequence | Mapping


def compose(content: bytes, *, most_nodes: int = _MOST_NODES) -> Iterator[Node]:
    """The documents of `content` as nodes, empty ones left out, aliases written out.

    Raises `InvalidYaml` for a syntax error, a key that stands twice or is no text, an explicit tag, more than
    `most_nodes` nodes with aliases written out, or deeper nesting than 64.
    """
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidYaml("it is not UTF-8", content[: error.start].count(b"\n") + 1) from error
    # Go's reader allows blanks at the end of a line where libyaml doesn't: a tab after a value.
    content = _TRAILING_BLANKS.sub(b"", content) if b"\t\n" in content else content
    budget = _Budget(most_nodes)
    loader = yaml.CSafeLoader(content)
    try:
        while loader.check_node():
            node = loader.get_node()
            if not _is_empty(node):
                yield _convert(node, budget, 0)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise InvalidYaml(f"it is not YAML: {error.problem or error.context}", mark.line + 1 if mark else 1) from error
    except yaml.YAMLError as error:
        raise InvalidYaml(f"it is not YAML: {error}", 1) from error
    except RecursionError as error:
        raise InvalidYaml(f"it is nested deeper than {_DEEPEST}", 1) from error
    finally:
        loader.dispose()


class _Budget:
    def __init__(self, nodes: int) -> None:
        self._most = self._left = nodes

    def spend(self, line: int) -> None:
        self._left -= 1
        if self._left < 0:
            raise InvalidYaml(f"with its aliases written out it has more than {self._most} values", line)


def _is_empty(node: Any) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.value == "" and not node.style


def _convert(node: Any, budget: _Budget, depth: int) -> Node:
    line = node.start_mark.line + 1
    budget.spend(line)
    if depth > _DEEPEST:
        raise InvalidYaml(f"it is nested deeper than {_DEEPEST}", line)
    if not node.tag.startswith("tag:yaml.org,2002:") or node.tag.startswith("tag:yaml.org,2002:python"):
        raise InvalidYaml(f"the tag {node.tag} is not accepted", line)
    if isinstance(node, yaml.ScalarNode):
        return Scalar(node.value, not node.style, line)
    if isinstance(node, yaml.SequenceNode):
        return Sequence(tuple(_convert(item, budget, depth + 1) for item in node.value), line)
    return _mapping(node, budget, depth)


def _mapping(node: Any, budget: _Budget, depth: int) -> Mapping:
    items: list[tuple[Scalar, Node]] = []
    seen: dict[str, int] = {}
    for key_node, value_node in node.value:
        key = _convert(key_node, budget, depth + 1)
        if not isinstance(key, Scalar):
            raise InvalidYaml("a key has to be a text", key.line)
        if key.text in seen:
            raise InvalidYaml(f"the key {key.text!r} stands here and in line {seen[key.text]}", key.line)
        seen[key.text] = key.line
        items.append((key, _convert(value_node, budget, depth + 1)))
    return Mapping(tuple(items), node.start_mark.line + 1)


def lines(node: Node, at: Path = ()) -> Iterator[tuple[Path, int]]:
    """Each path below `node` with its line; for an entry of a mapping that is the line of its key."""
    if isinstance(node, Mapping):
        for key, value in node.items:
            yield (*at, key.text), key.line
            yield from lines(value, (*at, key.text))
    elif isinstance(node, Sequence):
        for index, item in enumerate(node.items):
            yield (*at, index), item.line
            yield from lines(item, (*at, index))


def nearest_line(known: dict[Path, int], path: Path, default: int = 1) -> int:
    """The line of `path`, or of the nearest thing around it that has one."""
    for length in range(len(path), 0, -1):
        if path[:length] in known:
            return known[path[:length]]
    return default
