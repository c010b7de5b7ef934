"""A whole gateway on the session's stack: real processes, a real API server, teams that push."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from configuration.settings import Role
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
        "lenient",
    )
)
# Here findings are shown only, as they are where a platform team has just begun.
WARNING = {"sandbox": {"namespace": "{app}-sandbox", "mode": "warn"}}


@pytest.fixture(scope="session")
def installation(stack: Stack) -> Installation:
    """Registered are the Apps of APPS, and frontpage of team blog."""
    made = install(
        stack, (*APPS, Registered("frontpage", "blog")), HOLDERS, rollout_timeout_seconds=8, environments=WARNING
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
