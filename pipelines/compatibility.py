"""Whether a version of the standard chart knows what an App asks for; when it doesn't, which key, and who does.

An Environment that stays on an older chart meets a deploy.yaml that was written for a newer one. Helm would say so
in terms of the chart's values, which nobody here has written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as Folder
from typing import Any

import jsonschema_rs
import yaml

from pipelines.charts import StandardCharts
from pipelines.deployfile import Declaration
from pipelines.errors import Fault, InvalidDeployFile
from pipelines.yaml_nodes import Path

_LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class _Complaint:
    """What a chart's schema has against one value: `path` in deploy.yaml's words; `given` if it knows the key."""

    path: Path
    given: Any = None


def insist_on_known(values: Mapping[str, Any], chart: Folder, declaration: Declaration, environment: str) -> None:
    """Raises `InvalidDeployFile`, with a Fault for each key of deploy.yaml that `chart` (a version's folder) lacks.

    What is wrong in another way, a value that is missing say, is left to Helm.
    """
    complaints = _complaints(chart, values)
    written = [one for one in complaints if _line(declaration, environment, one.path[:1])]
    # What follows from a key that somebody wrote says nothing new: `job` of `workload: job`.
    faults = [_fault(one, values, chart, declaration, environment) for one in written or complaints]
    if len(faults) == 1:
        raise InvalidDeployFile(faults[0].reason, faults[0].solution, where=faults[0].where, errors=faults)
    if faults:
        keys = ", ".join(dict.fromkeys(_shown(one) for one in written or complaints))
        raise InvalidDeployFile(
            f"this Environment's standard chart {chart.name} does not know {keys}",
            "Correct each of them",
            where=declaration.name,
            errors=faults,
        )


def _complaints(chart: Folder, values: Mapping[str, Any]) -> list[_Complaint]:
    """None of a chart without a schema, or with one that can't be read: Helm says so."""
    try:
        validator = jsonschema_rs.validator_for(json.loads((chart / "values.schema.json").read_bytes()))
    except (OSError, ValueError):
        return []
    found = [_unknown(error) for error in validator.iter_errors(_merged(_defaults(chart), values))]
    by_path = {one.path: one for several in found for one in several}
    return sorted(by_path.values(), key=lambda one: [str(part) for part in one.path])


def _defaults(chart: Folder) -> Mapping[str, Any]:
    file = chart / "values.yaml"
    return (yaml.load(file.read_bytes(), Loader=yaml.CSafeLoader) or {}) if file.exists() else {}


def _merged(defaults: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """As Helm lays values over a chart's own."""
    made = {**defaults, **values}
    for key, value in values.items():
        if isinstance(value, Mapping) and isinstance(defaults.get(key), Mapping):
            made[key] = _merged(defaults[key], value)
    return made


def _unknown(error: jsonschema_rs.ValidationError) -> Iterator[_Complaint]:
    kind = error.kind
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.AdditionalProperties):
        for key in kind.unexpected:
            yield _Complaint(_as_written((*error.instance_path, key)))
    elif not isinstance(kind, jsonschema_rs.ValidationErrorKind.Required):
        yield _Complaint(_as_written(tuple(error.instance_path)), error.instance)


def _as_written(path: Path) -> Path:
    """The values are called as Kubernetes calls things, deploy.yaml's keys with underscores; names stay as they are."""
    if path[0] == "env":
        return path
    return tuple(re.sub(r"(?<=[a-z])([A-Z])", r"_\1", part).lower() if isinstance(part, str) else part for part in path)


def _line(declaration: Declaration, environment: str, path: Path) -> str | None:
    """`deploy.yaml:7` where the key at `path` is written, in the Environment's overlay if there; None if it is not."""
    for whole in (("environments", environment, *path), path):
        if whole in declaration.lines:
            return declaration.source(*whole)
    return None


def _fault(
    one: _Complaint, values: Mapping[str, Any], chart: Folder, declaration: Declaration, environment: str
) -> Fault:
    nearest = (_line(declaration, environment, one.path[:length]) for length in range(len(one.path), 0, -1))
    where = next((line for line in nearest if line is not None), "gateway.yaml")
    reason = f"this Environment's standard chart {chart.name} does not know {_shown(one)}"
    knowing = _first_that_knows(one, values, chart)
    if knowing is None:
        return Fault(where, f"{reason}, and no newer one here does", "Leave it out, or ask the platform for it")
    solution = f"Leave it out, or have the platform pin a newer one in gateway.yaml: `chart: {knowing}`"
    return Fault(where, f"{reason}; it needs {knowing} or newer", solution)


def _shown(one: _Complaint) -> str:
    key = ".".join(str(part) for part in one.path)
    if one.given is None:
        return f"`{key}`"
    is_short = isinstance(one.given, str | int) and len(str(one.given)) <= _LONGEST_SHOWN
    return f"`{key}: {one.given}`" if is_short else f"`{key}` in this form"


def _first_that_knows(one: _Complaint, values: Mapping[str, Any], chart: Folder) -> str | None:
    charts = StandardCharts(chart.parent)
    newer = charts.versions[charts.versions.index(chart.name) + 1 :]
    for version in newer:
        if one.path not in {other.path for other in _complaints(chart.parent / version, values)}:
            return version
    return None
