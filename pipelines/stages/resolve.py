"""resolve: what exactly is to be rendered. The Environment's overlay, callers' namespaces, tags as digests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.compatibility import insist_on_known
from pipelines.deployfile import overlaid
from pipelines.images import resolved
from pipelines.place import Place
from pipelines.ports import Registry
from pipelines.raw_manifests import chart_files
from pipelines.sources import Written, line_of
from pipelines.stages.checkout import Source
from pipelines.values import chart_values, image_key, images_of

CHARTS = Path(__file__).resolve().parents[2] / "charts"

__all__ = ["CHARTS", "Place", "Resolved", "resolve"]


@dataclass(frozen=True, slots=True)
class Resolved:
    """Chart, the files that are added to it, values, images; and where objects were written, for raw manifests."""

    chart: Path
    files: Mapping[str, bytes]
    values: Mapping[str, Any]
    images: Mapping[str, str]
    written: Mapping[str, Written]


def resolve(source: Source, place: Place, registry: Registry | None, *, timeout_seconds: float) -> Resolved:
    """Without a registry, tags stay as they are written.

    Raises `InvalidDeployFile` for what this place, or its chart, has not, `ImageNotFound`, `RegistryUnavailable`.
    """
    if source.manifests:
        files, written = chart_files(source.manifests, place, source.checkout.commit)
        return Resolved(CHARTS / "raw-manifests", files, {}, {}, written)
    file = overlaid(source.declaration.file, place.environment.name)

    def where(image: str) -> str:
        return line_of(image_key(file, image), source.declaration, place.environment.name)

    images = resolved(images_of(file, place), place.registries, registry, timeout_seconds, where)
    values = chart_values(file, source, place, images)
    insist_on_known(values, place.standard_chart, source.declaration, place.environment.name)
    return Resolved(place.standard_chart, {}, values, images, {})
