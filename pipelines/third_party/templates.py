"""The text of a chart's templates: which values one names, and where in it an object is written. Nothing is run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import takewhile

from pipelines.resources import field_path

Keys = tuple[str, ...]
"""Where in values: names from their root."""

_DEFINED = re.compile(r'\{\{-?\s*define\s+"([^"]+)"\s*-?\}\}')
_USED = re.compile(r'\b(?:include|template)\s+"([^"]+)"')
_VALUES = re.compile(r"\.Values((?:\.[A-Za-z_][\w-]*)+)")
_INDEXED = re.compile(r'\bindex\s+\$?\.Values((?:\s+"[^"]+")+)')
_ACTION = re.compile(r"\{\{-?\s*(if|with|range|define|block|else|end)\b(.*?)-?\}\}", re.DOTALL)
_RELATIVE = re.compile(r"(?<![\w.)$])\.([a-z][\w-]*(?:\.[A-Za-z_][\w-]*)*)")


def helpers_of(files: Mapping[str, bytes]) -> dict[str, str]:
    """The templates with a name (`define`) of a chart and of all charts in it, which share them."""
    found: dict[str, str] = {}
    for path, content in files.items():
        if "templates/" in path:
            pieces = _DEFINED.split(content.decode("utf-8", "replace"))
            found |= dict(zip(pieces[1::2], pieces[2::2], strict=True))
    return found


def named_values(text: str, helpers: Mapping[str, str]) -> tuple[Keys, ...]:
    """The keys that a template names (`.Values.a.b`), and those that the templates it uses do, nearest first."""
    waiting, seen, found = [text], set[str](), dict[Keys, None]()
    while waiting:
        one = waiting.pop(0)
        found |= dict.fromkeys(_named(one))
        used = [name for name in _USED.findall(one) if name in helpers and name not in seen]
        seen |= set(used)
        waiting += [helpers[name] for name in dict.fromkeys(used)]
    return tuple(found)


def _named(text: str) -> Iterator[Keys]:
    for dotted in _VALUES.findall(text):
        yield tuple(dotted[1:].split("."))
    for quoted in _INDEXED.findall(text):
        yield tuple(re.findall(r'"([^"]+)"', quoted))
    yield from _below_with(text)


def _below_with(text: str) -> Iterator[Keys]:
    """`.b` inside of `with .Values.a` is the key a.b."""
    around: list[Keys | None] = []
    end = 0
    for action in _ACTION.finditer(text):
        inside = next((one for one in reversed(around) if one is not None), None)
        if inside:
            for dotted in _RELATIVE.findall(text[end : action.start()]):
                yield (*inside, *dotted.split("."))
        end = action.end()
        word, rest = action.groups()
        if word == "end":
            around = around[:-1]
        elif word != "else":
            named = _VALUES.search(rest) if word == "with" else None
            around.append(tuple(named[1][1:].split(".")) if named else None)


def line_in(text: str, kind: str, field: str) -> int | None:
    """The line of a template that the field of its object of this kind, or what is around it, is written on.

    None where the template has no such object, or several: then no line is better than a wrong one.
    """
    rows = text.splitlines()
    begins = [at for at, row in enumerate(rows) if re.fullmatch(rf"\s*kind:\s*[\"']?{re.escape(kind)}[\"']?\s*", row)]
    if len(begins) != 1:
        return None
    first = begins[0]
    after = list(takewhile(lambda at: not rows[at].startswith("---"), range(first, len(rows))))
    here, inside = first, after
    for name in field_path(field):
        found = _item(rows, inside, name) if isinstance(name, int) else _key(rows, inside, name)
        if found is None:
            break
        here, inside = found
    return here + 1


def _key(rows: list[str], inside: list[int], name: str) -> tuple[int, list[int]] | None:
    """The row among `inside` with this key, the only one that is least deep, and the rows below it."""
    pattern = re.compile(rf"\s*(?:- )?(?={re.escape(name)}:(\s|$))")
    columns = [(found.end(), at) for at in inside if (found := pattern.match(rows[at]))]
    least = min(columns, default=None)
    if least is None or sum(1 for column, _ in columns if column == least[0]) > 1:
        return None
    column, row = least
    return row, list(takewhile(lambda at: _is_below(rows[at], column), range(row + 1, inside[-1] + 1)))


def _is_below(row: str, column: int) -> bool:
    """Whether it belongs to a key at `column`: a list may begin there too, and what Helm reads may stand anywhere."""
    text = row.lstrip()
    depth = len(row) - len(text)
    return not text or text.startswith(("{{", "#")) or depth > column or (depth == column and text.startswith("- "))


def _item(rows: list[str], inside: list[int], index: int) -> tuple[int, list[int]] | None:
    """The row among `inside` where the item of a list begins, and its rows; None where a loop may make the list."""
    if any(re.search(r"\{\{-?\s*(range|include|toYaml|template)\b", rows[at]) and ":" not in rows[at] for at in inside):
        return None
    starts = [(len(rows[at]) - len(rows[at].lstrip()), at) for at in inside if rows[at].lstrip().startswith("- ")]
    least = min((depth for depth, _ in starts), default=0)
    items = [at for depth, at in starts if depth == least]
    if index >= len(items):
        return None
    end = items[index + 1] if index + 1 < len(items) else inside[-1] + 1
    return items[index], [at for at in inside if items[index] <= at < end]
