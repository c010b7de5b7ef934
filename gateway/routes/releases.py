"""`/api/v1/releases`: ask for a Release, read it, cancel it."""

from __future__ import annotations

from flask import Response
from flask_openapi3.blueprint import APIBlueprint

from configuration.identity import Place
from configuration.settings import Settings
from gateway.authorization import Permission, place_of, reach_of, require, sees, visible_app
from gateway.context import gateway, principal
from gateway.documentation import READ_ERRORS, RELEASES, SECURITY, WRITE_ERRORS, operation_id, problems
from gateway.hints import hint
from gateway.repeats import KeyReused, once
from gateway.schemas import (
    IdempotencyHeader,
    ReleaseDetail,
    ReleasePage,
    ReleasePath,
    ReleaseRequest,
    ReleasesQuery,
    ReleaseView,
)
from gateway.streams import wait_until_final
from gateway.views import address, release_detail, release_view
from pipelines.apps import parse_ref, parse_release_id
from pipelines.errors import Conflict, InvalidInput, InvalidRef, NotFound
from pipelines.states import ReleaseKind
from store import NewRelease, Release, ReleaseFilter

api = APIBlueprint(
    "releases",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[RELEASES],
    abp_security=SECURITY,
    operation_id_callback=operation_id,
)


@api.post(
    "/releases",
    summary="Ask for a Release",
    responses={
        200: ReleaseDetail,
        202: ReleaseView,
        **problems(*WRITE_ERRORS, InvalidRef, Conflict, KeyReused),
    },
)
def create(body: ReleaseRequest, header: IdempotencyHeader) -> Response:
    """Accepted (202) once it is stored, and never lost from then on. With `wait_for`, 200 once final."""
    settings = gateway().settings
    app = visible_app(settings, principal(), body.app)
    environment = settings.environment(body.environment)
    require(settings, principal(), Permission.RELEASE, place_of(app, environment.name))
    ref = parse_ref(body.ref)
    _insist_on_a_chart_that_may_be(body, settings)
    asked = {"kind": "release", **body.model_dump(mode="json", exclude={"wait_for"}, exclude_none=True)}
    release, is_new = once(
        header.idempotency_key,
        asked,
        lambda: NewRelease(
            kind=ReleaseKind.RELEASE,
            app=app.name,
            environment=environment.name,
            team=app.team,
            cluster=environment.cluster,
            namespace=environment.namespace_of(app),
            ref=ref,
            dry_run=body.dry_run,
            chart_version=body.chart_version,
            requested_by=principal().name,
            person=principal().person,
            reason="",
        ),
    )
    if is_new:
        hint(release)
    return _after(release, body.wait_for)


def _insist_on_a_chart_that_may_be(body: ReleaseRequest, settings: Settings) -> None:
    if body.chart_version is None:
        return
    if not body.dry_run:
        raise InvalidInput(
            "the platform pins the version of the chart in gateway.yaml, and no single Release can choose another",
            "Leave it out, or add `dry_run: true` to see what that chart would change",
            where="chart_version",
        )
    settings.charts.resolve(body.chart_version)


def _after(release: Release, wait_seconds: float) -> Response:
    """The answer after at most `wait_seconds`; at once when no place to wait is free."""
    parts = gateway()
    place = parts.waiters.enter() if wait_seconds > 0 else None
    if place is not None:
        try:
            wait_until_final(parts.store, parts.wakeups, release.id, wait_seconds, parts.waiters.stop)
        finally:
            place.leave()
        release = parts.store.releases.get(release.id)
        if release.state.is_final:
            return json_answer(detail(release), 200)
    return accepted(release)


def accepted(release: Release) -> Response:
    """202 with the address of `release`."""
    response = json_answer(release_view(release), 202)
    response.headers["Location"] = address(release)
    return response


def json_answer(view: ReleaseView | ReleasePage, status: int = 200) -> Response:
    """`view` as JSON."""
    return Response(view.model_dump_json(), status=status, content_type="application/json")


@api.get("/releases", summary="List Releases", responses={200: ReleasePage, **problems(*READ_ERRORS)})
def index(query: ReleasesQuery) -> Response:
    """Those that you may see, newest first. Conditions that fit none give an empty list."""
    wanted = ReleaseFilter(
        app=query.app,
        environment=query.environment,
        state=query.state,
        commit=query.commit,
        team=query.team,
        within=reach_of(principal()),
    )
    page = gateway().store.releases.find(wanted, query.limit, query.cursor)
    return json_answer(
        ReleasePage(items=[release_view(release) for release in page.items], next_cursor=page.next_cursor)
    )


@api.get("/releases/<release_id>", summary="One Release", responses={200: ReleaseDetail, **problems(*READ_ERRORS)})
def show(path: ReleasePath) -> Response:
    """With its stages, findings and changes so far."""
    return json_answer(detail(visible_release(path.release_id)))


@api.post(
    "/releases/<release_id>/cancel",
    summary="Cancel a Release",
    responses={202: ReleaseView, **problems(*WRITE_ERRORS, Conflict)},
)
def cancel(path: ReleasePath) -> Response:
    """At once while it waits, at the next stage while it runs. Safe to repeat, with any Idempotency-Key."""
    release = visible_release(path.release_id)
    place = Place(release.team, release.app, frozenset({release.environment}))
    require(gateway().settings, principal(), Permission.CANCEL, place)
    releases = gateway().store.releases
    releases.request_cancel(release.id)
    return accepted(releases.get(release.id))


def visible_release(text: str) -> Release:
    """The Release called `text`. Raises `NotFound`, the same for none and for another team's."""
    unknown = NotFound(
        f"there is no Release {text[:80]!r}, or you may not see it",
        "GET /api/v1/releases lists the Releases that you may see",
        where="release",
    )
    id = parse_release_id(text)
    if id is None:
        raise unknown
    try:
        release = gateway().store.releases.get(id)
    except NotFound:
        raise unknown from None
    if not sees(principal(), release.team, release.app):
        raise unknown
    return release


def detail(release: Release) -> ReleaseDetail:
    """`release` with its stages, findings and changes."""
    releases = gateway().store.releases
    return release_detail(
        release, releases.stages(release.id), releases.findings(release.id), releases.changes(release.id)
    )
