"""Tokens that were issued: found by what they are, ended by time or by hand."""

from __future__ import annotations

import re
import string
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text as sql

from configuration.identity import Grant, Role
from pipelines.errors import Conflict, NotFound
from store import Store
from store.tokens import NewToken, digest_of, id_in, new_text

GRANT = Grant(Role.DEVELOPER, "shop", frozenset({"staging", "production"}), frozenset({"checkout"}))


def new(name: str = "shop-ci", *, days: float = 1) -> NewToken:
    return NewToken(name, GRANT, "ada@example.com", "root", datetime.now(UTC) + timedelta(days=days))


def test_a_token_has_the_form_that_scanners_of_secrets_look_for() -> None:
    text = new_text()
    assert re.fullmatch(r"dgw_[0-9A-Za-z]{60}", text)
    assert id_in(text) == text[4:14]
    assert new_text() != text


@given(at=st.integers(4, 63), digit=st.sampled_from(string.ascii_letters + string.digits))
def test_a_misspelt_token_names_none(at: int, digit: str) -> None:
    text = new_text()
    misspelt = text[:at] + digit + text[at + 1 :]
    assert (id_in(misspelt) is None) is (misspelt != text)


@pytest.mark.parametrize("text", ["", "dgw_", "dgw_" + "0" * 60, "dg_" + "x" * 61, "\udcff" * 64])
def test_what_no_gateway_issued_names_none(text: str) -> None:
    assert id_in(text) is None


def test_an_issued_token_is_found_by_its_id_and_by_its_digest_and_is_not_kept_itself(store: Store) -> None:
    issued, text = store.tokens.issue(new())
    assert store.tokens.find(issued.id) == store.tokens.by_digest(digest_of(text)) == issued
    assert (issued.grant, issued.owner, issued.created_by) == (GRANT, "ada@example.com", "root")
    with store._sessions.read() as session:
        kept = str(session.execute(sql("SELECT * FROM tokens")).all())
    assert issued.sha256 in kept
    assert text not in kept


def test_a_role_without_bounds_comes_back_without(store: Store) -> None:
    admin = NewToken("root", Grant(Role.PLATFORM_ADMIN), "", "root", datetime.now(UTC) + timedelta(days=1))
    issued, _ = store.tokens.issue(admin)
    found = store.tokens.find(issued.id)
    assert found is not None
    assert found.grant == Grant(Role.PLATFORM_ADMIN)


def test_what_is_not_there_is_not_found(store: Store) -> None:
    assert store.tokens.find("0" * 10) is None
    assert store.tokens.by_digest("0" * 64) is None
    with pytest.raises(NotFound, match="no token has the name or id 'nope'"):
        store.tokens.revoke("nope", revoked_by="root")


def test_a_name_is_given_again_only_after_its_token_has_ended(store: Store) -> None:
    first, _ = store.tokens.issue(new(days=-1))
    second, _ = store.tokens.issue(new())
    with pytest.raises(Conflict, match="is called 'shop-ci', and in use"):
        store.tokens.issue(new())
    store.tokens.revoke("shop-ci", revoked_by="root")
    third, _ = store.tokens.issue(new())
    assert [one.id for one in store.tokens.all()] == [third.id]
    assert [one.id for one in store.tokens.all(ended=True)] == [third.id, second.id, first.id]


@pytest.mark.parametrize("by", ["id", "name"])
def test_revoking_is_for_good_and_keeps_who_did_it_first(store: Store, by: str) -> None:
    issued, _ = store.tokens.issue(new())
    revoked = store.tokens.revoke(getattr(issued, by), revoked_by="ada")
    assert revoked.revoked_at is not None
    assert store.tokens.revoke(issued.id, revoked_by="grace") == revoked
    assert revoked.revoked_by == "ada"


def test_the_last_use_is_kept_once_in_some_minutes(store: Store) -> None:
    issued, _ = store.tokens.issue(new())
    store.tokens.note_use(issued)
    used = store.tokens.find(issued.id)
    assert used is not None
    assert used.last_used_at is not None
    store.tokens.note_use(used)
    assert store.tokens.find(issued.id) == used
    with store._sessions.write() as session:
        session.execute(sql("UPDATE tokens SET last_used_at = :at"), {"at": datetime(2026, 1, 1, tzinfo=UTC)})
    long_ago = store.tokens.find(issued.id)
    assert long_ago is not None
    store.tokens.note_use(long_ago)
    later = store.tokens.find(issued.id)
    assert later is not None
    assert later.last_used_at is not None
    assert later.last_used_at >= used.last_used_at
