"""The API server, the real one; and one that misbehaves, for what a real one does only on bad days."""

from __future__ import annotations

import base64
import gzip
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.adapters.kube import KubeCluster
from pipelines.adapters.kube.connection import Connection, Refused
from pipelines.adapters.kube.dry_run import DryRun
from pipelines.adapters.kube.facts import _schemas
from pipelines.adapters.kube.pending import recover_pending
from pipelines.adapters.kube.progress import _watched, watch_progress
from pipelines.adapters.kube.verification import differences
from pipelines.errors import ClusterUnavailable, InvalidConfiguration, PreflightRefused
from pipelines.ports import RolloutProgress
from tools.stack import Stack
from tools.stack.cluster import kubectl

LABELS = {"deploy-gateway.dev/managed": "true", "deploy-gateway.dev/app": "kube"}
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


def test_facts_are_read_again_only_when_the_server_publishes_others(cluster: KubeCluster) -> None:
    first = cluster.facts()
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


DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "d", "labels": {"deploy-gateway.dev/app": "d"}},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "d"}},
        "template": {
            "metadata": {"labels": {"app": "d"}},
            "spec": {"containers": [{"name": "c", "image": "registry.example.com/a:1"}]},
        },
    },
}


# --- a server that says what a test wants -------------------------------------------------------------------


Answers = Callable[[str, str], tuple[int, bytes]]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Callable[..., Connection]]:
    """Connects to an API server that answers as a function of method and path says."""
    servers: list[ThreadingHTTPServer] = []

    def serve(answer: Answers, *, patience_seconds: float = 0.5) -> Connection:
        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, body = answer(self.command, self.path)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_PUT = do_PATCH = _answer

            def log_message(self, format: str, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        return Connection(_kubeconfig(tmp_path, address), patience_seconds=patience_seconds)

    yield serve
    for one in servers:
        one.shutdown()
        one.server_close()


def _kubeconfig(folder: Path, address: str, user: Any = None) -> Path:
    path = folder / "kubeconfig"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": address}}],
        "users": [{"name": "u", "user": {"token": "t"} if user is None else user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.mark.parametrize("user", [{"exec": {"command": "sh"}}, {"auth-provider": {"name": "gcp"}}])
def test_a_kubeconfig_that_runs_a_program_is_refused(tmp_path: Path, user: Any) -> None:
    with pytest.raises(InvalidConfiguration, match="a program to run for credentials"):
        Connection(_kubeconfig(tmp_path, "http://127.0.0.1:1", user))


@pytest.mark.parametrize("text", ["a: [", "just text", None])
def test_a_kubeconfig_that_can_not_be_read_is_told(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "kubeconfig"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InvalidConfiguration, match="can't be read"):
        Connection(path)


def test_a_kubeconfig_without_a_token_is_taken(tmp_path: Path) -> None:
    client = _kubeconfig(tmp_path, "http://127.0.0.1:1", {"username": "x", "password": "y"})
    with pytest.raises(ClusterUnavailable):
        Connection(client, patience_seconds=0).get("/version")


def test_a_cluster_that_is_away_is_tried_again_and_then_told(tmp_path: Path) -> None:
    connection = Connection(_kubeconfig(tmp_path, "http://127.0.0.1:1"), patience_seconds=0.4)
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


# --- how a rollout goes -------------------------------------------------------------------------------------


def _live(**status: Any) -> dict[str, Any]:
    metadata = {"name": "d", "namespace": "ns", "generation": 2}
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "d"}}, "template": DEPLOYMENT["spec"]["template"]}
    return {"metadata": metadata, "spec": spec, "status": {"observedGeneration": 2, **status}}


def _pod(name: str, **status: Any) -> dict[str, Any]:
    metadata = {"name": name, "creationTimestamp": "2026-01-01T00:00:00Z"}
    return {"metadata": metadata, "spec": {"containers": [{"name": "c"}]}, "status": status}


def _serving(
    deployment: dict[str, Any], pods: list[Any], events: Any = (), log: bytes = b""
) -> Callable[[str, str], tuple[int, bytes]]:
    def answer(_method: str, path: str) -> tuple[int, bytes]:
        if "/log" in path:
            return (200, log) if log else (500, b"")
        if "/events" in path:
            return (200, json.dumps({"items": events}).encode()) if isinstance(events, list) else (403, b"{}")
        if "/pods" in path:
            return 200, json.dumps({"items": pods}).encode()
        return 200, json.dumps({"metadata": {"resourceVersion": "1"}, "items": [deployment]}).encode()

    return answer


def _first(connection: Connection) -> RolloutProgress:
    """Where the Deployment stands, with the troubles of its pods."""
    return next(_watched(connection, "d", "ns", threading.Event(), lambda: True))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "ready"),
    [
        pytest.param({"replicas": 2, "updatedReplicas": 2, "availableReplicas": 1}, 1, id="one of two"),
        pytest.param({"replicas": 3, "updatedReplicas": 1, "availableReplicas": 2}, 0, id="old ones are no progress"),
        pytest.param(
            {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}, 0, id="stale"
        ),
        pytest.param({}, 0, id="nothing yet"),
    ],
)
def test_only_new_replicas_count_as_ready(
    server: Callable[..., Connection], status: dict[str, Any], ready: int
) -> None:
    progress = _first(server(_serving(_live(**status), [], [])))
    assert (progress.resource, progress.ready, progress.wanted, progress.troubles) == ("Deployment/d", ready, 2, ())


def test_a_rollout_that_is_through_has_no_troubles(server: Callable[..., Connection]) -> None:
    live = _live(replicas=2, updatedReplicas=2, availableReplicas=2)
    progress = _first(server(_serving(live, [_pod("p")], [])))
    assert progress.is_complete
    assert progress.troubles == ()


WAITING = {
    "name": "c",
    "ready": False,
    "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}},
}
CRASHED = {
    "name": "c",
    "ready": False,
    "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
    "lastState": {"terminated": {"exitCode": 137}},
}
STARTING = {"name": "c", "ready": False, "state": {"waiting": {"reason": "ContainerCreating"}}}
RUNNING = {"name": "c", "ready": False, "state": {"running": {}}}
ENDED = {"name": "c", "ready": False, "state": {"terminated": {"reason": "Error", "message": ""}}}
WELL = {"name": "c", "ready": True, "state": {"running": {}}}
UNSCHEDULED = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no node"}


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ({"containerStatuses": [WAITING]}, ("c", "ImagePullBackOff", "no such image")),
        ({"containerStatuses": [CRASHED]}, ("c", "CrashLoopBackOff", "back-off, last exit code 137")),
        ({"containerStatuses": [ENDED]}, ("c", "Error", "")),
        ({"containerStatuses": [STARTING]}, ("c", "not ready", "not started")),
        ({"containerStatuses": [WELL, RUNNING]}, ("c", "not ready", "running, readiness probe not answered")),
        ({"initContainerStatuses": [{**WAITING, "name": "i"}]}, ("i", "ImagePullBackOff", "no such image")),
        ({"conditions": [{"type": "X", "status": "True"}, UNSCHEDULED]}, ("c", "PodScheduled is false", "no node")),
        ({"conditions": [{"type": "Ready", "status": "False"}]}, ("c", "Ready is false", "")),
        ({"phase": "Pending"}, ("c", "Pending", "")),
        ({"phase": "Pending", "containerStatuses": [WELL]}, ("c", "Pending", "")),
        ({}, ("c", "Unknown", "")),
    ],
)
def test_why_a_pod_is_not_ready_is_told(
    server: Callable[..., Connection], status: dict[str, Any], reason: tuple[str, str, str]
) -> None:
    events = [
        {"reason": "BackOff", "message": "second", "lastTimestamp": "2026-01-01T00:00:02Z"},
        {"reason": "Failed", "message": "first", "eventTime": "2026-01-01T00:00:01Z"},
    ]
    answers = _serving(_live(), [_pod("p", **status)], events, b"line\n")
    (trouble,) = _first(server(answers)).troubles
    assert (trouble.container, trouble.condition, trouble.message) == reason
    assert trouble.events == ("Failed: first", "BackOff: second")
    assert trouble.log_tail == ("line",)


def test_pods_that_are_ready_or_going_are_no_trouble(server: Callable[..., Connection]) -> None:
    ready = _pod("ready", conditions=[{"type": "Ready", "status": "True"}])
    going = _pod("going")
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert _first(server(_serving(_live(), [ready, going], []))).troubles == ()


def test_events_that_may_not_be_read_are_none(server: Callable[..., Connection]) -> None:
    (trouble,) = _first(server(_serving(_live(), [_pod("p")], None))).troubles
    assert (trouble.events, trouble.log_tail) == ((), ())


class Counted:
    """A stop that is set after so many looks."""

    def __init__(self, looks: int) -> None:
        self.left = looks

    def is_set(self) -> bool:
        self.left -= 1
        return self.left < 0


def _watching(events: bytes, failures: int = 0) -> Callable[[str, str], tuple[int, bytes]]:
    left = [failures]
    listed = json.dumps({"metadata": {"resourceVersion": "1"}, "items": [_live()]}).encode()

    def answer(_method: str, path: str) -> tuple[int, bytes]:
        if left[0]:
            left[0] -= 1
            return 403, b"{}"
        if "watch=true" in path:
            return 200, events
        return (200, b'{"items": []}') if "/pods" in path else (200, listed)

    return answer


def _event(kind: str, live: Any) -> bytes:
    return json.dumps({"type": kind, "object": live}).encode() + b"\n"


def test_a_watch_tells_each_move_and_ends_when_it_should(server: Callable[..., Connection]) -> None:
    moved = _live(replicas=2, updatedReplicas=2, availableReplicas=2)
    events = _event("BOOKMARK", {}) + _event("MODIFIED", moved) + _event("MODIFIED", moved)
    told = list(watch_progress(server(_watching(events)), "d", "ns", Counted(3)))
    assert [one.ready for one in told] == [0, 2]


def test_a_watch_that_breaks_is_begun_again(server: Callable[..., Connection], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.adapters.kube.progress._TROUBLE_EVERY_SECONDS", 0.0)
    told = list(watch_progress(server(_watching(b"", failures=1)), "d", "ns", Counted(2)))
    assert [one.ready for one in told] == [0]


# --- what runs ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"status": {"observedGeneration": 2, "availableReplicas": 2}}, (), id="well"),
        pytest.param(
            {"status": {"observedGeneration": 1, "availableReplicas": 2}},
            ("Deployment/d: its controller has not seen the change yet",),
            id="stale",
        ),
        pytest.param(
            {"status": {"observedGeneration": 2, "availableReplicas": 1}},
            ("Deployment/d: 1 of 2 replicas are available",),
            id="too few",
        ),
    ],
)
def test_a_deployment_is_as_it_should_be_or_told(
    server: Callable[..., Connection], change: dict[str, Any], words: tuple[str, ...]
) -> None:
    live = {**_live(), **change}
    assert differences(_of_one(server, live), (DEPLOYMENT,), "ns") == words


def test_another_image_than_was_checked_is_told(server: Callable[..., Connection]) -> None:
    live = json.loads(json.dumps(_live(availableReplicas=2)))
    live["spec"]["template"]["spec"]["containers"][0]["image"] = "evil.example.com/a:1"
    assert differences(_of_one(server, live), (DEPLOYMENT,), "ns") == (
        "Deployment/d: container c runs evil.example.com/a:1, not registry.example.com/a:1",
    )


def _of_one(server: Callable[..., Connection], live: dict[str, Any]) -> Connection:
    kinds = {
        "resources": [{"name": "deployments", "kind": "Deployment", "namespaced": True}, {"name": "a/b", "kind": "B"}]
    }

    def answer(_method: str, path: str) -> tuple[int, bytes]:
        return 200, json.dumps(live if path.endswith("/deployments/d") else kinds).encode()

    return server(answer)


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


def test_the_admin_sees_what_the_gateway_wrote(stack: Stack, namespace: str) -> None:
    done = kubectl(stack.kubeconfigs["admin"], "get", "namespace", namespace, "--output=json")
    assert json.loads(done.stdout)["metadata"]["labels"]["more"] == "x"
