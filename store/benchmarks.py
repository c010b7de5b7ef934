"""What kube-bench measured, with its history, and what the platform accepted of it."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, defer
from ulid import ULID

from pipelines.apps import ClusterName
from pipelines.benchmark import Benchmark, Status
from pipelines.errors import Conflict, InvalidInput, NotFound
from pipelines.posture import Baseline, ClassPosture, ClusterPosture, Measurement
from store.cursors import next_cursor, row_after
from store.sessions import Sessions, now
from store.tables import BaselineRow, MeasurementRow


@dataclass(frozen=True, slots=True)
class NewMeasurement:
    """What is recorded: a `benchmark`, or the `error` for which there is none.

    `key` is unique to one run (a Job's uid, or a caller's Idempotency-Key), so that it is recorded once; None: it has
    none. `digest` is of the report, as 64 hex digits.
    """

    cluster: ClusterName
    node_class: str
    node: str
    source: str
    received_by: str
    measured_at: datetime
    benchmark: Benchmark | None
    error: str = ""
    key: str | None = None
    digest: str = ""


@dataclass(frozen=True, slots=True)
class MeasurementPage:
    """Some measurements, newest first; `next_cursor` is None on the last page."""

    items: tuple[Measurement, ...]
    next_cursor: str | None


class Benchmarks:
    """Measurements are only ever added; so are baselines, of which the newest counts."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def record(self, new: NewMeasurement) -> tuple[Measurement, bool]:
        """Stores `new`, and whether it is: one with the same key is stored already.

        Raises `Conflict` when that one's report was another.
        """
        try:
            with self._sessions.write() as session:
                row = _row(new)
                session.add(row)
                session.flush()
                return _measurement(row), True
        except IntegrityError:
            return self._earlier(new), False

    def _earlier(self, new: NewMeasurement) -> Measurement:
        with self._sessions.read() as session:
            row = session.scalars(select(MeasurementRow).where(MeasurementRow.key == new.key)).one()
            if (row.digest, row.cluster, row.node_class, row.node) != (
                new.digest,
                new.cluster,
                new.node_class,
                new.node,
            ):
                raise Conflict(
                    "this Idempotency-Key came before, with another report",
                    "Use a new key for each report",
                    where="Idempotency-Key",
                )
            return _measurement(row)

    def known_keys(self, keys: Iterable[str]) -> frozenset[str]:
        """Those of `keys` that are recorded."""
        statement = select(MeasurementRow.key).where(MeasurementRow.key.in_(list(keys)))
        with self._sessions.read() as session:
            return frozenset(key for key in session.scalars(statement) if key is not None)

    def posture(self, cluster: ClusterName, node_classes: Iterable[str]) -> ClusterPosture:
        """What was measured last on each of `node_classes`, by its own time, beside the baseline."""
        with self._sessions.read() as session:
            return ClusterPosture(cluster, tuple(_class_posture(session, cluster, one) for one in node_classes))

    def history(self, cluster: ClusterName, limit: int, cursor: str | None = None) -> MeasurementPage:
        """At most `limit` measurements, last received first, after `cursor`. Raises `InvalidInput` for a bad one."""
        statement = (
            select(MeasurementRow)
            .options(defer(MeasurementRow.document))
            .where(MeasurementRow.cluster == cluster)
            .order_by(MeasurementRow.number.desc())
            .limit(limit + 1)
        )
        if cursor is not None:
            statement = statement.where(MeasurementRow.number < row_after(cursor))
        with self._sessions.read() as session:
            rows = list(session.scalars(statement))
            items = tuple(_measurement(row) for row in rows[:limit])
        return MeasurementPage(items, next_cursor(rows, limit))

    def accept(self, cluster: ClusterName, measurement_id: str, *, accepted_by: str, reason: str) -> Baseline:
        """Makes a measurement the baseline of its class. Raises `NotFound`, `InvalidInput` for an unreadable one."""
        with self._sessions.write() as session:
            statement = select(MeasurementRow).where(
                MeasurementRow.cluster == cluster, MeasurementRow.id == measurement_id
            )
            row = session.scalar(statement)
            if row is None:
                raise NotFound(
                    f"cluster {cluster} has no measurement {measurement_id[:40]!r}",
                    f"GET /api/v1/clusters/{cluster}/benchmarks lists them",
                    where="measurement",
                )
            if row.document is None:
                raise InvalidInput(
                    f"the measurement {row.id} can't be read, so that nothing in it can be accepted: {row.error}",
                    "Measure again, and accept that",
                    where="measurement",
                )
            baseline = BaselineRow(
                cluster=cluster,
                node_class=row.node_class,
                measurement=row.number,
                accepted_by=accepted_by,
                accepted_at=now(),
                reason=reason,
            )
            session.add(baseline)
            session.flush()
            return _baseline(baseline, row)


def _class_posture(session: Session, cluster: ClusterName, node_class: str) -> ClassPosture:
    of_class = select(MeasurementRow).where(MeasurementRow.cluster == cluster, MeasurementRow.node_class == node_class)
    newest = session.scalar(of_class.order_by(MeasurementRow.measured_at.desc(), MeasurementRow.number.desc()).limit(1))
    accepted = session.execute(
        select(BaselineRow, MeasurementRow)
        .join(MeasurementRow, MeasurementRow.number == BaselineRow.measurement)
        .where(BaselineRow.cluster == cluster, BaselineRow.node_class == node_class)
        .order_by(BaselineRow.number.desc())
        .limit(1)
    ).first()
    return ClassPosture(
        node_class,
        None if newest is None else _measurement(newest),
        None if newest is None else _benchmark(newest),
        None if accepted is None else _baseline(*accepted),
    )


def _row(new: NewMeasurement) -> MeasurementRow:
    columns = {key: value for key, value in asdict(new).items() if key != "benchmark"}
    benchmark = new.benchmark
    counts = {
        name: benchmark.count(status) if benchmark else 0
        for name, status in zip(("passed", "failed", "warned", "informed"), Status, strict=True)
    }
    return MeasurementRow(
        id=str(ULID()).lower(),
        received_at=now(),
        version=benchmark.version if benchmark else "",
        document=zlib.compress(json.dumps(benchmark.to_json()).encode()) if benchmark else None,
        **columns,
        **counts,
    )


def _benchmark(row: MeasurementRow) -> Benchmark | None:
    return None if row.document is None else Benchmark.from_json(json.loads(zlib.decompress(row.document)))


def _baseline(row: BaselineRow, measured: MeasurementRow) -> Baseline:
    benchmark = _benchmark(measured)
    if benchmark is None:
        raise AssertionError("only readable measurements are accepted")
    return Baseline(measured.id, row.accepted_by, row.accepted_at, row.reason, benchmark)


def _measurement(row: MeasurementRow) -> Measurement:
    return Measurement(**{field.name: getattr(row, field.name) for field in fields(Measurement)})
