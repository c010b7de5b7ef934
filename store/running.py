"""What runs in every place, with what its check had to say: for looking ahead."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pipelines.findings import Finding
from pipelines.forecast import Checked
from pipelines.states import ReleaseKind, ReleaseState, StageName
from store.sessions import Sessions
from store.tables import FindingRow, ReleaseRow, StageRow


class Running:
    """The Release that runs, by App and Environment."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def checked(self, apps: Iterable[str] | None = None) -> tuple[Checked, ...]:
        """One for each place where something runs, of `apps` (None: all).

        A rollback was not checked itself: its findings are those of the check that its Bundle came from.
        """
        with self._sessions.read() as session:
            rows = _newest(session, None if apps is None else sorted(apps))
            origins = _origins(session, rows)
            times, findings = _times(session, origins.values()), _findings(session, origins.values())
        return tuple(
            Checked(row.app, row.environment, row.id, times.get(origin), tuple(findings.get(origin, ())))
            for row in rows
            for origin in [origins.get((row.app, row.environment), "")]
        )


def _newest(session: Session, apps: list[str] | None) -> list[ReleaseRow]:
    newest = (
        select(func.max(ReleaseRow.number))
        .where(
            ReleaseRow.state == ReleaseState.DEPLOYED.value,
            ReleaseRow.dry_run.is_(False),
            ReleaseRow.bundle.is_not(None),
        )
        .group_by(ReleaseRow.app, ReleaseRow.environment)
    )
    if apps is not None:
        newest = newest.where(ReleaseRow.app.in_(apps))
    statement = select(ReleaseRow).where(ReleaseRow.number.in_(newest)).order_by(ReleaseRow.app, ReleaseRow.environment)
    return list(session.scalars(statement))


def _origins(session: Session, rows: list[ReleaseRow]) -> dict[tuple[str, str], str]:
    """The id of the Release whose check froze what runs, by App and Environment."""
    places = {(row.app, row.environment, row.bundle) for row in rows}
    statement = (
        select(ReleaseRow)
        .where(ReleaseRow.bundle.in_({row.bundle for row in rows}), ReleaseRow.kind == ReleaseKind.RELEASE.value)
        .order_by(ReleaseRow.number)
    )
    return {
        (row.app, row.environment): row.id
        for row in session.scalars(statement)
        if (row.app, row.environment, row.bundle) in places
    }


def _times(session: Session, ids: Iterable[str]) -> dict[str, datetime | None]:
    statement = select(StageRow).where(StageRow.release_id.in_(list(ids)), StageRow.name == StageName.POLICY.value)
    return {row.release_id: row.finished_at for row in session.scalars(statement)}


def _findings(session: Session, ids: Iterable[str]) -> dict[str, list[Finding]]:
    statement = select(FindingRow).where(FindingRow.release_id.in_(list(ids))).order_by(FindingRow.number)
    found: defaultdict[str, list[Finding]] = defaultdict(list)
    for row in session.scalars(statement):
        found[row.release_id].append(Finding.from_json(row.document))
    return found
