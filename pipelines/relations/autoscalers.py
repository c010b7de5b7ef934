"""What an autoscaler scales is there; how many replicas a workload may have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.catalogue.relations import AUTOSCALER_TARGET
from pipelines.findings import Finding
from pipelines.manifests import name_of
from pipelines.ports import Manifest
from pipelines.relations.doubt import in_doubt
from pipelines.relations.release import Release, Workload
from pipelines.relations.values import mapping
from pipelines.resources import at
from pipelines.suggestions import did_you_mean

# Each kind, its API group, and its names for the fewest and the most replicas.
_AUTOSCALERS = (
    ("HorizontalPodAutoscaler", "autoscaling", "minReplicas", "maxReplicas"),
    ("ScaledObject", "keda.sh", "minReplicaCount", "maxReplicaCount"),
)
_SCALABLE = ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController")


def idle_autoscalers(release: Release) -> Iterator[Finding]:
    """Autoscalers that scale nothing of this Release."""
    for one in _autoscalers(release):
        kind, name = _target(one)
        namespace = release.namespace_of(one)
        if not any(_is(other, kind, name) and release.namespace_of(other) == namespace for other in release.objects):
            names = [name_of(other) for other in release.objects if other["kind"] in _SCALABLE]
            what = f"there is no {kind}/{name} in this Release. {did_you_mean(f'{kind}/{name}', names)}".strip()
            finding = AUTOSCALER_TARGET.finding(name_of(one), "spec.scaleTargetRef", what, _reference(names))
            yield in_doubt(release, finding)


def replicas_of(workload: Workload, release: Release) -> tuple[int, int]:
    """The fewest and the most replicas that `workload` has while all is well."""
    for kind, group, fewest, most in _AUTOSCALERS:
        for one in release.near(workload, kind, group):
            if _is(workload.manifest, *_target(one)):
                spec = mapping(one.get("spec"))
                least = _count(spec.get(fewest), 1)
                return least, max(least, _count(spec.get(most), 1))
    count = _count(at(workload.manifest, ("spec", "replicas")), 1)
    return count, count


def _autoscalers(release: Release) -> list[Manifest]:
    return [one for kind, group, _, _ in _AUTOSCALERS for one in release.of(kind, group)]


def _target(autoscaler: Manifest) -> tuple[str, str]:
    reference = mapping(at(autoscaler, ("spec", "scaleTargetRef")))
    return str(reference.get("kind", "Deployment")), str(reference.get("name", ""))


def _is(manifest: Manifest, kind: str, name: str) -> bool:
    metadata: Mapping[str, Any] = mapping(manifest.get("metadata"))
    return manifest["kind"] == kind and metadata.get("name") == name


def _count(value: Any, default: int) -> int:
    return value if isinstance(value, int) else default


def _reference(names: list[str]) -> str:
    kind, _, name = (names[0] if names else "Deployment/APP").partition("/")
    return f"scaleTargetRef: {{apiVersion: apps/v1, kind: {kind}, name: {name}}}"
