"""Who is calling: bearer tokens, known to the gateway only by their sha256."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import structlog

from configuration.identity import Grant, Token
from pipelines.days import today
from pipelines.errors import DiskFull, Unauthenticated
from store.sessions import StoreUnavailable
from store.tokens import IssuedToken, digest_of, id_in

_SCHEME = "bearer"
_LONGEST_TOKEN = 256
_log = structlog.get_logger("gateway.authentication")


class Issued(Protocol):
    """The tokens that the command line has issued."""

    def find(self, id: str) -> IssuedToken | None:
        """The one that `id` names, whether or not it has ended."""

    def by_digest(self, sha256: str) -> IssuedToken | None:
        """The one whose text has this sha256, whether or not it has ended."""

    def note_use(self, token: IssuedToken) -> None:
        """Keeps that it was used now."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: `name` stands beside what it does, and `person` is who acts by it, where that is known."""

    name: str
    grants: tuple[Grant, ...]
    person: str = ""


VouchedFor = Callable[[str], Principal | None]
"""Who has this text as a token of an identity provider; None: it is no such token."""


class TokenEnded(Unauthenticated):
    """The token was one, and its time is over."""

    code = "token-ended"
    title = "This token has ended"


class TokenRevoked(Unauthenticated):
    """The token was one, and somebody has revoked it."""

    code = "token-revoked"
    title = "This token was revoked"


def authenticate(
    header: str | None, tokens: Iterable[Token], issued: Issued, vouched_for: VouchedFor = lambda _text: None
) -> Principal:
    """The holder of the token in an `Authorization` header; `vouched_for` knows the tokens of identity providers.

    Raises `Unauthenticated`, in the same words for a missing, malformed, unknown and near-miss token; only who has a
    token reads in `TokenEnded` and `TokenRevoked` that it counts no more.
    """
    text = bearer_in(header)
    known = vouched_for(text)
    if known is not None:
        return known
    token = recognise(text, tokens, issued)
    if token is None:
        raise Unauthenticated(
            "the request carries no valid token",
            "Send `Authorization: Bearer dgw_…` with a token that your platform team has issued",
        )
    return holder_of(token)


def bearer_in(header: str | None) -> str:
    """The token in an `Authorization` header; empty where there is none."""
    scheme, _, text = (header or "").partition(" ")
    return text.strip() if scheme.lower() == _SCHEME else ""


def holder_of(token: Token) -> Principal:
    """Who acts with `token`. Raises `TokenEnded`."""
    if token.last_day is not None and today() > token.last_day:
        raise TokenEnded(f"the token {token.name} ended with {token.last_day}", _ASK_FOR_ONE)
    return Principal(token.name, (token.grant,), token.owner or token.name)


def recognise(text: str, tokens: Iterable[Token], issued: Issued) -> Token | None:
    """The token that `text` is, in gateway.yaml or issued. Raises `TokenEnded`, `TokenRevoked`.

    Always compares with all: time tells nothing of where one stands, or how much of it is right.
    """
    readable = 0 < len(text) <= _LONGEST_TOKEN
    digest = digest_of(text if readable else "")
    found: Token | None = None
    for token in tokens:
        if hmac.compare_digest(token.sha256, digest):
            found = token
    if not readable:
        return None
    return found or _issued(text, digest, issued)


def _issued(text: str, digest: str, issued: Issued) -> Token | None:
    id = id_in(text)
    token = issued.find(id) if id is not None else None
    if token is None or not hmac.compare_digest(token.sha256, digest):
        return None
    in_use = token_in_use(token)
    try:
        issued.note_use(token)
    except (StoreUnavailable, DiskFull) as error:  # whoever may come in is not kept out for want of a note
        _log.warning("last use not noted", token=token.id, code=error.code)
    return in_use


def known_by(digest: str, tokens: Iterable[Token], issued: Issued) -> Token | None:
    """The token whose sha256 is `digest`: a session was opened with it. Raises `TokenEnded`, `TokenRevoked`."""
    found = next((one for one in tokens if one.sha256 == digest), None)
    if found is not None:
        return found
    token = issued.by_digest(digest)
    return None if token is None else token_in_use(token)


def token_in_use(token: IssuedToken) -> Token:
    """`token` as gateway.yaml would have it. Raises `TokenEnded`, `TokenRevoked`."""
    if token.revoked_at is not None:
        raise TokenRevoked(
            f"the token {token.name} ({token.id}) was revoked at {_when(token.revoked_at)} by {token.revoked_by}",
            _ASK_FOR_ONE,
        )
    if token.expires_at <= datetime.now(UTC):
        raise TokenEnded(f"the token {token.name} ({token.id}) ended at {_when(token.expires_at)}", _ASK_FOR_ONE)
    return Token(token.name, token.sha256, token.grant, owner=token.owner)


_ASK_FOR_ONE = "Ask your platform team for a new one"


def _when(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
