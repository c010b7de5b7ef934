"""Who is calling: bearer tokens, known to the gateway only by their sha256."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass

from configuration.settings import Role, Token
from pipelines.errors import Unauthenticated

_SCHEME = "bearer"
_LONGEST_TOKEN = 256


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller whose token was recognised. `team` is empty for a platform-admin or measurer without a team."""

    name: str
    team: str
    role: Role


def authenticate(header: str | None, tokens: Iterable[Token]) -> Principal:
    """The holder of the token in an `Authorization` header.

    Raises `Unauthenticated`, in the same words for a missing, malformed, unknown and near-miss token.
    """
    scheme, _, text = (header or "").partition(" ")
    token = recognise(text.strip() if scheme.lower() == _SCHEME else "", tokens)
    if token is None:
        raise Unauthenticated(
            "the request carries no valid token",
            "Send `Authorization: Bearer dg_…` with a token that your platform team has issued",
        )
    return holder_of(token)


def holder_of(token: Token) -> Principal:
    """Who acts with `token`."""
    return Principal(token.name, token.team, token.role)


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
