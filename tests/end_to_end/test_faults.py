"""Processes die, Redis forgets: every accepted Release still comes to one true end, and no hand is needed."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from redis import Redis

from tests.waiting import eventually
from tools.installation import Installation
from tools.stack.repositories import Content

Files = Callable[..., dict[str, Content]]
Post = Callable[..., dict[str, Any]]


def _until(
    installation: Installation, release_id: str, seconds: float, wanted: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    def found() -> dict[str, Any] | None:
        release: dict[str, Any] = installation.api("shop", f"/api/v1/releases/{release_id}")
        return release if wanted(release) else None

    return eventually(found, seconds)


def _ended(installation: Installation, release_id: str) -> dict[str, Any]:
    return _until(installation, release_id, 300, lambda one: one["final"])


def _horses(pid: int) -> list[int]:
    """The processes that the worker `pid` forked for its jobs."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children]


def _kill_with_its_job(installation: Installation, name: str) -> None:
    worker = installation.stack.processes[name].pid
    horses = _horses(worker)
    installation.stack.kill(name)
    for horse in horses:
        with contextlib.suppress(ProcessLookupError):
            os.kill(horse, signal.SIGKILL)


def test_a_release_whose_check_worker_was_killed_is_brought_to_its_end(
    installation: Installation, release: Post, deploy_yaml: Files
) -> None:
    installation.push("shop/killed-check", deploy_yaml("killed-check"), "First")
    accepted = release("killed-check", wait_for=0)
    _until(installation, accepted["id"], 60, lambda one: bool(one["stages"]))
    _kill_with_its_job(installation, "check-worker")
    installation.stack.start_check_worker(installation.config)
    assert _ended(installation, accepted["id"])["state"] == "deployed"


def test_a_release_whose_deploy_worker_was_killed_in_helm_is_recovered_from_pending(
    installation: Installation, release: Post, deploy_yaml: Files
) -> None:
    installation.push("shop/killed-deploy", deploy_yaml("killed-deploy"), "First")
    assert release("killed-deploy")["state"] == "deployed"
    installation.push("shop/killed-deploy", deploy_yaml("killed-deploy", "env: {SIMULATE: slow-start}\n"), "Second")
    accepted = release("killed-deploy", wait_for=0)
    eventually(lambda: "pending-upgrade" in _helm_secrets(installation))
    assert _helms("killed-deploy-staging")
    _kill_with_its_job(installation, "deploy-worker")
    eventually(lambda: not _helms("killed-deploy-staging"))
    assert "pending-upgrade" in _helm_secrets(installation)
    installation.stack.start_deploy_worker(installation.config)
    done = _ended(installation, accepted["id"])
    assert done["state"] == "deployed", done["message"]
    assert "pending" not in _helm_secrets(installation)


def _helms(namespace: str) -> list[Path]:
    """The helm processes that work in `namespace`."""
    found = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = command.read_bytes().split(b"\0")
            if words[0].endswith(b"/helm") and namespace.encode() in words:
                found.append(command)
    return found


def _helm_secrets(installation: Installation) -> str:
    selector = "--selector=owner=helm"
    columns = "--output=custom-columns=STATUS:.metadata.labels.status"
    return installation.stack.kubectl("get", "secrets", "--namespace=killed-deploy-staging", selector, columns).stdout


def test_what_redis_forgot_is_put_back_on_the_queue(
    installation: Installation, release: Post, deploy_yaml: Files
) -> None:
    installation.push("shop/flushed", deploy_yaml("flushed"), "First")
    installation.stack.stop("check-worker")
    accepted = release("flushed", wait_for=0)
    with Redis.from_url(installation.stack.redis_url) as redis:
        redis.flushall()
    installation.stack.start_check_worker(installation.config)
    assert _ended(installation, accepted["id"])["state"] == "deployed"
