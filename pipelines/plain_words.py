"""Plain words where a field takes something else, such as `on` or `8080` for a text: told, and put right to go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipelines.errors import Fault
from pipelines.manifests import name_of
from pipelines.ports import Manifest

_GONE = object()
_NUMBERS = ("int", "uint", "float")


@dataclass(frozen=True, slots=True)
class Mistyped:
    """What Go says of one field: `found` is bool, number or string, `path` names no indexes, `wanted` is Go's type."""

    api_version: str
    kind: str
    found: str
    path: str
    wanted: str

    @property
    def is_text(self) -> bool:
        """Whether a text was due: Go's own, or a type that Kubernetes gives a name, such as `v1.ServiceType`."""
        return self.wanted == "string" or (self.wanted.startswith("v1.") and self.found != "string")

    @property
    def solution(self) -> str:
        """What to write instead."""
        if self.is_text:
            return "Put a text in quotes: plain y, n, yes, no, on, off and numbers are no texts in YAML 1.1"
        if self.wanted.lstrip("*").startswith(_NUMBERS):
            return "Write a number, without quotes"
        return "Write true or false, without quotes" if self.wanted.lstrip("*") == "bool" else "Write what it takes"


def mend(objects: tuple[Manifest, ...], mistyped: Mistyped) -> tuple[tuple[Manifest, ...], list[Fault]]:
    """`objects` with the words of `mistyped` as texts, or left out where none is due; and a Fault for each object."""
    mended: list[Manifest] = []
    faults: list[Fault] = []
    path = tuple(mistyped.path.split("."))
    for one in objects:
        is_it = (one["apiVersion"], one["kind"]) == (mistyped.api_version, mistyped.kind)
        other = _at(one, path, mistyped) if is_it else one
        mended.append(other)
        if other != one:
            reason = f"{mistyped.path} takes no {mistyped.found}, and what is written there is read as one"
            faults.append(Fault(f"{name_of(one)} {mistyped.path}", f"{reason} ({name_of(one)})", mistyped.solution))
    return tuple(mended), faults


def _at(value: Any, path: tuple[str, ...], mistyped: Mistyped) -> Any:
    if isinstance(value, list):
        listed = (_at(one, path, mistyped) for one in value)
        return [one for one in listed if one is not _GONE]
    if isinstance(value, dict) and path:
        changed = {key: _at(one, path[1:], mistyped) if key == path[0] else one for key, one in value.items()}
        return {key: one for key, one in changed.items() if one is not _GONE}
    if isinstance(value, dict) and mistyped.wanted == "string":  # such as labels: its values are the texts
        return {key: _at(one, path, mistyped) for key, one in value.items()}
    return value if path or not _is(value, mistyped.found) else _in_place_of(value, mistyped)


def _is(value: Any, found: str) -> bool:
    if found == "bool":
        return isinstance(value, bool)
    if found == "string":
        return isinstance(value, str)
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _in_place_of(value: Any, mistyped: Mistyped) -> Any:
    if mistyped.wanted != "string":
        return _GONE
    return str(value).lower()
