"""Versions of the Kubernetes API that a cluster's release no longer has, or will not have for long."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.catalogue.kubernetes import API_VERSIONS, DEPRECATED, REMOVED
from pipelines.findings import Finding
from pipelines.manifests import name_of
from pipelines.ports import CheckSubject, Manifest


@dataclass(frozen=True, slots=True)
class _Version:
    """`removed` is the minor of Kubernetes 1 that has it no longer; `instead` the version to write, empty: none is."""

    removed: int
    instead: str
    note: str = ""


_INGRESS_NOTE = "pathType is needed, and a backend is written as service: {name, port: {number}}"
_PSP_NOTE = "leave it out: the label pod-security.kubernetes.io/enforce of the namespace is what holds now"
_HPA_NOTE = "targets are written as target: {type, averageUtilization}"
_PDB_NOTE = "an empty selector fits all pods now, and no longer none"


def _each(api_version: str, kinds: str, removed: int, instead: str, note: str = "") -> dict[tuple[str, str], _Version]:
    return {(api_version, kind): _Version(removed, instead, note) for kind in kinds.split()}


_TABLE = {
    **_each("extensions/v1beta1", "Deployment DaemonSet ReplicaSet", 16, "apps/v1", "spec.selector is needed"),
    **_each("extensions/v1beta1", "NetworkPolicy", 16, "networking.k8s.io/v1"),
    **_each("extensions/v1beta1", "PodSecurityPolicy", 16, "", _PSP_NOTE),
    **_each("extensions/v1beta1", "Ingress", 22, "networking.k8s.io/v1", _INGRESS_NOTE),
    **_each("apps/v1beta1", "Deployment StatefulSet ControllerRevision", 16, "apps/v1", "spec.selector is needed"),
    **_each(
        "apps/v1beta2",
        "Deployment StatefulSet DaemonSet ReplicaSet ControllerRevision",
        16,
        "apps/v1",
        "spec.selector is needed",
    ),
    **_each("networking.k8s.io/v1beta1", "Ingress IngressClass", 22, "networking.k8s.io/v1", _INGRESS_NOTE),
    **_each(
        "rbac.authorization.k8s.io/v1beta1",
        "Role RoleBinding ClusterRole ClusterRoleBinding",
        22,
        "rbac.authorization.k8s.io/v1",
    ),
    **_each("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition", 22, "apiextensions.k8s.io/v1"),
    **_each(
        "admissionregistration.k8s.io/v1beta1",
        "MutatingWebhookConfiguration ValidatingWebhookConfiguration",
        22,
        "admissionregistration.k8s.io/v1",
    ),
    **_each("apiregistration.k8s.io/v1beta1", "APIService", 22, "apiregistration.k8s.io/v1"),
    **_each("certificates.k8s.io/v1beta1", "CertificateSigningRequest", 22, "certificates.k8s.io/v1"),
    **_each("coordination.k8s.io/v1beta1", "Lease", 22, "coordination.k8s.io/v1"),
    **_each("scheduling.k8s.io/v1beta1", "PriorityClass", 22, "scheduling.k8s.io/v1"),
    **_each("storage.k8s.io/v1beta1", "CSIDriver CSINode StorageClass VolumeAttachment", 22, "storage.k8s.io/v1"),
    **_each("batch/v2alpha1", "CronJob", 21, "batch/v1"),
    **_each("batch/v1beta1", "CronJob", 25, "batch/v1"),
    **_each("discovery.k8s.io/v1beta1", "EndpointSlice", 25, "discovery.k8s.io/v1"),
    **_each("events.k8s.io/v1beta1", "Event", 25, "events.k8s.io/v1"),
    **_each("autoscaling/v2beta1", "HorizontalPodAutoscaler", 25, "autoscaling/v2", _HPA_NOTE),
    **_each("autoscaling/v2beta2", "HorizontalPodAutoscaler", 26, "autoscaling/v2"),
    **_each("policy/v1beta1", "PodDisruptionBudget", 25, "policy/v1", _PDB_NOTE),
    **_each("policy/v1beta1", "PodSecurityPolicy", 25, "", _PSP_NOTE),
    **_each("node.k8s.io/v1beta1", "RuntimeClass", 25, "node.k8s.io/v1"),
    **_each("storage.k8s.io/v1beta1", "CSIStorageCapacity", 27, "storage.k8s.io/v1"),
    **_each(
        "flowcontrol.apiserver.k8s.io/v1beta1",
        "FlowSchema PriorityLevelConfiguration",
        26,
        "flowcontrol.apiserver.k8s.io/v1",
    ),
    **_each(
        "flowcontrol.apiserver.k8s.io/v1beta2",
        "FlowSchema PriorityLevelConfiguration",
        29,
        "flowcontrol.apiserver.k8s.io/v1",
    ),
    **_each(
        "flowcontrol.apiserver.k8s.io/v1beta3",
        "FlowSchema PriorityLevelConfiguration",
        32,
        "flowcontrol.apiserver.k8s.io/v1",
    ),
}
"""(apiVersion, kind) → what became of it, as the deprecation guide of Kubernetes has it (the entries' link)."""


class ApiVersions:
    """Implements `pipelines.ports.Check`: what a cluster that has left it out knows nothing of."""

    name = API_VERSIONS

    def findings(self, subject: CheckSubject) -> tuple[Finding, ...]:
        """See `pipelines.ports.Check.findings`."""
        return tuple(_findings(subject.objects, subject.facts.kubernetes_version))


def _findings(objects: tuple[Manifest, ...], release: str) -> Iterator[Finding]:
    for one in objects:
        version = _TABLE.get((str(one["apiVersion"]), str(one["kind"])))
        if version:
            yield _finding(one, version, release)


def _finding(one: Manifest, version: _Version, release: str) -> Finding:
    gone = f"Kubernetes 1.{version.removed} has no {one['kind']} of {one['apiVersion']} any more"
    how = f"apiVersion: {version.instead}" if version.instead else ""
    written = "    # ".join(part for part in (how, version.note) if part)
    entry = REMOVED if _minor(release) >= version.removed else DEPRECATED
    return entry.finding(name_of(one), "apiVersion", f"{gone}, and this cluster is {release}", written)


def _minor(release: str) -> float:
    """36 of `v1.36.3`. What can't be read, or is no Kubernetes 1, is taken for newer than all that is known."""
    found = re.match(r"v?1\.(\d+)", release)
    return int(found[1]) if found else float("inf")
