"""The API server, the real one; and one that misbehaves, for what a real one does only on bad days."""

from __future__ import annotations

import base64
import gzip
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.adapters.kube import KubeCluster
from pipelines.adapters.kube.connection import Connection, Refused
from pipelines.adapters.kube.dry_run import DryRun
from pipelines.adapters.kube.facts import _schemas
from pipelines.adapters.kube.pending import recover_pending
from pipelines.adapters.kube.verification import differences
from pipelines.errors import ClusterUnavailable, InvalidConfiguration, PreflightRefused
from pipelines.ports import ClusterFacts
from tests.pipelines.conftest import kubeconfig_of
from tests.waiting import eventually
from tools.stack import Stack
from tools.stack.cluster import kubectl

# Whichever rules other tests have installed by now, in this Environment they only warn.
LABELS = {
    "deploy-gateway.dev/managed": "true",
    "deploy-gateway.dev/environment": "sandbox",
    "deploy-gateway.dev/app": "kube",
}
CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1"}}


@pytest.fixture(scope="module")
def cluster(stack: Stack) -> KubeCluster:
    return KubeCluster(stack.gateway_kubeconfig)


@pytest.fixture(scope="module")
def connection(stack: Stack) -> Connection:
    return Connection(stack.gateway_kubeconfig)


@pytest.fixture(scope="module")
def namespace(cluster: KubeCluster) -> str:
    cluster.ensure_namespace("kube-tests", LABELS)
    return "kube-tests"


def _settled(cluster: KubeCluster) -> ClusterFacts:
    """The facts when the server has told all: kinds that were added are published a moment later."""

    def told_twice() -> ClusterFacts | None:
        first = cluster.facts()
        time.sleep(1)
        return first if cluster.facts() is first else None

    return eventually(told_twice, 120)


def test_facts_are_read_again_only_when_the_server_publishes_others(cluster: KubeCluster) -> None:
    first = _settled(cluster)
    assert cluster.facts() is first
    assert first.kubernetes_version.startswith("v1.")
    assert {"apps/v1", "apps/v1/Deployment", "v1/Service", "security.istio.io/v1"} <= set(first.api_versions)
    assert {"apps/v1/Deployment", "v1/Service", "rbac.authorization.k8s.io/v1/RoleBinding"} <= first.schemas.keys()
    assert not any(key.endswith(("List", "Options", "Review", "/Binding", "Scale")) for key in first.schemas)


def test_a_namespace_is_made_once_and_labelled(cluster: KubeCluster, namespace: str) -> None:
    assert cluster.namespace_exists(namespace)
    assert not cluster.namespace_exists("kube-tests-absent")
    cluster.ensure_namespace(namespace, LABELS)
    cluster.ensure_namespace(namespace, {**LABELS, "more": "x"})


def test_labels_that_are_to_be_kept_are_set_once(cluster: KubeCluster, connection: Connection) -> None:
    namespace = "kube-tests-kept"
    for value, kept in (("1", ["kept"]), ("2", ["kept"]), ("3", [])):
        cluster.ensure_namespace(namespace, {**LABELS, "kept": value, "set": value}, kept=kept)
        labels = connection.get(f"/api/v1/namespaces/{namespace}")["metadata"]["labels"]
        assert (labels["kept"], labels["set"]) == ("1" if kept else value, value)


def test_a_dry_run_tells_what_would_change_and_changes_nothing(
    cluster: KubeCluster, connection: Connection, namespace: str
) -> None:
    (change,) = cluster.dry_run([CONFIG], namespace=namespace)
    assert change.action == "create"
    assert connection.find(f"/api/v1/namespaces/{namespace}/configmaps/c") is None


def test_all_that_is_refused_is_told_at_once(connection: Connection, namespace: str) -> None:
    objects = (
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "UPPER"}, "spec": {"ports": [{"port": 1}]}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": [{"port": 99999}]}},
        {"apiVersion": "x.example.com/v1", "kind": "Odd", "metadata": {"name": "o"}},
        {"apiVersion": "apps/v1", "kind": "Odd", "metadata": {"name": "o"}},
        CONFIG,
    )
    with pytest.raises(PreflightRefused) as caught:
        DryRun(connection, namespace).changes(objects)
    assert caught.value.reason.startswith("the cluster refuses 4 of 5 objects")
    told = {fault.where: fault.reason for fault in caught.value.errors}
    assert "spec.ports[0].port" in told["Service/s"]
    assert told["Odd/o"]


def test_what_the_server_says_of_a_secret_is_not_repeated(connection: Connection, namespace: str) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"password": "hunter2-plain!"}}
    with pytest.raises(PreflightRefused) as caught:
        DryRun(connection, namespace).changes((secret,))
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in caught.value.errors[0].reason


def test_what_differs_from_what_was_checked_is_told(connection: Connection, namespace: str) -> None:
    hook = {**CONFIG, "metadata": {"name": "hook", "annotations": {"helm.sh/hook": "pre-install"}}}
    assert differences(connection, (CONFIG, hook), namespace) == ("ConfigMap/c is not there",)


# --- a server that says what a test wants -------------------------------------------------------------------


@pytest.mark.parametrize("user", [{"exec": {"command": "sh"}}, {"auth-provider": {"name": "gcp"}}])
def test_a_kubeconfig_that_runs_a_program_is_refused(tmp_path: Path, user: Any) -> None:
    with pytest.raises(InvalidConfiguration, match="a program to run for credentials"):
        Connection(kubeconfig_of(tmp_path, "http://127.0.0.1:1", user))


@pytest.mark.parametrize("text", ["a: [", "just text", None])
def test_a_kubeconfig_that_can_not_be_read_is_told(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "kubeconfig"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InvalidConfiguration, match="can't be read"):
        Connection(path)


def test_a_kubeconfig_without_a_token_is_taken(tmp_path: Path) -> None:
    client = kubeconfig_of(tmp_path, "http://127.0.0.1:1", {"username": "x", "password": "y"})
    with pytest.raises(ClusterUnavailable):
        Connection(client, patience_seconds=0).get("/version")


def test_a_cluster_that_is_away_is_tried_again_and_then_told(tmp_path: Path) -> None:
    connection = Connection(kubeconfig_of(tmp_path, "http://127.0.0.1:1"), patience_seconds=0.4)
    with pytest.raises(ClusterUnavailable, match=r"http://127.0.0.1:1 does not answer"):
        connection.get("/version")
    with pytest.raises(ClusterUnavailable):
        list(connection.stream("/x", timeoutSeconds=1))
    assert connection.text_lines("/log") == ()


def test_a_server_that_is_busy_for_a_moment_is_no_failure(server: Callable[..., Connection]) -> None:
    statuses = iter((503, 429, 200))
    assert server(lambda _method, _path: (next(statuses), b'{"a": 1}'), patience_seconds=5).get("/x") == {"a": 1}


def test_a_server_that_stays_broken_is_told_in_its_words(server: Callable[..., Connection]) -> None:
    with pytest.raises(ClusterUnavailable, match="etcd is down"):
        server(lambda _method, _path: (500, b'{"message": "etcd is down"}')).get("/x")


@pytest.mark.parametrize(("body", "words"), [(b"<html>", "<html>"), (b"", "HTTP 403"), (b"[]", r"\[\]")])
def test_a_refusal_that_is_no_status_is_told_as_it_is(
    server: Callable[..., Connection], body: bytes, words: str
) -> None:
    connection = server(lambda _method, _path: (403, body))
    with pytest.raises(Refused, match=words):
        connection.get("/x")
    with pytest.raises(Refused):
        connection.find("/x")


def test_a_namespace_that_is_gone_is_none(server: Callable[..., Connection]) -> None:
    assert server(lambda _method, _path: (404, b"{}")).find("/x") is None


def test_a_log_is_lines_where_there_is_one(server: Callable[..., Connection]) -> None:
    assert server(lambda _method, _path: (200, b"one\ntwo\n")).text_lines("/log") == ("one", "two")
    assert server(lambda _method, _path: (400, b"no kubelet")).text_lines("/log") == ()


# --- releases that a crash left behind ----------------------------------------------------------------------


def _stored(status: str) -> dict[str, Any]:
    document = json.dumps({"info": {"status": status}}).encode()
    data = base64.b64encode(base64.b64encode(gzip.compress(document))).decode()
    return {
        "metadata": {"name": "sh.helm.release.v1.x.v2", "labels": {"version": "2", "status": status}},
        "data": {"release": data},
    }


@pytest.mark.parametrize("items", [[], [_stored("deployed")], [_stored("failed")]])
def test_what_is_not_pending_is_left_alone(server: Callable[..., Connection], items: list[Any]) -> None:
    def answer(method: str, _path: str) -> tuple[int, bytes]:
        assert method == "GET"
        return 200, json.dumps({"items": items}).encode()

    assert recover_pending(server(answer), "x", "ns") is None


@pytest.mark.parametrize("status", ["pending-install", "pending-upgrade", "pending-rollback", "uninstalling"])
def test_what_is_pending_is_set_to_failed(server: Callable[..., Connection], status: str) -> None:
    written: list[str] = []

    def answer(method: str, path: str) -> tuple[int, bytes]:
        if method == "PUT":
            written.append(path)
        return 200, json.dumps({"items": [_stored("superseded") | _stored(status)]}).encode()

    assert recover_pending(server(answer), "x", "ns") == f"{status}, revision 2"
    assert written == ["/api/v1/namespaces/ns/secrets/sh.helm.release.v1.x.v2"]


# --- schemas of what the server publishes -------------------------------------------------------------------


def test_schemas_are_closed_and_stand_alone() -> None:
    components: dict[str, Any] = {
        "Box": {
            "x-kubernetes-group-version-kind": [{"group": "", "version": "v1", "kind": "Box"}],
            "type": "object",
            "properties": {
                "description": {"type": "string"},
                "lid": {"allOf": [{"$ref": "#/components/schemas/Lid"}], "default": {}},
                "any": {"type": "object", "properties": {"a": {}}, "x-kubernetes-preserve-unknown-fields": True},
                "port": {"x-kubernetes-int-or-string": True, "type": "string"},
                "maybe": {"type": "string", "nullable": True},
                "map": {"type": "object", "properties": {}, "additionalProperties": {"type": "string"}},
            },
        },
        "Lid": {"type": "object", "properties": {"inner": {"$ref": "#/components/schemas/Lid"}}},
        "BoxList": {"x-kubernetes-group-version-kind": [{"group": "", "version": "v1", "kind": "BoxList"}]},
        "Plain": {
            "x-kubernetes-group-version-kind": [{"group": "g", "version": "v1", "kind": "Plain"}],
            "type": "object",
        },
    }
    found = _schemas(components)
    assert found.keys() == {"v1/Box", "g/v1/Plain"}
    box = found["v1/Box"]
    assert box["additionalProperties"] is False
    assert "description" in box["properties"]
    assert "additionalProperties" not in box["properties"]["any"]
    assert box["properties"]["port"] == {}
    assert box["properties"]["maybe"] == {"type": ["string", "null"]}
    assert box["properties"]["lid"] == {"allOf": [{"$ref": "#/$defs/Lid"}]}
    assert box["$defs"]["Lid"]["properties"]["inner"] == {"$ref": "#/$defs/Lid"}
    assert found["g/v1/Plain"] == {"type": "object"}


def test_the_admin_sees_what_the_gateway_wrote(stack: Stack, cluster: KubeCluster, namespace: str) -> None:
    cluster.ensure_namespace(namespace, {**LABELS, "more": "x"})
    done = kubectl(stack.kubeconfigs["admin"], "get", "namespace", namespace, "--output=json")
    assert json.loads(done.stdout)["metadata"]["labels"]["more"] == "x"


def _role(name: str) -> dict[str, Any]:
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": name}, "rules": rules}


def _binding(role: str) -> dict[str, Any]:
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role}
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "b"},
        "roleRef": reference,
        "subjects": [{"kind": "ServiceAccount", "name": "a", "namespace": "kube-tests"}],
    }


def test_a_binding_may_come_with_its_role(cluster: KubeCluster, namespace: str) -> None:
    changes = cluster.dry_run([_role("together"), _binding("together")], namespace=namespace)
    assert [change.action for change in changes] == ["create", "create"]


def test_a_binding_to_a_role_that_nobody_brings_is_refused(cluster: KubeCluster, namespace: str) -> None:
    with pytest.raises(PreflightRefused, match="not found"):
        cluster.dry_run([_role("one"), _binding("another")], namespace=namespace)


def _hook(command: str, policy: str = "before-hook-creation") -> dict[str, Any]:
    annotations = {"helm.sh/hook": "pre-upgrade", "helm.sh/hook-delete-policy": policy}
    container = {"name": "c", "image": "registry.example.com/a:1", "command": [command]}
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [container], "restartPolicy": "Never"}}
    metadata = {"name": "h" * 60, "annotations": annotations}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": template}}


@pytest.fixture(scope="module")
def hooked(stack: Stack, connection: Connection) -> str:
    """A namespace with what is left of a hook from the time before, which can't be changed. It is not managed: other
    tests of the session may have put the rules into force.
    """
    kubectl(stack.kubeconfigs["admin"], "create", "namespace", "kube-hooks")
    connection.apply(connection.path_of(_hook("one"), "kube-hooks"), _hook("one"), dry_run=False)
    return "kube-hooks"


def test_a_hook_that_helm_makes_anew_may_differ_from_what_is_left_of_it(cluster: KubeCluster, hooked: str) -> None:
    (same,) = cluster.dry_run([_hook("one")], namespace=hooked)
    (other,) = cluster.dry_run([_hook("two")], namespace=hooked)
    assert same.action == "none"
    assert (other.resource, other.action) == (f"Job/{'h' * 60}", "update")
    changed = [line.split() for line in other.diff.splitlines() if line[0] in "+-"][2:]
    assert changed == [["-", "-", "one"], ["+", "-", "two"]]


def test_a_hook_that_stays_can_not_be_changed(cluster: KubeCluster, hooked: str) -> None:
    with pytest.raises(PreflightRefused, match="field is immutable"):
        cluster.dry_run([_hook("two", policy="hook-succeeded")], namespace=hooked)


def test_a_job_that_is_no_hook_can_not_be_changed(cluster: KubeCluster, hooked: str) -> None:
    with pytest.raises(PreflightRefused, match="immutable"):
        cluster.dry_run([{**_hook("two"), "metadata": {"name": "h" * 60}}], namespace=hooked)


def test_a_hook_that_is_no_job_is_tried_under_another_name_as_well(
    cluster: KubeCluster, connection: Connection, hooked: str
) -> None:
    fixed = {**CONFIG, "metadata": {"name": "fixed", "annotations": {"helm.sh/hook": "pre-upgrade"}}, "immutable": True}
    connection.apply(connection.path_of(fixed, hooked), fixed, dry_run=False)
    (change,) = cluster.dry_run([{**fixed, "data": {"a": "2"}}], namespace=hooked)
    assert (change.resource, change.action) == ("ConfigMap/fixed", "update")


def test_a_hook_takes_the_place_of_nothing_that_is_no_hook(
    cluster: KubeCluster, connection: Connection, hooked: str
) -> None:
    password = {**CONFIG, "metadata": {"name": "by-hand"}}
    connection.apply(connection.path_of(password, hooked), password, dry_run=False)
    taken = {**CONFIG, "metadata": {"name": "by-hand", "annotations": {"helm.sh/hook": "pre-upgrade"}}}
    with pytest.raises(PreflightRefused, match="ConfigMap/by-hand: there is one already that is no hook"):
        cluster.dry_run([taken], namespace=hooked)


def test_a_selector_that_is_changed_is_told_with_the_one_that_runs(connection: Connection, namespace: str) -> None:
    def deployment(name: str) -> Any:
        labels = {"app": name}
        pod = {"containers": [{"name": "a", "image": "registry.example.com/a:1"}]}
        template = {"metadata": {"labels": labels}, "spec": pod}
        spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "kept"}, "spec": spec}

    connection.apply(connection.path_of(deployment("old"), namespace), deployment("old"), dry_run=False)
    with pytest.raises(PreflightRefused) as raised:
        DryRun(connection, namespace).changes((deployment("new"),))
    (fault,) = raised.value.errors
    assert fault.where == "Deployment/kept spec.selector", fault.reason
    assert fault.solution.startswith("selector: {matchLabels: {app: old}}")
