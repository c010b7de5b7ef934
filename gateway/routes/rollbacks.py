"""`/api/v1/apps/{app}/environments/{environment}/rollback`: back to a revision that was good."""

from __future__ import annotations

from flask import Response
from flask_openapi3.blueprint import APIBlueprint

from configuration.settings import Settings
from gateway.authorization import Permission, place_of, require, visible_app
from gateway.context import gateway, principal
from gateway.documentation import APPS, SECURITY, WRITE_ERRORS, operation_id, problems
from gateway.hints import hint
from gateway.repeats import KeyReused, once
from gateway.routes.releases import accepted
from gateway.schemas import EnvironmentPath, IdempotencyHeader, ReleaseView, RollbackRequest
from pipelines.apps import App, Environment
from pipelines.errors import Conflict, NotFound
from pipelines.states import ReleaseKind, ReleaseState
from store import NewRelease, Release, ReleaseFilter

api = APIBlueprint(
    "rollbacks",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[APPS],
    abp_security=SECURITY,
    operation_id_callback=operation_id,
)

_SHOWN_REVISIONS = 20


class NothingToGoBackTo(Conflict):
    """There is no earlier good Release here, or what it rolled out is gone."""

    code = "nothing-to-go-back-to"
    title = "There is nothing to go back to"


@api.post(
    "/apps/<app>/environments/<environment>/rollback",
    summary="Roll back",
    responses={202: ReleaseView, **problems(*WRITE_ERRORS, Conflict, NothingToGoBackTo, KeyReused)},
)
def create(path: EnvironmentPath, body: RollbackRequest, header: IdempotencyHeader) -> Response:
    """Rolls out again, byte for byte, what was rolled out then: no Git, registry or check is asked."""
    settings: Settings = gateway().settings
    app = visible_app(settings, principal(), path.app)
    environment = settings.environment(path.environment)
    require(settings, principal(), Permission.ROLLBACK, place_of(app, environment.name))
    asked = {
        "kind": "rollback",
        "app": app.name,
        "environment": environment.name,
        **body.model_dump(mode="json"),
    }
    release, is_new = once(header.idempotency_key, asked, lambda: _wanted(app, environment, body))
    if is_new:
        hint(release)
    return accepted(release)


def _wanted(app: App, environment: Environment, body: RollbackRequest) -> NewRelease:
    target = _last_good(app, environment) if body.revision is None else _revision(app, environment, body.revision)
    if target.bundle is None or not gateway().store.bundles.exists(target.bundle):
        raise NothingToGoBackTo(
            f"what Release {target.id} rolled out is no longer stored",
            "Name another revision, or release the commit you want again",
            where="revision",
        )
    return NewRelease(
        kind=ReleaseKind.ROLLBACK,
        app=app.name,
        environment=environment.name,
        team=app.team,
        cluster=environment.cluster,
        namespace=environment.namespace_of(app),
        ref=target.ref,
        dry_run=False,
        requested_by=principal().name,
        person=principal().person,
        reason=body.reason.strip(),
        bundle=target.bundle,
        commit=target.commit,
        rollback_of=target.id,
        chart=target.chart,
    )


def _last_good(app: App, environment: Environment) -> Release:
    target = gateway().store.releases.last_good(app.name, environment.name)
    if target is None:
        raise NothingToGoBackTo(
            f"{app.name} in {environment.name} has no earlier good Release with anything else than what runs",
            f"Release a commit that is known to be good: deployctl release --app {app.name} "
            f"--env {environment.name} --ref COMMIT",
        )
    return target


def _revision(app: App, environment: Environment, revision: int) -> Release:
    releases = gateway().store.releases
    target = releases.by_revision(app.name, environment.name, revision)
    if target is None or target.state is not ReleaseState.DEPLOYED:
        raise NotFound(
            f"{app.name} in {environment.name} has no good revision {revision}",
            f"Known good revisions are: {_known(app, environment)}",
            where="revision",
        )
    running = releases.running(app.name, environment.name)
    if running is not None and running.id == target.id:
        raise Conflict(
            f"revision {revision} is what runs now",
            f"Leave `revision` out for the last good one, or name one of: {_known(app, environment)}",
            where="revision",
        )
    return target


def _known(app: App, environment: Environment) -> str:
    good = ReleaseFilter(app=app.name, environment=environment.name, state=ReleaseState.DEPLOYED)
    page = gateway().store.releases.find(good, _SHOWN_REVISIONS, None)
    return ", ".join(str(release.revision) for release in page.items if release.revision) or "none yet"
