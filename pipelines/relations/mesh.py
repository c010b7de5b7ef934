"""What the mesh demands of all is not taken back by an object of one App."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipelines.catalogue.relations import MESH_KEPT
from pipelines.findings import Finding
from pipelines.manifests import name_of
from pipelines.ports import Manifest
from pipelines.relations.release import Release
from pipelines.relations.selectors import flow
from pipelines.relations.values import mapping, mappings
from pipelines.resources import at, field_text

_SECURITY, _NETWORKING = "security.istio.io", "networking.istio.io"
_Path = tuple[str | int, ...]


def weakened(release: Release) -> Iterator[Finding]:
    """Objects that open for more than their own pods what the mesh has closed."""
    for one in release.of("AuthorizationPolicy", _SECURITY):
        if _allows_for_all(one):
            labels = next((each.own_labels for each in release.workloads if each.own_labels), {})
            how = f"selector: {{matchLabels: {flow(labels or {'app.kubernetes.io/name': 'APP'})}}}"
            what = "without a selector it lets callers in to every pod of the namespace, those of hooks too"
            yield MESH_KEPT.finding(name_of(one), "spec", what, how)
    for one in release.of("Sidecar", _NETWORKING):
        path: _Path = ("spec", "outboundTrafficPolicy", "mode")
        if at(one, path) == "ALLOW_ANY":
            what = "it lets pods call hosts that the mesh does not know"
            how = "outboundTrafficPolicy: {mode: REGISTRY_ONLY}   # and a ServiceEntry for each host"
            yield MESH_KEPT.finding(name_of(one), field_text(path), what, how)
    for one in release.of("DestinationRule", _NETWORKING):
        yield from _unencrypted(one)


def _allows_for_all(policy: Manifest) -> bool:
    spec = mapping(policy.get("spec"))
    is_narrow = spec.get("selector") or spec.get("targetRef") or spec.get("targetRefs")
    return not is_narrow and spec.get("action", "ALLOW") == "ALLOW" and bool(mappings(spec.get("rules")))


def _unencrypted(rule: Manifest) -> Iterator[Finding]:
    """Callers that speak plain text to a host of the cluster, though its side asks for mTLS."""
    if not _is_inside(str(at(rule, ("spec", "host")))):
        return
    policies: list[_Path] = [("spec", "trafficPolicy")]
    subsets = mappings(at(rule, ("spec", "subsets")))
    policies += [("spec", "subsets", index, "trafficPolicy") for index in range(len(subsets))]
    for policy in policies:
        ports = mappings(at(rule, (*policy, "portLevelSettings")))
        places: list[_Path] = [policy, *((*policy, "portLevelSettings", index) for index in range(len(ports)))]
        for place in places:
            mode: Any = at(rule, (*place, "tls", "mode"))
            if mode in ("DISABLE", "SIMPLE"):
                what = f"callers leave the mesh's mTLS: the mode is {mode}"
                how = "tls: {mode: ISTIO_MUTUAL}"
                yield MESH_KEPT.finding(name_of(rule), field_text((*place, "tls", "mode")), what, how)


def _is_inside(host: str) -> bool:
    return "." not in host or host.endswith((".local", ".svc")) or host.startswith("*")
