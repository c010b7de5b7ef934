"""What comes in that is not a delivery: each kind gets an answer of its own, and makes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as trials
from hypothesis import strategies as st
from redis import Redis

from configuration.file import load
from configuration.settings import Settings
from gateway.app import create_app
from gateway.webhooks.signatures import insist_on_secrets
from pipelines.errors import InvalidConfiguration
from store import Release, Store
from store.queue import RedisQueue
from tests.gateway.conftest import bearer
from tests.gateway.webhooks.conftest import SECRETS, Send, hub_signature
from tests.gateway.webhooks.events import CHECKOUT, A, B, github_push, github_repository

Releases = Callable[[], list[Release]]
PUSH = json.dumps(github_push()).encode()


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Hub-Signature-256": ""},
        {"X-Hub-Signature-256": "sha256="},
        {"X-Hub-Signature-256": hub_signature(PUSH, "a secret that nobody knows of")},
        {"X-Hub-Signature-256": hub_signature(PUSH + b" ", SECRETS["github"])},
        {"X-Hub-Signature-256": hub_signature(PUSH, SECRETS["github"]).upper()},
        {"X-Hub-Signature-256": hub_signature(PUSH, SECRETS["github"]).removeprefix("sha256=")},
        {"X-Hub-Signature-256": ",".join([hub_signature(PUSH, SECRETS["github"])] * 2)},
        {"X-Hub-Signature-256": "sha256=é"},
        {"X-Hub-Signature-256": "", "X-Hub-Signature": hub_signature(PUSH, SECRETS["github"])},
        {"X-Hub-Signature-256": "", **bearer("admin")},
        {"X-Hub-Signature-256": hub_signature(PUSH, "")},
        {"X-Hub-Signature-256": "", "X-Gitlab-Token": SECRETS["github"]},
    ],
    ids=str,
)
def test_without_a_signature_that_holds_there_is_nothing(
    github: Send, releases: Releases, headers: Mapping[str, str]
) -> None:
    answer = github(PUSH, headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (401, "not-signed")
    assert answer.get_json()["detail"] == "the delivery carries no signature that holds"
    assert answer.headers["WWW-Authenticate"].startswith("Signature")
    assert releases() == []


@pytest.mark.parametrize("forge", ["gitlab", "gitea", "bitbucket"])
def test_a_forge_without_a_webhook_is_answered_like_a_wrong_signature(client: FlaskClient, forge: str) -> None:
    answer = client.post(f"/api/v1/webhooks/{forge}", data=PUSH, content_type="application/json")
    assert (answer.status_code, answer.get_json()["code"]) == (401, "not-signed")


def test_an_unknown_forge_is_a_mistake_that_is_told(client: FlaskClient) -> None:
    answer = client.post("/api/v1/webhooks/sourceforge", data=PUSH, content_type="application/json")
    assert answer.status_code == 400
    assert "forge" in answer.get_json()["where"]


def test_nothing_is_read_before_the_signature_holds(github: Send) -> None:
    for body, content_type in ((b"{", "application/json"), (b"\xff", "text/plain"), (b"", "")):
        answer = github(body, headers={"X-Hub-Signature-256": "sha256=0"}, content_type=content_type)
        assert answer.status_code == 401


SURROGATE = json.dumps(github_push(ref="refs/heads/@")).replace("@", "\\ud800").encode()
STRANGE = [
    (b"", "body"),
    (b"{", "body"),
    (PUSH[:-1], "body"),
    (PUSH[: len(PUSH) // 2], "body"),
    (b"[]", "body"),
    (b"null", "body"),
    (b'"push"', "body"),
    (b"\xff\xfe" + PUSH, "body"),
    (PUSH.decode().encode("utf-16"), "body"),
    (b"\xef\xbb\xbf" + PUSH, "body"),
    (PUSH.replace(b"ada@example.com", b"ad\xe9@example.com"), "body"),
    (b'{"ref": 1, "ref": 2}', "body"),
    (b'{"ref": NaN}', "body"),
    (b'{"ref": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "body"),
    (b'{"ref": ' + b"1" * 5000 + b"}", "body"),
    (b"{}", "ref"),
    (b'{"ref": 7}', "ref"),
    (SURROGATE, "ref"),
    (json.dumps(github_push(before="a" * 39)).encode(), "before"),
    (json.dumps(github_push() | {"before": None}).encode(), "before"),
    (json.dumps(github_push(after="A" * 40)).encode(), "after"),
    (json.dumps(github_push(after=B + "\n")).encode(), "after"),
    (json.dumps(github_push(forced="no")).encode(), "forced"),
    (json.dumps(github_push(commits={})).encode(), "commits"),
    (json.dumps(github_push(commits=[1])).encode(), "commits[0]"),
    (json.dumps(github_push(commits=[{"added": "x"}])).encode(), "commits[0].added"),
    (json.dumps(github_push(commits=[{"added": [1]}])).encode(), "commits[0].added[0]"),
    (json.dumps(github_push(head_commit=[])).encode(), "head_commit"),
    (json.dumps(github_push(head_commit={"id": "b"})).encode(), "head_commit.id"),
    (json.dumps(github_push(repository=None)).encode(), "repository"),
    (json.dumps(github_push(repository=github_repository("\ud800"))).encode(), "repository.clone_url"),
    (json.dumps(github_push(sender={"login": 1})).encode(), "sender.login"),
]


@pytest.mark.parametrize(("body", "where"), STRANGE, ids=range(len(STRANGE)))
def test_what_is_signed_and_not_an_event_is_told_where_it_is_wrong(
    github: Send, releases: Releases, body: bytes, where: str
) -> None:
    answer = github(body)
    assert (answer.status_code, answer.get_json()["code"], answer.get_json()["where"]) == (
        400,
        "invalid-input",
        where,
    )
    assert releases() == []


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain", "", "multipart/form-data"])
def test_another_content_type_is_told(github: Send, content_type: str) -> None:
    answer = github(PUSH, content_type=content_type)
    assert (answer.status_code, answer.get_json()["code"]) == (415, "unsupported-media-type")


@pytest.mark.parametrize("id", ["x" * 129, "é", "a b"])
def test_an_id_that_no_forge_gives_is_told(github: Send, releases: Releases, id: str) -> None:
    answer = github(PUSH, headers={"X-GitHub-Delivery": id})
    assert (answer.status_code, answer.get_json()["where"]) == (400, "X-GitHub-Delivery")
    assert releases() == []


def test_a_delivery_without_an_id_is_one_too(github: Send, releases: Releases) -> None:
    assert github(PUSH, headers={"X-GitHub-Delivery": ""}).status_code == 202
    assert releases()[0].reason == "a push to main, delivery without an id"


@pytest.fixture
def small(config: Path, store: Store) -> Flask:
    """A gateway that reads webhooks of up to 2048 bytes, and API bodies of up to 1024."""
    text = config.read_text().replace("request_body_bytes: 4096", "request_body_bytes: 1024, webhook_body_bytes: 2048")
    config.write_text(text)
    settings = load(config)
    return create_app(settings, store, RedisQueue(settings.redis_url))


@pytest.mark.parametrize(("length", "status"), [(2048, 202), (2049, 413), (100_000, 413)])
@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "chunked"])
def test_a_body_is_bounded_before_it_is_buffered(small: Flask, length: int, status: int, chunked: bool) -> None:
    body = json.dumps(github_push(padding="")).encode()
    body = body.replace(b'"padding": ""', b'"padding": "' + b"x" * (length - len(body)) + b'"')
    assert len(body) == length
    headers = {"X-GitHub-Event": "push", "X-Hub-Signature-256": hub_signature(body, SECRETS["github"])}
    more: dict[str, Any] = {"content_type": "application/json", "headers": headers}
    if chunked:
        # As gunicorn has it: a stream that ends by itself, and no length.
        more["environ_overrides"] = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
        more["environ_overrides"]["CONTENT_LENGTH"] = ""
    answer = small.test_client().post("/api/v1/webhooks/github", data=body, **more)
    assert answer.status_code == status, answer.text


def test_a_sender_has_so_many_deliveries_a_minute_and_others_have_theirs(
    github: Send, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.rates.time.time", lambda: 1795593605.0)
    with Redis.from_url(settings.redis_url) as redis:
        redis.delete(*redis.keys("rate:webhook:narrow:*") or ["none"])
    codes = [github({}, "ping", secret=SECRETS["narrow"]).status_code for _ in range(4)]
    assert codes == [200, 200, 200, 429]
    assert github({}, "ping").status_code == 200
    refused = github({}, "ping", secret=SECRETS["narrow"])
    assert (refused.get_json()["code"], refused.headers["Retry-After"]) == ("too-many-requests", "56")
    monkeypatch.setattr("gateway.rates.time.time", lambda: 1795593661.0)
    assert github({}, "ping", secret=SECRETS["narrow"]).status_code == 200


def test_what_is_not_signed_counts_against_nobody(github: Send, settings: Settings) -> None:
    with Redis.from_url(settings.redis_url) as redis:
        redis.delete(*redis.keys("rate:webhook:*") or ["none"])
        for _ in range(5):
            github({}, "ping", secret="a secret that nobody knows of")
        assert redis.keys("rate:webhook:*") == []


def test_deliveries_are_taken_while_redis_is_away(config: Path, store: Store) -> None:
    (config.parent / "redis-url").write_text("redis://127.0.0.1:1/0")
    settings = load(config)
    client = create_app(settings, store, RedisQueue(settings.redis_url)).test_client()
    headers = {"X-GitHub-Event": "push", "X-Hub-Signature-256": hub_signature(PUSH, SECRETS["github"])}
    answer = client.post("/api/v1/webhooks/github", data=PUSH, headers=headers, content_type="application/json")
    assert answer.status_code == 202


def test_a_secret_that_can_not_be_read_does_not_take_the_other_with_it(github: Send, config: Path) -> None:
    (config.parent / "github").unlink()
    assert github(github_push(A, B)).status_code == 401
    assert github(github_push(A, B), secret=SECRETS["github-next"]).status_code == 202


def test_a_secret_that_is_too_short_opens_nothing(github: Send, config: Path) -> None:
    (config.parent / "github").write_text("short")
    assert github(github_push(A, B), secret="short").status_code == 401


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("github-next", None, "can't be read"),
        ("github-next", "fifteen-letters", "the secret of the webhook 'shop-github' has fewer than 16 characters"),
        ("bank", SECRETS["github"], "the webhooks 'shop-github' and 'bank-github' have the same secret"),
    ],
)
def test_a_gateway_does_not_start_with_a_secret_that_can_not_be_used(
    config: Path, name: str, content: str | None, told: str
) -> None:
    insist_on_secrets(load(config).webhooks.values())
    (config.parent / name).unlink()
    if content is not None:
        (config.parent / name).write_text(content)
    with pytest.raises(InvalidConfiguration, match=told) as caught:
        insist_on_secrets(load(config).webhooks.values())
    assert str(caught.value.where).startswith("gateway.yaml:")
    assert content is None or content not in str(caught.value)


def test_a_secret_changes_without_a_restart(github: Send, config: Path) -> None:
    (config.parent / "github").write_text("a secret that is new this morning")
    assert github(github_push(A, B), secret="a secret that is new this morning").status_code == 202


def test_no_secret_stands_in_an_answer_or_a_log(github: Send, capsys: pytest.CaptureFixture[str]) -> None:
    answers = [github(github_push()), github(github_push(), secret="x" * 20), github(b"{"), github({}, "ping")]
    told = "".join(answer.text for answer in answers) + "".join(capsys.readouterr())
    assert [secret for secret in SECRETS.values() if secret in told] == []


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from([A, B, CHECKOUT, "refs/heads/m"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(github_push())), inner),
    max_leaves=8,
)


def test_no_signed_event_whatever_is_a_fault_of_ours(github: Send) -> None:
    @trials(max_examples=60, suppress_health_check=list(HealthCheck), database=None)
    @given(changes=st.dictionaries(st.sampled_from(sorted(github_push())), _JSON, max_size=3))
    def try_it(changes: dict[str, Any]) -> None:
        for name in ("push", "pull_request", "ping"):
            assert github({**github_push(), **changes}, name).status_code in (200, 202, 400, 409)

    try_it()
