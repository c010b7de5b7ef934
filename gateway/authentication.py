"""Who is calling: bearer tokens, known to the gateway only by their sha256."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from configuration.identity import Grant, Token
from pipelines.errors import Unauthenticated

_SCHEME = "bearer"
_LONGEST_TOKEN = 256


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: `name` stands beside what it does, and `person` is who acts by it, where that is known."""

    name: str
    grants: tuple[Grant, ...]
    person: str = ""


class TokenEnded(Unauthenticated):
    """The token was one, and its last day is over."""

    code = "token-ended"
    title = "This token has ended"


def authenticate(header: str | None, tokens: Iterable[Token]) -> Principal:
    """The holder of the token in an `Authorization` header.

    Raises `Unauthenticated`, in the same words for a missing, malformed, unknown and near-miss token.
    """
    scheme, _, text = (header or "").partition(" ")
    token = recognise(text.strip() if scheme.lower() == _SCHEME else "", tokens)
    if token is None:
        raise Unauthenticated(
            "the request carries no valid token",
            "Send `Authorization: Bearer dgw_…` with a token that your platform team has issued",
        )
    return holder_of(token)


def holder_of(token: Token) -> Principal:
    """Who acts with `token`. Raises `TokenEnded`."""
    if token.last_day is not None and datetime.now(UTC).date() > token.last_day:
        raise TokenEnded(
            f"the token {token.name} ended with {token.last_day}",
            "Ask your platform team for a new one",
        )
    return Principal(token.name, (token.grant,), token.owner or token.name)


def recognise(text: str, tokens: Iterable[Token]) -> Token | None:
    """The token that `text` is. Always compares with all: time tells nothing of where one stands."""
    readable = 0 < len(text) <= _LONGEST_TOKEN
    text = text if readable else ""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    found: Token | None = None
    for token in tokens:
        if hmac.compare_digest(token.sha256, digest):
            found = token
    return found if readable else None
