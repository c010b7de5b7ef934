"""What the mesh demands of all is not taken back by an object of one App."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.catalogue.relations import MESH_KEPT
from pipelines.findings import Finding
from pipelines.manifests import name_of
from pipelines.ports import Manifest
from pipelines.relations.release import Release
from pipelines.relations.selectors import flow
from pipelines.relations.values import mapping, mappings
from pipelines.resources import at

_SECURITY, _NETWORKING = "security.istio.io", "networking.istio.io"


def weakened(release: Release) -> Iterator[Finding]:
    """Objects that open for more than their own pods what the mesh has closed."""
    for one in release.of("AuthorizationPolicy", _SECURITY):
        if _allows_for_all(one):
            labels = next((each.own_labels for each in release.workloads if each.own_labels), {})
            how = f"selector: {{matchLabels: {flow(labels or {'app.kubernetes.io/name': 'APP'})}}}"
            what = "without a selector it lets callers in to every pod of the namespace, those of hooks too"
            yield MESH_KEPT.finding(name_of(one), "spec", what, how)
    for one in release.of("Sidecar", _NETWORKING):
        if at(one, ("spec", "outboundTrafficPolicy", "mode")) == "ALLOW_ANY":
            what = "it lets pods call hosts that the mesh does not know"
            how = "outboundTrafficPolicy: {mode: REGISTRY_ONLY}   # and a ServiceEntry for each host"
            yield MESH_KEPT.finding(name_of(one), "spec.outboundTrafficPolicy.mode", what, how)


def _allows_for_all(policy: Manifest) -> bool:
    spec = mapping(policy.get("spec"))
    is_narrow = spec.get("selector") or spec.get("targetRef") or spec.get("targetRefs")
    return not is_narrow and spec.get("action", "ALLOW") == "ALLOW" and bool(mappings(spec.get("rules")))
