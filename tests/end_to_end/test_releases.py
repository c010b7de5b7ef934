"""From a push to what runs, through every process, checked against the API server."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.waiting import eventually
from tools.installation import Installation
from tools.stack.repositories import Content

Files = Callable[..., dict[str, Content]]
Post = Callable[..., dict[str, Any]]
Deployctl = Callable[..., subprocess.CompletedProcess[str]]
STAGES = ["checkout", "resolve", "render", "lint", "policy", "preflight", "rollout", "verify"]


def _running_commit(installation: Installation, app: str) -> str | None:
    done = installation.stack.kubectl("get", "deployment", app, f"--namespace={app}-staging", "--output=json")
    if done.returncode != 0:
        return None
    found = json.loads(done.stdout)
    assert found["status"].get("availableReplicas") == found["spec"]["replicas"]
    return str(found["metadata"]["labels"]["deploy-gateway.dev/commit"])


def test_a_good_commit_is_checked_and_runs(installation: Installation, release: Post, deploy_yaml: Files) -> None:
    commit = installation.push("shop/good", deploy_yaml("good"), "First")
    done = release("good")
    assert (done["state"], done["revision"], done["commit"]) == ("deployed", 1, commit)
    assert [(stage["name"], stage["state"]) for stage in done["stages"]] == [(name, "passed") for name in STAGES]
    assert done["findings"] == []
    assert {change["action"] for change in done["changes"]} == {"create"}
    assert _running_commit(installation, "good") == commit


def test_raw_manifests_that_break_rules_are_refused_with_findings_that_teach(
    installation: Installation, release: Post
) -> None:
    manifest = (
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: frontpage\nspec:\n  type: LoadBalancer\n"
        "  selector: {a: b}\n  ports:\n    - port: 80\n"
    )
    files: dict[str, Content] = {
        "deploy.yaml": "apiVersion: deploy-gateway/v1\napp: frontpage\nmanifests: k8s\n",
        "k8s/a.yaml": manifest,
    }
    installation.push("blog/frontpage", files, "Raw")
    done = release("frontpage", holder="blog")
    assert (done["state"], done["code"], done["bundle"]) == ("blocked", "blocked-by-policy", None)
    finding = next(one for one in done["findings"] if one["rule"] == "service-type")
    assert finding["source"] == "k8s/a.yaml:6"
    assert finding["what"] == "spec.type: it is LoadBalancer"
    assert all(finding[key] for key in ("why", "how", "link"))
    namespaces = installation.stack.kubectl("get", "namespace", "frontpage-staging")
    assert "NotFound" in namespaces.stderr


def test_a_rollout_that_never_gets_ready_is_rolled_back_with_its_reason(
    installation: Installation, release: Post, deploy_yaml: Files
) -> None:
    good = installation.push("shop/broken", deploy_yaml("broken"), "Good")
    assert release("broken")["state"] == "deployed"
    installation.push("shop/broken", deploy_yaml("broken", "env: {SIMULATE: never-ready}\n"), "Bad")
    done = release("broken")
    assert (done["state"], done["code"]) == ("rolled_back", "rollout-failed")
    for part in ("Pod broken-", "container broken", "not ready", "Readiness probe failed", "runs again"):
        assert part in done["message"]
    assert _running_commit(installation, "broken") == good


def test_a_first_rollout_that_fails_leaves_nothing(
    installation: Installation, release: Post, deploy_yaml: Files
) -> None:
    installation.push("shop/empty", deploy_yaml("empty", "env: {SIMULATE: crash}\n"), "Bad from the start")
    done = release("empty")
    assert done["state"] == "rolled_back"
    assert "CrashLoopBackOff" in done["message"]
    assert "Nothing of it ran before" in done["message"]
    assert _running_commit(installation, "empty") is None


def test_on_call_goes_back_to_the_last_good_one_without_git(
    installation: Installation, release: Post, deploy_yaml: Files, deployctl: Deployctl
) -> None:
    first = installation.push("shop/back", deploy_yaml("back"), "First")
    release("back")
    second = installation.push("shop/back", deploy_yaml("back", 'env: {VERSION: "2"}\n'), "Second")
    release("back")
    assert _running_commit(installation, "back") == second
    repository = installation.stack.git_root / "shop" / "back.git"
    repository.rename(repository.with_name("gone.git"))
    arguments = ("rollback", "--app", "back", "--env", "staging", "--reason", "It loses baskets", "--yes")
    done = deployctl(*arguments, holder="on-call")
    assert done.returncode == 0, done.stderr
    assert _running_commit(installation, "back") == first
    newest = installation.api("shop", "/api/v1/releases?app=back&limit=1")["items"][0]
    assert (newest["kind"], newest["reason"], newest["requested_by"]) == ("rollback", "It loses baskets", "on-call")


def test_a_dry_run_changes_nothing_and_shows_what_would(
    installation: Installation, release: Post, deploy_yaml: Files
) -> None:
    installation.push("shop/dry", deploy_yaml("dry"), "First")
    done = release("dry", dry_run=True)
    assert done["state"] == "planned"
    assert any(change["resource"] == "Deployment/dry" and "+" in change["diff"] for change in done["changes"])
    assert "NotFound" in installation.stack.kubectl("get", "namespace", "dry-staging").stderr


def test_of_a_burst_of_pushes_the_newest_runs_and_each_has_an_end(
    installation: Installation, release: Post, deploy_yaml: Files
) -> None:
    commit = ""
    for number in range(5):
        commit = installation.push("shop/burst", deploy_yaml("burst", f'env: {{N: "{number}"}}\n'), f"Push {number}")
        release("burst", wait_for=0)

    def ended() -> list[str]:
        releases = installation.api("shop", "/api/v1/releases?app=burst")["items"]
        return [one["state"] for one in releases] if all(one["final"] for one in releases) else []

    states = eventually(ended, 120)
    assert states[0] == "deployed"
    assert set(states) <= {"deployed", "superseded"}
    assert _running_commit(installation, "burst") == commit


def test_another_teams_app_looks_like_none(installation: Installation, release: Post) -> None:
    other = release("good", holder="blog")
    missing = release("no-such-app", holder="blog")
    assert (other["status"], missing["status"]) == (404, 404)
    assert other["detail"].replace("good", "X") == missing["detail"].replace("no-such-app", "X")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_events_of_a_release_can_be_read_by_curl_alone(installation: Installation) -> None:
    newest = installation.api("shop", "/api/v1/releases?app=good&limit=1")["items"][0]
    done = subprocess.run(
        [
            "curl",
            "--silent",
            "--no-buffer",
            "--max-time",
            "20",
            "--header",
            f"Authorization: Bearer {installation.tokens['shop']}",
            f"{installation.url}{newest['links']['events']}",
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    types = [line.removeprefix("event: ") for line in done.stdout.splitlines() if line.startswith("event: ")]
    assert types[0] == "state"
    assert types.count("stage") == 2 * len(STAGES)
    assert '"final":true' in done.stdout.replace(" ", "").splitlines()[-1] or '"final":true' in done.stdout.replace(
        " ", ""
    )


def test_the_openapi_document_names_every_call(installation: Installation) -> None:
    paths = httpx.get(f"{installation.url}/openapi.json", timeout=60).json()["paths"]
    for path in ("/api/v1/releases", "/api/v1/releases/{release_id}/events", "/healthz", "/readyz"):
        assert path in paths
