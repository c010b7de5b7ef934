"""What runs and who owns its replicas, on an API server that says what a test wants."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from pipelines.adapters.kube.connection import Connection, Refused
from pipelines.adapters.kube.replicas import keep_replicas
from pipelines.adapters.kube.verification import differences
from tests.pipelines.live import DEPLOYMENT, Serve, live_deployment

# --- who owns the number of replicas ------------------------------------------------------------------------


def _owned(manager: str) -> dict[str, Any]:
    live = live_deployment()
    live["metadata"]["managedFields"] = [{"manager": manager, "fieldsV1": {"f:spec": {"f:replicas": {}}}}]
    return live


AUTOSCALED = {**DEPLOYMENT, "spec": {key: value for key, value in DEPLOYMENT["spec"].items() if key != "replicas"}}


@pytest.mark.parametrize(
    ("manifest", "manager", "line"),
    [
        (AUTOSCALED, "helm", "Deployment/d keeps 2 replicas"),
        (AUTOSCALED, "kube-controller-manager", None),
        (DEPLOYMENT, "helm", None),
        ({**AUTOSCALED, "kind": "ConfigMap"}, "helm", None),
    ],
)
def test_replicas_are_kept_when_only_helm_has_said_how_many(
    server: Serve, manifest: dict[str, Any], manager: str, line: str | None
) -> None:
    assert keep_replicas(_of_one(server, _owned(manager)), manifest, "ns") == line


@pytest.mark.parametrize(("conflicts", "line"), [(1, "Deployment/d keeps 2 replicas"), (9, None)])
def test_a_number_that_changes_meanwhile_is_read_again(server: Serve, conflicts: int, line: str | None) -> None:
    assert keep_replicas(_of_one(server, _owned("helm"), [409] * conflicts), AUTOSCALED, "ns") == line


def test_a_number_that_may_not_be_kept_is_told(server: Serve) -> None:
    with pytest.raises(Refused):
        keep_replicas(_of_one(server, _owned("helm"), [403]), AUTOSCALED, "ns")


# --- what runs ----------------------------------------------------------------------------------------------

KINDS = {"Deployment": "apps/v1", "StatefulSet": "apps/v1", "Job": "batch/v1", "CronJob": "batch/v1", "Service": "v1"}
POD = {
    "containers": [{"name": "c", "image": "a:1"}],
    "initContainers": [{"name": "i", "image": "b:1"}],
    "ephemeralContainers": [{"name": "e", "image": "c:1"}],
    "volumes": [{"name": "tmp", "emptyDir": {}}, {"name": "v", "image": {"reference": "d:1"}}],
}
SPECS: dict[str, dict[str, Any]] = {
    "Deployment": {"replicas": 2, "template": {"spec": POD}},
    "StatefulSet": {"replicas": 2, "template": {"spec": POD}},
    "Job": {"template": {"spec": POD}},
    "Service": {},
    "CronJob": {"schedule": "@daily", "jobTemplate": {"spec": {"template": {"spec": POD}}}},
}
READY = {"observedGeneration": 1, "availableReplicas": 2, "currentRevision": "r2", "updateRevision": "r2"}
DONE = {"conditions": [{"type": "Complete", "status": "True"}]}


def _differences(server: Serve, kind: str, status: Any, wanted: Any = None, live: Any = None) -> list[str]:
    """What is told of `kind`, its spec being changed by `wanted` in the manifest and by `live` in the cluster."""
    about = {"apiVersion": KINDS[kind], "kind": kind, "metadata": {"name": "d", "generation": 1}}
    checked = {**about, "spec": {**SPECS[kind], **(wanted or {})}}
    running = {**about, "spec": {**SPECS[kind], **(live or {})}, "status": status}
    lines = differences(_of_one(server, running), (checked,), "ns")
    return [line.removeprefix(f"{kind}/d") for line in lines]


@pytest.mark.parametrize(
    ("kind", "status"), [("Deployment", READY), ("StatefulSet", READY), ("Job", DONE), ("CronJob", {})]
)
def test_what_is_as_it_was_checked_is_no_difference(server: Serve, kind: str, status: Any) -> None:
    assert _differences(server, kind, status) == []


@pytest.mark.parametrize(
    ("status", "wanted", "live", "words"),
    [
        pytest.param({**READY, "observedGeneration": 0}, {}, {}, "its controller has not seen the change", id="stale"),
        pytest.param({**READY, "availableReplicas": 1}, {}, {}, "1 of 2 replicas are available", id="too few"),
        pytest.param(READY, {}, {"replicas": 1}, "1 replicas are asked for, not 2", id="scaled by somebody"),
        pytest.param({**READY, "availableReplicas": 0}, {"replicas": None}, {}, "none of 2 replicas", id="autoscaled"),
    ],
)
def test_replicas_that_are_missing_are_told(server: Serve, status: Any, wanted: Any, live: Any, words: str) -> None:
    (line,) = _differences(server, "Deployment", status, wanted, live)
    assert words in line


@pytest.mark.parametrize(("replicas", "available"), [(5, 2), (0, 0)])
def test_an_autoscaler_may_be_at_work(server: Serve, replicas: int, available: int) -> None:
    status = {**READY, "availableReplicas": available}
    assert _differences(server, "Deployment", status, {"replicas": None}, {"replicas": replicas}) == []


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "Job"])
@pytest.mark.parametrize(
    ("field", "line"),
    [
        ("containers", "container c runs evil:1, not a:1"),
        ("initContainers", "init container i runs evil:1, not b:1"),
        ("ephemeralContainers", "ephemeral container e runs evil:1, not c:1"),
    ],
)
def test_another_image_than_was_checked_is_told(server: Serve, kind: str, field: str, line: str) -> None:
    other = {"template": {"spec": {**POD, field: [{**POD[field][0], "image": "evil:1"}]}}}
    assert _differences(server, kind, {**READY, **DONE}, {}, other) == [f": {line}"]


@pytest.mark.parametrize(
    ("volumes", "line"),
    [
        ([{"name": "v", "image": {"reference": "evil:1"}}], "volume v has evil:1, not d:1"),
        ([{"name": "v", "emptyDir": {}}], "volume v has None, not d:1"),
        ([], "volume v has None, not d:1"),
    ],
)
def test_another_image_of_a_volume_than_was_checked_is_told(server: Serve, volumes: Any, line: str) -> None:
    other = {"template": {"spec": {**POD, "volumes": volumes}}}
    assert _differences(server, "Deployment", READY, {}, other) == [f": {line}"]


def test_a_stateful_set_with_pods_of_the_version_before_is_told(server: Serve) -> None:
    status = {**READY, "currentRevision": "r1"}
    assert _differences(server, "StatefulSet", status) == [": some of its pods are of the version before"]


@pytest.mark.parametrize("strategy", [{"type": "OnDelete"}, {"rollingUpdate": {"partition": 1}}])
def test_pods_that_were_to_stay_of_the_version_before_may(server: Serve, strategy: Any) -> None:
    changed = {"updateStrategy": strategy}
    assert _differences(server, "StatefulSet", {**READY, "currentRevision": "r1"}, changed, changed) == []


def test_a_job_that_did_not_succeed_is_told(server: Serve) -> None:
    failed = {"conditions": [{"type": "Failed", "status": "True", "reason": "DeadlineExceeded"}]}
    assert _differences(server, "Job", failed) == [": it failed: DeadlineExceeded"]
    assert _differences(server, "Job", {}) == [": it is not complete"]


def test_a_cron_job_that_runs_at_another_time_is_told(server: Serve) -> None:
    assert _differences(server, "CronJob", {}, {"timeZone": "Europe/Zurich"}, {"schedule": "@hourly"}) == [
        ": schedule is @hourly, not @daily",
        ": timeZone is None, not Europe/Zurich",
    ]


def _of_one(server: Serve, live: dict[str, Any], patched: Iterable[int] = ()) -> Connection:
    """A cluster with the one object `live`; each PATCH is answered with the next status of `patched`, and then 200."""
    resources = [{"name": f"{kind.lower()}s", "kind": kind, "namespaced": True} for kind in KINDS]
    kinds = {"resources": [*resources, {"name": "a/b", "kind": "B"}]}
    statuses = iter(patched)

    def answer(method: str, path: str) -> tuple[int, bytes]:
        if method == "PATCH":
            return next(statuses, 200), b"{}"
        return 200, json.dumps(live if path.endswith("s/d") else kinds).encode()

    return server(answer)
