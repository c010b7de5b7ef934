"""GitLab, Gitea and Bitbucket all the way: their headers, how they sign, and what makes a delivery the same."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from store import Release
from tests.gateway.webhooks import events
from tests.gateway.webhooks.conftest import hub_signature
from tests.gateway.webhooks.events import A, B, C

Releases = Callable[[], list[Release]]
SECRET = "what three other forges know"
SIGNING_TOKEN = "whsec_" + base64.b64encode(bytes(range(32))).decode()
RULES = "teams: [shop], releases: [{branch: main, environment: staging}]"
WEBHOOKS = f"""\
  gitlab-signed: {{forge: gitlab, secrets: ["file:signing"], {RULES}}}
  gitlab-token: {{forge: gitlab, secrets: ["file:token"], {RULES}}}
  gitea: {{forge: gitea, secrets: ["file:token"], {RULES}}}
  bitbucket: {{forge: bitbucket, secrets: ["file:token"], {RULES}}}
"""


@pytest.fixture
def config(config: Path) -> Path:
    (config.parent / "token").write_text(SECRET)
    (config.parent / "signing").write_text(SIGNING_TOKEN)
    with config.open("a") as stream:
        stream.write(WEBHOOKS)
    return config


def headers_of(kind: str, body: bytes, id: str) -> dict[str, str]:
    """What a forge sends along."""
    if kind == "gitea":
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        return {"X-Gitea-Event": "push", "X-Gitea-Delivery": id, "X-Gitea-Signature": signature}
    if kind == "bitbucket":
        return {"X-Event-Key": "repo:push", "X-Request-UUID": id, "X-Hub-Signature": hub_signature(body, SECRET)}
    gitlab = {"X-Gitlab-Event": "Push Hook", "X-Gitlab-Event-UUID": "one for all", "Idempotency-Key": id}
    if kind == "gitlab-token":
        return {**gitlab, "X-Gitlab-Token": SECRET}
    at = str(int(time.time()))
    signature = hmac.new(bytes(range(32)), f"{id}.{at}.".encode() + body, hashlib.sha256).digest()
    signed = f"v1,{base64.b64encode(signature).decode()}"
    return {**gitlab, "webhook-id": id, "webhook-timestamp": at, "webhook-signature": signed}


Send = Callable[..., TestResponse]


@pytest.fixture
def send(client: FlaskClient) -> Send:
    def send(kind: str, event: Mapping[str, Any], id: str = "id-1", **more: str) -> TestResponse:
        body = json.dumps(event).encode()
        headers = {**headers_of(kind, body, id), **{name.replace("_", "-"): value for name, value in more.items()}}
        path = f"/api/v1/webhooks/{kind.partition('-')[0]}"
        return client.post(path, data=body, headers=headers, content_type="application/json")

    return send


KINDS = {
    "gitlab-signed": events.gitlab_push,
    "gitlab-token": events.gitlab_push,
    "gitea": events.gitea_push,
    "bitbucket": lambda before=A, after=B: events.bitbucket_push(events.bitbucket_change(before, after)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_push_becomes_a_release_and_a_repeat_makes_none(send: Send, releases: Releases, kind: str) -> None:
    first = send(kind, KINDS[kind]())
    assert first.status_code == 202, first.text
    again = send(kind, KINDS[kind]())
    assert (again.status_code, again.get_json()["releases"]) == (200, first.get_json()["releases"])
    (release,) = releases()
    assert (release.ref, release.commit, release.app) == ("main", B, "checkout")
    assert (release.requested_by, release.reason) == (
        f"webhook:{kind} (ada, unverified)",
        "a push to main, delivery id-1",
    )


@pytest.mark.parametrize("kind", KINDS)
def test_an_id_that_comes_with_another_body_is_a_conflict(send: Send, releases: Releases, kind: str) -> None:
    send(kind, KINDS[kind](A, B))
    answer = send(kind, KINDS[kind](B, C))
    assert (answer.status_code, answer.get_json()["code"]) == (409, "delivery-reused")
    assert len(releases()) == 1


@pytest.mark.parametrize("kind", ["gitea", "bitbucket"])
def test_an_id_that_is_not_signed_makes_no_new_delivery(send: Send, releases: Releases, kind: str) -> None:
    send(kind, KINDS[kind](), "id-1")
    assert send(kind, KINDS[kind](), "id-2").status_code == 200
    assert len(releases()) == 1


@pytest.mark.parametrize("kind", ["gitlab-signed", "gitlab-token"])
def test_gitlab_may_announce_by_the_same_bytes_that_a_branch_is_back(send: Send, releases: Releases, kind: str) -> None:
    for number, (before, after) in enumerate([(A, B), (B, A), (A, B)]):
        assert send(kind, events.gitlab_push(before, after), f"id-{number}").status_code == 202
    assert [one.commit for one in releases()] == [B, A, B]


def test_a_signed_delivery_is_not_taken_with_another_id(send: Send, releases: Releases) -> None:
    send("gitlab-signed", events.gitlab_push())
    answer = send("gitlab-signed", events.gitlab_push(), webhook_id="id-2")
    assert (answer.status_code, answer.get_json()["code"]) == (401, "not-signed")
    stale = send("gitlab-signed", events.gitlab_push(), webhook_timestamp="1")
    assert (stale.status_code, stale.get_json()["code"]) == (401, "not-signed")
    assert len(releases()) == 1


def test_events_that_are_none_of_ours_are_acknowledged(send: Send, releases: Releases) -> None:
    assert send("gitea", {}, X_Gitea_Event="fork").status_code == 200
    assert send("bitbucket", {}, X_Event_Key="repo:fork").status_code == 200
    assert send("gitlab-token", {"object_kind": "pipeline"}).status_code == 200
    assert releases() == []
