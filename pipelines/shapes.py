"""What kind of thing a value is, in words: where the value itself may be a secret."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_LONGEST = 80
_SHORTEST_SECRET = 4

# Below these keys stand texts that nobody else may read, or could: passwords are where they don't belong.
_SECRET_KEYS = frozenset(
    {"annotations", "args", "binaryData", "command", "data", "env", "files", "stringData", "value", "values"}
)


def shape(value: Any) -> str:
    """`a text`, `a list`, and so on."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "a mapping" if isinstance(value, dict) else "a list"


def is_public(path: Sequence[str | int]) -> bool:
    """Whether what stands at `path`, of a deploy.yaml or of an object, can be told."""
    return _SECRET_KEYS.isdisjoint(path)


def shown(value: Any, path: Sequence[str | int]) -> str:
    """`value`, which is at `path`, as it may be told: itself, where it is short and no secret, else its shape."""
    if isinstance(value, (dict, list, tuple)) or not is_public(path):
        return shape(value)
    return repr(value)[:_LONGEST]


def without_quoted(words: str) -> str:
    """What a program says, without the texts that it quotes."""
    return re.sub(r'"(?:[^"\\]|\\.)*"|`[^`]*`', "…", words)


def without_values(words: str, values: Any) -> str:
    """What Helm says of a template, without the texts and numbers in `values`: it says them in many ways.

    Places, such as `app/templates/a.yaml:1:6` and `at <.Values.port>`, stay.
    """
    longest_first = sorted({leaf for leaf in _leaves(values) if len(leaf) >= _SHORTEST_SECRET}, key=len, reverse=True)
    if not longest_first:
        return words
    told = "|".join(map(re.escape, longest_first))
    place = r"(?P<place>\S+/\S+\.(?:ya?ml|tpl|txt|json)(?::\d+)*|<[^>]*>)"
    return re.sub(rf"{place}|(?<![\w.-])(?:{told})(?![\w-])", lambda found: found["place"] or "…", words)


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for one in value.values():
            yield from _leaves(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _leaves(one)
    elif isinstance(value, str):
        yield value
        yield from value.splitlines()
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield str(value)
