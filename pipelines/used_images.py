"""Every image that objects would run or mount, with the field that it stands in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.manifests import name_of
from pipelines.ports import Manifest
from pipelines.resources import WORKLOADS, at, field_text, pod_spec_path

_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")


@dataclass(frozen=True, slots=True)
class Use:
    """`image` stands in `field` of `resource` (`Kind/name`)."""

    image: str
    resource: str
    field: str


def used_images(objects: Iterable[Manifest]) -> tuple[Use, ...]:
    """All of them, in order, as often as they stand there. What is no text is for the schema to refuse."""
    return tuple(
        Use(image, name_of(manifest), field_text(path))
        for manifest in objects
        if manifest.get("kind") in WORKLOADS
        for image, path in _in_pod(manifest, pod_spec_path(str(manifest["kind"])))
    )


def _in_pod(manifest: Manifest, spec: tuple[str, ...]) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    places: dict[str, tuple[str, ...]] = {**dict.fromkeys(_CONTAINERS, ("image",)), "volumes": ("image", "reference")}
    for where, key in places.items():
        path = (*spec, where)
        for index, one in enumerate(_list(at(manifest, path))):
            image = at(one, key) if isinstance(one, Mapping) else None
            if isinstance(image, str):
                yield image, (*path, index, *key)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
