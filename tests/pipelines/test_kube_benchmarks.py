"""kube-bench's Jobs and their namespace, in a real API server."""

from __future__ import annotations

import copy
import json
import subprocess
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from configuration.settings import KubeBench, Settings
from pipelines.adapters.kube.benchmarks import KubeBenchmarkJobs
from pipelines.adapters.kube.connection import Connection
from pipelines.apps import ClusterName
from pipelines.benchmark import NODE_CLASSES
from pipelines.errors import ClusterUnavailable
from pipelines.ports import BenchmarkJob
from store import migrate, open_store
from tests.benchmarks import report
from tests.charts.test_deploy_gateway import render
from tests.pipelines.conftest import kubeconfig_of
from tests.waiting import eventually
from tools.stack import Stack
from workers.benchmarks import collect

GUARDED, COLLECTED = "kube-bench-guarded", "kube-bench-collected"
ANY_NODE = ("--set", "kubeBench.nodeClasses.control-plane=null", "--set", f"kubeBench.namespace={GUARDED}")

BEFORE = "from-before"
OTHER = {
    "serviceAccountName": "kube-bench",
    "automountServiceAccountToken": False,
    "containers": [{"name": "x", "image": "x"}],
}
ALONE = "nobody gets into its pods"
# With all rights in RBAC, so that what is refused a policy refuses.
ALL_RIGHTS = ("--as=eve", "--as-group=system:masters")
BROKEN_GLASS = (*ALL_RIGHTS, "--as-group=deploy-gateway:break-glass")
DEVELOPER = ("--as=dev", "--as-group=developers")


def apply(stack: Stack, *objects: dict[str, Any]) -> None:
    items = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
    done = stack.kubectl("apply", "--server-side", "--filename=-", stdin=items)
    assert done.returncode == 0, done.stderr


def delete(stack: Stack, *names: str) -> None:
    stack.kubectl("delete", "--wait=false", "--ignore-not-found", *names)


@pytest.fixture(scope="module")
def chart() -> list[dict[str, Any]]:
    return render(*ANY_NODE)


@pytest.fixture(scope="module")
def template(chart: list[dict[str, Any]]) -> dict[str, Any]:
    """The Job that the chart starts on each worker."""
    (cronjob,) = (one for one in chart if one["kind"] == "CronJob")
    found: dict[str, Any] = cronjob["spec"]["jobTemplate"]
    return found


Refused = Callable[[dict[str, Any]], str]


@pytest.fixture(scope="module")
def refused(stack: Stack, chart: list[dict[str, Any]]) -> Iterator[Refused]:
    """Why the API server refuses a pod in the guarded namespace; empty when it takes it."""
    first = ("Namespace", "ServiceAccount")
    apply(stack, *(one for one in chart if one["kind"] in first))
    apply(stack, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": BEFORE, "namespace": GUARDED}, "spec": OTHER})
    apply(stack, *(one for one in chart if one["kind"] not in first))

    def refused(pod: dict[str, Any]) -> str:
        manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": GUARDED}, "spec": pod}
        done = stack.kubectl("create", "--dry-run=server", "--filename=-", stdin=json.dumps(manifest))
        return done.stderr if done.returncode else ""

    # A policy holds a moment after it is written.
    eventually(lambda: refused(OTHER) and ALONE in reached(stack, "exec", *ALL_RIGHTS))
    yield refused
    policies = ("deploy-gateway-kube-bench-only", "deploy-gateway-kube-bench-alone")
    kinds = ("validatingadmissionpolicybinding", "validatingadmissionpolicy")
    delete(stack, f"namespace/{GUARDED}", *(f"{kind}/{name}" for kind in kinds for name in policies))


def reached(stack: Stack, way: str, *who: str) -> str:
    """What the API server says to somebody who wants to get into a pod of the guarded namespace."""
    path = f"/api/v1/namespaces/{GUARDED}/pods/nobody/{way}"
    return stack.kubectl("create", f"--raw={path}", "--filename=-", *who).stderr


def made(stack: Stack, manifest: dict[str, Any], *who: str) -> subprocess.CompletedProcess[str]:
    words = ("create", f"--namespace={GUARDED}", "--dry-run=server", "--filename=-", *who)
    return stack.kubectl(*words, stdin=json.dumps(manifest))


def test_kube_bench_itself_may_run_in_its_namespace(refused: Refused, template: dict[str, Any]) -> None:
    assert refused(template["spec"]["template"]["spec"]) == ""


def container(pod: Any) -> dict[str, Any]:
    found: dict[str, Any] = pod["containers"][0]
    return found


CHANGES: dict[str, tuple[Callable[[Any], object], str]] = {
    "image": (lambda pod: container(pod).update(image="evil.example.com/x:1"), "only kube-bench runs"),
    "command": (lambda pod: container(pod).update(command=["sh", "-c", "id"]), "only kube-bench runs"),
    "args": (lambda pod: container(pod).update(args=["run", "--config-dir", "/x", "--json"]), "only kube-bench runs"),
    "env": (lambda pod: container(pod).update(env=[{"name": "LD_PRELOAD", "value": "x"}]), "only kube-bench runs"),
    "init": (lambda pod: pod.update(initContainers=[{"name": "x", "image": "x"}]), "only kube-bench runs"),
    "another": (lambda pod: pod["containers"].append({"name": "x", "image": "x"}), "only kube-bench runs"),
    "network": (lambda pod: pod.update(hostNetwork=True), "as its own account"),
    "token": (lambda pod: pod.update(automountServiceAccountToken=True), "as its own account"),
    "account": (lambda pod: pod.update(serviceAccountName="default"), "as its own account"),
    "capability": (
        lambda pod: container(pod)["securityContext"]["capabilities"]["add"].append("SYS_ADMIN"),
        "no privilege but",
    ),
    "write": (lambda pod: container(pod)["volumeMounts"][0].update(readOnly=False), "changes nothing"),
    "subpath": (lambda pod: container(pod)["volumeMounts"][0].update(subPath="x"), "changes nothing"),
    "elsewhere": (lambda pod: container(pod)["volumeMounts"][0].update(mountPath="/x"), "each where it is"),
    "left out": (lambda pod: container(pod)["volumeMounts"].pop(), "all that it measures"),
    "volume": (lambda pod: pod["volumes"][0].update(hostPath=None, emptyDir={}), "no other volume"),
    "root": (lambda pod: pod["volumes"][0].update(hostPath={"path": "/"}), "no other volume"),
    "another's": (lambda pod: pod["volumes"][0].update(hostPath={"path": "/etc/passwd"}), "no other volume"),
    "again": (lambda pod: pod.update(restartPolicy="Always"), "not started again"),
    "message": (lambda pod: container(pod).update(terminationMessagePath="/etc/passwd"), "only kube-bench runs"),
    "folder": (lambda pod: container(pod).update(workingDir="/etc"), "only kube-bench runs"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_nothing_else_gets_its_privileges(refused: Refused, template: dict[str, Any], what: str) -> None:
    change, said = CHANGES[what]
    pod = copy.deepcopy(template["spec"]["template"]["spec"])
    change(pod)
    assert said in refused(pod)


def test_what_was_let_in_before_can_still_be_noted_on(stack: Stack, refused: Refused) -> None:
    """Else a Job's controller could not count a pod of the image before, and it would never be over."""
    words = ("annotate", "--dry-run=server", f"--namespace={GUARDED}", f"pod/{BEFORE}", "note=x")
    done = stack.kubectl(*words)
    assert done.returncode == 0, done.stderr
    changed = stack.kubectl("set", "image", "--dry-run=server", f"--namespace={GUARDED}", f"pod/{BEFORE}", "x=y")
    assert "only kube-bench runs" in changed.stderr


@pytest.mark.parametrize("way", ["exec?command=id", "attach", "portforward", "proxy"])
def test_nobody_gets_into_its_pods_but_who_breaks_the_glass(stack: Stack, refused: Refused, way: str) -> None:
    assert ALONE in reached(stack, way, *ALL_RIGHTS)
    assert ALONE not in reached(stack, way, *BROKEN_GLASS)


def test_who_breaks_the_glass_is_named_in_the_audit_log(stack: Stack, refused: Refused) -> None:
    note = f"eve reached into kube-bench: CONNECT pods/attach {GUARDED}/nobody"
    reached(stack, "attach", *BROKEN_GLASS)
    eventually(lambda: note in stack.audit_log.read_text())


@pytest.mark.parametrize("kind", ["Pod", "Job", "CronJob"])
def test_only_who_installs_the_chart_makes_what_runs_there(
    stack: Stack, refused: Refused, chart: list[dict[str, Any]], kind: str
) -> None:
    (cronjob,) = (one for one in chart if one["kind"] == "CronJob")
    job = cronjob["spec"]["jobTemplate"]
    spec = {"Pod": job["spec"]["template"]["spec"], "Job": job["spec"], "CronJob": cronjob["spec"]}[kind]
    version = "v1" if kind == "Pod" else "batch/v1"
    manifest = {"apiVersion": version, "kind": kind, "metadata": {"name": "x"}, "spec": spec}
    assert ALONE in made(stack, manifest, *DEVELOPER).stderr
    for who in (ALL_RIGHTS, (*DEVELOPER, "--as-group=deploy-gateway:break-glass")):
        done = made(stack, manifest, *who)
        assert done.returncode == 0, done.stderr


def test_no_other_container_joins_its_pod(stack: Stack, refused: Refused) -> None:
    joined = {"spec": {"ephemeralContainers": [{"name": "debug", "image": "x"}]}}
    words = ("patch", f"pod/{BEFORE}", f"--namespace={GUARDED}", "--subresource=ephemeralcontainers")
    done = stack.kubectl(*words, f"--patch={json.dumps(joined)}", "--dry-run=server")
    assert "only kube-bench runs" in done.stderr


def test_a_job_of_its_administrator_ends(stack: Stack, refused: Refused, template: dict[str, Any]) -> None:
    """The controllers make its pod, and take their finalizer from it."""
    job = {**copy.deepcopy(template), "apiVersion": "batch/v1", "kind": "Job"}
    job["metadata"] |= {"name": "measured-now", "namespace": GUARDED}
    apply(stack, job)
    words = ("wait", "--for=condition=complete", "--timeout=60s", f"--namespace={GUARDED}", "job/measured-now")
    done = stack.kubectl(*words)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def collected(stack: Stack, template: dict[str, Any]) -> Iterator[list[BenchmarkJob]]:
    """Two Jobs that are over, in a namespace without the guard: what a simulated container prints is in its env."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": COLLECTED}}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "kube-bench", "namespace": COLLECTED}}
    apply(stack, namespace, account)
    for name, simulated in (("good", {"SIMULATE_LOG": report("worker")}), ("bad", {"SIMULATE": "fail"})):
        job = copy.deepcopy(template)
        env = [{"name": key, "value": value} for key, value in simulated.items()]
        container(job["spec"]["template"]["spec"]).update(env=env)
        job |= {"apiVersion": "batch/v1", "kind": "Job"}
        job["metadata"] |= {"name": name, "namespace": COLLECTED}
        apply(stack, job)
    jobs = KubeBenchmarkJobs(stack.gateway_kubeconfig)

    def both() -> list[BenchmarkJob]:
        found = list(jobs.finished(COLLECTED))
        return found if len(found) == 2 else []

    yield eventually(both)
    delete(stack, f"namespace/{COLLECTED}")


def test_jobs_that_are_over_are_found_with_why_they_failed(collected: list[BenchmarkJob]) -> None:
    by_name = {job.name: job for job in collected}
    assert set(by_name) == {"good", "bad"}
    assert {job.node_class for job in collected} == {"worker"}
    assert by_name["good"].failure == ""
    assert by_name["bad"].failure.startswith("BackoffLimitExceeded")


def test_the_report_is_read_with_the_deploy_zones_own_rights(stack: Stack, collected: list[BenchmarkJob]) -> None:
    jobs = KubeBenchmarkJobs(stack.gateway_kubeconfig)
    good = next(job for job in collected if job.name == "good")
    node, printed = jobs.report(COLLECTED, good)
    assert node.startswith("node-")
    assert json.loads(printed) == json.loads(report("worker"))


def test_the_deploy_worker_stores_what_they_measured_and_that_one_failed(
    stack: Stack, collected: list[BenchmarkJob], tmp_path: Path
) -> None:
    database = f"sqlite:///{tmp_path / 'gateway.db'}"
    migrate(database)
    store, cluster = open_store(database), ClusterName("local")
    settings = SimpleNamespace(
        kube_bench={"local": KubeBench(COLLECTED, "Ada", "it reads", date(2126, 1, 1))},
        node_classes={"local": NODE_CLASSES},
    )
    jobs = KubeBenchmarkJobs(stack.gateway_kubeconfig)
    assert [collect(cast(Settings, settings), store, cluster, jobs) for _ in range(2)] == [2, 0]
    errors = {one.error.partition(":")[0]: one.failed for one in store.benchmarks.history(cluster, 10).items}
    assert errors == {"": 1, "the Job bad failed": 0}
    store.close()


def test_a_job_whose_pod_is_gone_has_printed_nothing(stack: Stack, collected: list[BenchmarkJob]) -> None:
    gone = BenchmarkJob("nobody", "gone", "worker", collected[0].finished_at, "")
    assert KubeBenchmarkJobs(stack.gateway_kubeconfig).report(COLLECTED, gone) == ("", "")


@pytest.mark.parametrize("status", [503, None])
def test_a_log_that_nobody_can_serve_now_is_not_an_empty_one(
    server: Callable[..., Connection], tmp_path: Path, status: int | None
) -> None:
    if status is None:
        connection = Connection(kubeconfig_of(tmp_path, "http://127.0.0.1:1"))
    else:
        connection = server(lambda _method, _path: (status, b"later"))
    with pytest.raises(ClusterUnavailable):
        connection.text("/api/v1/namespaces/x/pods/y/log")
