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
from pipelines.third_party.chart import ThirdPartyChart
from pipelines.third_party.published import Charts, published
from pipelines.values import chart_values, image_key, images_of

CHARTS = Path(__file__).resolve().parents[2] / "charts"


@dataclass(frozen=True, slots=True)
class Resolved:
    """Chart, the files that are added to it, values, images; and where objects were written, for raw manifests.

    With `third_party`, `chart` is what will print the objects that it renders to with `values`, labelled with `commit`.
    """

    chart: Path
    files: Mapping[str, bytes]
    values: Mapping[str, Any]
    images: Mapping[str, str]
    written: Mapping[str, Written]
    third_party: ThirdPartyChart | None = None
    commit: str = ""


def resolve(
    source: Source, place: Place, registry: Registry | None, charts: Charts | None = None, *, timeout_seconds: float
) -> Resolved:
    """Without a registry, tags stay as they are written.

    Raises `InvalidDeployFile` for what this place, or its chart, has not, `ImageNotFound`, `RegistryUnavailable`,
    and what `published` raises.
    """
    if source.manifests:
        files, written = chart_files(source.manifests, place, source.checkout.commit)
        return Resolved(CHARTS / "raw-manifests", files, {}, {}, written)
    file = overlaid(source.declaration.file, place.environment.name)
    chart = source.chart or published(source.declaration, charts, timeout_seconds=timeout_seconds)
    if chart is not None:
        return Resolved(CHARTS / "raw-manifests", {}, file.values, {}, {}, chart, source.checkout.commit)

    def where(image: str) -> str:
        return line_of(image_key(file, image), source.declaration, place.environment.name)

    images = resolved(images_of(file, place), place.registries, registry, timeout_seconds, where)
    values = chart_values(file, source, place, images)
    insist_on_known(values, place.standard_chart, source.declaration, place.environment.name)
    return Resolved(place.standard_chart, {}, values, images, {})
