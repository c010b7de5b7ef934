"""`/api/v1/policies`: the catalogue of everything that can find something."""

from __future__ import annotations

from dataclasses import asdict

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel

from gateway.documentation import POLICIES, READ_ERRORS, SECURITY, operation_id, problems
from gateway.exceptions import ForecastQuery, ForecastView
from gateway.outlook import forecast_of
from gateway.schemas import PolicyList, PolicyPath, PolicyView
from pipelines.catalogue import Entry, catalogue, entry_of

api = APIBlueprint(
    "policies",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[POLICIES],
    abp_security=SECURITY,
    operation_id_callback=operation_id,
)


@api.get("/policies", summary="List rules", responses={200: PolicyList, **problems(*READ_ERRORS)})
def index() -> Response:
    """All of them, grouped by where they hold."""
    return _json(PolicyList(items=[_view(entry) for entry in catalogue()]))


@api.get("/policies/forecast", summary="What will block", responses={200: ForecastView, **problems(*READ_ERRORS)})
def forecast(query: ForecastQuery) -> Response:
    """Which of your Apps would be refused on a day to come: by rules that begin to block, and waivers that end.

    It is made from what the checks of the Releases that run now had found; nothing is checked again.
    """
    return _json(forecast_of(query.day, query.environment))


@api.get("/policies/<path:rule>", summary="One rule", responses={200: PolicyView, **problems(*READ_ERRORS)})
def show(path: PolicyPath) -> Response:
    """What it wants, why, and what to write instead. An id may have a slash: `kube-score/pod-probes`."""
    return _json(_view(entry_of(path.rule)))


def _view(entry: Entry) -> PolicyView:
    return PolicyView(**{**asdict(entry), "same_as": list(entry.same_as)})


def _json(view: BaseModel) -> Response:
    return Response(view.model_dump_json(), content_type="application/json")
