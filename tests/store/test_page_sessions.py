"""Sessions of the pages, on each database."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from store import Store
from store.page_sessions import SignedIn
from store.sessions import make_engine
from store.tables import PageSessionRow

TOKEN = "a" * 64


def test_a_session_is_its_holders_until_it_is_closed(store: Store) -> None:
    secret, other = store.page_sessions.open(TOKEN), store.page_sessions.open("b" * 64)
    assert store.page_sessions.holder(secret) == SignedIn(TOKEN, None)
    store.page_sessions.close(secret)
    assert store.page_sessions.holder(secret) is None
    assert store.page_sessions.holder(other) == SignedIn("b" * 64, None)


def test_what_a_browser_holds_is_not_in_the_store(store: Store, database_url: str) -> None:
    secret = store.page_sessions.open(TOKEN)
    engine = make_engine(database_url)
    with engine.connect() as connection:
        stored = str(connection.execute(select(PageSessionRow.__table__)).all())
    engine.dispose()
    assert TOKEN in stored
    assert secret not in stored


def test_sessions_end_with_their_time_and_are_removed_then(
    store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.page_sessions.SESSION_SECONDS", -1)
    assert store.page_sessions.holder(store.page_sessions.open(TOKEN)) is None
    store.page_sessions.open(TOKEN)
    engine = make_engine(database_url)
    with engine.connect() as connection:
        assert len(connection.execute(select(PageSessionRow.__table__)).all()) == 1
    engine.dispose()


def test_somebody_who_was_vouched_for_is_known_by_what_was_said_of_them(store: Store) -> None:
    claims = {"sub": "1", "email": "ada@example.com", "groups": ["shop"]}
    secret = store.page_sessions.open(claims=claims, prefix="dgs_")
    assert secret.startswith("dgs_")
    assert store.page_sessions.holder(secret) == SignedIn("", claims)
    assert store.page_sessions.holder(secret.removeprefix("dgs_")) is None


def test_whoever_was_sent_away_comes_back_once(store: Store) -> None:
    attempt, secret = store.page_sessions.attempt("/waivers")
    other, _ = store.page_sessions.attempt("")
    assert len({attempt.state, attempt.nonce, attempt.verifier, secret, other.state}) == 5
    assert store.page_sessions.came_back(attempt.state) is None
    assert store.page_sessions.came_back(secret) == attempt
    assert store.page_sessions.came_back(secret) is None


def test_whoever_takes_too_long_comes_back_for_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.page_sessions.ATTEMPT_SECONDS", -1)
    _, secret = store.page_sessions.attempt("")
    assert store.page_sessions.came_back(secret) is None
