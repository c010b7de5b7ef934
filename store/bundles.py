"""Bundles, by digest."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from pipelines.bundle import BundleDigest
from pipelines.errors import NotFound
from store.sessions import Sessions, now
from store.tables import BundleRow


class Bundles:
    """Bytes under their digest; the reader verifies them (`pipelines.bundle.thaw`)."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def put(self, digest: BundleDigest, content: bytes) -> None:
        """Stores `content`; the same Bundle twice is stored once."""
        with self._sessions.write() as session:
            dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
            session.execute(
                dialect.insert(BundleRow)
                .values(digest=digest, content=content, created_at=now())
                .on_conflict_do_nothing()
            )

    def exists(self, digest: BundleDigest) -> bool:
        """Whether it is stored."""
        with self._sessions.read() as session:
            found = session.scalar(select(BundleRow.digest).where(BundleRow.digest == digest))
            return found is not None

    def get(self, digest: BundleDigest) -> bytes:
        """Its bytes, not verified. Raises `NotFound`."""
        with self._sessions.read() as session:
            content = session.scalar(select(BundleRow.content).where(BundleRow.digest == digest))
        if content is None:
            raise NotFound(f"the Bundle {digest} is not in the store", "Release the same commit again", where="bundle")
        return content
