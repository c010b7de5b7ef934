"""`/api/v1/apps`: what runs where."""

from __future__ import annotations

import base64
import binascii
from itertools import islice

from flask import Response
from flask_openapi3.blueprint import APIBlueprint

from gateway.authorization import sees, visible_app
from gateway.context import gateway, principal
from gateway.documentation import APPS, READ_ERRORS, SECURITY, operation_id, problems
from gateway.outlook import Ahead, beginnings_of
from gateway.schemas import (
    AppEnvironmentDetail,
    AppEnvironmentView,
    AppPage,
    AppPath,
    AppView,
    EnvironmentPath,
    PageQuery,
    ReleaseView,
)
from gateway.views import release_view
from pipelines.apps import App, Environment
from pipelines.errors import InvalidInput
from store import Release, ReleaseFilter

api = APIBlueprint(
    "apps",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[APPS],
    abp_security=SECURITY,
    operation_id_callback=operation_id,
)

_HISTORY = 20


@api.get("/apps", summary="List Apps", responses={200: AppPage, **problems(*READ_ERRORS)})
def index(query: PageQuery) -> Response:
    """Those that you may see, by name."""
    start = _decode(query.cursor) if query.cursor else ""
    names = sorted(
        name for name, app in gateway().settings.apps.items() if name > start and sees(principal(), app.team, name)
    )
    shown = list(islice(names, query.limit))
    apps = [gateway().settings.apps[name] for name in shown]
    ahead = beginnings_of(apps)
    page = AppPage(
        items=[_app(app, ahead) for app in apps],
        next_cursor=_encode(shown[-1]) if len(names) > len(shown) else None,
    )
    return _json(page)


@api.get("/apps/<app>", summary="One App", responses={200: AppView, **problems(*READ_ERRORS)})
def show(path: AppPath) -> Response:
    """With what runs, what came last, and what will refuse the next Release, in each Environment."""
    app = visible_app(gateway().settings, principal(), path.app)
    return _json(_app(app, beginnings_of([app])))


@api.get(
    "/apps/<app>/environments/<environment>",
    summary="One App in one Environment",
    responses={200: AppEnvironmentDetail, **problems(*READ_ERRORS)},
)
def environment(path: EnvironmentPath) -> Response:
    """With its newest Releases, and where a rollback would go."""
    settings = gateway().settings
    app = visible_app(settings, principal(), path.app)
    place = settings.environment(path.environment)
    history = _newest(app, place, _HISTORY)
    shown = _environment(app, place, history, beginnings_of([app]))
    back = gateway().store.releases.last_good(app.name, place.name)
    detail = AppEnvironmentDetail(
        **shown.model_dump(), rollback_to=_view(back), history=[release_view(release) for release in history]
    )
    return _json(detail)


def _app(app: App, ahead: Ahead) -> AppView:
    return AppView(
        name=app.name,
        team=app.team,
        repository=app.repository,
        environments=[
            _environment(app, place, _newest(app, place, 1), ahead)
            for place in gateway().settings.environments.values()
        ],
    )


def _environment(app: App, place: Environment, newest: list[Release], ahead: Ahead) -> AppEnvironmentView:
    running = gateway().store.releases.running(app.name, place.name)
    return AppEnvironmentView(
        name=place.name,
        cluster=place.cluster,
        namespace=place.namespace_of(app),
        running=_view(running),
        latest=_view(newest[0] if newest else None),
        beginning=ahead.get((app.name, place.name), []),
    )


def _view(release: Release | None) -> ReleaseView | None:
    return None if release is None else release_view(release)


def _newest(app: App, place: Environment, limit: int) -> list[Release]:
    wanted = ReleaseFilter(app=app.name, environment=place.name)
    return list(gateway().store.releases.find(wanted, limit, None).items)


def _json(view: AppPage | AppView | AppEnvironmentDetail) -> Response:
    return Response(view.model_dump_json(), content_type="application/json")


def _encode(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")


def _decode(cursor: str) -> str:
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise InvalidInput(
            "the cursor is not one that this API gave out",
            "Pass `next_cursor` of the page before",
            where="cursor",
        ) from error
