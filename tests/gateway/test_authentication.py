from __future__ import annotations

import contextlib
import hashlib

import pytest

from configuration.identity import Grant, Role, Token
from gateway.authentication import authenticate
from pipelines.errors import Unauthenticated
from store.tokens import IssuedToken

TEXT = "dg_" + "k" * 43


def token(name: str, text: str) -> Token:
    return Token(name, hashlib.sha256(text.encode()).hexdigest(), Grant(Role.DEVELOPER, "shop"))


class NoneIssued:
    """A store without tokens."""

    def find(self, id: str) -> IssuedToken | None:
        return None

    def by_digest(self, sha256: str) -> IssuedToken | None:
        return None

    def note_use(self, token: IssuedToken) -> None:
        raise NotImplementedError


NONE_ISSUED = NoneIssued()
KNOWN = (token("first", "dg_1"), token("wanted", TEXT), token("last", "dg_3"))


def test_the_holder_of_a_token_is_recognised() -> None:
    principal = authenticate(f"Bearer {TEXT}", KNOWN, NONE_ISSUED)
    assert (principal.name, principal.grants) == ("wanted", (Grant(Role.DEVELOPER, "shop"),))


def test_the_scheme_is_read_in_any_case() -> None:
    assert authenticate(f"bearer  {TEXT} ", KNOWN, NONE_ISSUED).name == "wanted"


@pytest.mark.parametrize(
    "header",
    [
        *(None, "", "Bearer", "Bearer ", TEXT, f"Basic {TEXT}", f"Bearer {TEXT}x", f"Bearer {TEXT[:-1]}"),
        *(f"Bearer {'x' * 5000}", "Bearer dg_\udcff", f"Bearer {TEXT} {TEXT}", f"Bearer {KNOWN[1].sha256}"),
    ],
)
def test_anything_else_is_refused_in_the_same_words(header: str | None) -> None:
    with pytest.raises(Unauthenticated) as caught:
        authenticate(header, KNOWN, NONE_ISSUED)
    assert caught.value.reason == "the request carries no valid token"


def test_a_gateway_without_tokens_lets_nobody_in() -> None:
    with pytest.raises(Unauthenticated):
        authenticate("Bearer ", (), NONE_ISSUED)


@pytest.mark.parametrize("header", ["Bearer dg_1", f"Bearer {TEXT}", "Bearer dg_3", "Bearer dg_nope", None])
def test_all_known_tokens_are_looked_at_wherever_the_right_one_stands(header: str | None) -> None:
    left = iter(KNOWN)
    with contextlib.suppress(Unauthenticated):
        authenticate(header, left, NONE_ISSUED)
    assert next(left, None) is None
