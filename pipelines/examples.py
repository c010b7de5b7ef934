"""For each rule one object that breaks it and no other, and objects that break none: to ask a cluster about."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from pipelines.cluster import EXAMPLES, VERIFY_NAMESPACE
from pipelines.manifests import without_nulls
from pipelines.ports import Manifest
from pipelines.resources import field_path

_PLACEHOLDER = re.compile(r"\$\(([a-z_]+)(?:/(namespace|name))?\)")
_OF_THE_CLUSTER = frozenset({"ClusterRole"})


class Examples:
    """With what a platform's parameters let in. `nothing_allowed` are kinds of which these let nothing pass at all."""

    def __init__(self, parameters: Mapping[str, str], path: Path = EXAMPLES) -> None:
        written = yaml.safe_load(path.read_text("utf-8"))
        self._parameters = parameters
        self._written = written["good"]
        self.good = {kind: self._placed(one) for kind, one in written["good"].items()}
        self.broken = {rule: self._broken(entry) for rule, entry in written["broken"].items()}
        self.nothing_allowed = {kind for kind, one in written["good"].items() if not all(self._values(one))}

    def _broken(self, entry: Mapping[str, Any]) -> Manifest:
        if "new" in entry:
            return self._placed(entry["new"])
        made = copy.deepcopy(self._written[entry["of"]])
        for field, value in entry["set"].items():
            *before, last = field_path(field)
            parent = made
            for part in before:
                parent = parent[part]
            parent[last] = value
        return self._placed(made)

    def _placed(self, written: Any) -> Manifest:
        made: dict[str, Any] = self._filled_in(copy.deepcopy(written))
        if made["kind"] not in _OF_THE_CLUSTER:
            made["metadata"]["namespace"] = VERIFY_NAMESPACE
        placed: dict[str, Any] = without_nulls(made)
        return placed

    def _filled_in(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._filled_in(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._filled_in(item) for item in value]
        return _PLACEHOLDER.sub(self._named, value) if isinstance(value, str) else value

    def _named(self, found: re.Match[str]) -> str:
        line = self._parameters.get(found[1], "").split("\n")[0]
        if not line:
            return "none"
        namespace, _, name = line.partition("/")
        return {"namespace": namespace, "name": name}.get(found[2] or "", line)

    def _values(self, value: Any) -> Iterator[str]:
        """What the parameters say for each placeholder in `value`."""
        if isinstance(value, (dict, list)):
            for item in value.values() if isinstance(value, dict) else value:
                yield from self._values(item)
        elif isinstance(value, str):
            yield from (self._parameters.get(name, "") for name, _ in _PLACEHOLDER.findall(value))
