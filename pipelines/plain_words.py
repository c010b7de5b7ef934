"""Values of another type than their field's, such as `on` for a text or a mapping for a list: told, and put right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipelines.manifests import name_of
from pipelines.ports import Manifest
from pipelines.resources import field_text

_GONE = object()
_NUMBERS = ("int", "uint", "float")
_SCALARS = ("bool", "number", "string")
_TYPES: dict[str, type | tuple[type, ...]] = {
    "array": list,
    "bool": bool,
    "number": (int, float),
    "object": dict,
    "string": str,
}
_IN_YAML = {"array": "list", "object": "mapping", "string": "text"}

_Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Mistyped:
    """What Go says of one field: `found` is array, bool, number, object or string, `path` names no indexes, `wanted`
    is Go's type.
    """

    api_version: str
    kind: str
    found: str
    path: str
    wanted: str

    @property
    def is_text(self) -> bool:
        """Whether a text was due: Go's own, or a type that Kubernetes gives a name, such as `v1.ServiceType`."""
        return self.wanted == "string" or (self.wanted.startswith("v1.") and self.found in ("bool", "number"))

    @property
    def reason(self) -> str:
        """What is wrong."""
        return f"it takes no {_IN_YAML.get(self.found, self.found)}, and what is written there is read as one"

    @property
    def solution(self) -> str:
        """What to write instead, as a comment."""
        wanted = self.wanted.lstrip("*")
        if self.is_text and self.found in _SCALARS:
            return "# a text, in quotes: plain y, n, yes, no, on, off and numbers are no texts in YAML 1.1"
        if wanted == "string":
            return "# a text"
        if wanted.startswith(_NUMBERS):
            return "# a whole number, without quotes" if "int" in wanted else "# a number, without quotes"
        if wanted == "bool":
            return "# true or false, without quotes"
        if wanted.startswith("[]"):
            return "# a list: each entry begins with `- `"
        return f"# what it takes: kubectl explain {self.kind.lower()}.{self.path}"


@dataclass(frozen=True, slots=True)
class Misfit:
    """One place of such a value: `Kind/name`, and the path of the field, such as `spec.ports[0].port`."""

    resource: str
    field: str


def mend(objects: tuple[Manifest, ...], mistyped: Mistyped) -> tuple[tuple[Manifest, ...], list[Misfit]]:
    """`objects` with the values of `mistyped` as texts, or left out where none is due; and where they were."""
    mended: list[Manifest] = []
    misfits: list[Misfit] = []
    keys = tuple(mistyped.path.split("."))
    for one in objects:
        places: list[_Path] = []
        is_it = (one["apiVersion"], one["kind"]) == (mistyped.api_version, mistyped.kind)
        mended.append(_at(one, keys, mistyped, (), places) if is_it else one)
        misfits += [Misfit(name_of(one), field_text(place)) for place in places]
    return tuple(mended), misfits


def _at(value: Any, keys: tuple[str, ...], mistyped: Mistyped, path: _Path, places: list[_Path]) -> Any:
    """`value`, which is at `path`, put right below `keys`; what did not fit there goes to `places`."""

    def entries(pairs: Any, rest: tuple[str, ...]) -> list[tuple[Any, Any]]:
        changed = [(key, _at(one, rest, mistyped, (*path, key), places)) for key, one in pairs]
        return [(key, one) for key, one in changed if one is not _GONE]

    if isinstance(value, list) and not (_is_it(value, keys, mistyped)):
        return [one for _, one in entries(enumerate(value), keys)]
    if isinstance(value, dict) and keys:
        inner = dict(entries(((key, one) for key, one in value.items() if key == keys[0]), keys[1:]))
        return {key: inner.get(key, one) for key, one in value.items() if key != keys[0] or key in inner}
    if isinstance(value, dict) and mistyped.wanted == "string" and not _is_it(value, keys, mistyped):
        return dict(entries(value.items(), keys))  # such as labels: its values are the texts
    if keys or not _is(value, mistyped):
        return value
    places.append(path)
    return _in_place_of(value, mistyped)


def _is_it(value: list[Any] | dict[str, Any], keys: tuple[str, ...], mistyped: Mistyped) -> bool:
    """Whether `value` itself is what does not fit, and not one of its entries."""
    entries = value if isinstance(value, list) else value.values()
    return not keys and _is(value, mistyped) and not any(_is(one, mistyped) for one in entries)


def _is(value: Any, mistyped: Mistyped) -> bool:
    if isinstance(value, bool) or not isinstance(value, _TYPES[mistyped.found]):
        return isinstance(value, bool) and mistyped.found == "bool"
    # Where whole numbers are due, it is one that is none, or too large.
    is_whole = isinstance(value, int) and -(2**31) <= value < 2**31
    return mistyped.found != "number" or "int" not in mistyped.wanted or not is_whole


def _in_place_of(value: Any, mistyped: Mistyped) -> Any:
    if mistyped.wanted != "string" or mistyped.found not in _SCALARS:
        return _GONE
    return str(value).lower()
