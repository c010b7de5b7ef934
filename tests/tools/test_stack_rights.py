"""Promises of the gateway's rights in a cluster, and of who else may write in its namespaces, and what."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.tools.test_stack_control_plane import MANAGED, deployment, get
from tests.tools.test_stack_kinds import MONITOR, ROUTE, SECRET
from tests.waiting import eventually
from tools.stack import Stack

NAMESPACE = "rights"
CLAIM = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}
OPERATOR = "external-secrets:external-secrets"


def data(kind: str, *, labels: dict[str, str] | None = None, type_: str = "") -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"labels": labels or {}}} | ({"type": type_} if type_ else {})


HELMS = {"app.kubernetes.io/managed-by": "Helm"}
OURS = {"deploy-gateway.dev/app": "web"}
OWNER = {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "5b2f1d8e-0c4a-4f2e-9d51-1c1e3c7a9b10"}


@pytest.fixture(scope="module")
def managed(stack: Stack) -> str:
    namespace = {**MANAGED, "metadata": {**MANAGED["metadata"], "name": NAMESPACE}}
    done = stack.kubectl("apply", "--filename=-", identity="deploy", stdin=json.dumps(namespace))
    assert done.returncode == 0, done.stderr
    eventually(lambda: stack.kubectl("get", "serviceaccount", "default", "-n", NAMESPACE).returncode == 0)
    return NAMESPACE


def write(
    stack: Stack, verb: str, manifest: dict[str, Any], *options: str, account: str = "", identity: str = "admin"
) -> subprocess.CompletedProcess[str]:
    """Writes `manifest` under the name `web`; as the service account NAMESPACE:NAME with all rights in RBAC."""
    whole = {**manifest, "metadata": {"name": "web", "namespace": NAMESPACE, **manifest.get("metadata", {})}}
    impersonated = ()
    if account:
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{account.split(':')[0]}", "system:masters")
        impersonated = (f"--as=system:serviceaccount:{account}", *(f"--as-group={group}" for group in groups))
    arguments = (verb, "--filename=-", *impersonated, *options)
    return stack.kubectl(*arguments, identity=identity, stdin=json.dumps(whole))


ONLY_THE_GATEWAYS = [
    pytest.param(ROUTE, id="HTTPRoute"),
    pytest.param(MONITOR, id="ServiceMonitor"),
    pytest.param(SECRET, id="ExternalSecret"),
    pytest.param(CLAIM, id="PersistentVolumeClaim"),
    pytest.param(data("Secret", type_="helm.sh/release.v1"), id="record-of-Helm"),
    pytest.param(data("Secret", labels=HELMS), id="Secret-of-a-Release"),
    pytest.param(data("ConfigMap", labels=HELMS), id="ConfigMap-of-a-Release"),
    pytest.param(data("ConfigMap", labels=OURS), id="ConfigMap-that-is-a-hook"),
    pytest.param(data("Secret", labels=OURS), id="Secret-that-is-a-hook"),
]


@pytest.mark.usefixtures("managed")
@pytest.mark.parametrize("manifest", ONLY_THE_GATEWAYS)
def test_the_gateway_writes_what_the_chart_renders(stack: Stack, manifest: dict[str, Any]) -> None:
    done = write(stack, "create", manifest, "--dry-run=server", identity="deploy")
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("managed")
@pytest.mark.parametrize("account", ["", "shop:robot"])
@pytest.mark.parametrize("manifest", ONLY_THE_GATEWAYS)
def test_nobody_else_writes_it(stack: Stack, manifest: dict[str, Any], account: str) -> None:
    done = write(stack, "create", manifest, "--dry-run=server", account=account)
    assert "deployed to by the gateway only" in done.stderr


@pytest.mark.usefixtures("managed")
@pytest.mark.parametrize("account", ["", "shop:robot", OPERATOR, f"{NAMESPACE}:web"])
@pytest.mark.parametrize("kind", ["Secret", "ConfigMap"])
def test_data_that_no_release_brought_is_for_rbac_to_decide(stack: Stack, kind: str, account: str) -> None:
    done = write(stack, "create", data(kind), "--dry-run=server", account=account)
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("managed")
def test_a_token_of_an_apps_account_is_nobodys_to_make(stack: Stack) -> None:
    token = data("Secret", type_="kubernetes.io/service-account-token")
    token["metadata"]["annotations"] = {"kubernetes.io/service-account.name": "web"}
    done = write(stack, "create", token, "--dry-run=server")
    assert "deployed to by the gateway only" in done.stderr


@pytest.mark.usefixtures("managed")
@pytest.mark.parametrize("account", ["", "shop:robot", OPERATOR])
@pytest.mark.parametrize("kind", ["Secret", "ConfigMap"])
def test_what_helm_would_take_for_a_record_of_its_own_is_nobodys_to_make(stack: Stack, kind: str, account: str) -> None:
    labelled = write(stack, "create", data(kind, labels={"owner": "helm"}), "--dry-run=server", account=account)
    named = {**data(kind), "metadata": {"name": "sh.helm.release.v1.web.v9"}}
    assert "deployed to by the gateway only" in labelled.stderr
    assert (
        "deployed to by the gateway only" in write(stack, "create", named, "--dry-run=server", account=account).stderr
    )


@pytest.mark.usefixtures("managed")
def test_what_a_release_brought_does_not_become_anybodys_by_another_label(stack: Stack) -> None:
    assert write(stack, "apply", data("ConfigMap", labels=HELMS), identity="deploy").returncode == 0
    done = patch(stack, "configmap/web", {"metadata": {"labels": {"app.kubernetes.io/managed-by": "me"}}}, "shop:robot")
    assert "deployed to by the gateway only" in done.stderr
    gone = stack.kubectl("delete", "configmap/web", f"--namespace={NAMESPACE}")
    assert "deployed to by the gateway only" in gone.stderr


@pytest.mark.usefixtures("managed")
def test_what_a_hook_brought_does_not_become_anybodys_by_an_owner(stack: Stack) -> None:
    hook = data("ConfigMap", labels=OURS)
    hook["metadata"]["name"] = "hook"
    assert write(stack, "apply", hook, identity="deploy").returncode == 0
    for change in ({"ownerReferences": [OWNER]}, {"labels": {"deploy-gateway.dev/app": None}}):
        done = patch(stack, "configmap/hook", {"metadata": change}, "shop:robot")
        assert "deployed to by the gateway only" in done.stderr


@pytest.mark.usefixtures("managed")
def test_what_an_operator_makes_may_be_labelled_as_what_it_is_made_of(stack: Stack) -> None:
    made = data("Secret", labels=OURS)
    made["metadata"]["ownerReferences"] = [OWNER]
    done = write(stack, "create", made, "--dry-run=server", account=OPERATOR)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def earlier(stack: Stack) -> Iterator[str]:
    """A namespace that became the gateway's when a ReplicationController was in it."""
    name = "rights-earlier"
    controller = {
        "apiVersion": "v1",
        "kind": "ReplicationController",
        "metadata": {"name": "web", "namespace": name},
        "spec": {
            "replicas": 0,
            "selector": {"app": "web"},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "example.com/web:1"}]},
            },
        },
    }
    assert stack.kubectl("create", "namespace", name).returncode == 0
    done = stack.kubectl("create", "--filename=-", stdin=json.dumps(controller))
    assert done.returncode == 0, done.stderr
    namespace = {**MANAGED, "metadata": {**MANAGED["metadata"], "name": name}}
    done = stack.kubectl("apply", "--filename=-", identity="deploy", stdin=json.dumps(namespace))
    assert done.returncode == 0, done.stderr
    eventually(
        lambda: (
            "by the gateway only"
            in stack.kubectl("create", "serviceaccount", "x", "--dry-run=server", f"--namespace={name}").stderr
        )
    )
    yield name
    stack.kubectl("delete", "namespace", name, "--wait=false")


@pytest.mark.parametrize(
    "words",
    [
        ("patch", "rc/web", "--type=merge", '--patch={"spec":{"template":{"metadata":{"labels":{"b":"c"}}}}}'),
        ("scale", "rc/web", "--replicas=1"),
        ("delete", "rc/web"),
    ],
    ids=["template", "scale", "delete"],
)
def test_a_replication_controller_that_was_there_before_is_nobodys_to_change(
    stack: Stack, earlier: str, words: tuple[str, ...]
) -> None:
    done = stack.kubectl(*words, f"--namespace={earlier}", "--dry-run=server")
    assert "deployed to by the gateway only" in done.stderr


@pytest.mark.usefixtures("managed")
@pytest.mark.parametrize("manifest", [pytest.param(SECRET, id="ExternalSecret"), pytest.param(ROUTE, id="HTTPRoute")])
def test_the_operator_of_external_secrets_creates_nothing_else(stack: Stack, manifest: dict[str, Any]) -> None:
    done = write(stack, "create", manifest, "--dry-run=server", account=OPERATOR)
    assert "deployed to by the gateway only" in done.stderr


@pytest.fixture
def external_secret(stack: Stack, managed: str) -> str:
    assert write(stack, "apply", SECRET, identity="deploy").returncode == 0
    return "externalsecret/web"


def patch(stack: Stack, what: str, change: dict[str, Any], account: str) -> subprocess.CompletedProcess[str]:
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{account.split(':')[0]}", "system:masters")
    return stack.kubectl(
        *("patch", what, f"--namespace={NAMESPACE}", "--type=merge", f"--patch={json.dumps(change)}"),
        *(f"--as=system:serviceaccount:{account}", *(f"--as-group={group}" for group in groups)),
    )


def test_the_operator_marks_an_external_secret_as_in_use(stack: Stack, external_secret: str) -> None:
    done = patch(stack, external_secret, {"metadata": {"annotations": {"seen": "yes"}}}, OPERATOR)
    assert done.returncode == 0, done.stderr


def test_the_operator_does_not_change_what_is_to_be_fetched(stack: Stack, external_secret: str) -> None:
    done = patch(stack, external_secret, {"spec": {"target": {"name": "other"}}}, OPERATOR)
    assert "deployed to by the gateway only" in done.stderr


@pytest.fixture
def claim(stack: Stack, managed: str) -> str:
    assert write(stack, "apply", CLAIM, identity="deploy").returncode == 0
    return "pvc/web"


def test_a_driver_marks_a_claim_as_in_use(stack: Stack, claim: str) -> None:
    done = patch(stack, claim, {"metadata": {"annotations": {"seen": "yes"}}}, "csi:driver")
    assert done.returncode == 0, done.stderr


def test_a_driver_does_not_change_what_is_claimed(stack: Stack, claim: str) -> None:
    done = patch(stack, claim, {"spec": {"volumeName": "another"}}, "csi:driver")
    assert "deployed to by the gateway only" in done.stderr


@pytest.mark.usefixtures("managed")
def test_what_the_gateway_writes_gets_its_volumes(stack: Stack) -> None:
    objects = json.loads(deployment(stack, NAMESPACE))
    workload = objects["items"][1]
    workload["kind"] = "StatefulSet"
    workload["spec"] |= {"serviceName": "web", "volumeClaimTemplates": [{**CLAIM, "metadata": {"name": "data"}}]}
    done = stack.kubectl("apply", "--filename=-", identity="deploy", stdin=json.dumps(objects))
    assert done.returncode == 0, done.stderr
    eventually(lambda: get(stack, "statefulset", "web", "-n", NAMESPACE)["status"].get("readyReplicas") == 2)


def role(group: str, resource: str, *verbs: str) -> dict[str, Any]:
    rule = {"apiGroups": [group], "resources": [resource], "resourceNames": ["web"], "verbs": list(verbs)}
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": LABELLED, "rules": [rule]}


# What no rule has anything against, whichever other tests have installed by now.
LABELLED = {
    "labels": {
        "app.kubernetes.io/name": "web",
        "app.kubernetes.io/managed-by": "Helm",
        "app.kubernetes.io/part-of": "shop",
        "deploy-gateway.dev/app": "web",
        "deploy-gateway.dev/team": "shop",
        "deploy-gateway.dev/environment": "staging",
        "deploy-gateway.dev/commit": "0" * 40,
    }
}
READ, WRITE = ("get", "list", "watch"), ("get", "list", "watch", "create", "update", "patch", "delete")


@pytest.mark.usefixtures("managed")
@pytest.mark.parametrize(
    ("group", "resource", "verbs"),
    [
        ("", "configmaps", WRITE),
        ("coordination.k8s.io", "leases", WRITE),
        ("", "endpoints", READ),
        ("discovery.k8s.io", "endpointslices", READ),
        ("", "pods", READ),
        ("", "services", READ),
        ("", "events", READ),
    ],
)
def test_the_gateway_grants_what_an_app_may_ask_for(
    stack: Stack, group: str, resource: str, verbs: tuple[str, ...]
) -> None:
    done = write(stack, "create", role(group, resource, *verbs), "--dry-run=server", identity="deploy")
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("managed")
@pytest.mark.parametrize(
    ("group", "resource", "verb"),
    [
        ("", "pods", "create"),
        ("", "pods/exec", "create"),
        ("", "pods/attach", "create"),
        ("", "pods/portforward", "create"),
        ("", "serviceaccounts/token", "create"),
        ("", "serviceaccounts", "impersonate"),
        ("rbac.authorization.k8s.io", "roles", "escalate"),
        ("rbac.authorization.k8s.io", "roles", "bind"),
        ("", "persistentvolumes", "create"),
        ("external-secrets.io", "secretstores", "create"),
    ],
)
def test_the_gateway_can_not_grant_more_than_it_has(stack: Stack, group: str, resource: str, verb: str) -> None:
    done = write(stack, "create", role(group, resource, verb), "--dry-run=server", identity="deploy")
    assert done.returncode != 0
    assert "attempting to grant RBAC permissions not currently held" in done.stderr


@pytest.fixture(scope="module")
def pod(stack: Stack, managed: str) -> str:
    """One that the gateway's Deployment has."""
    done = stack.kubectl("apply", "--filename=-", identity="deploy", stdin=deployment(stack, NAMESPACE))
    assert done.returncode == 0, done.stderr
    names: list[str] = []

    def is_there() -> bool:
        listed = get(stack, "pods", "--namespace", NAMESPACE, "--selector=app.kubernetes.io/name=web")["items"]
        names[:] = [one["metadata"]["name"] for one in listed if one["metadata"]["name"].startswith("web-")]
        return bool(names)

    eventually(is_there)
    return f"pod/{names[0]}"


@pytest.mark.parametrize(
    ("subresource", "change"),
    [
        pytest.param("", {"spec": {"containers": [{"name": "web", "image": "REGISTRY/shop/other:1"}]}}, id="image"),
        pytest.param("", {"metadata": {"labels": {"app.kubernetes.io/name": "other"}}}, id="label"),
        pytest.param(
            "ephemeralcontainers",
            {"spec": {"ephemeralContainers": [{"name": "debug", "image": "REGISTRY/shop/other:1"}]}},
            id="debug",
        ),
    ],
)
def test_not_even_the_administrator_changes_what_runs_in_a_pod(
    stack: Stack, pod: str, subresource: str, change: dict[str, Any]
) -> None:
    where = [f"--subresource={subresource}"] if subresource else []
    # From a registry that the rules allow: several policies may refuse a request, and the server names one of them.
    patch_text = json.dumps(change).replace("REGISTRY", stack.registry)
    words = ("--type=strategic", f"--patch={patch_text}", "--dry-run=server")
    done = stack.kubectl("patch", pod, f"--namespace={NAMESPACE}", *where, *words)
    assert "deployed to by the gateway only" in done.stderr


def test_a_mesh_notes_on_a_pod_what_it_did_for_it(stack: Stack, pod: str) -> None:
    done = patch(stack, pod, {"metadata": {"annotations": {"redirected": "yes"}}}, "istio-system:istio-cni")
    assert done.returncode == 0, done.stderr


def test_a_mesh_does_not_change_what_runs_in_a_pod(stack: Stack, pod: str) -> None:
    done = patch(stack, pod, {"spec": {"activeDeadlineSeconds": 60}}, "istio-system:istio-cni")
    assert "deployed to by the gateway only" in done.stderr


def test_a_pod_can_be_deleted_and_comes_back_as_it_was(stack: Stack, pod: str) -> None:
    done = stack.kubectl("delete", pod, f"--namespace={NAMESPACE}", "--dry-run=server")
    assert done.returncode == 0, done.stderr
