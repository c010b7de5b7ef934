"""A newer standard chart under Apps that run: nobody notices. A deploy.yaml that is ahead of its chart is told so."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from pipelines.adapters.kube.connection import Connection
from tools.installation import Installation

Push = Callable[..., str]
Post = Callable[..., dict[str, Any]]
Live = Callable[..., Any]
Deployctl = Callable[..., subprocess.CompletedProcess[str]]
Configured = Callable[[Path], AbstractContextManager[None]]
OLD, NEW = "0.1.0", "0.2.0"
SERVING = "port: 8080\nhealth: {readiness: /ready, liveness: /live}\n"
WEB = f"workload: web\n{SERVING}"


@contextmanager
def _watched(installation: Installation, app: str) -> Iterator[list[tuple[int, int]]]:
    """Available and wanted replicas of the App's Deployment, each time that something of it changes meanwhile."""
    connection = Connection(installation.stack.gateway_kubeconfig)
    path = f"/apis/apps/v1/namespaces/{app}-staging/deployments"
    seen: list[tuple[int, int]] = []
    begun, over = threading.Event(), threading.Event()

    def follow() -> None:
        version = connection.get(path)["metadata"]["resourceVersion"]
        begun.set()
        while not over.is_set():
            for event in connection.stream(path, resourceVersion=version, timeoutSeconds=1):
                live = event["object"]
                version = live["metadata"]["resourceVersion"]
                seen.append((live.get("status", {}).get("availableReplicas", 0), live["spec"]["replicas"]))

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    assert begun.wait(60)
    try:
        yield seen
    finally:
        over.set()
        thread.join(60)


@pytest.fixture(scope="module")
def story(
    installation: Installation, push: Push, release: Post, live: Live, deployctl: Deployctl, configured: Configured
) -> dict[str, Any]:
    """One commit by the old chart, by the new one, and back: what each step answered, and what ran then."""
    push("upgraded", f"{WEB}replicas: 3\nenv: {{COLOUR: red}}\nallow: {{to: [{{host: api.example.com, port: 443}}]}}\n")
    told: dict[str, Any] = {"old": release("upgraded"), "ran": live("upgraded", "deployment")}
    document = json.loads(installation.config.read_text())
    document["apps"]["upgraded"]["chart"] = NEW
    config = installation.config.with_name("upgraded.yaml")
    config.write_text(json.dumps(document))
    with configured(config), _watched(installation, "upgraded") as seen:
        told["new"], told["runs"] = release("upgraded"), live("upgraded", "deployment")
        told["up"] = list(seen)
        back = ("--app", "upgraded", "--env", "staging", "--revision", "1", "--reason", "Test", "--yes", "-o", "json")
        told["back"] = deployctl("rollback", *back)
        told["ran again"] = live("upgraded", "deployment")
    told["down"] = seen[len(told["up"]) :]
    return told


def test_the_same_commit_by_a_newer_chart_is_a_new_revision(story: dict[str, Any]) -> None:
    old, new = story["old"], story["new"]
    assert (old["state"], old["revision"], old["chart"]) == ("deployed", 1, f"standard-app {OLD}"), old["message"]
    assert (new["state"], new["revision"], new["chart"]) == ("deployed", 2, f"standard-app {NEW}"), new["message"]
    assert new["commit"] == old["commit"]


def test_an_upgrade_of_the_chart_replaces_pods_and_never_the_selector(story: dict[str, Any]) -> None:
    before, after = story["ran"], story["runs"]
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["spec"]["selector"] == before["spec"]["selector"]
    assert after["spec"]["template"] != before["spec"]["template"]


@pytest.mark.parametrize("way", ["up", "down"])
def test_there_is_no_downtime_either_way(story: dict[str, Any], way: str) -> None:
    assert len(story[way]) > 1
    assert all(available >= wanted == 3 for available, wanted in story[way]), story[way]


def test_a_rollback_brings_back_what_the_old_chart_made(story: dict[str, Any]) -> None:
    back = json.loads(story["back"].stdout)
    assert (back["state"], back["revision"], back["chart"]) == ("deployed", 3, f"standard-app {OLD}"), back["message"]
    assert story["ran again"]["spec"] == story["ran"]["spec"]


def test_an_autoscaler_takes_the_number_over_and_gives_it_back_without_a_drop(
    installation: Installation, push: Push, release: Post, live: Live
) -> None:
    push("scaled", f"{WEB}replicas: 3\n")
    assert release("scaled")["state"] == "deployed"
    with _watched(installation, "scaled") as seen:
        push("scaled", f"{WEB}autoscale: {{min: 2, max: 6, cpu: 70}}\nenv: {{VERSION: '2'}}\n")
        taken = release("scaled")
        assert (taken["state"], live("scaled", "hpa")["spec"]["maxReplicas"]) == ("deployed", 6), taken["message"]
        push("scaled", f"{WEB}replicas: 4\nenv: {{VERSION: '3'}}\n")
        given = release("scaled")
    assert (given["state"], live("scaled", "hpa")) == ("deployed", None), given["message"]
    assert live("scaled", "deployment")["spec"]["replicas"] == 4
    assert all(available >= 3 and wanted >= 3 for available, wanted in seen), seen


def test_a_stateful_app_grows_beside_the_pod_that_is_there(push: Push, release: Post, live: Live) -> None:
    stateful = f"workload: stateful\n{SERVING}volumes: [{{name: data, path: /var/data, size: 1Gi}}]\n"
    push("grown", stateful)
    assert release("grown")["state"] == "deployed"
    alone = live("grown", "pod", "grown-0")["metadata"]["uid"]
    push("grown", f"{stateful}replicas: 3\n")
    done = release("grown")
    assert (done["state"], live("grown", "statefulset")["status"]["readyReplicas"]) == ("deployed", 3), done["message"]
    assert live("grown", "pod", "grown-0")["metadata"]["uid"] == alone
    assert [one["status"]["phase"] for one in live("grown", "pvc", every=True)] == ["Bound"] * 3


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (
            "workload: worker\n",
            f"deploy.yaml:5: this Environment's standard chart {OLD} does not know `workload: worker`",
        ),
        (
            f"{WEB}autoscale: {{max: 4, cpu: 70}}\n",
            f"deploy.yaml:8: this Environment's standard chart {OLD} does not know `autoscale`",
        ),
    ],
    ids=["worker", "autoscale"],
)
def test_what_the_pinned_chart_does_not_know_is_told_with_the_one_that_does(
    push: Push, release: Post, lines: str, says: str
) -> None:
    push("outdated", lines)
    done = release("outdated")
    assert (done["state"], done["code"]) == ("failed", "invalid-deploy-file"), done["message"]
    assert done["message"].startswith(f"{says}; it needs {NEW} or newer. ")
    assert done["message"].count("does not know") == 1
