"""Who is signed in to the pages: what a browser holds is known here only by its sha256."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from sqlalchemy import delete, select

from store.sessions import Sessions, now
from store.tables import PageSessionRow

SESSION_SECONDS = 12 * 3600


class PageSessions:
    """Opened by signing in, and ended by signing out or by their time."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def open(self, token_sha256: str) -> str:
        """A new session for the holder of that token: 256 random bits as text, for the browser to keep."""
        secret = secrets.token_urlsafe(32)
        row = PageSessionRow(
            digest=_digest(secret), token_sha256=token_sha256, expires_at=now() + timedelta(seconds=SESSION_SECONDS)
        )
        with self._sessions.write() as session:
            session.execute(delete(PageSessionRow).where(PageSessionRow.expires_at < now()))
            session.add(row)
        return secret

    def holder(self, secret: str) -> str | None:
        """The sha256 of the token that the session was opened with; None when it has ended or never was."""
        statement = select(PageSessionRow.token_sha256).where(
            PageSessionRow.digest == _digest(secret), PageSessionRow.expires_at > now()
        )
        with self._sessions.read() as session:
            return session.scalar(statement)

    def close(self, secret: str) -> None:
        """Ends the session, wherever it is still held."""
        with self._sessions.write() as session:
            session.execute(delete(PageSessionRow).where(PageSessionRow.digest == _digest(secret)))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
