"""Where in an object a rule's complaint is: its message names the field, and of a list each item is tried alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from pipelines.ports import Manifest
from pipelines.resources import at, field_path, field_text

Path = tuple[str | int, ...]
Judge = Callable[[Manifest], str | None]

_MESSAGE = re.compile(r"((?:[A-Za-z]\w*(?:\[\])?\.)*[A-Za-z]\w*(?:\[\])?): (.+)", re.DOTALL)
_ITEM = "[]"


def pinpoint(message: str, default: str, manifest: Manifest, judge: Judge) -> Iterator[tuple[Path, str]]:
    """The path of each field that breaks a rule, and the message about it.

    A message such as `spec.ingress[].from[]: …` is about those items of the lists that break the rule when each
    stands in its list alone: `judge` has the message about such an object, or None when it is in order. What no
    single item breaks is the list's fault. A message that names no field is about `default`.
    """
    found = _MESSAGE.fullmatch(message)
    if not found:
        yield field_path(default), message
    else:
        yield from _narrowed(found[1], found[2], manifest, judge, ())


def _narrowed(
    field: str, what: str, manifest: Manifest, judge: Judge, indices: tuple[int, ...]
) -> Iterator[tuple[Path, str]]:
    head, is_list, tail = field.partition(_ITEM)
    path = field_path(head)
    items = at(manifest, path)
    if not is_list or not isinstance(items, list):
        yield _placed(path, indices, what)
        return
    alone = ((index, _with(manifest, path, [item])) for index, item in enumerate(items))
    broken = [(index, one, message) for index, one in alone if (message := judge(one)) is not None]
    for index, one, message in broken:
        told = _MESSAGE.fullmatch(message)
        yield from _narrowed(f"{head}[0]{tail}", told[2] if told else what, one, judge, (*indices, index))
    if not broken:
        yield _placed(path, indices, what)


def _placed(path: Path, indices: tuple[int, ...], what: str) -> tuple[Path, str]:
    """`path`, in which each list has one item, as it is in the whole object, and the message with that."""
    real = iter(indices)
    placed = tuple(next(real) if isinstance(part, int) else part for part in path)
    return placed, f"{field_text(placed)}: {what}"


def _with(value: Any, path: Path, replacement: Any) -> Any:
    """A copy of `value` that has `replacement` at `path`."""
    if not path:
        return replacement
    first, *rest = path
    copied: Any = list(value) if isinstance(first, int) else dict(value)
    copied[first] = _with(value[first], tuple(rest), replacement)
    return copied
