"""A chart that somebody else wrote, as its files: who it says it is, and what may not be in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.errors import InvalidChart
from pipelines.manifests import to_value
from pipelines.third_party.archive import packed
from pipelines.yaml_nodes import Budget, InvalidYaml, compose

NAME_PATTERN = r"[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?"
VERSION_PATTERN = r"v?[0-9]{1,9}(\.[0-9]{1,9}){0,2}(-[0-9A-Za-z.-]{1,64})?(\+[0-9A-Za-z.-]{1,64})?"
_CRDS = re.compile(r"(charts/[^/]+/)*crds/.*\.(ya?ml|json)")
_METASCHEMA = re.compile(r"https?://json-schema\.org/.*")


@dataclass(frozen=True, slots=True)
class ThirdPartyChart:
    """`files` by path in the chart; `name` and `version` as its Chart.yaml has them."""

    name: str
    version: str
    files: Mapping[str, bytes]

    @property
    def archive(self) -> bytes:
        """As `helm package` makes it."""
        return packed(self.name, self.files)

    @property
    def label(self) -> str:
        """Name and version, as people see it."""
        return f"{self.name} {self.version}"


@dataclass(frozen=True, slots=True)
class BroughtCrd:
    """A CustomResourceDefinition in a folder crds/: `serves` are its `group/version/Kind`; empty when unreadable."""

    path: str
    name: str
    serves: tuple[str, ...]


def read_chart(files: Mapping[str, bytes], where: str) -> ThirdPartyChart:
    """The chart in `files`. Raises `InvalidChart` for none, for a library, and for what would ask the network."""
    about = _about(files, where)
    name, version = about.get("name"), about.get("version")
    if not isinstance(name, str) or not re.fullmatch(NAME_PATTERN, name):
        raise InvalidChart(f"its Chart.yaml has the name {str(name)[:80]!r}", "Use letters, digits and -", where=where)
    if not isinstance(version, str) or not re.fullmatch(VERSION_PATTERN, version):
        raise InvalidChart(
            f"its Chart.yaml has the version {str(version)[:80]!r}", "Write it as 1.2.3, in quotes", where=where
        )
    if about.get("type") == "library":
        raise InvalidChart("it is a library, which renders nothing", "Name the chart that uses it", where=where)
    for path, content in files.items():
        if path.rpartition("/")[2] == "values.schema.json":
            _insist_on_local(path, content, where)
    return ThirdPartyChart(name, version, files)


def _about(files: Mapping[str, bytes], where: str) -> dict[str, Any]:
    if "Chart.yaml" not in files:
        raise InvalidChart("it has no Chart.yaml", "Name the folder that has it, or a .tgz of a chart", where=where)
    try:
        value = [to_value(node) for node in compose(files["Chart.yaml"])]
    except InvalidYaml as error:
        raise InvalidChart(error.reason, error.solution, where=f"{where}/Chart.yaml:{error.line}") from error
    if len(value) != 1 or not isinstance(value[0], dict):
        raise InvalidChart("its Chart.yaml is no mapping", "Take a chart that Helm takes", where=where)
    return value[0]


def _insist_on_local(path: str, content: bytes, where: str) -> None:
    """Helm fetches what a schema of values refers to, whoever's network that is."""
    try:
        away = next(_references_away(json.loads(content)), None)
    except (ValueError, RecursionError) as error:
        raise InvalidChart(f"its {path} is no JSON", "Correct it, or leave it out", where=where) from error
    if away is not None:
        raise InvalidChart(
            f"its {path} refers to {away[:200]!r}, and nothing is fetched while rendering",
            "Vendor the chart with a schema that refers to its own parts alone (#/…), or without one",
            where=where,
        )


def _references_away(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, one in value.items():
            if isinstance(one, str) and key in ("$ref", "$dynamicRef", "$recursiveRef") and not one.startswith("#"):
                yield one
            if isinstance(one, str) and key == "$schema" and not _METASCHEMA.fullmatch(one):
                yield one
            yield from _references_away(one)
    elif isinstance(value, list):
        for one in value:
            yield from _references_away(one)


def crds_of(chart: ThirdPartyChart) -> tuple[BroughtCrd, ...]:
    """What is in its folders crds/, which Helm would install before anything else, unchecked and for ever."""
    paths = [path for path in sorted(chart.files) if _CRDS.fullmatch(path)]
    budget = Budget()
    return tuple(crd for path in paths for crd in _crds(path, chart.files[path], budget))


def _crds(path: str, content: bytes, budget: Budget) -> list[BroughtCrd]:
    try:
        objects = [to_value(node) for node in compose(content, budget=budget)]
    except InvalidYaml:
        return [BroughtCrd(path, path, ())]
    return [_crd(path, one) for one in objects if one is not None]


def _crd(path: str, value: Any) -> BroughtCrd:
    try:
        spec, name = value["spec"], str(value["metadata"]["name"])
        group, kind = spec["group"], spec["names"]["kind"]
        return BroughtCrd(path, name, tuple(f"{group}/{one['name']}/{kind}" for one in spec["versions"]))
    except (KeyError, TypeError):
        return BroughtCrd(path, path, ())
