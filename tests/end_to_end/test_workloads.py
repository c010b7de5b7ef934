"""Each kind of workload, from a push to what runs, checked against the API server."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

Push = Callable[..., str]
Post = Callable[..., dict[str, Any]]
Live = Callable[..., Any]
Deployctl = Callable[..., subprocess.CompletedProcess[str]]


def test_a_worker_runs_without_a_service(push: Push, release: Post, live: Live) -> None:
    commit = push("worker", "workload: worker\nreplicas: 3\n")
    done = release("worker")
    assert (done["state"], done["revision"]) == ("deployed", 1), done["message"]
    found = live("worker", "deployment")
    assert (found["status"]["availableReplicas"], found["spec"]["replicas"]) == (3, 3)
    assert found["metadata"]["labels"]["deploy-gateway.dev/commit"] == commit
    assert live("worker", "service", every=True) == []


def test_a_stateful_app_has_a_bound_claim_for_each_of_its_pods(push: Push, release: Post, live: Live) -> None:
    serving = "workload: stateful\nport: 8080\nhealth: {readiness: /ready, liveness: /live}\nreplicas: 3\n"
    push("stateful", serving + "volumes: [{name: data, path: /var/data, size: 1Gi}]\n")
    done = release("stateful")
    assert done["state"] == "deployed", done["message"]
    assert live("stateful", "statefulset")["status"]["readyReplicas"] == 3
    claims = {one["metadata"]["name"]: one["status"]["phase"] for one in live("stateful", "pvc", every=True)}
    assert claims == {f"data-stateful-{number}": "Bound" for number in range(3)}
    assert live("stateful", "service", "stateful-headless")["spec"]["clusterIP"] == "None"


def test_a_cronjob_is_there_with_its_schedule_and_has_not_run(push: Push, release: Post, live: Live) -> None:
    push("cronjob", 'workload: cronjob\ncron: {schedule: "15 3 1 1 *", time_zone: Europe/Berlin}\n')
    done = release("cronjob")
    assert done["state"] == "deployed", done["message"]
    spec = live("cronjob", "cronjob")["spec"]
    assert (spec["schedule"], spec["timeZone"], spec["suspend"]) == ("15 3 1 1 *", "Europe/Berlin", False)
    assert live("cronjob", "job", every=True) == []


def _runs(live: Live, app: str) -> dict[str, int]:
    """The pods that the App's Jobs were given, by the Job's uid."""
    counts: dict[str, int] = {}
    for job in live(app, "job", every=True):
        counts[job["metadata"]["uid"]] = job["status"].get("succeeded", 0) + job["status"].get("failed", 0)
    return counts


def test_a_job_runs_once_for_each_commit_and_a_way_back_does_not_run_it_again(
    push: Push, release: Post, live: Live, deployctl: Deployctl
) -> None:
    push("job", "workload: job\nenv: {SIMULATE_LOG: 41 baskets closed}\n")
    first = release("job")
    assert first["state"] == "deployed", first["message"]
    once = _runs(live, "job")
    assert list(once.values()) == [1]
    again = release("job")
    assert (again["state"], again["revision"], _runs(live, "job")) == ("deployed", 2, once)
    push("job", "workload: job\nenv: {SIMULATE_LOG: 42 baskets closed}\n")
    assert release("job")["state"] == "deployed"
    both = _runs(live, "job")
    assert once.items() < both.items()
    assert list(both.values()) == [1, 1]
    back = deployctl("rollback", "--app", "job", "--env", "staging", "--revision", "1", "--reason", "Test", "--yes")
    assert back.returncode == 0, back.stdout + back.stderr
    assert _runs(live, "job") == both


def test_a_job_that_fails_is_told_with_its_log_and_runs_again_when_released_again(
    push: Push, release: Post, live: Live
) -> None:
    failing = "workload: job\njob: {retries: 0}\nenv: {SIMULATE: fail, SIMULATE_LOG: basket 7 has no owner}\n"
    push("job-fails", failing)
    done = release("job-fails")
    assert (done["state"], done["code"]) == ("rolled_back", "rollout-failed"), done["message"]
    for part in ("The job failed (Job/job-fails-", "BackoffLimitExceeded", "basket 7 has no owner"):
        assert part in done["message"]
    (before,) = _runs(live, "job-fails")
    done = release("job-fails")
    assert (done["state"], "basket 7" in done["message"]) == ("rolled_back", True), done["message"]
    (after,) = _runs(live, "job-fails")
    assert before != after
