"""One rollout at a time for each App and Environment."""

from __future__ import annotations

from sqlalchemy import Connection, Select, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from pipelines.apps import ReleaseId
from pipelines.states import FINAL_STATES
from store.sessions import Sessions
from store.tables import LockRow, ReleaseRow

_FINAL = [state.value for state in FINAL_STATES]


class Locks:
    """A place is held by a Release, from the start of its rollout until it has a final state.

    Not by a worker, and without an end in time: when the worker dies, the place stays with the Release, which
    another worker brings to its end. So no older rollout can ever resume after a newer one.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def acquire(self, app: str, environment: str, release_id: ReleaseId) -> bool:
        """Takes the place for `release_id`; False while a Release that has not ended holds it."""
        with self._sessions.write() as session:
            row = hold_place(session, app, environment)
            if row.release_id != release_id and not _has_ended(session, row.release_id):
                return False
            if row.release_id != release_id:
                row.release_id = release_id
            return True

    def holder(self, app: str, environment: str) -> ReleaseId | None:
        """The Release that holds the place now; None when it is free."""
        statement = select(LockRow).where(LockRow.app == app, LockRow.environment == environment)
        with self._sessions.read() as session:
            row = session.scalar(statement)
            if row is None or row.release_id is None or _has_ended(session, row.release_id):
                return None
            return ReleaseId(row.release_id)


def _has_ended(session: Session, release_id: str | None) -> bool:
    if release_id is None:
        return True
    statement = select(ReleaseRow.id).where(ReleaseRow.id == release_id, ReleaseRow.state.not_in(_FINAL))
    return session.scalar(statement) is None


def hold_place(session: Session, app: str, environment: str) -> LockRow:
    """The place's row, locked until the transaction ends: whoever writes about the place does so in turn."""
    _make_place(session.connection(), app, environment)
    return session.scalars(_place(app, environment).with_for_update()).one()


def wait_for_place(connection: Connection, app: str, environment: str) -> None:
    """Until the transaction ends nobody else accepts anything for the place.

    On SQLite the transaction has the whole database to itself already.
    """
    if connection.dialect.name != "sqlite":
        _make_place(connection, app, environment)
        connection.execute(_place(app, environment).with_for_update())


def _make_place(connection: Connection, app: str, environment: str) -> None:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(dialect.insert(LockRow).values(app=app, environment=environment).on_conflict_do_nothing())


def _place(app: str, environment: str) -> Select[LockRow]:
    return select(LockRow).where(LockRow.app == app, LockRow.environment == environment)
