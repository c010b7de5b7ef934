"""Waivers: added and ended, never changed and never deleted."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import date

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from ulid import ULID

from pipelines.errors import Conflict, NotFound
from pipelines.waivers import Waiver
from store.cursors import next_cursor, row_after
from store.sessions import Sessions, now
from store.tables import WaiverRow


@dataclass(frozen=True, slots=True)
class NewWaiver:
    """What is added; the words are those of `Waiver`.

    `key` is unique to one request (its caller and their Idempotency-Key), None: it has none; `digest` is of what was
    asked, as 64 hex digits.
    """

    rule: str
    app: str
    environment: str
    resource: str
    owner: str
    reason: str
    until: date
    created_by: str
    key: str | None = None
    digest: str = ""


@dataclass(frozen=True, slots=True)
class WaiverFilter:
    """Which waivers are meant; None means any. `apps` empty means none at all; `on` are those in force that day."""

    apps: frozenset[str] | None = None
    rule: str | None = None
    on: date | None = None


@dataclass(frozen=True, slots=True)
class WaiverPage:
    """Some waivers, newest first; `next_cursor` is None on the last page."""

    items: tuple[Waiver, ...]
    next_cursor: str | None


class Waivers:
    """All waivers, also those that have ended."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def add(self, new: NewWaiver) -> tuple[Waiver, bool]:
        """Stores `new`, and whether it is: one with the same key is stored already.

        Raises `Conflict` when that one was another.
        """
        try:
            with self._sessions.write() as session:
                columns = asdict(new) | {"until": new.until.isoformat()}
                row = WaiverRow(id=str(ULID()).lower(), created_at=now(), ended_by="", **columns)
                session.add(row)
                session.flush()
                return _waiver(row), True
        except IntegrityError:
            return self._earlier(new), False

    def _earlier(self, new: NewWaiver) -> Waiver:
        with self._sessions.read() as session:
            row = session.scalars(select(WaiverRow).where(WaiverRow.key == new.key)).one()
            if row.digest != new.digest:
                raise Conflict(
                    "this Idempotency-Key came before, with another waiver",
                    "Use a new key for each waiver",
                    where="Idempotency-Key",
                )
            return _waiver(row)

    def get(self, id: str) -> Waiver:
        """Raises `NotFound`."""
        with self._sessions.read() as session:
            return _waiver(_found(session, id))

    def end(self, id: str, *, ended_by: str) -> Waiver:
        """Ends it now; one that was ended stays as it is. Raises `NotFound`."""
        with self._sessions.write() as session:
            row = _found(session, id)
            if row.ended_at is None:
                row.ended_at, row.ended_by = now(), ended_by
            return _waiver(row)

    def find(self, wanted: WaiverFilter, limit: int, cursor: str | None = None) -> WaiverPage:
        """At most `limit` waivers, newest first, after `cursor`. Raises `InvalidInput` for a cursor not ours."""
        statement = select(WaiverRow).order_by(WaiverRow.number.desc()).limit(limit + 1)
        if wanted.apps is not None:
            statement = statement.where(WaiverRow.app.in_(sorted(wanted.apps)))
        if wanted.rule is not None:
            statement = statement.where(WaiverRow.rule == wanted.rule)
        if wanted.on is not None:
            statement = statement.where(WaiverRow.ended_at.is_(None), WaiverRow.until >= wanted.on.isoformat())
        if cursor is not None:
            statement = statement.where(WaiverRow.number < row_after(cursor))
        with self._sessions.read() as session:
            rows = list(session.scalars(statement))
            items = tuple(_waiver(row) for row in rows[:limit])
        return WaiverPage(items, next_cursor(rows, limit))

    def in_force(self, day: date) -> tuple[Waiver, ...]:
        """All that hold on `day`, oldest first."""
        statement = (
            select(WaiverRow)
            .where(WaiverRow.ended_at.is_(None), WaiverRow.until >= day.isoformat())
            .order_by(WaiverRow.number)
        )
        with self._sessions.read() as session:
            return tuple(_waiver(row) for row in session.scalars(statement))


def _found(session: Session, id: str) -> WaiverRow:
    row = session.scalar(select(WaiverRow).where(WaiverRow.id == id))
    if row is None:
        raise NotFound(
            f"there is no waiver {id[:40]!r}, or you may not see it",
            "`deployctl waiver list` shows those there are",
            where="waiver",
        )
    return row


def _waiver(row: WaiverRow) -> Waiver:
    columns = {field.name: getattr(row, field.name) for field in fields(Waiver)}
    return Waiver(**{**columns, "until": date.fromisoformat(row.until)})
