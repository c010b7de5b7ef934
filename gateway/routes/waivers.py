"""`/api/v1/waivers`: the platform's exceptions to single rules for single Apps."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel

from configuration.identity import Place
from gateway.authorization import Permission, place_of, require, visible_app, visible_apps
from gateway.context import gateway, principal
from gateway.days import day_to_come
from gateway.documentation import POLICIES, READ_ERRORS, SECURITY, WRITE_ERRORS, operation_id, problems
from gateway.exceptions import WaiverList, WaiverPath, WaiverQuery, WaiverRequest, WaiverView, waiver_view
from gateway.repeats import callers_key
from gateway.schemas import IdempotencyHeader
from pipelines.days import today
from pipelines.errors import Conflict, InvalidInput, NotFound
from pipelines.suggestions import did_you_mean
from pipelines.waivers import Waiver, parse_resource, parse_rule
from store import NewWaiver, WaiverFilter

api = APIBlueprint(
    "waivers",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[POLICIES],
    abp_security=SECURITY,
    operation_id_callback=operation_id,
)


@api.get("/waivers", summary="List waivers", responses={200: WaiverList, **problems(*READ_ERRORS)})
def index(query: WaiverQuery) -> Response:
    """Those of your team's Apps, newest first; the platform sees all of them."""
    day = today()
    wanted = WaiverFilter(apps=apps_asked_for(query.app), rule=query.rule, on=None if query.ended else day)
    page = gateway().store.waivers.find(wanted, query.limit, query.cursor)
    return _json(WaiverList(items=[waiver_view(one, day) for one in page.items], next_cursor=page.next_cursor))


@api.post(
    "/waivers",
    summary="Make a waiver",
    responses={201: WaiverView, 200: WaiverView, **problems(*WRITE_ERRORS, Conflict)},
)
def create(body: WaiverRequest, header: IdempotencyHeader) -> Response:
    """From then on what the rule finds there is shown as waived, and does not block, until the day is over.

    A new Release is needed for it to count; in the cluster it counts with the next rollout there. 201 once it is
    stored; 200 for a repeat with the same Idempotency-Key.
    """
    settings = gateway().settings
    app = visible_app(settings, principal(), body.app)
    place = "" if body.environment is None else _environment(body.environment)
    require(settings, principal(), Permission.WAIVE, place_of(app, place or None))
    waiver, is_new = gateway().store.waivers.add(
        NewWaiver(
            rule=parse_rule(body.rule),
            app=body.app,
            environment=place,
            resource=parse_resource(body.resource),
            owner=body.owner.strip(),
            reason=body.reason.strip(),
            until=_until(body.until),
            created_by=principal().name,
            key=callers_key(header.idempotency_key),
            digest=hashlib.sha256(body.model_dump_json().encode()).hexdigest(),
        )
    )
    return _json(waiver_view(waiver, today()), 201 if is_new else 200)


@api.get("/waivers/<waiver_id>", summary="One waiver", responses={200: WaiverView, **problems(*READ_ERRORS)})
def show(path: WaiverPath) -> Response:
    """Also one that has ended."""
    return _json(waiver_view(_visible(path.waiver_id), today()))


@api.delete("/waivers/<waiver_id>", summary="End a waiver", responses={200: WaiverView, **problems(*WRITE_ERRORS)})
def end(path: WaiverPath) -> Response:
    """From now on what it was for blocks again; what runs goes on. It stays in the list, with who ended it."""
    waiver = _visible(path.waiver_id)
    settings = gateway().settings
    team = settings.apps[waiver.app].team if waiver.app in settings.apps else ""
    place = Place(team, waiver.app, frozenset({waiver.environment}) if waiver.environment else None)
    require(settings, principal(), Permission.WAIVE, place)
    return _json(waiver_view(gateway().store.waivers.end(waiver.id, ended_by=principal().name), today()))


def apps_asked_for(app: str | None = None) -> frozenset[str] | None:
    """The Apps whose waivers the caller sees, or `app` alone where it is one of them; None: all."""
    own = visible_apps(gateway().settings, principal())
    if app is None:
        return own
    return frozenset({app}) if own is None else own & {app}


def _visible(waiver_id: str) -> Waiver:
    waiver = gateway().store.waivers.get(waiver_id)
    own = visible_apps(gateway().settings, principal())
    if own is not None and waiver.app not in own:
        raise NotFound(
            f"there is no waiver {waiver_id[:40]!r}, or you may not see it",
            "`deployctl waiver list` shows those there are",
            where="waiver",
        )
    return waiver


def _environment(name: str) -> str:
    known = gateway().settings.environments
    if name not in known:
        raise InvalidInput(f"there is no Environment {name!r}", did_you_mean(name, known), where="environment")
    return name


def _until(text: str) -> date:
    longest, day = gateway().settings.limits.longest_waiver_days, today()
    last = day + timedelta(days=longest)
    until = day_to_come(text, day, where="until", instead=f"Write a day from {day} to {last}")
    if until > last:
        raise InvalidInput(
            f"{text} is more than {longest} days from today",
            f"Write {last} or earlier; it can be made again then. `limits.longest_waiver_days` in gateway.yaml says "
            "how many",
            where="until",
        )
    return until


def _json(view: BaseModel, status: int = 200) -> Response:
    return Response(view.model_dump_json(), status=status, content_type="application/json")
