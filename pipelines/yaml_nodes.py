"""YAML as nodes with their lines: one bounded reader for what teams write and for what helm renders.

PyYAML's C parser is used for the syntax alone. What a plain scalar means is decided here, since PyYAML reads
`12:30` as 750, and Go, which reads the manifests in the end, doesn't.
"""

from __future__ import annotations

import re
from collections import abc
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from pipelines.yaml_advice import advice

_DEEPEST = 64
_MOST_NODES = 200_000
_MOST_OF_A_RELEASE = 500_000
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


class Scalar(NamedTuple):
    """A plain or quoted text, as written."""

    text: str
    is_plain: bool
    line: int


class Sequence(NamedTuple):
    """A list."""

    items: tuple[Node, ...]
    line: int


class Mapping(NamedTuple):
    """Keys are texts; each has the line that it stands on."""

    items: tuple[tuple[Scalar, Node], ...]
    line: int


Node = Scalar | Sequence | Mapping


class Budget:
    """How many values documents may hold together. Some bytes of aliases make as many of each document anew."""

    def __init__(self, most_by_aliases: int = _MOST_NODES, most: int | None = None) -> None:
        """`most_by_aliases` may be written out of aliases, and `most` be there at all; None: as many as are written."""
        self._by_aliases, self._most = most_by_aliases, most
        self._left_by_aliases, self._left = most_by_aliases, most or 0

    @classmethod
    def of_a_release(cls) -> Budget:
        """For all that is one Release's: who checks it has to have room for the next one's beside it."""
        return cls(most=_MOST_OF_A_RELEASE)

    def spend_on_alias(self, values: int, line: int) -> None:
        """Takes what an alias in `line` stands for. Raises `InvalidYaml` when that is more than is left."""
        self._left_by_aliases -= values
        if self._left_by_aliases < 0:
            raise InvalidYaml(f"aliases stand for more than {self._by_aliases} values, all documents together", line)

    def spend_on_document(self, values: int, line: int) -> None:
        """Takes a document that begins in `line`. Raises `InvalidYaml` when it has more values than are left."""
        self._left -= values
        if self._most is not None and self._left < 0:
            raise InvalidYaml(f"with this there are more than {self._most} values in all", line)


def compose(content: bytes, *, most_nodes: int = _MOST_NODES, budget: Budget | None = None) -> Iterator[Node]:
    """The documents of `content` as nodes, empty ones left out, aliases written out.

    `budget` is for what belongs together, such as several files; without one, this has one of its own.

    Raises `InvalidYaml` for a syntax error, a key that stands twice or is no text, an explicit tag, more than
    `most_nodes` nodes in a document with aliases written out, more than is in `budget`, or deeper nesting than 64.
    """
    budget = budget or Budget()
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
                document = _Document(events, most_nodes, budget)
                node = document.node(next(events), 0)
                budget.spend_on_document(document.size, node.line)
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

    def __init__(self, events: Iterator[Any], most_nodes: int, budget: Budget) -> None:
        self._events, self._budget = events, budget
        self._most = self._left = most_nodes
        self._anchors: dict[str, tuple[Node, int]] = {}

    @property
    def size(self) -> int:
        """How many values it has, as far as it is read."""
        return self._most - self._left

    def node(self, event: Any, depth: int) -> Node:
        """The node that begins with `event`."""
        kind, line = type(event), event.start_mark.line + 1
        if kind is yaml.AliasEvent:
            return self._alias(event.anchor, line)
        if depth > _DEEPEST:
            raise InvalidYaml(f"it is nested deeper than {_DEEPEST}", line)
        if event.tag not in (None, "!", "tag:yaml.org,2002:str"):
            raise InvalidYaml(f"the tag {event.tag} is not accepted", line)
        before = self._left
        self._spend(1, line)
        node: Node
        if kind is yaml.ScalarEvent:
            node = Scalar(event.value, not event.style and event.tag is None, line)
        elif kind is yaml.SequenceStartEvent:
            node = self._sequence(line, depth)
        else:
            node = self._mapping(line, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = node, before - self._left
        return node

    def _alias(self, anchor: str, line: int) -> Node:
        if anchor not in self._anchors:
            raise InvalidYaml(f"the alias *{anchor} names nothing that is complete", line)
        node, size = self._anchors[anchor]
        self._spend(size, line)
        self._budget.spend_on_alias(size, line)
        return node

    def _spend(self, nodes: int, line: int) -> None:
        self._left -= nodes
        if self._left < 0:
            raise InvalidYaml(f"with its aliases written out it has more than {self._most} values", line)

    def _sequence(self, line: int, depth: int) -> Sequence:
        items = []
        while type(event := next(self._events)) is not yaml.SequenceEndEvent:
            items.append(self.node(event, depth + 1))
        return Sequence(tuple(items), line)

    def _mapping(self, line: int, depth: int) -> Mapping:
        items: list[tuple[Scalar, Node]] = []
        seen: dict[str, int] = {}
        while type(event := next(self._events)) is not yaml.MappingEndEvent:
            key = self.node(event, depth + 1)
            if not isinstance(key, Scalar):
                raise InvalidYaml("a key has to be a text", key.line)
            if key.text in seen:
                raise InvalidYaml(f"the key {key.text!r} stands here and in line {seen[key.text]}", key.line)
            seen[key.text] = key.line
            items.append((key, self.node(next(self._events), depth + 1)))
        return Mapping(tuple(items), line)


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


def line_at(node: Node, path: Path) -> int:
    """The line of `path` below `node`, or of the nearest thing around it: for an entry of a mapping that of its key."""
    line = node.line
    for part in path:
        found = _entry(node, part)
        if found is None:
            break
        line, node = found
    return line


def _entry(node: Node, part: str | int) -> tuple[int, Node] | None:
    if isinstance(node, Mapping):
        return next(((key.line, value) for key, value in node.items if key.text == part), None)
    if isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
        return node.items[part].line, node.items[part]
    return None


def nearest_line(known: abc.Mapping[Path, int], path: Path, default: int = 1) -> int:
    """The line of `path`, or of the nearest thing around it that has one."""
    for length in range(len(path), 0, -1):
        if path[:length] in known:
            return known[path[:length]]
    return default
