"""Kubernetes manifests as Go reads them, since Go is who reads them in the end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pipelines.errors import RenderFailed
from pipelines.ports import Manifest
from pipelines.yaml_nodes import InvalidYaml, Mapping, Node, Scalar, Sequence, compose

# What Go's YAML reader takes for something else than a text (the YAML 1.1 words, without its base-60 numbers).
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})
_FALSE = frozenset({"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})
_INTEGER = re.compile(r"[-+]?(0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[1-9][0-9_]*|0)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


def parse(manifest: bytes) -> tuple[Manifest, ...]:
    """All objects of a multi-document manifest, in order, those of a List one by one.

    Raises `RenderFailed`, with the line, for what is not YAML or not an object.
    """
    try:
        return tuple(found for node in compose(manifest) for found in _objects(to_value(node), node))
    except InvalidYaml as error:
        raise RenderFailed(
            f"the rendered manifest can't be read: {error.reason}",
            "Look at that line of what the chart renders: `deployctl render`",
            where=f"manifest:{error.line}",
        ) from error


def _objects(value: Any, node: Node) -> Iterator[Manifest]:
    if value is None:
        return
    if not isinstance(value, dict):
        raise InvalidYaml("a document is not an object with apiVersion and kind", node.line)
    if value.get("kind") == "List" and isinstance(value.get("items"), list):
        for item in value["items"]:
            yield from _objects(item, node)
        return
    if not isinstance(value.get("kind"), str) or not isinstance(value.get("apiVersion"), str):
        raise InvalidYaml("a document has no apiVersion or no kind", node.line)
    yield value


def to_value(node: Node) -> Any:
    """What Go makes of `node`: dicts, lists, texts, numbers, booleans, None."""
    if isinstance(node, Mapping):
        return {key.text: to_value(value) for key, value in node.items}
    if isinstance(node, Sequence):
        return [to_value(item) for item in node.items]
    return _scalar(node)


def _scalar(node: Scalar) -> Any:
    text = node.text
    if not node.is_plain:
        return text
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def _integer(text: str) -> int:
    digits = text.replace("_", "")
    sign = -1 if digits.startswith("-") else 1
    digits = digits.lstrip("+-")
    # Go takes 0755 and 0o755 for the same octal number; Python wants the `o`.
    if re.fullmatch(r"0[0-7]+", digits):
        return sign * int(digits, 8)
    return sign * int(digits, 0)


def name_of(manifest: Manifest) -> str:
    """`Kind/name`, as people call it."""
    metadata = manifest.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return f"{manifest['kind']}/{name or '(without a name)'}"


# What the API server makes of `key: null` in these maps, whose values are no objects.
_NULL_IN = {"labels": "", "annotations": "", "matchLabels": "", "nodeSelector": "", "requests": "0", "limits": "0"}


def without_nulls(value: Any) -> Any:
    """`value` as the API server reads its nulls: a field that is null is not there, an item that is null is empty."""
    if isinstance(value, dict):
        return {key: _field(key, item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_empty(value) if item is None else without_nulls(item) for item in value]
    return value


def _field(key: str, value: Any) -> Any:
    if key in _NULL_IN and isinstance(value, dict):
        return {name: _NULL_IN[key] if item is None else without_nulls(item) for name, item in value.items()}
    return without_nulls(value)


def _empty(items: list[Any]) -> Any:
    """What an item of such a list is when nothing is said of it: Go's zero value."""
    kind = next((type(item) for item in items if item is not None), dict)
    return kind()
