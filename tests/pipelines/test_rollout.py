"""Rollouts on the real API server with the real Helm: hooks, Jobs, StatefulSets, and who owns the replicas."""

from __future__ import annotations

import itertools
import json
import subprocess
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.adapters.helm import HelmClient
from pipelines.adapters.kube import KubeCluster
from pipelines.adapters.kube.connection import Connection
from pipelines.bundle import Bundle
from pipelines.errors import RolloutFailed
from pipelines.ports import HelmRevision
from pipelines.stages.resolve import CHARTS
from pipelines.stages.rollout import rollout
from pipelines.stages.verify import verify
from tests.pipelines.deploying import Told
from tests.pipelines.test_bundle import BUNDLE
from tools.stack import Stack
from tools.toolbox import ensure

PRE, POST = "pre-install,pre-upgrade", "post-install,post-upgrade"
NOWHERE = {"nodeSelector": {"no": "such"}}
_numbers = itertools.count()


@dataclass
class Site:
    """A namespace of the App `x`, its own for each test, and what was told of its rollouts."""

    helm: HelmClient
    cluster: KubeCluster
    connection: Connection
    kubectl: tuple[str, ...]
    namespace: str

    def release(self, *objects: dict[str, Any], seconds: float = 20.0) -> tuple[HelmRevision, Told]:
        """Rolls `objects` out as a chart, and verifies them."""
        told = Told()
        bundle = self.bundle(objects)
        done = rollout(bundle, "r1", self.cluster, self.helm, told, is_resumed=False, timeout_seconds=seconds)
        verify(bundle, self.cluster)
        return done, told

    def fails(self, *objects: dict[str, Any], seconds: float = 20.0) -> tuple[RolloutFailed, Told]:
        """Like `release`, for what has to fail."""
        told = Told()
        with pytest.raises(RolloutFailed) as caught:
            rollout(
                self.bundle(objects), "r1", self.cluster, self.helm, told, is_resumed=False, timeout_seconds=seconds
            )
        return caught.value, told

    def bundle(self, objects: tuple[dict[str, Any], ...]) -> Bundle:
        texts = [json.dumps(one) for one in objects]
        files = {f"manifests/{at:03}.json": text.encode() for at, text in enumerate(texts)}
        chart = self.helm.package(CHARTS / "raw-manifests", files)[2]
        manifest = "\n---\n".join(texts).encode()
        return replace(BUNDLE, app="x", namespace=self.namespace, chart=chart, values={}, manifest=manifest)

    def history(self) -> list[str]:
        return [one.status for one in self.helm.history(release="x", namespace=self.namespace)]

    def live(self, kind: str, name: str) -> Any:
        return self.connection.find(
            {
                "Deployment": f"/apis/apps/v1/namespaces/{self.namespace}/deployments/{name}",
                "StatefulSet": f"/apis/apps/v1/namespaces/{self.namespace}/statefulsets/{name}",
                "Job": f"/apis/batch/v1/namespaces/{self.namespace}/jobs/{name}",
            }[kind]
        )

    def run(self, *words: str) -> str:
        done = subprocess.run([*self.kubectl, *words], check=True, capture_output=True, text=True, timeout=60)
        return done.stdout


@pytest.fixture
def site(stack: Stack, tmp_path: Path) -> Site:
    namespace = f"rollout-{next(_numbers)}"
    cluster = KubeCluster(stack.gateway_kubeconfig)
    cluster.ensure_namespace(namespace, {"deploy-gateway.dev/app": "x"})
    kubectl = (str(ensure(["kubectl"])["kubectl"]), f"--kubeconfig={stack.kubeconfigs['admin']}", f"-n={namespace}")
    helm = HelmClient(ensure(["helm"])["helm"], tmp_path / "helm", stack.gateway_kubeconfig)
    return Site(helm, cluster, Connection(stack.gateway_kubeconfig), kubectl, namespace)


def _metadata(name: str, **annotations: str) -> dict[str, Any]:
    return {"name": name, "labels": {"deploy-gateway.dev/app": "x"}, "annotations": annotations}


def _template(simulate: str = "", image: str = "registry.example.com/a:1", **spec: Any) -> dict[str, Any]:
    container: dict[str, Any] = {"name": "main", "image": image}
    if simulate:
        container["env"] = [{"name": "SIMULATE", "value": simulate}]
    return {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [container], **spec}}


def _deployment(replicas: int | None, **template: Any) -> dict[str, Any]:
    spec: dict[str, Any] = {"selector": {"matchLabels": {"app": "x"}}, "template": _template(**template)}
    if replicas is not None:
        spec["replicas"] = replicas
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": _metadata("x"), "spec": spec}


def _stateful_set(replicas: int, **template: Any) -> dict[str, Any]:
    """With `OrderedReady` Kubernetes never gets past a pod that is not ready, not even back to what ran before."""
    spec = {
        "replicas": replicas,
        "serviceName": "x",
        "podManagementPolicy": "Parallel",
        "selector": {"matchLabels": {"app": "x"}},
        "template": _template(**template),
    }
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": _metadata("x"), "spec": spec}


def _job(name: str, hook: str = "", *, deadline: int | None = None, **template: Any) -> dict[str, Any]:
    pod = _template(**template)
    pod["metadata"]["labels"] = {"app.kubernetes.io/name": "x-hooks"}
    pod["spec"]["restartPolicy"] = "Never"
    spec: dict[str, Any] = {"backoffLimit": 0, "template": pod}
    if deadline is not None:
        spec["activeDeadlineSeconds"] = deadline
    hooks = {"helm.sh/hook": hook, "helm.sh/hook-delete-policy": "before-hook-creation"} if hook else {}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": _metadata(name, **hooks), "spec": spec}


def _hangs(name: str, hook: str = "", deadline: int | None = None) -> dict[str, Any]:
    """A Job whose pod finds no node."""
    return _job(name, hook, deadline=deadline, **NOWHERE)


HPA = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": _metadata("x"),
    "spec": {
        "minReplicas": 2,
        "maxReplicas": 5,
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"},
        "metrics": [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
            }
        ],
    },
}


def _resources(told: Told) -> list[str]:
    return [one.resource for one in told.moves]


def test_a_hook_that_is_over_before_anybody_looks_is_progress_too(site: Site) -> None:
    done, told = site.release(_deployment(2), _job("x-migrate", PRE), _job("x-verify", POST))
    assert done.revision == 1
    last = {one.resource: (one.ready, one.wanted, one.hook) for one in told.moves}
    assert last == {"Job/x-migrate": (1, 1, PRE), "Deployment/x": (2, 2, ""), "Job/x-verify": (1, 1, POST)}


def test_what_was_finished_before_is_no_progress(site: Site) -> None:
    objects = (_deployment(2), _job("x-job"), _job("x-migrate", PRE))
    site.release(*objects)
    # The hook is made anew; Deployment and Job stay as they are.
    assert set(_resources(site.release(*objects)[1])) == {"Job/x-migrate"}


@pytest.mark.parametrize("hook", [PRE, POST])
def test_a_hook_that_fails_at_the_first_install_leaves_no_release(site: Site, hook: str) -> None:
    error, told = site.fails(_deployment(1), _hangs("x-migrate", hook, deadline=1))
    assert site.history() == []
    assert site.live("Deployment", "x") is None
    assert error.reason.startswith("The migration step failed (Job/x-migrate: DeadlineExceeded: ")
    assert ("nothing of x was changed" in error.reason) == (hook == PRE)
    assert next(one.failure for one in told.moves if one.failure).startswith("DeadlineExceeded")


@pytest.mark.parametrize(("hook", "generation"), [(PRE, 1), (POST, 3)])
def test_a_hook_that_fails_at_an_upgrade_is_rolled_back(site: Site, hook: str, generation: int) -> None:
    site.release(_deployment(2))
    site.fails(_deployment(3), _hangs("x-verify", hook, deadline=1))
    assert site.history() == ["superseded", "failed", "deployed"]
    live = site.live("Deployment", "x")
    # A hook that runs before has kept the Deployment from being written to at all.
    assert (live["spec"]["replicas"], live["metadata"]["generation"]) == (2, generation)


def test_a_job_that_fails_ends_the_rollout_at_once(site: Site) -> None:
    began = time.monotonic()
    error, _ = site.fails(_deployment(1), _hangs("x-job", deadline=1), seconds=120)
    assert time.monotonic() - began < 60
    assert error.reason.startswith("The job failed (Job/x-job: DeadlineExceeded: ")


def test_a_job_that_failed_runs_again_when_it_is_released_again(site: Site) -> None:
    kept = {"helm.sh/resource-policy": "keep"}
    job = {**_job("x-job", simulate="fail"), "metadata": _metadata("x-job", **kept)}
    site.fails(job)
    assert site.live("Job", "x-job")["status"]["failed"] == 1
    before = site.live("Job", "x-job")["metadata"]["uid"]
    _, told = site.fails(job)
    assert told.lines[0] == "Job/x-job failed before: it was removed, and runs again"
    assert site.live("Job", "x-job")["metadata"]["uid"] != before


def test_a_job_that_is_well_is_left_as_it_is(site: Site) -> None:
    job = _job("x-job")
    site.release(job)
    before = site.live("Job", "x-job")["metadata"]["uid"]
    _, told = site.release(job, _job("x-new"))
    assert not any("removed" in line for line in told.lines)
    assert site.live("Job", "x-job")["metadata"]["uid"] == before


def test_a_job_that_does_not_end_is_waited_for_until_the_timeout(site: Site) -> None:
    error, _ = site.fails(_deployment(1), _hangs("x-job"), seconds=3)
    assert error.reason.startswith("The job did not end within 3 s (Job/x-job). Pod x-job-")
    assert error.solution.startswith("No node has room")


def test_the_timeout_is_of_each_hook_by_itself(site: Site) -> None:
    began = time.monotonic()
    hooks = (_job(f"x-{name}", PRE, simulate="slow-start") for name in "ab")
    done, _ = site.release(_deployment(1), *hooks, seconds=5)
    assert done.status == "deployed"
    assert time.monotonic() - began > 5


def test_a_hook_whose_container_fails_is_told_with_its_exit_code(site: Site) -> None:
    site.release(_deployment(1))
    with _failing_pod(site, "x-migrate", exit_code=3):
        error, _ = site.fails(_deployment(1), _hangs("x-migrate", PRE))
    assert error.where is not None
    assert error.where.startswith("x-migrate-")
    assert f"Pod {error.where}, container main: Error (exit code 3)" in error.reason
    assert "nothing of x was changed" in error.reason
    assert error.solution.startswith("See its log for why it ends")


def test_a_job_whose_container_fails_is_told_though_helm_removes_it(site: Site) -> None:
    with _failing_pod(site, "x-job", exit_code=3):
        error, _ = site.fails(_deployment(1), _hangs("x-job"))
    assert "container main: Error (exit code 3)" in error.reason


class _failing_pod:
    """Plays the kubelet of the first pod of the Job `name`: its container ends with `exit_code`."""

    def __init__(self, site: Site, name: str, exit_code: int) -> None:
        terminated = {"exitCode": exit_code, "reason": "Error"}
        statuses = [
            {
                "name": "main",
                "image": "a",
                "imageID": "",
                "ready": False,
                "restartCount": 0,
                "state": {"terminated": terminated},
            }
        ]
        self._status = json.dumps({"status": {"phase": "Failed", "containerStatuses": statuses}})
        self._site, self._name = site, name
        self._thread = threading.Thread(target=self._fail)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    def _fail(self) -> None:
        for _ in range(600):
            found = self._site.run("get", "pods", "-o=name", f"-l=job-name={self._name}").split()
            if found:
                self._site.run("patch", found[0], "--subresource=status", "--type=merge", f"--patch={self._status}")
                return
            time.sleep(0.05)


# --- StatefulSets -------------------------------------------------------------------------------------------


def test_a_stateful_set_is_followed_pod_by_pod(site: Site) -> None:
    told = site.release(_stateful_set(3))[1]
    assert (told.moves[-1].resource, told.moves[-1].ready) == ("StatefulSet/x", 3)
    told = site.release(_stateful_set(3, image="registry.example.com/a:2"))[1]
    # The server counts new pods before it stops counting those that they replace: never more than there are new ones.
    assert all(one.ready <= one.updated for one in told.moves)
    assert told.moves[0].ready < 3
    assert (told.moves[-1].ready, told.moves[-1].updated) == (3, 3)


def test_a_stateful_set_that_does_not_get_ready_is_rolled_back(site: Site) -> None:
    site.release(_stateful_set(2))
    error, _ = site.fails(_stateful_set(2, simulate="never-ready"), seconds=6)
    assert error.reason.startswith("StatefulSet/x had 0 of 2 new replicas ready. Pod x-1, container main: not ready")
    assert site.history()[-1] == "deployed"
    assert site.live("StatefulSet", "x")["status"]["readyReplicas"] == 2


# --- who owns the number of replicas ------------------------------------------------------------------------


def test_replicas_stay_as_they_are_when_an_autoscaler_takes_over(site: Site) -> None:
    site.release(_deployment(3))
    before = site.live("Deployment", "x")["metadata"]["generation"]
    told = site.release(_deployment(None), HPA)[1]
    assert told.lines == ["Deployment/x keeps 3 replicas"]
    live = site.live("Deployment", "x")
    # Not even for a moment was it another number: that would have been one more generation.
    assert (live["spec"]["replicas"], live["metadata"]["generation"]) == (3, before)
    assert site.release(_deployment(None), HPA)[1].lines == []


def test_replicas_that_somebody_else_has_set_are_ours_again_when_the_app_says_a_number(site: Site) -> None:
    site.release(_deployment(None), HPA)
    site.run("scale", "deployment/x", "--replicas=4")
    assert site.release(_deployment(None), HPA)[1].lines == []
    assert site.live("Deployment", "x")["spec"]["replicas"] == 4
    site.release(_deployment(2))
    assert site.live("Deployment", "x")["spec"]["replicas"] == 2


def test_a_failed_move_to_an_autoscaler_brings_the_number_back(site: Site) -> None:
    site.release(_deployment(3))
    site.fails(_deployment(None), HPA, _hangs("x-verify", POST, deadline=1))
    assert site.live("Deployment", "x")["spec"]["replicas"] == 3
    site.release(_deployment(5))
    assert site.live("Deployment", "x")["spec"]["replicas"] == 5
