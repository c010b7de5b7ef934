"""One JSON line for each request, and the id that ties it to whatever else was logged for it."""

from __future__ import annotations

import re
import time
import uuid

import structlog
from flask import Flask, Response, g, request

REQUEST_ID_HEADER = "X-Request-Id"
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_log = structlog.get_logger("gateway.access")


def register(app: Flask) -> None:
    """Gives each request its id and its line: method, path and outcome, no header, query or body."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    sent = request.headers.get(REQUEST_ID_HEADER, "")
    g.request_id = sent if _REQUEST_ID.fullmatch(sent) else uuid.uuid4().hex
    g.began = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _end(response: Response) -> Response:
    response.headers[REQUEST_ID_HEADER] = g.request_id
    caller = g.get("principal")
    line = {
        "request_id": g.request_id,
        "method": request.method[:20],
        "path": request.path[:300],
        "status": response.status_code,
        "principal": caller.name if caller else None,
        "remote": request.remote_addr,
    }
    began = g.began

    def finish() -> None:
        # At the end of the body, which for a stream is long after its headers.
        _log.info("request", **line, milliseconds=round((time.perf_counter() - began) * 1000, 1))
        # What the server logs on this thread next belongs to another connection.
        structlog.contextvars.clear_contextvars()

    response.call_on_close(finish)
    return response
