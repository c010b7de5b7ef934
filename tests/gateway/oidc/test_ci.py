"""A CI job releases by the token that its provider gives it, and keeps no secret."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from configuration.file import load
from gateway.app import create_app
from store import Store
from store.queue import RedisQueue

from .provider import FakeProvider, identity_provider, jwk, rsa_key

ISSUER = """\
issuers:
  github:
    url: {url}
    person: actor
    rules:
      - claims: {{repository: acme/shop, ref: refs/heads/main}}
        role: developer
        team: shop
        apps: [checkout]
        environments: [staging]
      - {{claims: {{repository: acme/shop}}, role: viewer, team: shop}}
"""


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with identity_provider() as running:
        yield running


@pytest.fixture
def app(config: Path, store: Store, provider: FakeProvider) -> Flask:
    config.write_text(config.read_text().replace("tokens:\n", ISSUER.format(url=provider.url) + "tokens:\n"))
    settings = load(config)
    return create_app(settings, store, RedisQueue(settings.redis_url))


def release(client: FlaskClient, text: str, app: str = "checkout", environment: str = "staging") -> TestResponse:
    asked = {"app": app, "environment": environment, "ref": "main"}
    return client.post("/api/v1/releases", json=asked, headers={"Authorization": f"Bearer {text}"})


def test_a_job_of_the_right_repository_and_ref_may_what_its_rule_says(
    client: FlaskClient, provider: FakeProvider
) -> None:
    answer = release(client, provider.token())
    assert answer.status_code == 202, answer.text
    assert answer.get_json()["requested_by"] == "github:repo:acme/shop:ref:refs/heads/main"
    assert release(client, provider.token(), environment="production").status_code == 403
    assert release(client, provider.token(), app="storefront").status_code == 403
    assert release(client, provider.token(), app="payments").status_code == 404


def test_a_job_of_another_branch_may_only_look(client: FlaskClient, provider: FakeProvider) -> None:
    problem = release(client, provider.token(ref="refs/heads/dev")).get_json()
    assert (problem["status"], problem["permission"]) == (403, "release")
    assert "viewer for team shop" in problem["detail"]


def test_a_job_of_another_repository_reads_which_claims_fit_no_rule(
    client: FlaskClient, provider: FakeProvider
) -> None:
    problem = release(client, provider.token(repository="evil/shop", sub="repo:evil/shop:x")).get_json()
    assert problem["status"] == 403
    assert problem["detail"] == (
        "github:repo:evil/shop:x has no role: no rule of `issuers.github` fits ref=refs/heads/main, "
        "repository=evil/shop"
    )
    assert "(#platform)" in problem["solution"]


def test_keys_that_were_changed_are_read_again(client: FlaskClient, provider: FakeProvider) -> None:
    provider.publish(jwk("one", rsa_key("one")), jwk("two", rsa_key("two")))
    assert release(client, provider.token(key=rsa_key("two"), kid="two")).status_code == 202


def test_a_provider_that_is_down_is_named_and_lets_nobody_in(client: FlaskClient, provider: FakeProvider) -> None:
    provider.answers.clear()
    answer = release(client, provider.token())
    assert (answer.status_code, answer.get_json()["code"]) == (503, "identity-provider-unavailable")
    assert provider.url in answer.get_json()["detail"]
    assert answer.headers["Retry-After"]


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ({"iss": "https://token.actions.githubusercontent.com"}, "its issuer 'https://token.actions"),
        ({"aud": "https://github.com/acme"}, "it was not made for the audience 'http://127.0.0.1:8080'"),
        ({"key": rsa_key("two")}, "its signature does not fit"),
        ({"exp": 1}, "it has expired"),
    ],
)
def test_a_token_that_does_not_count_answers_401_and_says_why(
    client: FlaskClient, provider: FakeProvider, made: dict[str, object], why: str
) -> None:
    answer = release(client, provider.token(**made))
    assert (answer.status_code, answer.get_json()["code"]) == (401, "identity-token-refused")
    assert why in answer.get_json()["detail"]
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_of_ours_is_taken_as_ever_and_no_provider_is_asked(client: FlaskClient, provider: FakeProvider) -> None:
    assert client.get("/api/v1/apps", headers={"Authorization": "Bearer dg_nope"}).status_code == 401
    assert provider.asked == []
