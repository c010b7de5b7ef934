"""Every pod is selected by a NetworkPolicy in both directions, and every NetworkPolicy selects a pod."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.catalogue.relations import NETWORK_POLICY_PRESENT, SELECTOR_SELECTS
from pipelines.findings import Finding
from pipelines.manifests import name_of
from pipelines.ports import Manifest
from pipelines.relations.doubt import in_doubt
from pipelines.relations.release import Release, Workload
from pipelines.relations.selectors import flow, is_empty, selects
from pipelines.relations.values import mapping

_GROUP = "networking.k8s.io"
_BOTH = ("Ingress", "Egress")


def unselected_pods(release: Release) -> Iterator[Finding]:
    """The pods that a direction is open for."""
    for workload in release.workloads:
        near = release.near(workload, "NetworkPolicy", _GROUP)
        selecting = [one for one in near if _selects(one, workload)]
        held = {direction for one in selecting for direction in _directions(one)}
        missing = [direction for direction in _BOTH if direction not in held]
        if missing:
            what = f"no NetworkPolicy holds {' or '.join(missing).lower()} of its pods"
            how = _widened(selecting[0]) if selecting else _policy(workload)
            yield NETWORK_POLICY_PRESENT.finding(workload.name, workload.labels_field, what, how)


def idle_policies(release: Release) -> Iterator[Finding]:
    """The NetworkPolicies that select no pod."""
    for one in release.of("NetworkPolicy", _GROUP):
        selector = mapping(one.get("spec")).get("podSelector")
        # An empty selector means all pods of the namespace, those to come too.
        if not is_empty(selector) and not release.selected_by(selector, release.namespace_of(one)):
            how = f"podSelector: {{matchLabels: {_nearest(release)}}}"
            what = "it selects no pod of this Release"
            yield in_doubt(release, SELECTOR_SELECTS.finding(name_of(one), "spec.podSelector", what, how))


def _selects(policy: Manifest, workload: Workload) -> bool:
    return selects(mapping(mapping(policy.get("spec")).get("podSelector")), workload.labels)


def _directions(policy: Manifest) -> list[str]:
    """As the server fills it in: ingress always, egress where the policy says something of it."""
    spec = mapping(policy.get("spec"))
    written = spec.get("policyTypes")
    if isinstance(written, list) and written:
        return [str(one) for one in written]
    return list(_BOTH) if spec.get("egress") else ["Ingress"]


def _nearest(release: Release) -> str:
    labels = next((one.own_labels for one in release.workloads if one.own_labels), {"app.kubernetes.io/name": "APP"})
    return flow(labels)


def _widened(policy: Manifest) -> str:
    return f"policyTypes: [Ingress, Egress]   # in {name_of(policy)}, with the rules of both directions"


def _policy(workload: Workload) -> str:
    """One that lets nothing through but DNS: callers and callees are for the team to name."""
    name = mapping(workload.manifest.get("metadata")).get("name", "APP")
    labels = workload.own_labels or {"app.kubernetes.io/name": name}
    note = "" if workload.own_labels else "   # and give its pods this label"
    return (
        "apiVersion: networking.k8s.io/v1\n"
        "kind: NetworkPolicy\n"
        f"metadata: {flow({'name': name})}\n"
        "spec:\n"
        f"  podSelector: {{matchLabels: {flow(labels)}}}{note}\n"
        "  policyTypes: [Ingress, Egress]\n"
        "  ingress: []   # name the callers\n"
        "  egress:       # name the callees, beside the DNS\n"
        "    - to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}}]\n"
        "      ports: [{protocol: UDP, port: 53}, {protocol: TCP, port: 53}]"
    )
