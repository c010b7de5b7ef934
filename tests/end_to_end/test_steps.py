"""The steps beside a rollout: what migrates before it, and what verifies after it, with what they wrote."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

Push = Callable[..., str]
Post = Callable[..., dict[str, Any]]
Live = Callable[..., Any]
Told = Callable[[dict[str, Any]], str]
Deployctl = Callable[..., subprocess.CompletedProcess[str]]
WEB = "workload: web\nport: 8080\nhealth: {readiness: /ready, liveness: /live}\n"
MIGRATE = 'migrate: {command: ["/app/migrate"], env: {SIMULATE_LOG: "adding column x\\ndone, 3 rows"}}\n'
FAILING = (
    'migrate: {command: ["/app/migrate", "SIMULATE=fail"], env: {SIMULATE_LOG: "adding y\\ny is there already"}}\n'
)


def test_a_migration_runs_before_anything_else_and_is_read_in_the_release(
    push: Push, release: Post, live: Live, told: Told, deployctl: Deployctl
) -> None:
    push("migrates", WEB + MIGRATE)
    done = release("migrates")
    assert done["state"] == "deployed", done["message"]
    job, deployment = live("migrates", "job", "migrates-migrate"), live("migrates", "deployment")
    assert job["status"]["completionTime"] <= deployment["metadata"]["creationTimestamp"]
    assert deployment["status"]["availableReplicas"] == 2
    events, logs = told(done), deployctl("logs", done["id"]).stdout
    for line in ("migrate | adding column x", "migrate | done, 3 rows"):
        assert line in events
        assert line in logs


def test_a_migration_that_fails_leaves_what_runs_untouched(push: Push, release: Post, live: Live) -> None:
    push("migration-fails", WEB)
    assert release("migration-fails")["state"] == "deployed"
    before = live("migration-fails", "deployment")
    push("migration-fails", WEB + FAILING + 'env: {VERSION: "2"}\n')
    done = release("migration-fails")
    assert (done["state"], done["code"]) == ("rolled_back", "rollout-failed"), done["message"]
    for part in ("The migration step failed", "exit code 1", "adding y | y is there already", "runs again"):
        assert part in done["message"]
    after = live("migration-fails", "deployment")
    assert after["metadata"]["generation"] == before["metadata"]["generation"]
    assert after["spec"] == before["spec"]


def test_a_first_release_whose_migration_fails_leaves_nothing_running(push: Push, release: Post, live: Live) -> None:
    push("migration-first", WEB + FAILING)
    done = release("migration-first")
    assert (done["state"], "The migration step failed" in done["message"]) == ("rolled_back", True), done["message"]
    assert "Nothing of it ran before" in done["message"]
    assert live("migration-first", "deployment") is None
    running = [one for one in live("migration-first", "pod", every=True) if one["status"]["phase"] == "Running"]
    assert running == []


def test_a_path_is_asked_after_the_rollout_with_the_platforms_image(push: Push, release: Post, live: Live) -> None:
    push("verified", WEB + "verify: {path: /ready, status: 204, env: {SIMULATE_LOG: 'GET /ready: 204'}}\n")
    done = release("verified")
    assert done["state"] == "deployed", done["message"]
    job = live("verified", "job", "verified-verify")
    assert job["status"]["succeeded"] == 1
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert "/platform/curl:8.17.0@sha256:" in container["image"]
    variables = {one["name"]: one["value"] for one in container["env"]}
    assert (variables["URL"], variables["STATUS"]) == (
        "http://verified.verified-staging.svc.cluster.local:80/ready",
        "204",
    )


def test_a_check_that_fails_brings_back_what_ran_before(push: Push, release: Post, live: Live, told: Told) -> None:
    good = push("verify-fails", WEB + 'verify: {command: ["/app/smoke"], env: {SIMULATE_LOG: "all 3 pages answer"}}\n')
    done = release("verify-fails")
    assert done["state"] == "deployed", done["message"]
    assert "verify | all 3 pages answer" in told(done)
    failing = 'verify: {command: ["/app/smoke", "SIMULATE=fail"], env: {SIMULATE_LOG: "/cart answers 500"}}\n'
    push("verify-fails", WEB + failing + 'env: {VERSION: "2"}\n')
    done = release("verify-fails")
    assert (done["state"], done["code"]) == ("rolled_back", "rollout-failed"), done["message"]
    for part in ("The smoke check failed", "exit code 1", "/cart answers 500", "What ran before runs again"):
        assert part in done["message"]
    assert "verify | /cart answers 500" in told(done)
    found = live("verify-fails", "deployment")
    assert found["metadata"]["labels"]["deploy-gateway.dev/commit"] == good
    assert found["status"]["availableReplicas"] == found["status"]["updatedReplicas"] == 2
    assert "VERSION" not in str(found["spec"])
