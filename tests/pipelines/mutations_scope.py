"""Changes to the rights of a good App, and objects that are not a team's to bring."""

from __future__ import annotations

from typing import Any

from tests.pipelines.mutation import NAMESPACE, Mutation, added, brought
from tests.pipelines.mutations_network import changed

_RBAC = "rbac.authorization.k8s.io"
_OWN = {"kind": "ServiceAccount", "name": "checkout", "namespace": NAMESPACE}


def _role(what: str, field: str, **rule: Any) -> Mutation:
    first = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}
    return Mutation(
        "rbac-narrow", what, "Role", lambda one: one.update(rules=[first, {**first, **rule}]), field=f"rules[1].{field}"
    )


def _binding(what: str, field: str, role: str, subject: dict[str, str]) -> Mutation:
    body = {"roleRef": {"apiGroup": _RBAC, "kind": role, "name": "checkout"}, "subjects": [_OWN, subject]}
    return added("rbac-binding", what, brought(f"{_RBAC}/v1", "RoleBinding", body), field)


def _of_the_cluster(api_version: str, kind: str, **body: Any) -> Mutation:
    one = brought(api_version, kind, body)
    del one["metadata"]["namespace"]
    return added("team-scope", kind, one, "")


SCOPE = (
    _role("a wildcard of verbs", "verbs[1]", verbs=["get", "*"]),
    _role("impersonate", "verbs[0]", resources=["serviceaccounts"], verbs=["impersonate"]),
    _role("escalate", "verbs[0]", verbs=["escalate"]),
    _role("a wildcard of groups", "apiGroups[0]", apiGroups=["*"]),
    _role("roles", "apiGroups[0]", apiGroups=[_RBAC], resources=["roles"]),
    _role("a wildcard of resources", "resources[0]", resources=["*"]),
    _role("secrets", "resources[1]", resources=["configmaps", "secrets"]),
    _role("exec", "resources[0]", resources=["pods/exec"], verbs=["create"]),
    _role("exec by a wildcard", "resources[0]", resources=["*/exec"], verbs=["create"]),
    _role("ephemeral containers", "resources[0]", resources=["pods/ephemeralcontainers"]),
    _binding("a ClusterRole is bound", "roleRef.kind", "ClusterRole", _OWN),
    _binding("everybody is bound", "subjects[1]", "Role", {"kind": "Group", "name": "system:authenticated"}),
    _binding("another namespace's account", "subjects[1]", "Role", {**_OWN, "namespace": "frontpage-staging"}),
    changed("mtls-strict", "PeerAuthentication", "PERMISSIVE", "spec.mtls.mode", mtls={"mode": "PERMISSIVE"}),
    changed("mtls-strict", "PeerAuthentication", "no mode", "spec.mtls.mode", mtls={}),
    changed(
        "mtls-strict",
        "PeerAuthentication",
        "a port",
        "spec.portLevelMtls",
        portLevelMtls={"8080": {"mode": "DISABLE"}},
    ),
    _of_the_cluster(f"{_RBAC}/v1", "ClusterRole"),
    _of_the_cluster("scheduling.k8s.io/v1", "PriorityClass", value=1),
)
