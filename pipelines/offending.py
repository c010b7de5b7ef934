"""Where in an object the thing stands that breaks a rule, and what is to be read there."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.ports import Manifest
from pipelines.resources import at, pod_spec_path
from pipelines.rules import Rule

CONTAINER_LISTS = ("containers", "initContainers", "ephemeralContainers")
_LONGEST_VALUE = 100
_PARTS = re.compile(r"\[([^\]]*)\]|([^.\[\]]+)")


@dataclass(frozen=True, slots=True)
class Offence:
    """The path of a field of one object, and what is wrong there."""

    path: tuple[str | int, ...]
    what: str


def of_field(manifest: Manifest, path: tuple[str | int, ...], what: str) -> Offence:
    """The field at `path`; one of a pod, written as a Deployment has it, stands where this kind keeps its pod."""
    return Offence((*_pod(manifest), *path[2:]) if path[:2] == ("spec", "template") else path, what)


def of_pod(manifest: Manifest, what: str) -> Offence:
    """The pod as a whole."""
    return Offence((*_pod(manifest), "spec"), what)


def of_entry(rule: Rule, manifest: Manifest, entry: str) -> Offence:
    """The field that one text of the variable `offending` means: see `Rule.each`."""
    if entry.startswith("."):
        return _place(rule, manifest, _pod(manifest), entry[1:], "")
    name, _, own = entry.partition(":")
    field = own or rule.field
    spec = (*_pod(manifest), "spec")
    for kind in CONTAINER_LISTS:
        index = _index(at(manifest, (*spec, kind)), name)
        if index is not None:
            return _place(rule, manifest, (*spec, kind, index), field, f"container {name}: ")
    return of_pod(manifest, f"container {name or '(without a name)'}: {field}")


def _pod(manifest: Manifest) -> tuple[str | int, ...]:
    """Where this kind keeps its pod, which has metadata and spec."""
    return pod_spec_path(str(manifest["kind"]))[:-1]


def _place(rule: Rule, manifest: Manifest, base: tuple[str | int, ...], text: str, who: str) -> Offence:
    path: tuple[str | int, ...] = base
    for name, key in _PARTS.findall(text):
        index = None if key else _index(at(manifest, path), name)
        path = (*path, (key or name) if index is None else index)
    shown = _shown(at(manifest, path)) if rule.shows_value else "written here"
    return Offence(path, f"{who}{text.removeprefix('spec.')} is {shown}")


def _index(value: Any, name: str) -> int | None:
    """Where in a list that is which has this name."""
    named = value if isinstance(value, list) else []
    return next((i for i, one in enumerate(named) if isinstance(one, Mapping) and one.get("name") == name), None)


def _shown(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, str):
        return repr(value)
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
