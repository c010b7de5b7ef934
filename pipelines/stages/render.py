"""render: the manifest that the chart and the values make, for the version of the cluster that it is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.manifests import parse
from pipelines.ports import ClusterFacts, Helm, Manifest
from pipelines.stages.resolve import Place, Resolved


@dataclass(frozen=True, slots=True)
class Rendered:
    """The packed chart, and what it renders to: bytes as helm prints them, and the objects in them."""

    chart_name: str
    chart_version: str
    chart: bytes
    values: Mapping[str, Any]
    manifest: bytes
    objects: tuple[Manifest, ...]

    @property
    def chart_label(self) -> str:
        """Name and version of the chart, as people see it."""
        return f"{self.chart_name} {self.chart_version}"


def render(resolved: Resolved, place: Place, facts: ClusterFacts, helm: Helm, *, timeout_seconds: float) -> Rendered:
    """Raises `RenderFailed`, and `CheckCrashed` when it takes too long."""
    name, version, chart = helm.package(resolved.chart, resolved.files)
    manifest = helm.template(
        release=place.app.name,
        namespace=place.namespace,
        chart=chart,
        values=resolved.values,
        kubernetes_version=facts.kubernetes_version,
        api_versions=facts.api_versions,
        timeout_seconds=timeout_seconds,
    )
    return Rendered(name, version, chart, resolved.values, manifest, parse(manifest))
