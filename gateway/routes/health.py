"""`/healthz` and `/readyz`: outside the API, without token, without secrets."""

from __future__ import annotations

import structlog
from flask import Response, jsonify
from flask_openapi3.blueprint import APIBlueprint

from gateway.context import gateway
from gateway.documentation import HEALTH, operation_id, problems
from gateway.problems import InternalError
from gateway.schemas import Alive, Part, Readiness
from pipelines.errors import GatewayError, InvalidInput
from store import ReleaseFilter

api = APIBlueprint("health", __name__, abp_tags=[HEALTH], operation_id_callback=operation_id)
_log = structlog.get_logger("gateway.health")


@api.get(
    "/healthz",
    summary="Whether the process is alive",
    responses={200: Alive, **problems(InvalidInput, InternalError)},
)
def healthz() -> Response:
    """Asks nothing else: a database that is away is no reason to restart the gateway."""
    return jsonify(Alive(status="alive").model_dump())


@api.get(
    "/readyz",
    summary="Whether requests can be served",
    responses={200: Readiness, 503: Readiness, **problems(InvalidInput, InternalError)},
)
def readyz() -> tuple[Response, int]:
    """Ready without the queue too: what is accepted meanwhile is in the store, and reconciled later."""
    parts = [_store(), _queue()]
    if all(part.state == "ok" for part in parts):
        status = "ready"
    else:
        status = "not-ready" if any(part.needed and part.state != "ok" for part in parts) else "degraded"
    answer = Readiness(status=status, parts=parts)
    return jsonify(answer.model_dump()), 503 if status == "not-ready" else 200


def _queue() -> Part:
    try:
        gateway().queue.ping()
    except GatewayError as error:
        _log.warning("queue unreachable", code=error.code)
        return Part(name="queue", state="unreachable", needed=False)
    return Part(name="queue", state="ok", needed=False)


def _store() -> Part:
    try:
        # A read of a table of ours: a file that is no database, or one without tables, answers SELECT 1 too.
        gateway().store.releases.find(ReleaseFilter(within=()), 1)
    except Exception:  # noqa: BLE001 - whatever it is, the answer of a probe is "not ready"
        _log.exception("store unreachable")
        return Part(name="store", state="unreachable", needed=True)
    return Part(name="store", state="ok", needed=True)
