"""From a field of a rendered object back to the line that somebody wrote."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pipelines.deployfile import Declaration, DeployFile, overlaid
from pipelines.findings import Finding
from pipelines.origins import origin
from pipelines.resources import field_path
from pipelines.yaml_nodes import Path, nearest_line

# What an Environment's own part of deploy.yaml adds to, entry by entry; everything else it replaces.
_MERGED_KEYS = (("env",), ("files",), ("external_secrets",))


@dataclass(frozen=True, slots=True)
class Written:
    """Where one object was written: the file, and the line of each path in it."""

    file: str
    lines: Mapping[Path, int]
    first_line: int


def located(
    findings: Iterable[Finding], declaration: Declaration, written: Mapping[str, Written], environment: str = ""
) -> tuple[Finding, ...]:
    """`findings` with their source: a line of deploy.yaml, or of the manifest that the team wrote (by `Kind/name`).

    Where deploy.yaml says something else for `environment`, the line is there.
    """
    if written:
        return tuple(replace(finding, source=_of_manifest(finding, declaration, written)) for finding in findings)
    file = overlaid(declaration.file, environment)
    return tuple(replace(finding, source=_of_key(finding, declaration, file, environment)) for finding in findings)


def _of_manifest(finding: Finding, declaration: Declaration, written: Mapping[str, Written]) -> str:
    place = written.get(finding.resource)
    if place is None:
        return declaration.source("manifests")
    line = nearest_line(dict(place.lines), field_path(finding.field), place.first_line)
    return f"{place.file}:{line}"


def _of_key(finding: Finding, declaration: Declaration, file: DeployFile, environment: str) -> str:
    kind, _, name = finding.resource.partition("/")
    return line_of(origin(kind, name, field_path(finding.field), file), declaration, environment)


def line_of(path: Path, declaration: Declaration, environment: str) -> str:
    """The line of the key at `path`: the one that `environment` has of its own, where it has one."""
    for key in (("environments", environment, *path), path):
        depth = len(key) - len(path) + (2 if path[:1] in _MERGED_KEYS else 1)
        if path and key[:depth] in declaration.lines:
            return declaration.source(*key)
    return declaration.source("app")
