"""A whole gateway on the session's stack: real processes, a real API server, teams that push."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from configuration.identity import Role
from tools.demo.teams import IMAGES, SHOP
from tools.installation import Holder, Installation, Registered, install
from tools.stack import Stack
from tools.stack.images import push_image
from tools.stack.repositories import Content

HOLDERS = (
    Holder("shop", Role.DEVELOPER, "shop"),
    Holder("on-call", Role.ON_CALL, "shop"),
    Holder("blog", Role.DEVELOPER, "blog"),
    Holder("platform", Role.PLATFORM_ADMIN),
)
# An App for each test that changes what runs, so that none depends on another.
APPS = tuple(
    Registered(name, "shop")
    for name in (
        "good",
        "broken",
        "back",
        "dry",
        "byte",
        "killed-check",
        "killed-deploy",
        "flushed",
        "burst",
        "empty",
        "stops",
        "waves",
        "worker",
        "stateful",
        "cronjob",
        "job",
        "job-fails",
        "migrates",
        "migration-fails",
        "migration-first",
        "verified",
        "verify-fails",
        "files",
        "secrets",
        "needy",
        "host-holder",
        "host-second",
        "host-raw",
        "scaled",
        "grown",
        "lenient",
        "proven",
        "waived",
        "rooted",
        "third-party",
        "pushed",
        "announced",
    )
)
# In the one findings are shown only, as they are where a platform team has just begun; in the other all is proven.
MORE = {
    "sandbox": {"namespace": "{app}-sandbox", "mode": "warn"},
    "proven": {"namespace": "{app}-proven", "requires": {"benchmark": {"passing": ["4.1.1"]}}},
}
WEBHOOK_SECRET = "what the Git server signs with"
WEBHOOKS = {
    "shop-github": {
        "forge": "github",
        "secrets": ["file:webhook-secret"],
        "apps": ["pushed", "announced"],
        "releases": [{"branch": "main", "environment": "staging"}],
    }
}
# On the chart before: what teams wrote for it has to go on working, and to move.
OLD_CHART = "0.1.0"
PINNED = (Registered("upgraded", "shop", OLD_CHART), Registered("outdated", "shop", OLD_CHART))


@pytest.fixture(scope="session")
def installation(stack: Stack) -> Installation:
    """Registered are the Apps of APPS and PINNED, and frontpage of team blog."""
    apps = (*APPS, *PINNED, Registered("frontpage", "blog"))
    made = install(
        stack,
        apps,
        HOLDERS,
        rollout_timeout_seconds=8,
        environments=MORE,
        webhooks=WEBHOOKS,
        secrets={"webhook-secret": WEBHOOK_SECRET},
    )
    for image in IMAGES:
        push_image(stack.registry, image)
    return made


@pytest.fixture(scope="session")
def deploy_yaml(installation: Installation) -> Callable[..., dict[str, Content]]:
    """The files of a good repository for an App, with `extra` lines in its deploy.yaml."""

    def files(app: str, extra: str = "") -> dict[str, Content]:
        text = str(SHOP.files(installation)["deploy.yaml"])
        return {"deploy.yaml": text.replace("app: checkout", f"app: {app}") + extra}

    return files


@pytest.fixture(scope="session")
def push(installation: Installation) -> Callable[..., str]:
    """Commits a deploy.yaml for an App, whose image and resources are the same for all; the SHA."""

    def push(app: str, lines: str, **files: Content) -> str:
        head = (
            f"apiVersion: deploy-gateway/v1\napp: {app}\nimage: {installation.registry}/shop/checkout:1.4.2\n"
            "resources: {cpu: 100m, memory: 64Mi}\n"
        )
        return installation.push(f"shop/{app}", {"deploy.yaml": head + lines, **files}, "A version")

    return push


@pytest.fixture(scope="session")
def live(installation: Installation) -> Callable[..., Any]:
    """What the API server has of an App in staging: the object by a name (the App's), or all of a kind as a list."""

    def live(app: str, kind: str, name: str | None = None, *, every: bool = False) -> Any:
        which = () if every else (name or app,)
        got = installation.stack.kubectl("get", kind, *which, f"--namespace={app}-staging", "--output=json")
        if "NotFound" in got.stderr:
            return None
        assert got.returncode == 0, got.stderr
        found = json.loads(got.stdout)
        return found["items"] if every else found

    return live


@pytest.fixture(scope="session")
def configured(installation: Installation) -> Callable[[Path], AbstractContextManager[None]]:
    """The front door and the check worker, started anew with another configuration, and afterwards as they were."""
    stack = installation.stack

    def start(config: Path) -> None:
        stack.stop("gateway", "check-worker")
        stack.start_check_worker(config)
        stack.start_gateway(config)

    @contextmanager
    def configured(config: Path) -> Iterator[None]:
        start(config)
        try:
            yield
        finally:
            start(installation.config)

    return configured


@pytest.fixture(scope="session")
def told(installation: Installation) -> Callable[[dict[str, Any]], str]:
    """All events of a final Release, as the stream has them."""

    def told(release: dict[str, Any]) -> str:
        headers = {"Authorization": f"Bearer {installation.tokens['shop']}"}
        return httpx.get(f"{installation.url}{release['links']['events']}", headers=headers, timeout=60).text

    return told


@pytest.fixture(scope="session")
def release(installation: Installation) -> Callable[..., dict[str, Any]]:
    """POSTs a Release and returns it as it is after at most a minute."""

    def release(app: str, ref: str = "main", *, holder: str = "shop", **more: Any) -> dict[str, Any]:
        body = {"app": app, "environment": "staging", "ref": ref, "wait_for": 60, **more}
        headers = {"Authorization": f"Bearer {installation.tokens[holder]}"}
        answer = httpx.post(f"{installation.url}/api/v1/releases", json=body, headers=headers, timeout=70)
        found: dict[str, Any] = answer.json()
        return found

    return release


@pytest.fixture(scope="session")
def deployctl(installation: Installation) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the real command as a holder of a token."""

    def run(*arguments: str, holder: str = "shop", **more: str) -> subprocess.CompletedProcess[str]:
        environment = {**installation.client_environment(holder), **more}
        return subprocess.run(
            [installation.deployctl, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    return run
