"""Promises of the embedded control plane: real, each part under its own identity, and only the gateway writes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from pipelines.errors import ClusterUnavailable
from tests.waiting import eventually
from tools.stack import Stack

# Whichever rules other tests have installed by now, in this Environment they only warn.
MANAGED: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {
        "name": "managed-by-gateway",
        "labels": {"deploy-gateway.dev/managed": "true", "deploy-gateway.dev/environment": "sandbox"},
    },
}


def get(stack: Stack, *arguments: str) -> dict[str, Any]:
    done = stack.kubectl("get", *arguments, "--output=json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def deployment(stack: Stack, namespace: str, simulate: str | None = None) -> str:
    """A Deployment that no rule has anything against, whichever other tests have installed by now."""
    labels = {
        "app.kubernetes.io/name": "web",
        "app.kubernetes.io/managed-by": "Helm",
        "app.kubernetes.io/part-of": "shop",
        "deploy-gateway.dev/app": "web",
        "deploy-gateway.dev/team": "shop",
        "deploy-gateway.dev/environment": "staging",
        "deploy-gateway.dev/commit": "0" * 40,
    }
    container = {
        "name": "web",
        "image": f"{stack.registry}/shop/web@sha256:{'0' * 64}",
        "env": [] if simulate is None else [{"name": "SIMULATE", "value": simulate}],
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"cpu": "10m", "memory": "16Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    pod = {
        "containers": [container],
        "serviceAccountName": "web",
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "runAsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    web = {"name": "web", "namespace": namespace, "labels": labels}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": web}
    workload = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": web,
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app.kubernetes.io/name": "web"}},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [account, workload]})


@pytest.fixture
def namespace(stack: Stack, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of the test's own, with a service account by the time that the test has it."""
    name = request.node.name.split("[")[0].removeprefix("test_").replace("_", "-")[:50].strip("-")
    assert stack.kubectl("create", "namespace", name).returncode == 0
    eventually(lambda: stack.kubectl("get", "serviceaccount", "default", "-n", name).returncode == 0)
    yield name
    stack.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="module")
def managed(stack: Stack) -> str:
    """A namespace that belongs to the gateway."""
    done = stack.kubectl("apply", "--filename=-", identity="deploy", stdin=json.dumps(MANAGED))
    assert done.returncode == 0, done.stderr
    return "managed-by-gateway"


def rolled_out(stack: Stack, namespace: str, simulate: str | None = None) -> Callable[[], bool]:
    done = stack.kubectl("apply", "--filename=-", stdin=deployment(stack, namespace, simulate))
    assert done.returncode == 0, done.stderr

    def available() -> bool:
        return bool(get(stack, "deployment", "web", "-n", namespace)["status"].get("availableReplicas") == 2)

    return available


def test_every_component_runs_and_is_healthy(stack: Stack) -> None:
    stack.check()
    assert set(stack.processes) >= {
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kwok",
        "redis",
        "git-server",
        "registry",
    }
    assert stack.kubectl("get", "--raw=/readyz").stdout == "ok"


def test_the_version_is_the_one_that_the_api_server_tells(stack: Stack) -> None:
    assert stack.kubernetes_version == json.loads(stack.kubectl("get", "--raw=/version").stdout)["gitVersion"]
    assert stack.kubernetes_version.startswith("v1.36.")


def test_three_nodes_in_three_zones_are_ready(stack: Stack) -> None:
    nodes = get(stack, "nodes")["items"]
    assert {node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in nodes} == {
        "zone-a",
        "zone-b",
        "zone-c",
    }
    for node in nodes:
        assert {"type": "Ready", "status": "True"}.items() <= node["status"]["conditions"][0].items()


def test_the_meshs_kinds_are_served(stack: Stack) -> None:
    served = stack.kubectl("api-resources", "--api-group=security.istio.io", "--output=name").stdout
    assert "peerauthentications.security.istio.io" in served


def test_somebody_unknown_may_read_nothing(stack: Stack) -> None:
    config = json.loads(stack.kubeconfig.read_text())
    server = config["clusters"][0]["cluster"]["server"]
    assert httpx.get(f"{server}/api/v1/namespaces", verify=False, timeout=60).status_code in (401, 403)


def requests_by(stack: Stack, user: str) -> list[dict[str, Any]]:
    return [entry for entry in audited(stack) if entry["user"]["username"] == user]


def audited(stack: Stack) -> list[dict[str, Any]]:
    """What the audit log holds; the server may be writing a last line at this moment."""
    return [json.loads(line) for line in stack.audit_log.read_text().splitlines(keepends=True) if line.endswith("\n")]


@pytest.mark.parametrize("user", ["system:kube-controller-manager", "system:kube-scheduler", "system:kwok"])
def test_each_part_of_the_control_plane_acts_under_its_own_identity(stack: Stack, user: str) -> None:
    assert eventually(lambda: requests_by(stack, user))


def test_no_controller_acts_as_the_administrator(stack: Stack, namespace: str) -> None:
    eventually(rolled_out(stack, namespace))
    makers = [
        entry["user"]["username"]
        for entry in audited(stack)
        if entry["verb"] == "create"
        and entry.get("objectRef", {}).get("resource") in ("replicasets", "pods")
        and entry["objectRef"].get("namespace") == namespace
        and entry["stage"] == "ResponseComplete"
        and "impersonatedUser" not in entry
    ]
    assert {
        "system:serviceaccount:kube-system:deployment-controller",
        "system:serviceaccount:kube-system:replicaset-controller",
    } <= set(makers)
    assert "admin" not in makers


def test_the_audit_log_holds_no_bodies(stack: Stack) -> None:
    assert {entry["level"] for entry in audited(stack)} == {"Metadata"}


def test_a_pod_is_ready_at_once(stack: Stack, namespace: str) -> None:
    eventually(rolled_out(stack, namespace))


def test_a_pod_with_never_ready_stays_unready_and_says_why(stack: Stack, namespace: str) -> None:
    available = rolled_out(stack, namespace, "never-ready")
    pod = eventually(lambda: running_pod(stack, namespace))
    ready = next(one for one in pod["status"]["conditions"] if one["type"] == "Ready")
    assert (ready["status"], ready["message"]) == ("False", "containers with unready status: [web]")
    events = eventually(lambda: events_of(stack, namespace, "Unhealthy"))
    assert "Readiness probe failed" in events[0]["message"]
    time.sleep(1)
    assert not available()


def test_a_pod_with_crash_is_in_back_off(stack: Stack, namespace: str) -> None:
    available = rolled_out(stack, namespace, "crash")
    pod = eventually(lambda: running_pod(stack, namespace))
    container = pod["status"]["containerStatuses"][0]
    assert container["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert container["lastState"]["terminated"]["exitCode"] == 1
    assert eventually(lambda: events_of(stack, namespace, "BackOff"))
    assert not available()


def test_a_pod_with_slow_start_takes_its_time(stack: Stack, namespace: str) -> None:
    available = rolled_out(stack, namespace, "slow-start")
    eventually(available)
    pod = get(stack, "pods", "-n", namespace)["items"][0]
    ready = next(one for one in pod["status"]["conditions"] if one["type"] == "Ready")
    made, became = map(datetime.fromisoformat, (pod["metadata"]["creationTimestamp"], ready["lastTransitionTime"]))
    assert became - made > timedelta(seconds=1)


def running_pod(stack: Stack, namespace: str) -> dict[str, Any] | None:
    pods = get(stack, "pods", "-n", namespace)["items"]
    return next((pod for pod in pods if pod["status"]["phase"] == "Running"), None)


def events_of(stack: Stack, namespace: str, reason: str) -> list[dict[str, Any]]:
    return [event for event in get(stack, "events", "-n", namespace)["items"] if event["reason"] == reason]


@pytest.mark.parametrize("identity", ["admin", "developer"])
def test_past_the_gateway_nobody_writes_workloads(stack: Stack, managed: str, identity: str) -> None:
    done = stack.kubectl("apply", "--filename=-", identity=identity, stdin=deployment(stack, managed))
    assert done.returncode != 0
    assert "deployed to by the gateway only" in done.stderr
    assert stack.kubectl("get", "deployment", "web", "-n", managed).returncode != 0


def test_elsewhere_a_developer_writes_workloads(stack: Stack, namespace: str) -> None:
    done = stack.kubectl("apply", "--filename=-", identity="developer", stdin=deployment(stack, namespace))
    assert done.returncode == 0, done.stderr


def test_the_gateway_writes_workloads_and_they_run(stack: Stack, managed: str) -> None:
    done = stack.kubectl("apply", "--filename=-", identity="deploy", stdin=deployment(stack, managed))
    assert done.returncode == 0, done.stderr
    eventually(lambda: get(stack, "deployment", "web", "-n", managed)["status"].get("availableReplicas") == 2)
    assert stack.kubectl("delete", "deployment", "web", "-n", managed, identity="deploy").returncode == 0


def test_not_even_the_administrator_takes_a_namespace_from_the_gateway(stack: Stack, managed: str) -> None:
    done = stack.kubectl("label", "namespace", managed, "deploy-gateway.dev/managed-")
    assert done.returncode != 0
    assert "by the gateway only" in done.stderr


def test_nor_by_a_write_of_the_namespaces_status(stack: Stack, managed: str) -> None:
    change = json.dumps({"metadata": {"labels": {"deploy-gateway.dev/managed": None}}})
    done = stack.kubectl(
        "patch", "namespace", managed, "--subresource=status", "--type=merge", f"--patch={change}", "--dry-run=server"
    )
    assert "by the gateway only" in done.stderr


def test_the_gateway_may_not_give_itself_more_rights(stack: Stack) -> None:
    done = stack.kubectl(
        "create", "clusterrolebinding", "more", "--clusterrole=cluster-admin", "--user=x", identity="deploy"
    )
    assert "is forbidden" in done.stderr


def test_the_deploy_zones_credential_is_a_token_that_ends_within_a_day(stack: Stack) -> None:
    done = stack.kubectl("auth", "whoami", "--output=json", identity="deploy")
    user = json.loads(done.stdout)["status"]["userInfo"]
    assert user["username"] == "system:serviceaccount:deploy-gateway:deploy-gateway"
    config = json.loads(stack.gateway_kubeconfig.read_text())
    assert [set(one["user"]) for one in config["users"]] == [{"token"}]
    assert oct(stack.gateway_kubeconfig.stat().st_mode & 0o777) == "0o600"
    assert oct(stack.gateway_kubeconfig.parent.stat().st_mode & 0o777) == "0o700"


def test_no_secret_stands_on_a_command_line(stack: Stack) -> None:
    secrets = [json.loads(path.read_text())["users"][0]["user"]["token"] for path in stack.kubeconfigs.values()]
    secrets.append(stack.redis_url.split("@")[0].rpartition(":")[2])
    for process in stack.processes.values():
        words = Path(f"/proc/{process.pid}/cmdline").read_text()
        assert not [secret for secret in secrets if secret in words]


@pytest.fixture(scope="module")
def elsewhere(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack on a cluster that it didn't start: its kubeconfig runs a program to get its token."""
    config = json.loads(stack.kubeconfig.read_text())
    token = config["users"][0]["user"]["token"]
    folder = tmp_path_factory.mktemp("admin")
    answer = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": token},
    }
    (folder / "credential.json").write_text(json.dumps(answer))
    program = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "cat",
        "args": [str(folder / "credential.json")],
        "interactiveMode": "Never",
    }
    config["users"][0]["user"] = {"exec": program}
    config["clusters"].append({"name": "other", "cluster": {"server": "https://other.example.com"}})
    path = folder / "config"
    path.write_text(json.dumps(config))
    with Stack.up(
        tmp_path_factory.mktemp("elsewhere"), kubeconfig=path, components={"redis", "control-plane"}
    ) as other:
        yield other


def test_with_a_kubeconfig_no_control_plane_is_started(stack: Stack, elsewhere: Stack) -> None:
    assert set(elsewhere.processes) == {"redis"}
    assert elsewhere.kubernetes_version == stack.kubernetes_version


def test_what_runs_programs_in_the_administrators_kubeconfig_is_not_handed_on(elsewhere: Stack) -> None:
    config = json.loads(elsewhere.gateway_kubeconfig.read_text())
    assert [set(one["user"]) for one in config["users"]] == [{"token"}]
    assert len(config["clusters"]) == 1
    done = elsewhere.kubectl("auth", "can-i", "create", "deployments", "--all-namespaces", identity="deploy")
    assert done.stdout.strip() == "yes"


def test_a_cluster_that_does_not_answer_is_told_and_nothing_is_left(stack: Stack, tmp_path: Path) -> None:
    config = json.loads(stack.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    path = tmp_path / "config"
    path.write_text(json.dumps(config))
    said: list[str] = []
    with pytest.raises(ClusterUnavailable, match=r"127\.0\.0\.1:1") as raised:
        Stack.up(tmp_path / "state", kubeconfig=path, components={"redis"}, progress=said.append)
    assert raised.value.where == str(path)
    assert said[0].startswith("redis: ready")
    assert sorted(entry.name for entry in (tmp_path / "state").iterdir()) == ["logs", "stack.lock"]
