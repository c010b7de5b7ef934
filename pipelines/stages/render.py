"""render: the manifest that the chart and the values make, for the version of the cluster that it is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.findings import Finding
from pipelines.manifests import parse
from pipelines.place import Place
from pipelines.ports import ClusterFacts, Manifest, Renderer
from pipelines.stages.resolve import Resolved
from pipelines.third_party.rendering import brought, chart_files


@dataclass(frozen=True, slots=True)
class Rendered:
    """The packed chart, and what it renders to: bytes as helm prints them, and the objects in them.

    Of a third-party chart, `templates` are those that objects come from, by `Kind/name`, and `found` is what it brings.
    """

    chart_name: str
    chart_version: str
    chart: bytes
    values: Mapping[str, Any]
    manifest: bytes
    objects: tuple[Manifest, ...]
    templates: Mapping[str, str] = field(default_factory=dict)
    found: tuple[Finding, ...] = ()

    @property
    def chart_label(self) -> str:
        """Name and version of the chart, as people see it."""
        return f"{self.chart_name} {self.chart_version}"


def render(
    resolved: Resolved, place: Place, facts: ClusterFacts, helm: Renderer, *, timeout_seconds: float
) -> Rendered:
    """Raises `RenderFailed`, `InvalidDeployFile` for what no App may bring, `CheckCrashed` when it takes too long."""

    def rendered(chart: bytes) -> bytes:
        return helm.template(
            release=place.app.name,
            namespace=place.namespace,
            chart=chart,
            values=resolved.values,
            kubernetes_version=facts.kubernetes_version,
            api_versions=facts.api_versions,
            timeout_seconds=timeout_seconds,
        )

    files = resolved.files
    templates: dict[str, str] = {}
    if resolved.third_party is not None:
        manifest = rendered(resolved.third_party.archive)
        files, templates = chart_files(manifest, resolved.third_party, place, resolved.commit)
    name, version, chart = helm.package(resolved.chart, files)
    manifest = rendered(chart)
    objects = parse(manifest)
    found = brought(resolved.third_party, objects, facts) if resolved.third_party is not None else ()
    return Rendered(name, version, chart, resolved.values, manifest, objects, templates, found)
