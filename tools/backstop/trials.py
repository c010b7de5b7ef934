"""What is asked of a cluster to prove that the backstop holds: who would write what, and what has to come of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pipelines.backstop import GATEWAY_ONLY_POLICY, ITSELF_POLICY, NAMESPACES_POLICY, Exceptions
from pipelines.cluster import MANAGED_LABEL, SERVICE_ACCOUNT, SERVICE_ACCOUNT_NAMESPACE, VERIFY_NAMESPACE
from pipelines.examples import Examples
from pipelines.ports import Manifest
from pipelines.resources import plural_of

PASSES = "passes"
_CREDENTIAL = "authentication.kubernetes.io/credential-id=verify"
_ACCOUNTS = "system:serviceaccounts"
_ALL_RIGHTS = "system:masters"
_OF_THE_CLUSTER = frozenset({"ClusterRole", "Namespace"})


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody, as an administrator impersonates them. Without a `user` it is the administrator."""

    name: str
    user: str = ""
    groups: tuple[str, ...] = ()
    extra: str = ""

    def words(self) -> list[str]:
        """The options of kubectl."""
        if not self.user:
            return []
        groups = [f"--as-group={group}" for group in self.groups]
        return [f"--as={self.user}", *groups, *([f"--as-user-extra={self.extra}"] if self.extra else [])]

    def with_all_rights(self) -> Identity:
        """The same, but that RBAC refuses them nothing: what is refused then, a policy refuses."""
        return replace(self, groups=(*self.groups, _ALL_RIGHTS))


@dataclass(frozen=True, slots=True)
class Trial:
    """One dry-run. `expected` is the name of the policy that has to refuse it, or PASSES.

    Where the platform lets nothing of this kind pass at all, another of our policies may refuse it first. With
    `is_warned` the policy only has to warn.
    """

    what: str
    who: Identity
    path: str
    manifest: Manifest
    expected: str
    may_be_another: bool = False
    is_warned: bool = False


def _account(name: str, namespace: str, account: str) -> Identity:
    groups = (_ACCOUNTS, f"{_ACCOUNTS}:{namespace}", "system:authenticated")
    return Identity(name, f"system:serviceaccount:{namespace}:{account}", groups, _CREDENTIAL)


GATEWAY = _account("the gateway", SERVICE_ACCOUNT_NAMESPACE, SERVICE_ACCOUNT)
ADMINISTRATOR = Identity("an administrator")
DEVELOPER = Identity("a developer", "deploy-gateway-verify").with_all_rights()
NODE = Identity("a node", "system:node:deploy-gateway-verify", ("system:nodes",)).with_all_rights()


def _impersonating(whom: Identity) -> Identity:
    return replace(whom, name=f"who impersonates {whom.name}", extra="").with_all_rights()


def path_of(manifest: Manifest) -> str:
    """Where objects of its kind are created, for a dry-run."""
    api_version = str(manifest["apiVersion"])
    base = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    namespace = manifest["metadata"].get("namespace", VERIFY_NAMESPACE)
    place = "" if manifest["kind"] in _OF_THE_CLUSTER else f"/namespaces/{namespace}"
    return f"{base}{place}/{plural_of(str(manifest['kind']))}?dryRun=All"


def trials(examples: Examples, exceptions: Exceptions, warned: Collection[str], someone: Identity) -> tuple[Trial, ...]:
    """All of them. `warned` are rules that refuse nothing yet where no Environment says otherwise.

    `someone` may make pods, secrets and tokens where the gateway is, and has no right to escalate.
    """
    return (
        *_of_rules(examples, warned),
        *_of_who_writes(examples, exceptions),
        *_of_namespaces(),
        *_of_the_gateway_itself(someone),
        *_of_what_goes_on(examples),
    )


def _trial(what: str, who: Identity, manifest: Manifest, expected: str, **more: bool) -> Trial:
    return Trial(what, who, path_of(manifest), manifest, expected, **more)


def _of_rules(examples: Examples, warned: Collection[str]) -> Iterator[Trial]:
    for rule, manifest in sorted(examples.broken.items()):
        another = manifest["kind"] in examples.nothing_allowed
        who = GATEWAY.with_all_rights()
        yield _trial(rule, who, manifest, rule, may_be_another=another, is_warned=rule in warned)


def _of_who_writes(examples: Examples, exceptions: Exceptions) -> Iterator[Trial]:
    passing = {kind: one for kind, one in examples.good.items() if kind not in examples.nothing_allowed}
    for kind, manifest in sorted(passing.items()):
        # A Role can be bound by whoever has its rights only when it is there.
        who = GATEWAY.with_all_rights() if kind == "RoleBinding" else GATEWAY
        yield _trial(f"{kind}, as it should be", who, manifest, PASSES)
        yield _trial(f"{kind}, as it should be", DEVELOPER, manifest, GATEWAY_ONLY_POLICY)
    account = examples.good["ServiceAccount"]
    for who in (ADMINISTRATOR, _impersonating(GATEWAY), _impersonating(_controller("deployment-controller"))):
        yield _trial("ServiceAccount, as it should be", who, account, GATEWAY_ONLY_POLICY)
    for group in exceptions.break_glass_groups:
        broken = Identity(f"who breaks the glass ({group})", "deploy-gateway-verify", (group,)).with_all_rights()
        yield _trial("ServiceAccount, as it should be", broken, account, PASSES)
        yield _trial("service-type", broken, examples.broken["service-type"], "service-type")
    record = _secret(VERIFY_NAMESPACE, "sh.helm.release.v1.verify.v1", "helm.sh/release.v1", owner="helm")
    yield _trial("a record of Helm's", GATEWAY, record, PASSES)
    yield _trial("a record of Helm's", DEVELOPER, record, GATEWAY_ONLY_POLICY)
    yield _trial("a Secret that no Release brought", DEVELOPER, _secret(VERIFY_NAMESPACE, "verify"), PASSES)


def _of_namespaces() -> Iterator[Trial]:
    metadata = {"name": "deploy-gateway-verify-managed", "labels": {MANAGED_LABEL: "true"}}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    yield _trial("a managed namespace", ADMINISTRATOR, namespace, NAMESPACES_POLICY)
    yield _trial("a managed namespace", GATEWAY, namespace, PASSES)


def _of_the_gateway_itself(someone: Identity) -> Iterator[Trial]:
    token = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}
    accounts = f"/api/v1/namespaces/{SERVICE_ACCOUNT_NAMESPACE}/serviceaccounts/{SERVICE_ACCOUNT}"
    path = f"{accounts}/token?dryRun=All"
    yield Trial("a token of the gateway's", someone, path, token, ITSELF_POLICY)
    secret = _secret(SERVICE_ACCOUNT_NAMESPACE, "deploy-gateway-verify")
    yield _trial("a Secret beside the gateway", someone, secret, ITSELF_POLICY)
    yield _trial("a Secret beside the gateway", GATEWAY, secret, ITSELF_POLICY)
    yield _trial("a Secret beside the gateway", ADMINISTRATOR, secret, PASSES)
    yield _trial("a pod as the gateway", someone, _pod(SERVICE_ACCOUNT_NAMESPACE, SERVICE_ACCOUNT), ITSELF_POLICY)


def _of_what_goes_on(examples: Examples) -> Iterator[Trial]:
    """What the control plane makes of what the gateway wrote."""
    workload = examples.good["Deployment"]
    replicas = {
        **workload,
        "kind": "ReplicaSet",
        "metadata": {**workload["metadata"], "ownerReferences": _owned_by("Deployment")},
        "spec": {key: workload["spec"][key] for key in ("selector", "template")},
    }
    if "Deployment" not in examples.nothing_allowed:
        yield _trial("a ReplicaSet of a Deployment", _controller("deployment-controller"), replicas, PASSES)
    pod = _pod(VERIFY_NAMESPACE, "default", ownerReferences=_owned_by("ReplicaSet"))
    yield _trial("a pod of a ReplicaSet", _controller("replicaset-controller"), pod, PASSES)
    yield _trial("ServiceAccount, as it should be", NODE, examples.good["ServiceAccount"], PASSES)


def _controller(account: str) -> Identity:
    return _account(f"the {account}", "kube-system", account)


def _owned_by(kind: str) -> list[dict[str, Any]]:
    uid = "00000000-0000-0000-0000-000000000001"
    return [{"apiVersion": "apps/v1", "kind": kind, "name": "verify", "uid": uid, "controller": True}]


def _secret(namespace: str, name: str, type_: str = "Opaque", **labels: str) -> Manifest:
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": type_}


def _pod(namespace: str, account: str, **metadata: Any) -> Manifest:
    """One that Pod Security lets pass wherever it is asked."""
    context: Mapping[str, Any] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    spec = {
        "serviceAccountName": account,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{"name": "verify", "image": "verify", "securityContext": context}],
    }
    named = {"name": "deploy-gateway-verify", "namespace": namespace, **metadata}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": named, "spec": spec}
