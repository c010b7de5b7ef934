"""Sessions of the pages, on each database."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from store import Store
from store.sessions import make_engine
from store.tables import PageSessionRow

TOKEN = "a" * 64


def test_a_session_is_its_holders_until_it_is_closed(store: Store) -> None:
    secret, other = store.page_sessions.open(TOKEN), store.page_sessions.open("b" * 64)
    assert store.page_sessions.holder(secret) == TOKEN
    store.page_sessions.close(secret)
    assert store.page_sessions.holder(secret) is None
    assert store.page_sessions.holder(other) == "b" * 64


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
