"""A YAML 1.2 document as plain values, with the line that each of them stands on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from pipelines.errors import Fault

Location = tuple[str | int, ...]
"""Where a value stands: keys and indexes from the root, such as `("apps", "checkout", "team")`."""

_MAXIMUM_DEPTH = 20
_TAG = "tag:yaml.org,2002:"
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


@dataclass(frozen=True, slots=True)
class Document:
    """`value` holds dicts, lists, strings, numbers, booleans and None only; lines count from 1."""

    name: str
    value: Any
    lines: Mapping[Location, int]
    faults: tuple[Fault, ...]

    def where(self, location: Location) -> str:
        """`file:line` of the value at `location`, or of the nearest enclosing one that exists."""
        while location and location not in self.lines:
            location = location[:-1]
        return f"{self.name}:{self.lines.get(location, 1)}"


@dataclass(slots=True)
class _Reader:
    name: str
    lines: dict[Location, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def read(self, node: Node, location: Location) -> Any:
        self.lines.setdefault(location, node.start_mark.line + 1)
        if len(location) > _MAXIMUM_DEPTH:
            return self._refuse(node, "values are nested too deeply", "No valid file needs that many levels")
        if node.anchor is not None:
            return self._refuse(
                node, f"the anchor &{node.anchor} is not supported", "Write the value out in each place"
            )
        if isinstance(node, MappingNode):
            return self._mapping(node, location)
        if isinstance(node, SequenceNode):
            return [self.read(item, (*location, index)) for index, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: MappingNode, location: Location) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, ScalarNode) else None
            if key is None:
                self._refuse(key_node, "a key must be plain text", "Write `name: value`")
                continue
            place = (*location, key)
            if key in result:
                first = self.lines[place]
                self._refuse(
                    key_node,
                    f"the key {key!r} is already on line {first}",
                    "Keep one of the two, or rename one",
                )
                continue
            self.lines[place] = key_node.start_mark.line + 1
            result[key] = self.read(value_node, place)
        return result

    def _scalar(self, node: Node) -> Any:
        kind, text = str(node.tag).removeprefix(_TAG), str(node.value)
        if kind in ("str", "timestamp"):  # YAML 1.2 has no timestamps: a date is text
            return text
        if kind == "null":
            return None
        if kind == "bool" and text in _BOOLEANS:
            return _BOOLEANS[text]
        try:
            if kind == "int":
                return int(text, 0) if text.lower().startswith(("0x", "0o")) else int(text)
            if kind == "float":
                return float(text)
        except ValueError:
            return text
        return self._refuse(node, f"the type {node.tag} is not supported", "Use text, numbers, lists and mappings")

    def _refuse(self, node: Node, reason: str, solution: str) -> None:
        self.faults.append(Fault(f"{self.name}:{node.start_mark.line + 1}", reason, solution))


def parse(text: str, name: str) -> Document:
    """The one YAML document in `text`; `name` is what its faults call it.

    Nothing is constructed but plain values; duplicate keys, tags, anchors and a syntax error become
    `faults`, and the value is what could be read regardless.
    """
    try:
        root = YAML(typ="rt", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        reason = f"not valid YAML: {error.problem or error.context}"
        return Document(name, None, {}, (Fault(f"{name}:{line}", reason, "Mind indentation, quotes and colons"),))
    except (YAMLError, RecursionError, ValueError) as error:
        reason = f"not valid YAML: {str(error).splitlines()[0] if str(error) else 'nested too deeply'}"
        return Document(name, None, {}, (Fault(f"{name}:1", reason, "Save it as UTF-8 text, nested sensibly"),))
    if root is None:
        return Document(name, None, {}, (Fault(f"{name}:1", "the file is empty", "Write the settings into it"),))
    reader = _Reader(name)
    value = reader.read(root, ())
    return Document(name, value, reader.lines, tuple(reader.faults))
