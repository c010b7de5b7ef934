"""Each object is there once, and in the namespace of the App; every kind that makes pods is looked into."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from pipelines.catalogue.relations import MESH_KEPT, NAMESPACE_OWN, OBJECTS_UNIQUE, PODS_SEEN
from pipelines.findings import Finding
from pipelines.manifests import name_of
from pipelines.relations.release import Release
from pipelines.relations.values import mapping, mappings
from pipelines.resources import field_text, group_of

_MESH_NAMESPACE = "istio-system"
_Path = tuple[str | int, ...]


def twins(release: Release) -> Iterator[Finding]:
    """Objects that are there more than once; each is told once."""
    count: Counter[tuple[str, str, str]] = Counter()
    for one in release.objects:
        identity = (group_of(str(one["apiVersion"])), name_of(one), release.namespace_of(one))
        is_named = bool(mapping(one.get("metadata")).get("name"))
        count[identity] += is_named
        if is_named and count[identity] == 2:
            yield OBJECTS_UNIQUE.finding(name_of(one), "metadata.name", "it is in this Release more than once")


def strays(release: Release) -> Iterator[Finding]:
    """Objects in another namespace than the App's; those in the mesh's own hold for the whole mesh."""
    for one in release.objects:
        namespace = release.namespace_of(one)
        if namespace == release.namespace:
            continue
        what = f"it is in the namespace {namespace}, and the App's is {release.namespace}"
        if namespace == _MESH_NAMESPACE and group_of(str(one["apiVersion"])).endswith(".istio.io"):
            what = f"in {namespace} it holds for the whole mesh"
            how = f"metadata: {{namespace: {release.namespace}}}"
            yield MESH_KEPT.finding(name_of(one), "metadata.namespace", what, how)
        else:
            how = f"# leave out: metadata.namespace, or write: namespace: {release.namespace}"
            yield NAMESPACE_OWN.finding(name_of(one), "metadata.namespace", what, how)


def unseen_pods(release: Release) -> Iterator[Finding]:
    """Kinds that no rule on pods knows, with containers in them."""
    seen = {id(one.manifest) for one in release.workloads}
    for one in release.objects:
        path = None if id(one) in seen else _containers(one, ())
        if path is not None:
            what = f"nothing looks into the pods of a {one['kind']}: no rule is held against them"
            yield PODS_SEEN.finding(name_of(one), field_text(path), what)


def _containers(value: Any, path: _Path) -> _Path | None:
    """Where in `value`, a mapping or a list, there is a list of containers; None where there is none."""
    if isinstance(value, dict):
        if any("image" in one for one in mappings(value.get("containers"))):
            return (*path, "containers")
        inner: Iterable[tuple[Any, Any]] = value.items()
    else:
        inner = enumerate(value)
    for key, each in inner:
        if isinstance(each, dict | list) and (found := _containers(each, (*path, key))) is not None:
            return found
    return None
