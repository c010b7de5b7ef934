"""What is in the store, as the JSON of `gateway.schemas`."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.schemas import ChangeView, Links, ReleaseDetail, ReleaseView, StageView, finding_view
from pipelines.findings import Finding
from pipelines.ports import Change
from store import Release, Stage

API = "/api/v1"


def address(release: Release) -> str:
    """The path of `release`."""
    return f"{API}/releases/{release.id}"


def release_view(release: Release) -> ReleaseView:
    """`release` alone."""
    return ReleaseView(
        id=release.id,
        kind=release.kind,
        app=release.app,
        environment=release.environment,
        team=release.team,
        cluster=release.cluster,
        namespace=release.namespace,
        ref=release.ref,
        commit=release.commit,
        commit_subject=release.commit_subject,
        dry_run=release.dry_run,
        chart_version=release.chart_version,
        chart=release.chart,
        state=release.state,
        final=release.state.is_final,
        code=release.code,
        message=release.message,
        requested_by=release.requested_by,
        reason=release.reason,
        bundle=release.bundle,
        revision=release.revision,
        rollback_of=release.rollback_of,
        superseded_by=release.superseded_by,
        created_at=release.created_at,
        updated_at=release.updated_at,
        finished_at=release.finished_at,
        links=Links(self=address(release), events=f"{address(release)}/events"),
    )


def release_detail(
    release: Release, stages: Iterable[Stage], findings: Iterable[Finding], changes: Iterable[Change]
) -> ReleaseDetail:
    """`release` with all that is known of it."""
    return ReleaseDetail(
        **release_view(release).model_dump(),
        stages=[_stage(stage) for stage in stages],
        findings=[finding_view(finding) for finding in findings],
        changes=[ChangeView(resource=change.resource, action=change.action, diff=change.diff) for change in changes],
    )


def _stage(stage: Stage) -> StageView:
    ended = stage.finished_at
    return StageView(
        name=stage.name,
        state=stage.state,
        started_at=stage.started_at,
        finished_at=ended,
        seconds=round((ended - stage.started_at).total_seconds(), 3) if ended else None,
        detail=stage.detail,
    )
