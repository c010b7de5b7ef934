"""Changes to the rights of a good App, and objects that are not a team's to bring."""

from __future__ import annotations

from typing import Any

from tests.pipelines.mutation import LABELS, NAMESPACE, Mutation, added, brought
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


_CLUSTER_KINDS = (
    (f"{_RBAC}/v1", "ClusterRole"),
    (f"{_RBAC}/v1", "ClusterRoleBinding"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding"),
    ("apiregistration.k8s.io/v1", "APIService"),
    ("scheduling.k8s.io/v1", "PriorityClass"),
    ("storage.k8s.io/v1", "StorageClass"),
    ("node.k8s.io/v1", "RuntimeClass"),
    ("resource.k8s.io/v1", "DeviceClass"),
    ("resource.k8s.io/v1beta2", "DeviceTaintRule"),
    ("networking.k8s.io/v1", "IngressClass"),
    ("gateway.networking.k8s.io/v1", "GatewayClass"),
    ("external-secrets.io/v1", "ClusterSecretStore"),
    ("v1", "PersistentVolume"),
    ("v1", "Node"),
)
_PLATFORM_KINDS = (
    ("v1", "ResourceQuota"),
    ("v1", "LimitRange"),
    ("v1", "Endpoints"),
    ("v1", "Binding"),
    ("discovery.k8s.io/v1", "EndpointSlice"),
    ("gateway.networking.k8s.io/v1", "Gateway"),
    ("gateway.networking.k8s.io/v1beta1", "ReferenceGrant"),
    ("networking.istio.io/v1", "Gateway"),
    ("networking.istio.io/v1alpha3", "EnvoyFilter"),
    ("networking.istio.io/v1", "Sidecar"),
    ("networking.istio.io/v1", "WorkloadEntry"),
    ("extensions.istio.io/v1alpha1", "WasmPlugin"),
    ("telemetry.istio.io/v1", "Telemetry"),
    ("security.istio.io/v1", "RequestAuthentication"),
    ("external-secrets.io/v1", "SecretStore"),
    ("monitoring.coreos.com/v1", "Prometheus"),
    ("traefik.io/v1alpha1", "IngressRoute"),
    ("projectcontour.io/v1", "HTTPProxy"),
    ("configuration.konghq.com/v1", "KongIngress"),
    ("k8s.nginx.org/v1", "VirtualServer"),
    ("getambassador.io/v2", "Mapping"),
)
_MIDDLEWARE = ("traefik.io/v1alpha1", "Middleware", {"spec": {"stripPrefix": {"prefixes": ["/api"]}}})
_OTHER_PLACE = {**LABELS, "deploy-gateway.dev/environment": "production"}
_OWNER = {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "0f0f0f0f-0000-4000-8000-000000000000"}


def secret(**body: Any) -> Any:
    """A Secret that a team brings."""
    return brought("v1", "Secret", body)


_TOKEN = brought(
    "v1",
    "Secret",
    {"type": "kubernetes.io/service-account-token"},
    annotations={"kubernetes.io/service-account.name": "checkout"},
)


_IDENTITY = {"eks": "eks.amazonaws.com/role-arn", "gke": "iam.gke.io/gcp-service-account"}


def _account(cloud: str, identity: str) -> Any:
    return brought("v1", "ServiceAccount", annotations={_IDENTITY[cloud]: identity})


def autoscaler(**target: str) -> Any:
    """A HorizontalPodAutoscaler of the App, or of `target`."""
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "checkout", **target},
        "minReplicas": 2,
        "maxReplicas": 4,
        "metrics": [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}},
            }
        ],
    }
    return brought("autoscaling/v2", "HorizontalPodAutoscaler", {"spec": spec})


def _autoscaler(what: str, field: str, **target: str) -> Mutation:
    return added("autoscaler-kind", what, autoscaler(**target), f"spec.scaleTargetRef.{field}")


def devices(version: str, *requests: Any, template: bool = False) -> Any:
    """A claim of devices, or a template of such claims."""
    spec = {"devices": {"requests": [{"name": f"of-{at}", **one} for at, one in enumerate(requests)]}}
    kind, body = ("ResourceClaimTemplate", {"spec": spec}) if template else ("ResourceClaim", spec)
    return brought(f"resource.k8s.io/{version}", kind, {"spec": body})


def _devices(version: str, field: str, *requests: Any, template: bool = False) -> Mutation:
    one = devices(version, *requests, template=template)
    return added("device-admin-access", f"{one['kind']} of {version}", one, f"{field}.adminAccess")


def _without(label: str, kind: str) -> Mutation:
    return Mutation(
        "required-labels",
        f"no {label} on a {kind}",
        kind,
        lambda one: one["metadata"]["labels"].pop(label),
        field="metadata.labels",
    )


_DEVICE = {"deviceClassName": "gpu.example.com"}
_AS_ADMIN = {**_DEVICE, "adminAccess": True}
_FIRST, _SECOND = "devices.requests[0]", "devices.requests[1]"

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
    *(_of_the_cluster(api_version, kind) for api_version, kind in _CLUSTER_KINDS),
    *(
        added("platform-kinds", f"{api_version} {kind}", brought(api_version, kind, {"spec": {}}), "")
        for api_version, kind in _PLATFORM_KINDS
    ),
    added("platform-kinds", "a filter that is allowed elsewhere", brought(*_MIDDLEWARE, labels=_OTHER_PLACE), ""),
    added("platform-kinds", "a filter of another group", brought("traefik.containo.us/v1alpha1", *_MIDDLEWARE[1:]), ""),
    added("secret-not-in-git", "a value", secret(data={"password": "aHVudGVy"}), "data"),
    added("secret-not-in-git", "a text", secret(stringData={"password": "hunter2"}), None),
    added("secret-not-in-git", "a token of an account", _TOKEN, "type"),
    added("cloud-identity", "another App's role", _account("eks", "arn:aws:iam::1:role/admin"), "metadata.annotations"),
    added("cloud-identity", "any account", _account("gke", "admin@x.iam.gserviceaccount.com"), "metadata.annotations"),
    _autoscaler("a version that is gone", "apiVersion", apiVersion="extensions/v1beta1"),
    _autoscaler("what has no replicas", "kind", kind="DaemonSet"),
    _devices("v1", f"spec.{_SECOND}.exactly", {"exactly": _DEVICE}, {"exactly": _AS_ADMIN}),
    _devices("v1", f"spec.spec.{_FIRST}.exactly", {"exactly": _AS_ADMIN}, template=True),
    _devices("v1beta2", f"spec.{_FIRST}.exactly", {"exactly": _AS_ADMIN}),
    _devices("v1beta1", f"spec.{_SECOND}", _DEVICE, _AS_ADMIN),
    _devices("v1beta1", f"spec.spec.{_FIRST}", _AS_ADMIN, template=True),
    *(_without("deploy-gateway.dev/team", kind) for kind in ("Deployment", "Service", "NetworkPolicy", "Role")),
    _without("deploy-gateway.dev/app", "ServiceAccount"),
    _without("deploy-gateway.dev/commit", "PodDisruptionBudget"),
    Mutation(
        "no-owners",
        "a finalizer",
        "Service",
        lambda one: one["metadata"].update(finalizers=["example.com/own"]),
        field="metadata.finalizers",
    ),
    Mutation(
        "no-owners",
        "an owner",
        "NetworkPolicy",
        lambda one: one["metadata"].update(ownerReferences=[_OWNER]),
        field="metadata.ownerReferences",
    ),
)

SCOPE_ALLOWED = {
    "an empty Secret": secret(data={}),
    "a Secret to be filled": secret(data={"password": ""}),
    "an autoscaler": autoscaler(),
    "a device": devices("v1", {"exactly": {**_DEVICE, "adminAccess": False}}, {"firstAvailable": [_DEVICE]}),
    "a filter that the platform allows here": brought(*_MIDDLEWARE),
    "a device of each": devices("v1beta1", _DEVICE, template=True),
    "the App's own role": _account("eks", "arn:aws:iam::1:role/checkout"),
    "a claim that is protected": brought(
        "v1",
        "PersistentVolumeClaim",
        {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}},
        finalizers=["kubernetes.io/pvc-protection"],
    ),
}
"""Objects that no rule has anything to say about, by what is special about them."""
