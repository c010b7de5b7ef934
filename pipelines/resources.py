"""Kinds of objects and what the API calls them: group and plural."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_IRREGULAR = {"NetworkPolicy": "networkpolicies", "Ingress": "ingresses", "Endpoints": "endpoints"}

WORKLOADS = frozenset(
    {"Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "CronJob"}
)

CLUSTER_WIDE = frozenset(
    {
        *("APIService", "CertificateSigningRequest", "ClusterRole", "ClusterRoleBinding", "ClusterTrustBundle"),
        *("CSIDriver", "CSINode", "CustomResourceDefinition", "DeviceClass", "DeviceTaintRule", "FlowSchema"),
        *("IPAddress", "IngressClass"),
        *("MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "MutatingWebhookConfiguration", "Namespace"),
        *("Node", "PersistentVolume", "PriorityClass", "PriorityLevelConfiguration", "ResourceSlice", "RuntimeClass"),
        *("SelfSubjectAccessReview", "SelfSubjectReview", "SelfSubjectRulesReview", "ServiceCIDR", "StorageClass"),
        *("SubjectAccessReview", "TokenReview", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"),
        *("ValidatingWebhookConfiguration", "VolumeAttachment", "VolumeAttributesClass"),
        *("ClusterExternalSecret", "ClusterSecretStore", "GatewayClass"),
    }
)
"""Kinds of Kubernetes, and of what the gateway knows besides, whose objects are in no namespace."""


def group_of(api_version: str) -> str:
    """`apps` of `apps/v1`; empty for the core group."""
    return api_version.rpartition("/")[0]


def plural_of(kind: str) -> str:
    """`networkpolicies` of `NetworkPolicy`: by the rules that all of Kubernetes' and Istio's own kinds follow."""
    if kind in _IRREGULAR:
        return _IRREGULAR[kind]
    word = kind.lower()
    if re.search(r"[^aeiou]y$", word):
        return f"{word[:-1]}ies"
    if word.endswith(("s", "x", "ch", "sh")):
        return f"{word}es"
    return f"{word}s"


def pod_spec_path(kind: str) -> tuple[str, ...]:
    """Where a workload of this kind keeps its Pod's spec."""
    if kind == "Pod":
        return ("spec",)
    if kind == "CronJob":
        return ("spec", "jobTemplate", "spec", "template", "spec")
    return ("spec", "template", "spec")


def namespace_of(manifest: Mapping[str, Any], default: str) -> str:
    """Where an object comes to be that is written from the namespace `default`; empty for one of the whole cluster."""
    return "" if manifest["kind"] in CLUSTER_WIDE else str(at(manifest, ("metadata", "namespace")) or default)


def at(value: Any, path: tuple[str | int, ...]) -> Any:
    """What `value` has at `path`; None where there is nothing."""
    for part in path:
        if isinstance(part, int):
            value = value[part] if isinstance(value, list) and part < len(value) else None
        else:
            value = value.get(part) if isinstance(value, Mapping) else None
    return value


def field_text(path: tuple[str | int, ...]) -> str:
    """`spec.containers[0].image` of ("spec", "containers", 0, "image")."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def field_path(text: str) -> tuple[str | int, ...]:
    """The inverse of `field_text`."""
    parts = re.findall(r"\[(\d+)\]|([^.\[\]]+)", text)
    return tuple(int(index) if index else name for index, name in parts)
