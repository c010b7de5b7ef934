"""The tables. Every statement on them is in the module of its noun."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy import Table as SqlTable
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# SQLite gives out row ids only for the exact type INTEGER.
_Number = BigInteger().with_variant(Integer(), "sqlite")


class Utc(TypeDecorator[datetime]):
    """An aware time in UTC; SQLite, which has no time zones, keeps it naive."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Table(DeclarativeBase):
    """Base of all tables; constraints are named, so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: Utc, dict[str, Any]: JSON, list[Any]: JSON}  # noqa: RUF012 (SQLAlchemy's own form)


def core(row: type[Table]) -> SqlTable:
    """The table of `row`, for statements without objects."""
    return cast(SqlTable, row.__table__)


class ReleaseRow(Table):
    """`number` orders Releases strictly; `id` is what everybody else calls them."""

    __tablename__ = "releases"
    __table_args__ = (
        Index(None, "app", "environment", "number"),
        Index(None, "team", "number"),
        Index(None, "state", "number"),
    )

    number: Mapped[int] = mapped_column(_Number, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(26), unique=True)
    kind: Mapped[str] = mapped_column(String(16))
    app: Mapped[str] = mapped_column(String(63))
    environment: Mapped[str] = mapped_column(String(63))
    team: Mapped[str] = mapped_column(String(63))
    cluster: Mapped[str] = mapped_column(String(63))
    namespace: Mapped[str] = mapped_column(String(63))
    ref: Mapped[str] = mapped_column(String(255))
    commit: Mapped[str | None] = mapped_column(String(40), index=True)
    commit_subject: Mapped[str] = mapped_column(Text, default="")
    dry_run: Mapped[bool] = mapped_column(Boolean)
    chart_version: Mapped[str | None] = mapped_column(String(63))
    chart: Mapped[str | None] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(String(16))
    code: Mapped[str | None] = mapped_column(String(63))
    message: Mapped[str] = mapped_column(Text, default="")
    requested_by: Mapped[str] = mapped_column(String(255))
    person: Mapped[str] = mapped_column(String(255), default="", server_default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    bundle: Mapped[str | None] = mapped_column(String(71))
    revision: Mapped[int | None]
    rollback_of: Mapped[str | None] = mapped_column(String(26))
    superseded_by: Mapped[str | None] = mapped_column(String(26))
    attempts: Mapped[int] = mapped_column(default=0)
    cancel_requested: Mapped[bool] = mapped_column(Boolean, default=False)
    worker: Mapped[str | None] = mapped_column(String(255))
    lease_expires_at: Mapped[datetime | None]
    not_before: Mapped[datetime | None]
    changes: Mapped[list[Any]] = mapped_column(default=list)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class StageRow(Table):
    """One stage of one Release; a second attempt overwrites the first."""

    __tablename__ = "stages"

    release_id: Mapped[str] = mapped_column(ForeignKey("releases.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(16), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    detail: Mapped[str] = mapped_column(Text, default="")


class FindingRow(Table):
    """One finding of one Release, as JSON; the rule stands beside it to be counted."""

    __tablename__ = "findings"

    number: Mapped[int] = mapped_column(_Number, primary_key=True, autoincrement=True)
    release_id: Mapped[str] = mapped_column(ForeignKey("releases.id"), index=True)
    rule: Mapped[str] = mapped_column(String(120), index=True)
    document: Mapped[dict[str, Any]]


class EventRow(Table):
    """One event of one Release."""

    __tablename__ = "events"
    __table_args__ = (Index(None, "release_id", "id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(_Number, primary_key=True, autoincrement=True)
    release_id: Mapped[str] = mapped_column(ForeignKey("releases.id"))
    at: Mapped[datetime]
    type: Mapped[str] = mapped_column(String(16))
    data: Mapped[dict[str, Any]]


class BundleRow(Table):
    """A Bundle's bytes under their digest. Never changed."""

    __tablename__ = "bundles"

    digest: Mapped[str] = mapped_column(String(71), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]


class ClusterRow(Table):
    """What a deploy worker last said of its cluster, as JSON text; `digest` tells whether it is news."""

    __tablename__ = "clusters"

    name: Mapped[str] = mapped_column(String(63), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    facts: Mapped[bytes] = mapped_column(LargeBinary)
    seen_at: Mapped[datetime]


class LockRow(Table):
    """Which Release rolls out, or did last, one App in one Environment."""

    __tablename__ = "locks"

    app: Mapped[str] = mapped_column(String(63), primary_key=True)
    environment: Mapped[str] = mapped_column(String(63), primary_key=True)
    release_id: Mapped[str | None] = mapped_column(String(26))


class IdempotencyRow(Table):
    """Which Release a caller's key stands for."""

    __tablename__ = "idempotency_keys"

    principal: Mapped[str] = mapped_column(String(255), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    request_digest: Mapped[str] = mapped_column(String(64))
    release_id: Mapped[str] = mapped_column(ForeignKey("releases.id"))
    created_at: Mapped[datetime]


class MeasurementRow(Table):
    """One run of kube-bench on one node. `document` is the report as compressed JSON; none where `error` says why."""

    __tablename__ = "measurements"
    __table_args__ = (Index(None, "cluster", "node_class", "measured_at"), Index(None, "cluster", "number"))

    number: Mapped[int] = mapped_column(_Number, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(26), unique=True)
    cluster: Mapped[str] = mapped_column(String(63))
    node_class: Mapped[str] = mapped_column(String(63))
    node: Mapped[str] = mapped_column(String(253))
    source: Mapped[str] = mapped_column(String(16))
    received_by: Mapped[str] = mapped_column(String(255))
    measured_at: Mapped[datetime]
    received_at: Mapped[datetime]
    error: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[str] = mapped_column(String(255))
    passed: Mapped[int]
    failed: Mapped[int]
    warned: Mapped[int]
    informed: Mapped[int]
    key: Mapped[str | None] = mapped_column(String(400), unique=True)
    digest: Mapped[str] = mapped_column(String(64))
    document: Mapped[bytes | None] = mapped_column(LargeBinary)


class BaselineRow(Table):
    """A measurement that the platform accepted as it is. The newest of a class of nodes counts."""

    __tablename__ = "baselines"
    __table_args__ = (Index(None, "cluster", "node_class", "number"),)

    number: Mapped[int] = mapped_column(_Number, primary_key=True, autoincrement=True)
    cluster: Mapped[str] = mapped_column(String(63))
    node_class: Mapped[str] = mapped_column(String(63))
    measurement: Mapped[int] = mapped_column(_Number, ForeignKey("measurements.number"))
    accepted_by: Mapped[str] = mapped_column(String(255))
    accepted_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)


class WaiverRow(Table):
    """An exception to one rule for one App. `until` is the last day of it, as `2027-01-31`; rows are never deleted."""

    __tablename__ = "waivers"
    __table_args__ = (Index(None, "app", "number"), Index(None, "until"))

    number: Mapped[int] = mapped_column(_Number, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(26), unique=True)
    rule: Mapped[str] = mapped_column(String(120))
    app: Mapped[str] = mapped_column(String(63))
    environment: Mapped[str] = mapped_column(String(63))
    resource: Mapped[str] = mapped_column(String(320))
    owner: Mapped[str] = mapped_column(String(255))
    reason: Mapped[str] = mapped_column(Text)
    until: Mapped[str] = mapped_column(String(10))
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(255))
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str] = mapped_column(String(255), default="")
    key: Mapped[str | None] = mapped_column(String(400), unique=True)
    digest: Mapped[str] = mapped_column(String(64))


class PageSessionRow(Table):
    """Somebody who signed in, by the sha256 of what they hold: with a token, by its digest, or as who they are."""

    __tablename__ = "page_sessions"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    token_sha256: Mapped[str] = mapped_column(String(64))
    claims: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    expires_at: Mapped[datetime] = mapped_column(index=True)


class DeliveryRow(Table):
    """A webhook that made Releases (their ids) or was outdated, by the sha256 of what was signed. Never deleted."""

    __tablename__ = "deliveries"
    __table_args__ = (UniqueConstraint("webhook", "delivery"),)

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    webhook: Mapped[str] = mapped_column(String(63))
    delivery: Mapped[str | None] = mapped_column(String(128))
    releases: Mapped[list[Any]]
    outdated: Mapped[list[Any]]
    received_at: Mapped[datetime]


class PushRow(Table):
    """A push that a webhook announced, in the order of arrival, kept while it tells whether another one is late."""

    __tablename__ = "pushes"
    __table_args__ = (Index(None, "webhook", "repository", "ref", "before"),)

    number: Mapped[int] = mapped_column(_Number, primary_key=True, autoincrement=True)
    webhook: Mapped[str] = mapped_column(String(63))
    repository: Mapped[str] = mapped_column(String(512))
    ref: Mapped[str] = mapped_column(String(300))
    before: Mapped[str] = mapped_column(String(64))
    after: Mapped[str] = mapped_column(String(64))
    received_at: Mapped[datetime] = mapped_column(index=True)


class TokenRow(Table):
    """A bearer token by the sha256 of its text. `environments` and `apps` are names, or None: any. Never deleted."""

    __tablename__ = "tokens"
    __table_args__ = (Index(None, "name"),)

    number: Mapped[int] = mapped_column(_Number, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(16), unique=True)
    name: Mapped[str] = mapped_column(String(255))
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[str] = mapped_column(String(32))
    team: Mapped[str] = mapped_column(String(63))
    environments: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    apps: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    owner: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(255))
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str] = mapped_column(String(255))
    last_used_at: Mapped[datetime | None]


class SignInRow(Table):
    """Somebody who was sent to an identity provider, by the sha256 of what their browser has to come back with."""

    __tablename__ = "sign_ins"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    state: Mapped[str] = mapped_column(String(64))
    nonce: Mapped[str] = mapped_column(String(64))
    verifier: Mapped[str] = mapped_column(String(64))
    leads_to: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime] = mapped_column(index=True)
