"""Idempotency keys: which Release a repeated request stands for."""

from __future__ import annotations

from sqlalchemy import select

from pipelines.apps import ReleaseId
from store.records import IdempotencyKey
from store.sessions import Sessions
from store.tables import IdempotencyRow


class Idempotency:
    """Looks keys up; `Releases.accept` remembers them, together with the Release."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def find(self, principal: str, key: str) -> tuple[IdempotencyKey, ReleaseId] | None:
        """The request that the key was first sent with, and its Release; None for a new key."""
        statement = select(IdempotencyRow).where(IdempotencyRow.principal == principal, IdempotencyRow.key == key)
        with self._sessions.read() as session:
            row = session.scalar(statement)
            if row is None:
                return None
            return IdempotencyKey(row.principal, row.key, row.request_digest), ReleaseId(row.release_id)
