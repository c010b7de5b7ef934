"""A gateway that four forges may announce pushes to, each with a secret of its own."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from configuration.file import load
from configuration.settings import Settings
from store import Release, ReleaseFilter, Store

SECRETS = {
    "github": "a secret that GitHub and we know",
    "github-next": "the one that takes its place, later",
    "bank": "a secret of another team's webhook",
    "narrow": "a secret that is good for little",
}
WEBHOOKS = """\
webhooks:
  shop-github:
    forge: github
    secrets: ["file:github", "file:github-next"]
    teams: [shop]
    per_minute: 100000
    releases:
      - {branch: main, environment: staging}
      - {tag: "v*", environment: production}
      - {branch: "hotfix/*", environment: production, apps: [checkout]}
      - {merged_into: release, environment: production}
  bank-github:
    forge: github
    secrets: ["file:bank"]
    apps: [payments]
    per_minute: 100000
    releases: [{branch: "**", environment: staging}]
  narrow:
    forge: github
    secrets: ["file:narrow"]
    apps: [payments]
    per_minute: 3
    releases: [{branch: main, environment: staging}]
"""
Send = Callable[..., TestResponse]


@pytest.fixture
def config(config: Path) -> Path:
    for name, secret in SECRETS.items():
        (config.parent / name).write_text(secret + "\n")
    with config.open("a") as stream:
        stream.write(WEBHOOKS)
    return config


@pytest.fixture
def settings(config: Path) -> Settings:
    return load(config)


def hub_signature(body: bytes, secret: str) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@pytest.fixture
def github(client: FlaskClient) -> Send:
    """POSTs an event as GitHub does, signed; what is given goes before what is made up."""
    numbers = itertools.count(1)

    def send(
        event: Mapping[str, Any] | bytes,
        name: str = "push",
        *,
        secret: str = SECRETS["github"],
        headers: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> TestResponse:
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        sent = {
            "X-GitHub-Event": name,
            "X-GitHub-Delivery": f"72d3162e-cc78-11e3-81ab-{next(numbers):012}",
            "X-Hub-Signature-256": hub_signature(body, secret),
            "User-Agent": "GitHub-Hookshot/044aadd",
            **(headers or {}),
        }
        return client.post("/api/v1/webhooks/github", data=body, headers=sent, content_type=content_type)

    return send


@pytest.fixture
def releases(store: Store) -> Callable[[], list[Release]]:
    """All Releases, oldest first."""

    def releases() -> list[Release]:
        return list(reversed(store.releases.find(ReleaseFilter(), 100).items))

    return releases
