"""Releases: accepted in one transaction, moved only along the state machine."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, fields
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, false, or_, select, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pipelines.apps import CommitSha, ReleaseId
from pipelines.bundle import BundleDigest
from pipelines.errors import Conflict
from pipelines.findings import Finding
from pipelines.ports import Change
from pipelines.states import (
    FINAL_STATES,
    NOT_YET_ROLLING_OUT,
    TRANSITIONS,
    ReleaseKind,
    ReleaseState,
    StageName,
    StageState,
)
from store.admission import admit
from store.cursors import next_cursor, row_after
from store.events import Notify, add_event, found, locked, state_news
from store.locks import wait_for_place
from store.records import IdempotencyKey, NewRelease, Page, Reach, Release, ReleaseFilter, Stage, Unfinished
from store.sessions import Sessions, now
from store.tables import FindingRow, IdempotencyRow, ReleaseRow, StageRow

_UNFINISHED = [state.value for state in ReleaseState if state not in FINAL_STATES]


class Releases:
    """All Releases. `notify` is called with the ids after each commit that added events to them."""

    def __init__(self, sessions: Sessions, notify: Notify) -> None:
        self._sessions = sessions
        self._notify = notify

    def accept(self, new: NewRelease, key: IdempotencyKey | None = None) -> Release:
        """Stores `new`, and supersedes what waits in the same place: committed when this returns.

        With `key`, it is remembered in the same transaction; a key that is taken raises `Conflict`, and
        nothing is stored.
        """
        try:
            with self._sessions.write() as session:
                connection = session.connection()
                wait_for_place(connection, new.app, new.environment)
                release, superseded = admit(connection, new)
                if key is not None:
                    session.add(IdempotencyRow(release_id=release.id, created_at=now(), **asdict(key)))
        except IntegrityError as error:
            raise Conflict(
                "this Idempotency-Key is being used by another request at this moment",
                "Send the same request again, to get its Release",
                where="Idempotency-Key",
            ) from error
        self._notify(release.id, *superseded)
        return release

    def get(self, id: ReleaseId) -> Release:
        """Raises `NotFound`."""
        with self._sessions.read() as session:
            return record(found(session, id))

    def find(self, wanted: ReleaseFilter, limit: int, cursor: str | None = None) -> Page:
        """At most `limit` Releases, newest first, after `cursor`. Raises `InvalidInput` for a cursor not ours."""
        statement = _matching(wanted).order_by(ReleaseRow.number.desc()).limit(limit + 1)
        if cursor is not None:
            statement = statement.where(ReleaseRow.number < row_after(cursor))
        with self._sessions.read() as session:
            rows = list(session.scalars(statement))
        items = tuple(record(row) for row in rows[:limit])
        return Page(items, next_cursor(rows, limit))

    def transition(
        self,
        id: ReleaseId,
        to: ReleaseState,
        *,
        code: str | None = None,
        message: str = "",
        commit: CommitSha | None = None,
        commit_subject: str | None = None,
        chart: str | None = None,
        bundle: BundleDigest | None = None,
        revision: int | None = None,
        worker: str | None = None,
    ) -> bool:
        """Moves to `to` where the state machine allows it, with its event; False where it no longer may.

        With `worker` only as long as that one holds it: who has lost the lease has no say in how it ends.
        """
        with self._sessions.write() as session:
            row = locked(session, id)
            if to not in TRANSITIONS[ReleaseState(row.state)] or worker not in (None, row.worker):
                return False
            news = {
                "commit": commit,
                "commit_subject": commit_subject,
                "chart": chart,
                "bundle": bundle,
                "revision": revision,
            }
            for name, value in news.items():
                if value is not None:
                    setattr(row, name, value)
            _move(session, row, to, code, message)
        self._notify(id)
        return True

    def claim(
        self,
        id: ReleaseId,
        from_states: Collection[ReleaseState],
        to: ReleaseState,
        worker: str,
        lease_seconds: float,
    ) -> Release | None:
        """Takes the Release for `worker`, and counts an attempt; None when it is not free or not in those states.

        Also takes one that is already in `to` and whose holder's lease has ended: that holder has died.
        """
        with self._sessions.write() as session:
            row = locked(session, id)
            state, at = ReleaseState(row.state), now()
            taken = row.lease_expires_at is not None and row.lease_expires_at > at and row.worker != worker
            if taken or state not in {*from_states, to}:
                return None
            row.worker, row.lease_expires_at = worker, at + timedelta(seconds=lease_seconds)
            row.attempts, row.not_before, row.updated_at, row.message = row.attempts + 1, None, at, ""
            moved = state is not to
            if moved:
                _move(session, row, to, None, "")
            release = record(row)
        if moved:
            self._notify(id)
        return release

    def note(self, id: ReleaseId, message: str) -> None:
        """Says what a Release that has not ended waits for, with an event when it is news; empty takes it back."""
        with self._sessions.write() as session:
            row = locked(session, id)
            if ReleaseState(row.state).is_final or row.message == message:
                return
            row.message = message
            if message:
                add_event(session, row, "log", {"stage": "", "line": message})
        self._notify(id)

    def heartbeat(self, id: ReleaseId, worker: str, lease_seconds: float) -> bool:
        """Renews the lease; False when `worker` holds it no longer."""
        at = now()
        with self._sessions.write() as session:
            done = session.execute(
                update(ReleaseRow)
                .where(ReleaseRow.id == id, ReleaseRow.worker == worker, ReleaseRow.state.in_(_UNFINISHED))
                .values(lease_expires_at=at + timedelta(seconds=lease_seconds), updated_at=at)
            )
            return bool(getattr(done, "rowcount", 0))

    def hand_back(self, id: ReleaseId, worker: str, *, not_before: datetime | None = None) -> bool:
        """Gives up the lease; nobody takes it up again before `not_before`. False when `worker` holds it no longer."""
        with self._sessions.write() as session:
            done = session.execute(
                update(ReleaseRow)
                .where(ReleaseRow.id == id, ReleaseRow.worker == worker)
                .values(worker=None, lease_expires_at=None, not_before=not_before)
            )
            return bool(getattr(done, "rowcount", 0))

    def unfinished(self) -> Sequence[Unfinished]:
        """All Releases without a final state, oldest first."""
        statement = select(ReleaseRow).where(ReleaseRow.state.in_(_UNFINISHED)).order_by(ReleaseRow.number)
        with self._sessions.read() as session:
            return [
                Unfinished(record(row), row.worker, row.lease_expires_at, row.not_before)
                for row in session.scalars(statement)
            ]

    def request_cancel(self, id: ReleaseId) -> None:
        """Ends it at once where nobody works on it, else asks its worker. Raises `Conflict` when it has ended."""
        with self._sessions.write() as session:
            row = locked(session, id)
            state = ReleaseState(row.state)
            if state is ReleaseState.CANCELLED:
                return
            if state.is_final:
                raise Conflict(
                    f"Release {id} has already ended as {state}",
                    "To undo a rollout: deployctl rollback",
                    where="release",
                )
            row.cancel_requested = True
            if row.worker is None and state in NOT_YET_ROLLING_OUT:
                _move(session, row, ReleaseState.CANCELLED, "cancelled", "cancelled before it began")
        self._notify(id)

    def stage(
        self, id: ReleaseId, name: StageName, state: StageState, detail: str = "", *, worker: str | None = None
    ) -> None:
        """Notes that a stage begins (RUNNING) or has ended, with its event. Raises `LeaseLost`."""
        with self._sessions.write() as session:
            release, at = locked(session, id, worker), now()
            row = session.get(StageRow, (id, name.value))
            if row is None:
                row = StageRow(release_id=id, name=name.value, state=state.value, started_at=at)
                session.add(row)
            if state is StageState.RUNNING:
                row.started_at, row.finished_at = at, None
            else:
                row.finished_at = at
            row.state, row.detail = state.value, detail
            seconds = (row.finished_at - row.started_at).total_seconds() if row.finished_at else None
            data = {"name": name.value, "state": state.value, "detail": detail, "seconds": seconds}
            add_event(session, release, "stage", data)
        self._notify(id)

    def stages(self, id: ReleaseId) -> Sequence[Stage]:
        """Those that have begun, in the order of the Pipeline."""
        order = list(StageName)
        with self._sessions.read() as session:
            rows = session.scalars(select(StageRow).where(StageRow.release_id == id))
            found = [
                Stage(StageName(row.name), StageState(row.state), row.started_at, row.finished_at, row.detail)
                for row in rows
            ]
        return sorted(found, key=lambda stage: order.index(stage.name))

    def add_findings(self, id: ReleaseId, findings: Iterable[Finding], *, worker: str | None = None) -> None:
        """Stores `findings` in place of those of an earlier attempt, with an event each. Raises `LeaseLost`."""
        with self._sessions.write() as session:
            release = locked(session, id, worker)
            for old in session.scalars(select(FindingRow).where(FindingRow.release_id == id)):
                session.delete(old)
            for finding in findings:
                document = finding.to_json()
                session.add(FindingRow(release_id=id, rule=finding.rule, document=document))
                add_event(session, release, "finding", {**document, "blocks": finding.blocks})
        self._notify(id)

    def findings(self, id: ReleaseId) -> Sequence[Finding]:
        """In the order in which they were found."""
        statement = select(FindingRow).where(FindingRow.release_id == id).order_by(FindingRow.number)
        with self._sessions.read() as session:
            return [Finding.from_json(row.document) for row in session.scalars(statement)]

    def set_changes(self, id: ReleaseId, changes: Sequence[Change], *, worker: str | None = None) -> None:
        """Stores what would change, or did, with its event. Raises `LeaseLost`."""
        documents = [asdict(change) for change in changes]
        with self._sessions.write() as session:
            row = locked(session, id, worker)
            row.changes = documents
            add_event(session, row, "changes", {"changes": documents})
        self._notify(id)

    def changes(self, id: ReleaseId) -> Sequence[Change]:
        """What `set_changes` stored."""
        with self._sessions.read() as session:
            return [Change(**document) for document in found(session, id).changes]

    def running(self, app: str, environment: str) -> Release | None:
        """What runs now: the newest Release that was rolled out and stayed."""
        return self._first(_rolled_out(app, environment))

    def last_good(self, app: str, environment: str) -> Release | None:
        """The newest Release that was good and has another Bundle than what runs: where a rollback goes.

        A Release that a rollback was made from counts as not good, so that two rollbacks in a row go further
        back instead of to and fro.
        """
        running = self.running(app, environment)
        if running is None:
            return None
        statement = _rolled_out(app, environment).where(ReleaseRow.bundle != running.bundle)
        if running.kind is ReleaseKind.ROLLBACK:
            origin = select(ReleaseRow.number).where(ReleaseRow.id == running.rollback_of).scalar_subquery()
            statement = statement.where(ReleaseRow.number < origin)
        return self._first(statement)

    def by_revision(self, app: str, environment: str, revision: int) -> Release | None:
        """The Release that became `revision`; None when there is none."""
        wanted = ReleaseFilter(app=app, environment=environment)
        return self._first(_matching(wanted).where(ReleaseRow.revision == revision))

    def next_ready(self, app: str, environment: str) -> Release | None:
        """The Release that waits for its rollout in this place; None when none does."""
        wanted = ReleaseFilter(app=app, environment=environment, state=ReleaseState.READY)
        return self._first(_matching(wanted))

    def _first(self, statement: Select[ReleaseRow]) -> Release | None:
        with self._sessions.read() as session:
            row = session.scalar(statement.order_by(ReleaseRow.number.desc()).limit(1))
            return None if row is None else record(row)


def _matching(wanted: ReleaseFilter) -> Select[ReleaseRow]:
    statement = select(ReleaseRow)
    for column, value in (
        (ReleaseRow.app, wanted.app),
        (ReleaseRow.environment, wanted.environment),
        (ReleaseRow.state, wanted.state),
        (ReleaseRow.commit, wanted.commit),
        (ReleaseRow.team, wanted.team),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if wanted.within is not None:
        statement = statement.where(or_(false(), *map(_within, wanted.within)))
    return statement


def _within(reach: Reach) -> ColumnElement[bool]:
    team = ReleaseRow.team == reach.team if reach.team else true()
    return team if reach.apps is None else and_(team, ReleaseRow.app.in_(sorted(reach.apps)))


def _rolled_out(app: str, environment: str) -> Select[ReleaseRow]:
    wanted = ReleaseFilter(app=app, environment=environment, state=ReleaseState.DEPLOYED)
    return _matching(wanted).where(ReleaseRow.dry_run.is_(False), ReleaseRow.bundle.is_not(None))


def _move(session: Session, row: ReleaseRow, to: ReleaseState, code: str | None, message: str) -> None:
    at = now()
    row.state, row.code, row.message, row.updated_at = to.value, code, message, at
    if to.is_final or to is ReleaseState.READY:
        row.worker, row.lease_expires_at, row.not_before = None, None, None
    if to is ReleaseState.READY:
        row.attempts = 0
    if to.is_final:
        row.finished_at = at
    add_event(session, row, "state", state_news(to, code, message))


def record(row: ReleaseRow) -> Release:
    """`row` as a frozen value."""
    columns = {field.name: getattr(row, field.name) for field in fields(Release)}
    return Release(**{**columns, "kind": ReleaseKind(row.kind), "state": ReleaseState(row.state)})
