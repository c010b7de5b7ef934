"""Events of Releases, in the order in which they are read again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.apps import ReleaseId
from pipelines.errors import GatewayError, NotFound
from pipelines.states import ReleaseState
from store.records import Event
from store.sessions import Sessions, now
from store.tables import EventRow, ReleaseRow

Notify = Callable[..., None]
"""Called with the ids of the Releases that have news, all those of one commit at once."""


class LeaseLost(GatewayError):
    """Another worker has taken the Release up, or it has ended: what this one still has to say no longer counts."""

    code = "lease-lost"
    title = "Another worker has taken this Release up"


class Events:
    """Append, and read on from any point.

    An event is appended with its Release's row locked, so that ids of one Release rise in the order of their
    commits: who resumes after an id misses none. Between Releases there is no such order.
    """

    def __init__(self, sessions: Sessions, notify: Notify) -> None:
        """`notify` is called with the Release's id after each commit."""
        self._sessions = sessions
        self._notify = notify

    def append(self, release_id: ReleaseId, type: str, data: Mapping[str, Any], *, worker: str | None = None) -> Event:
        """Adds one event. Raises `NotFound`, and `LeaseLost` when `worker` does not hold the Release."""
        with self._sessions.write() as session:
            event = _record(add_event(session, locked(session, release_id, worker), type, data))
        self._notify(release_id)
        return event

    def after(self, release_id: ReleaseId, after_id: int, limit: int) -> Sequence[Event]:
        """At most `limit` events of one Release with an id above `after_id`, oldest first."""
        statement = (
            select(EventRow)
            .where(EventRow.release_id == release_id, EventRow.id > after_id)
            .order_by(EventRow.id)
            .limit(limit)
        )
        with self._sessions.read() as session:
            return [_record(row) for row in session.scalars(statement)]


def found(session: Session, release_id: ReleaseId, *, lock: bool = False) -> ReleaseRow:
    """The Release's row. Raises `NotFound`."""
    statement = select(ReleaseRow).where(ReleaseRow.id == release_id)
    row = session.scalar(statement.with_for_update() if lock else statement)
    if row is None:
        raise NotFound(f"there is no Release {release_id!r}", "See `deployctl history`", where="release")
    return row


def locked(session: Session, release_id: ReleaseId, worker: str | None = None) -> ReleaseRow:
    """The Release's row, locked until the transaction ends.

    Raises `NotFound`, and `LeaseLost` when `worker` does not hold it: None is whoever needs no lease.
    """
    row = found(session, release_id, lock=True)
    if worker not in (None, row.worker):
        raise LeaseLost(f"the lease on Release {release_id} is lost", "Nothing is to be done: it is in other hands")
    return row


def add_event(session: Session, release: ReleaseRow, type: str, data: Mapping[str, Any]) -> EventRow:
    """Adds an event inside the caller's transaction, which holds the lock on `release`."""
    row = EventRow(release_id=release.id, at=now(), type=type, data=dict(data))
    session.add(row)
    session.flush()
    return row


def state_news(state: ReleaseState, code: str | None, message: str) -> dict[str, Any]:
    """The data of a `state` event."""
    return {"state": state.value, "code": code, "message": message, "final": state.is_final}


def _record(row: EventRow) -> Event:
    return Event(row.id, ReleaseId(row.release_id), row.at, row.type, row.data)
