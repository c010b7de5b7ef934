"""From a field of a rendered object back to the line that somebody wrote."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pipelines.deployfile import Declaration
from pipelines.findings import Finding
from pipelines.resources import field_path
from pipelines.yaml_nodes import Path, nearest_line

# What of the standard chart's output comes from which key of deploy.yaml: the first part that is in the field.
_KEYS: tuple[tuple[str, Path], ...] = (
    (".image", ("image",)),
    (".resources", ("resources",)),
    ("Probe", ("health",)),
    (".ports", ("port",)),
    (".env", ("env",)),
    ("replicas", ("replicas",)),
    ("host", ("expose",)),
    ("gress", ("allow",)),
    ("rules", ("allow",)),
)


@dataclass(frozen=True, slots=True)
class Written:
    """Where one object was written: the file, and the line of each path in it."""

    file: str
    lines: Mapping[Path, int]
    first_line: int


def located(
    findings: Iterable[Finding], declaration: Declaration, written: Mapping[str, Written]
) -> tuple[Finding, ...]:
    """`findings` with their source: a line of deploy.yaml, or of the manifest that the team wrote (by `Kind/name`)."""
    return tuple(replace(finding, source=_source(finding, declaration, written)) for finding in findings)


def _source(finding: Finding, declaration: Declaration, written: Mapping[str, Written]) -> str:
    if written:
        place = written.get(finding.resource)
        if place is None:
            return declaration.source("manifests")
        line = nearest_line(dict(place.lines), field_path(finding.field), place.first_line)
        return f"{place.file}:{line}"
    for part, path in _KEYS:
        if part in f".{finding.field}":
            return declaration.source(*path)
    return declaration.source("app")
