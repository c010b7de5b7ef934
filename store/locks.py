"""One rollout at a time for each App and Environment."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from pipelines.apps import ReleaseId
from store.sessions import Sessions, now
from store.tables import LockRow


class Locks:
    """Leases: a holder that dies loses the lock when its lease ends."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def acquire(
        self, app: str, environment: str, release_id: ReleaseId, holder: str, lease_seconds: float
    ) -> int | None:
        """The fencing number, which rises with each new holder; None when somebody else holds it."""
        with self._sessions.write() as session:
            row, at = hold_place(session, app, environment), now()
            if row.holder is not None and row.holder != holder and row.expires_at and row.expires_at > at:
                return None
            if row.holder != holder or row.release_id != release_id:
                row.fence += 1
            row.holder, row.release_id = holder, release_id
            row.expires_at = at + timedelta(seconds=lease_seconds)
            return row.fence

    def renew(self, app: str, environment: str, holder: str, lease_seconds: float) -> bool:
        """Prolongs the lease; False when `holder` has lost it."""
        with self._sessions.write() as session:
            done = session.execute(
                update(LockRow)
                .where(LockRow.app == app, LockRow.environment == environment, LockRow.holder == holder)
                .values(expires_at=now() + timedelta(seconds=lease_seconds))
            )
            return bool(getattr(done, "rowcount", 0))

    def release(self, app: str, environment: str, holder: str) -> None:
        """Gives the lock back; nothing happens when `holder` doesn't have it."""
        with self._sessions.write() as session:
            session.execute(
                update(LockRow)
                .where(LockRow.app == app, LockRow.environment == environment, LockRow.holder == holder)
                .values(holder=None, release_id=None, expires_at=None)
            )


def hold_place(session: Session, app: str, environment: str) -> LockRow:
    """The place's row, locked until the transaction ends: whoever writes about the place does so in turn."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    session.execute(dialect.insert(LockRow).values(app=app, environment=environment, fence=0).on_conflict_do_nothing())
    return session.scalars(
        select(LockRow).where(LockRow.app == app, LockRow.environment == environment).with_for_update()
    ).one()
