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
    text = text.strip()
    readable = scheme.lower() == _SCHEME and 0 < len(text) <= _LONGEST_TOKEN
    token = _recognise(text if readable else "", tokens)
    if token is None or not readable:
        raise Unauthenticated(
            "the request carries no valid token",
            "Send `Authorization: Bearer dg_…` with a token that your platform team has issued",
        )
    return Principal(token.name, token.team, token.role)


def _recognise(text: str, tokens: Iterable[Token]) -> Token | None:
    """The token whose digest fits. Always compares with all: time tells nothing of where one stands."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    found: Token | None = None
    for token in tokens:
        if hmac.compare_digest(token.sha256, digest):
            found = token
    return found
