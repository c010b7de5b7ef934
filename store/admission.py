"""How a Release comes into the store: its row, its first event, and the end of what waits in its place.

In SQLAlchemy's Core: as objects the same takes three times as long, and this is what a burst of pushes waits for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, update
from ulid import ULID

from pipelines.apps import ReleaseId
from pipelines.states import NOT_YET_ROLLING_OUT, ReleaseCode, ReleaseState
from store.events import state_news
from store.records import NewRelease, Release
from store.sessions import now
from store.tables import EventRow, ReleaseRow, core

_RELEASES, _EVENTS = core(ReleaseRow), core(EventRow)
_WANTED = [field.name for field in fields(NewRelease)]
_BLANK = {field.name: None for field in fields(Release)} | {
    "commit_subject": "",
    "message": "",
    "attempts": 0,
    "cancel_requested": False,
}
_INSERT_RELEASE, _INSERT_EVENTS = insert(_RELEASES), insert(_EVENTS)
_SUPERSEDE = (
    update(_RELEASES)
    .where(
        _RELEASES.c.app == bindparam("of_app"),
        _RELEASES.c.environment == bindparam("of_environment"),
        _RELEASES.c.dry_run.is_(False),
        _RELEASES.c.state.in_([state.value for state in NOT_YET_ROLLING_OUT]),
    )
    .values(
        state=ReleaseState.SUPERSEDED.value,
        code=ReleaseCode.SUPERSEDED.value,
        message=bindparam("why"),
        superseded_by=bindparam("newer"),
        updated_at=bindparam("at"),
        finished_at=bindparam("at"),
        worker=None,
        lease_expires_at=None,
        not_before=None,
    )
    .returning(_RELEASES.c.id)
)


def admit(connection: Connection, new: NewRelease) -> tuple[Release, list[ReleaseId]]:
    """Stores `new` in this transaction, which holds its place, and tells what it supersedes."""
    at = now()
    state = ReleaseState.READY if new.bundle is not None else ReleaseState.ACCEPTED
    columns = {
        **_BLANK,
        **{name: getattr(new, name) for name in _WANTED},
        "id": ReleaseId(str(ULID()).lower()),
        "state": state,
        "created_at": at,
        "updated_at": at,
    }
    release = Release(**columns)
    why = f"a newer Release took its place: {release.id}"
    # Before it stands there itself: what waits in the place now is older.
    superseded = [] if new.dry_run else _supersede(connection, release, why, at)
    connection.execute(_INSERT_RELEASE, {**columns, "kind": new.kind.value, "state": state.value, "changes": []})
    ended = state_news(ReleaseState.SUPERSEDED, ReleaseCode.SUPERSEDED.value, why)
    news = [(release.id, state_news(state, None, "")), *((id, ended) for id in superseded)]
    connection.execute(_INSERT_EVENTS, list(_state_events(news, at)))
    return release, superseded


def _supersede(connection: Connection, newer: Release, why: str, at: datetime) -> list[ReleaseId]:
    known = {"of_app": newer.app, "of_environment": newer.environment, "why": why, "newer": newer.id, "at": at}
    return [ReleaseId(id) for id in connection.scalars(_SUPERSEDE, known)]


def _state_events(news: Iterable[tuple[ReleaseId, dict[str, Any]]], at: datetime) -> Iterable[dict[str, Any]]:
    for id, data in news:
        yield {"release_id": id, "at": at, "type": "state", "data": data}
