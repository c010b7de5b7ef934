"""Tokens from `deploy-gateway token create`, at the front door."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from configuration.identity import Grant, Role
from store import Store
from store.sessions import StoreUnavailable
from store.tokens import IssuedToken, NewToken, Tokens, new_text

API = "/api/v1"
Issue = Callable[..., tuple[IssuedToken, str]]


@pytest.fixture
def issue(store: Store) -> Issue:
    def issue(grant: Grant = Grant(Role.DEVELOPER, "shop"), *, days: int = 1) -> tuple[IssuedToken, str]:  # noqa: B008
        return store.tokens.issue(NewToken("laptop", grant, "", "root", datetime.now(UTC) + timedelta(days=days)))

    return issue


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def test_an_issued_token_may_what_it_was_issued_for(client: FlaskClient, issue: Issue, store: Store) -> None:
    issued, text = issue(Grant(Role.DEVELOPER, "shop", frozenset({"staging"})))
    for environment, status in (("staging", 202), ("production", 403)):
        asked = {"app": "checkout", "environment": environment, "ref": "main"}
        assert client.post(f"{API}/releases", json=asked, headers=bearer(text)).status_code == status
    (release,) = client.get(f"{API}/releases", headers=bearer(text)).get_json()["items"]
    assert release["requested_by"] == "laptop"
    used = store.tokens.find(issued.id)
    assert used is not None
    assert used.last_used_at is not None


def test_a_token_that_was_never_issued_answers_like_none(client: FlaskClient, issue: Issue) -> None:
    _, text = issue()
    other = new_text()
    mixed = text[:14] + other[14:]
    answers = [client.get(f"{API}/apps", headers=bearer(one)) for one in (other, mixed, text[:-1], text + "0", "x")]
    assert {(one.status_code, one.get_json()["code"]) for one in answers} == {(401, "unauthenticated")}
    assert len({one.text for one in answers}) == 1


def test_a_revoked_token_says_so_at_once(client: FlaskClient, issue: Issue, store: Store) -> None:
    issued, text = issue()
    assert client.get(f"{API}/apps", headers=bearer(text)).status_code == 200
    store.tokens.revoke(issued.id, revoked_by="grace")
    problem = client.get(f"{API}/apps", headers=bearer(text)).get_json()
    assert (problem["status"], problem["code"]) == (401, "token-revoked")
    assert f"the token laptop ({issued.id}) was revoked at" in problem["detail"]
    assert "by grace" in problem["detail"]


def test_an_expired_token_says_when_it_ended(client: FlaskClient, issue: Issue) -> None:
    _, text = issue(days=-1)
    problem = client.get(f"{API}/apps", headers=bearer(text)).get_json()
    assert (problem["status"], problem["code"]) == (401, "token-ended")
    assert "the token laptop" in problem["detail"]
    assert "ended at" in problem["detail"]


def test_a_session_ends_with_the_issued_token_that_opened_it(client: FlaskClient, issue: Issue, store: Store) -> None:
    issued, text = issue()
    assert client.post("/sign-in", data={"token": text}).status_code == 303
    assert client.get("/waivers").status_code == 200
    store.tokens.revoke(issued.id, revoked_by="grace")
    answer = client.get("/waivers")
    assert (answer.status_code, answer.headers["Location"][:8]) == (303, "/sign-in")
    assert "was revoked" in client.post("/sign-in", data={"token": text}).text


def test_without_a_note_of_its_use_a_token_still_opens(
    client: FlaskClient, issue: Issue, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, text = issue()

    def full(_self: Tokens, _token: IssuedToken) -> None:
        raise StoreUnavailable("busy", "wait")

    monkeypatch.setattr(Tokens, "note_use", full)
    assert client.get(f"{API}/apps", headers=bearer(text)).status_code == 200
