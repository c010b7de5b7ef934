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

from pipelines.yaml_advice import advice

_DEEPEST = 64
_MOST_NODES = 200_000
_BLOCK_SCALAR = re.compile(rb"(?:^|[:?-][ \t]+)(?:[!&]\S+[ \t]+)*[|>][-+0-9]*[ \t]*(?:#.*)?$")

Path = tuple[str | int, ...]
"""Where in a document: keys and indices from its root."""


class InvalidYaml(Exception):
    """Not YAML, or not YAML that is accepted here. `line` counts from 1."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line

    @property
    def solution(self) -> str:
        """What to write instead."""
        return advice(self.reason)


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
    content = _without_trailing_blanks(content) if b"\t\n" in content else content
    try:
        # Events and not PyYAML's own nodes: those are made by recursion in C, which deep nesting brings down.
        events = yaml.parse(content, Loader=yaml.CSafeLoader)
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                node = _Document(events, most_nodes).root()
                if not (isinstance(node, Scalar) and node.is_plain and node.text == ""):
                    yield node
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise InvalidYaml(f"it is not YAML: {error.problem or error.context}", mark.line + 1 if mark else 1) from error
    except yaml.YAMLError as error:
        raise InvalidYaml(f"it is not YAML: {str(error).splitlines()[0]}", 1) from error


def _without_trailing_blanks(content: bytes) -> bytes:
    """`content` with blanks at the ends of lines only where they are text: in block scalars."""
    kept: list[bytes] = []
    # Of the block scalar that the line is in: the indent of its header, and of its text once that is known.
    header: int | None = None
    text: int | None = None
    for line in content.split(b"\n"):
        indent = len(line) - len(line.lstrip(b" "))
        if header is not None and line.strip():
            text = indent if text is None and indent > header else text
            if text is None or indent < text:
                header, text = None, None
        is_text = text is not None and indent >= text
        kept.append(line if is_text else line.rstrip(b" \t"))
        if header is None and _BLOCK_SCALAR.search(line):
            header = indent
    return b"\n".join(kept)


class _Document:
    """One document, made of its events."""

    def __init__(self, events: Iterator[Any], most_nodes: int) -> None:
        self._events = events
        self._most = self._left = most_nodes
        self._anchors: dict[str, tuple[Node, int]] = {}

    def root(self) -> Node:
        return self._node(next(self._events), 0)[0]

    def _node(self, event: Any, depth: int) -> tuple[Node, int]:
        """The node that begins with `event`, and how many nodes it is when written out."""
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise InvalidYaml(f"the alias *{event.anchor} names nothing that is complete", line)
            node, size = self._anchors[event.anchor]
            self._spend(size, line)
            return node, size
        if depth > _DEEPEST:
            raise InvalidYaml(f"it is nested deeper than {_DEEPEST}", line)
        if event.tag not in (None, "!", "tag:yaml.org,2002:str"):
            raise InvalidYaml(f"the tag {event.tag} is not accepted", line)
        self._spend(1, line)
        if isinstance(event, yaml.ScalarEvent):
            made: tuple[Node, int] = Scalar(event.value, not event.style and event.tag is None, line), 1
        elif isinstance(event, yaml.SequenceStartEvent):
            made = self._sequence(line, depth)
        else:
            made = self._mapping(line, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = made
        return made

    def _spend(self, nodes: int, line: int) -> None:
        self._left -= nodes
        if self._left < 0:
            raise InvalidYaml(f"with its aliases written out it has more than {self._most} values", line)

    def _sequence(self, line: int, depth: int) -> tuple[Node, int]:
        items, total = [], 1
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            node, size = self._node(event, depth + 1)
            items.append(node)
            total += size
        return Sequence(tuple(items), line), total

    def _mapping(self, line: int, depth: int) -> tuple[Node, int]:
        items: list[tuple[Scalar, Node]] = []
        seen: dict[str, int] = {}
        total = 1
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key, _ = self._node(event, depth + 1)
            if not isinstance(key, Scalar):
                raise InvalidYaml("a key has to be a text", key.line)
            if key.text in seen:
                raise InvalidYaml(f"the key {key.text!r} stands here and in line {seen[key.text]}", key.line)
            seen[key.text] = key.line
            node, size = self._node(next(self._events), depth + 1)
            items.append((key, node))
            total += size + 1
        return Mapping(tuple(items), line), total


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
