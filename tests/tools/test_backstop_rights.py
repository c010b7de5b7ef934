"""Promises of who may write past the gateway, or as the gateway, and of what goes on by itself."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from pipelines.backstop import Exceptions, foundation
from pipelines.rules import as_json
from tests.tools.test_stack_control_plane import MANAGED, audited, deployment, get
from tests.waiting import eventually
from tools.stack import Stack

NAMESPACE = "backstop-rights"
GATEWAY = "system:serviceaccount:deploy-gateway:deploy-gateway"
ONLY = "deployed to by the gateway only"
ITSELF = "could act as the gateway"
# With all rights in RBAC: what is refused then, a policy refuses. Nobody's groups but these name them.
ON_CALL = ("--as=alice", "--as-group=system:masters", "--as-group=on-call")
BROKEN_GLASS = ("--as=bob", "--as-group=system:masters", "--as-group=deploy-gateway:break-glass")


@pytest.fixture(scope="module")
def web(stack: Stack) -> Iterator[str]:
    """A Deployment of the gateway's that runs, where the group on-call may restart."""
    install(stack, Exceptions(restart_groups=("on-call",), kinds=("leases.coordination.k8s.io",)))
    namespace = {**MANAGED, "metadata": {**MANAGED["metadata"], "name": NAMESPACE}}
    assert stack.kubectl("apply", "--filename=-", identity="deploy", stdin=json.dumps(namespace)).returncode == 0
    eventually(lambda: stack.kubectl("get", "serviceaccount", "default", "-n", NAMESPACE).returncode == 0)
    done = stack.kubectl("apply", "--filename=-", identity="deploy", stdin=deployment(stack, NAMESPACE))
    assert done.returncode == 0, done.stderr
    eventually(lambda: get(stack, "deployment", "web", "-n", NAMESPACE)["status"].get("availableReplicas") == 2)
    eventually(lambda: "Forbidden" in written(stack, lease(), *ON_CALL).stderr)
    yield "deployment/web"
    install(stack, Exceptions())


def install(stack: Stack, exceptions: Exceptions) -> None:
    done = stack.kubectl(
        "apply", "--server-side", "--force-conflicts", "--filename=-", stdin=as_json(foundation(exceptions))
    )
    assert done.returncode == 0, done.stderr


def lease() -> dict[str, Any]:
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "x"}}


def written(
    stack: Stack, manifest: dict[str, Any], *options: str, namespace: str = NAMESPACE, identity: str = "admin"
) -> subprocess.CompletedProcess[str]:
    words = ("create", f"--namespace={namespace}", "--dry-run=server", "--filename=-", *options)
    return stack.kubectl(*words, identity=identity, stdin=json.dumps(manifest))


def patch(stack: Stack, what: str, change: Any, *who: str) -> subprocess.CompletedProcess[str]:
    words = (f"--namespace={NAMESPACE}", "--type=strategic", f"--patch={json.dumps(change)}", "--dry-run=server")
    return stack.kubectl("patch", what, *words, *who)


RESTARTED = {"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "later"}}}}}


def test_whom_the_platform_names_restarts(stack: Stack, web: str) -> None:
    done = stack.kubectl("rollout", "restart", web, f"--namespace={NAMESPACE}", *ON_CALL)
    assert done.returncode == 0, done.stderr
    again = patch(stack, web, RESTARTED, *ON_CALL)
    assert again.returncode == 0, again.stderr


def test_nobody_else_restarts(stack: Stack, web: str) -> None:
    assert ONLY in patch(stack, web, RESTARTED).stderr


TEMPLATE_NOTE = {"spec": {"template": {"metadata": {"annotations": {"other": "x"}}}}}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"spec": {"replicas": 5}}, id="replicas"),
        pytest.param({"spec": {"paused": True}}, id="a field that was not there"),
        pytest.param(
            {"spec": {"template": {"spec": {"containers": [{"name": "web", "tty": True}]}}}}, id="a container"
        ),
        pytest.param(TEMPLATE_NOTE, id="another annotation"),
        pytest.param({"metadata": {"labels": {"deploy-gateway.dev/team": "x"}}}, id="a label"),
        pytest.param({"metadata": {"finalizers": ["example.com/x"]}}, id="a finalizer"),
        pytest.param(
            {"spec": {"template": {"metadata": {"finalizers": ["example.com/x"]}}}}, id="a finalizer of its pods"
        ),
        pytest.param({"spec": {"template": {"metadata": {"labels": {"x": "y"}}}}}, id="a label of its pods"),
    ],
)
def test_who_restarts_changes_nothing_else(stack: Stack, web: str, change: Any) -> None:
    assert ONLY in patch(stack, web, change, *ON_CALL).stderr


def test_what_restarts_does_not_create(stack: Stack, web: str) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "x"}}
    assert ONLY in written(stack, account, *ON_CALL).stderr


def test_who_breaks_the_glass_writes_and_the_audit_log_says_so(stack: Stack, web: str) -> None:
    done = patch(stack, web, {"spec": {"replicas": 3}}, *BROKEN_GLASS)
    assert done.returncode == 0, done.stderr

    def noted() -> list[str]:
        return [one.get("annotations", {}).get("deploy-gateway-only/break-glass", "") for one in audited(stack)]

    expected = f"bob wrote past the gateway: UPDATE deployments {NAMESPACE}/web"
    eventually(lambda: expected in noted())


def test_who_breaks_the_glass_deletes_a_collection(stack: Stack, web: str) -> None:
    """That request names no object, and is audited all the same."""
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "x", "labels": {"x": "y"}}}
    job |= {"spec": {"suspend": True, "template": {"spec": {**POD, "restartPolicy": "Never"}}}}
    made = stack.kubectl("create", f"--namespace={NAMESPACE}", "--filename=-", *BROKEN_GLASS, stdin=json.dumps(job))
    assert made.returncode == 0, made.stderr
    path = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs?labelSelector=x=y&propagationPolicy=Background"
    done = stack.kubectl("delete", "--raw", path, *BROKEN_GLASS)
    assert done.returncode == 0, done.stderr
    # The answer may come before its line.
    eventually(lambda: f"bob wrote past the gateway: DELETE jobs {NAMESPACE}/*" in stack.audit_log.read_text())


def test_more_kinds_can_be_the_gateways(stack: Stack, web: str) -> None:
    assert ONLY in written(stack, lease()).stderr


def test_a_node_is_drained(stack: Stack, web: str) -> None:
    """By eviction, as `kubectl drain` does; the controllers then put another pod there."""
    pods = get(stack, "pods", "--namespace", NAMESPACE, "--selector=app.kubernetes.io/name=web")["items"]
    name = pods[0]["metadata"]["name"]
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": name, "namespace": NAMESPACE},
    }
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/{name}/eviction"
    done = stack.kubectl("create", f"--raw={path}", "--filename=-", identity="developer", stdin=json.dumps(eviction))
    assert done.returncode == 0, done.stderr
    eventually(lambda: stack.kubectl("get", "pod", name, f"--namespace={NAMESPACE}").returncode != 0)
    eventually(lambda: get(stack, "deployment", "web", "-n", NAMESPACE)["status"].get("availableReplicas") == 2)


@pytest.fixture
def autoscaled(stack: Stack, web: str) -> Iterator[None]:
    """A HorizontalPodAutoscaler that wants five replicas, which needs no metrics."""
    scaler: dict[str, Any] = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web", "namespace": NAMESPACE, "labels": {"app.kubernetes.io/managed-by": "Helm"}},
        "spec": {
            "minReplicas": 5,
            "maxReplicas": 6,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        },
    }
    labels = json.loads(deployment(stack, NAMESPACE))["items"][0]["metadata"]["labels"]
    scaler["metadata"]["labels"] = labels
    done = stack.kubectl("apply", "--filename=-", identity="deploy", stdin=json.dumps(scaler))
    assert done.returncode == 0, done.stderr
    yield
    stack.kubectl("delete", "hpa/web", f"--namespace={NAMESPACE}", identity="deploy")


@pytest.mark.usefixtures("autoscaled")
def test_an_autoscaler_scales(stack: Stack) -> None:
    eventually(lambda: get(stack, "deployment", "web", "-n", NAMESPACE)["spec"]["replicas"] == 5, seconds=180)


def test_what_the_gateway_deletes_is_collected(stack: Stack, web: str) -> None:
    done = stack.kubectl("delete", web, f"--namespace={NAMESPACE}", identity="deploy")
    assert done.returncode == 0, done.stderr
    eventually(lambda: get(stack, "replicasets,pods", "--namespace", NAMESPACE)["items"] == [])


TOKEN = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}


def token_of(stack: Stack, namespace: str, account: str, *who: str) -> subprocess.CompletedProcess[str]:
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
    return stack.kubectl("create", f"--raw={path}", "--filename=-", *who, stdin=json.dumps(TOKEN))


@pytest.fixture(scope="module")
def editor(stack: Stack) -> Iterator[tuple[str, ...]]:
    """Somebody with the ClusterRole `edit` in the whole cluster, as many a platform gives it."""
    name = "edit-everywhere"
    done = stack.kubectl("create", "clusterrolebinding", name, "--clusterrole=edit", "--user=eve")
    assert done.returncode == 0, done.stderr
    yield ("--as=eve",)
    stack.kubectl("delete", "clusterrolebinding", name)


@pytest.mark.parametrize("account", ["deploy-gateway/deploy-gateway", "kube-system/deployment-controller"])
def test_who_edits_everywhere_makes_no_token_of_who_may_write(
    stack: Stack, editor: tuple[str, ...], account: str
) -> None:
    namespace, _, name = account.partition("/")
    assert ITSELF in token_of(stack, namespace, name, *editor).stderr


def test_who_edits_everywhere_makes_tokens_elsewhere(stack: Stack, editor: tuple[str, ...]) -> None:
    assert token_of(stack, "default", "default", *editor).returncode == 0


def of_the_gateway(kind: str, **more: Any) -> dict[str, Any]:
    version = {"Deployment": "apps/v1", "RoleBinding": "rbac.authorization.k8s.io/v1"}.get(kind, "v1")
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "deploy-gateway-x"}, **more}


POD = {
    "serviceAccountName": "deploy-gateway",
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {
            "name": "x",
            "image": "x",
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        }
    ],
}
WORKLOAD = {
    "selector": {"matchLabels": {"a": "b"}},
    "template": {"metadata": {"labels": {"a": "b"}}, "spec": POD},
}


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param(of_the_gateway("Pod", spec=POD), id="Pod"),
        pytest.param(of_the_gateway("Deployment", spec=WORKLOAD), id="Deployment"),
        pytest.param(of_the_gateway("Secret"), id="Secret"),
        pytest.param(of_the_gateway("ConfigMap"), id="ConfigMap"),
        pytest.param(of_the_gateway("ServiceAccount"), id="ServiceAccount"),
    ],
)
def test_who_edits_everywhere_writes_nothing_beside_the_gateway(
    stack: Stack, editor: tuple[str, ...], manifest: dict[str, Any]
) -> None:
    assert ITSELF in written(stack, manifest, *editor, namespace="deploy-gateway").stderr


def test_the_gateway_writes_nothing_beside_itself_but_the_parameters_of_the_rules(stack: Stack) -> None:
    other = of_the_gateway("ConfigMap")
    assert ITSELF in written(stack, other, namespace="deploy-gateway", identity="deploy").stderr
    parameters = {**other, "metadata": {"name": "deploy-gateway-policy-parameters"}}
    words = ("apply", "--server-side", "--force-conflicts", "--namespace=deploy-gateway", "--dry-run=server")
    done = stack.kubectl(*words, "--filename=-", identity="deploy", stdin=json.dumps(parameters))
    assert done.returncode == 0, done.stderr


@pytest.fixture
def parameters(stack: Stack) -> Iterator[str]:
    name = "deploy-gateway-parameters-of-a-test"
    assert stack.kubectl("create", "configmap", name, "--namespace=deploy-gateway").returncode == 0
    yield name
    stack.kubectl("delete", "configmap", name, "--namespace=deploy-gateway")


def test_a_developer_takes_the_parameters_of_the_rules_away_in_no_way(stack: Stack, parameters: str) -> None:
    """By name, or as a collection: that request names no object, and without parameters nothing may be written."""
    path = f"/api/v1/namespaces/deploy-gateway/configmaps?fieldSelector=metadata.name={parameters}"
    one = stack.kubectl("delete", "configmap", parameters, "--namespace=deploy-gateway", identity="developer")
    many = stack.kubectl("delete", "--raw", path, identity="developer")
    assert ITSELF in one.stderr
    assert ITSELF in many.stderr
    assert get(stack, "configmap", parameters, "-n", "deploy-gateway")


def test_an_administrator_writes_beside_the_gateway(stack: Stack) -> None:
    assert written(stack, of_the_gateway("Secret"), namespace="deploy-gateway").returncode == 0


@pytest.mark.parametrize("account", [GATEWAY, "system:serviceaccount:kube-system:deployment-controller"])
def test_who_impersonates_is_not_who_they_say(stack: Stack, web: str, account: str) -> None:
    """`edit` includes the right to impersonate every service account."""
    service = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "x"}}
    assert ONLY in written(stack, service, f"--as={account}", "--as-group=system:masters").stderr


@pytest.mark.parametrize(
    "words",
    [
        ("impersonate", "serviceaccounts"),
        ("create", "serviceaccounts", "--subresource=token"),
        ("impersonate", "users"),
    ],
)
def test_a_developer_is_nobody_else(stack: Stack, words: tuple[str, ...]) -> None:
    done = stack.kubectl("auth", "can-i", *words, "--all-namespaces", identity="developer")
    assert done.stdout.strip() == "no"
