"""From a field of a rendered object back to the line that somebody wrote."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pipelines.deployfile import Declaration, DeployFile, overlaid
from pipelines.findings import Finding
from pipelines.origins import origin
from pipelines.resources import field_path
from pipelines.yaml_nodes import Node, Path, line_at

# What an Environment's own part of deploy.yaml adds to, entry by entry; everything else it replaces.
_MERGED_KEYS = (("env",), ("files",), ("external_secrets",))


@dataclass(frozen=True, slots=True)
class Written:
    """Where one object was written: the file, and the node in it."""

    file: str
    node: Node

    def source(self, path: Path = ()) -> str:
        """`k8s/a.yaml:7` for what is at `path` of the object, or for the nearest around it."""
        return f"{self.file}:{line_at(self.node, path)}"


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


def of_chart(
    findings: Iterable[Finding], declaration: Declaration, templates: Mapping[str, str]
) -> tuple[Finding, ...]:
    """`findings` about what a third-party chart renders: the place to edit is its values, the template is told."""
    source = declaration.source("values") if ("values",) in declaration.lines else declaration.source("chart")
    return tuple(replace(one, source=source, what=with_template(one, templates)) for one in findings)


def with_template(finding: Finding, templates: Mapping[str, str]) -> str:
    """What was found, and the template that the object comes from, where there is one."""
    template = templates.get(finding.resource)
    return f"{finding.what} ({template})" if template else finding.what


def _of_manifest(finding: Finding, declaration: Declaration, written: Mapping[str, Written]) -> str:
    place = written.get(finding.resource)
    if place is None:
        return declaration.source("manifests")
    return place.source(field_path(finding.field))


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
