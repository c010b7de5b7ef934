"""What the store gives out: frozen values, all times aware and in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipelines.apps import ClusterName, CommitSha, ReleaseId
from pipelines.bundle import BundleDigest
from pipelines.states import ReleaseKind, ReleaseState, StageName, StageState


@dataclass(frozen=True, slots=True)
class NewRelease:
    """What is accepted. A rollback comes with its Bundle and its `chart`, and so needs no check.

    `chart_version` is a version or channel of the standard chart, in place of the pinned one: for dry runs. `person` is
    who is behind `requested_by`, where that is known.
    """

    kind: ReleaseKind
    app: str
    environment: str
    team: str
    cluster: ClusterName
    namespace: str
    ref: str
    dry_run: bool
    requested_by: str
    reason: str
    bundle: BundleDigest | None = None
    commit: CommitSha | None = None
    rollback_of: ReleaseId | None = None
    chart_version: str | None = None
    chart: str | None = None
    person: str = ""


@dataclass(frozen=True, slots=True)
class Release:
    """One request to put one commit of an App into one Environment, and where it stands.

    `code` and `message` say why it ended as it did; `attempts` counts how often a worker has begun with it.
    `chart_version` is what was asked for in place of the pinned chart; `chart` is the name and version of the
    chart that rendered it, such as `standard-app 0.1.0`, once one has.
    """

    id: ReleaseId
    kind: ReleaseKind
    app: str
    environment: str
    team: str
    cluster: ClusterName
    namespace: str
    ref: str
    commit: CommitSha | None
    commit_subject: str
    dry_run: bool
    chart_version: str | None
    chart: str | None
    state: ReleaseState
    code: str | None
    message: str
    requested_by: str
    person: str
    reason: str
    bundle: BundleDigest | None
    revision: int | None
    rollback_of: ReleaseId | None
    superseded_by: ReleaseId | None
    attempts: int
    cancel_requested: bool
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Stage:
    """How one stage of a Release went, or goes."""

    name: StageName
    state: StageState
    started_at: datetime
    finished_at: datetime | None
    detail: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a Release. `id` rises within a Release in the order in which events are seen."""

    id: int
    release_id: ReleaseId
    at: datetime
    type: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reach:
    """The Releases of one team (empty: of all), or those of some of its Apps (None: all)."""

    team: str
    apps: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class ReleaseFilter:
    """Which Releases are meant; None means any. Each is within one of `within`: empty means none at all."""

    app: str | None = None
    environment: str | None = None
    state: ReleaseState | None = None
    commit: str | None = None
    team: str | None = None
    within: tuple[Reach, ...] | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some Releases, newest first; `next_cursor` is None on the last page."""

    items: tuple[Release, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A Release without a final state, and who holds it until when."""

    release: Release
    worker: str | None
    lease_expires_at: datetime | None
    not_before: datetime | None


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A caller's key for one request, and the digest of that request."""

    principal: str
    key: str
    request_digest: str


@dataclass(frozen=True, slots=True)
class Push:
    """That `ref` went from the commit `before` to `after`; either is empty where there was, or is, no such ref."""

    repository: str
    ref: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A webhook as it came: `digest` is of what its sender signed, `id` what it calls this delivery, if anything."""

    webhook: str
    digest: str
    id: str | None
    pushes: tuple[Push, ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came of a webhook. `outdated` are refs of which a later push had come before; `is_new` not a repeat."""

    releases: tuple[Release, ...]
    outdated: tuple[str, ...]
    is_new: bool
