"""Who is signed in: what a browser or a terminal holds is known here only by its sha256."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select

from store.sessions import Sessions, now
from store.tables import PageSessionRow, SignInRow

SESSION_SECONDS = 12 * 3600
ATTEMPT_SECONDS = 10 * 60
TERMINAL_PREFIX = "dgs_"
"""What the sessions of terminals begin with: `dgs_[0-9A-Za-z_-]{43}`."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What a session was opened with: a token, by its sha256, or else what an identity provider says of somebody."""

    token_sha256: str
    claims: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody who was sent to an identity provider, and has not come back. Each text is 256 random bits."""

    state: str
    nonce: str
    verifier: str
    leads_to: str


class PageSessions:
    """Opened by signing in, and ended by signing out or by their time."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def open(self, token_sha256: str = "", *, claims: Mapping[str, Any] | None = None, prefix: str = "") -> str:
        """A new session for the holder of that token, or whoever has `claims`: `prefix` and 256 random bits as text."""
        secret = prefix + secrets.token_urlsafe(32)
        row = PageSessionRow(
            digest=_digest(secret),
            token_sha256=token_sha256,
            claims=None if claims is None else dict(claims),
            expires_at=ends_at(),
        )
        with self._sessions.write() as session:
            session.execute(delete(PageSessionRow).where(PageSessionRow.expires_at < now()))
            session.add(row)
        return secret

    def holder(self, secret: str) -> SignedIn | None:
        """What the session was opened with; None when it has ended or never was."""
        statement = select(PageSessionRow.token_sha256, PageSessionRow.claims).where(
            PageSessionRow.digest == _digest(secret), PageSessionRow.expires_at > now()
        )
        with self._sessions.read() as session:
            row = session.execute(statement).first()
            return None if row is None else SignedIn(row.token_sha256, row.claims)

    def close(self, secret: str) -> None:
        """Ends the session, wherever it is still held."""
        with self._sessions.write() as session:
            session.execute(delete(PageSessionRow).where(PageSessionRow.digest == _digest(secret)))

    def attempt(self, leads_to: str) -> tuple[Attempt, str]:
        """Somebody is about to be sent away to sign in; what their browser has to come back with."""
        secret, state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(4))
        attempt = Attempt(state, nonce, verifier, leads_to)
        row = SignInRow(
            digest=_digest(secret),
            state=state,
            nonce=nonce,
            verifier=verifier,
            leads_to=leads_to,
            expires_at=now() + timedelta(seconds=ATTEMPT_SECONDS),
        )
        with self._sessions.write() as session:
            session.execute(delete(SignInRow).where(SignInRow.expires_at < now()))
            session.add(row)
        return attempt, secret

    def came_back(self, secret: str) -> Attempt | None:
        """The attempt of this browser, once: None when it was there before, is too old, or never was."""
        taken = (
            delete(SignInRow)
            .where(SignInRow.digest == _digest(secret), SignInRow.expires_at > now())
            .returning(SignInRow.state, SignInRow.nonce, SignInRow.verifier, SignInRow.leads_to)
        )
        with self._sessions.write() as session:
            row = session.execute(taken).first()
            return None if row is None else Attempt(*row)


def ends_at() -> datetime:
    """When a session that is opened now ends."""
    return now() + timedelta(seconds=SESSION_SECONDS)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
