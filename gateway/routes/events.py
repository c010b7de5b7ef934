"""`/api/v1/releases/{id}/events`: what happens to a Release, while it happens."""

from __future__ import annotations

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.types import ResponseDict

from gateway.context import gateway
from gateway.documentation import READ_ERRORS, RELEASES, SECURITY, operation_id, problems
from gateway.routes.releases import visible_release
from gateway.schemas import EventsQuery, ReleasePath, ResumeHeader
from gateway.streams import Listener, TooManyStreams, follow, guarded, too_many

api = APIBlueprint(
    "events",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[RELEASES],
    abp_security=SECURITY,
    operation_id_callback=operation_id,
)

_STREAM: ResponseDict = {
    200: {
        "description": "Server-Sent Events: `state`, `stage`, `log`, `finding`, `progress`, `changes`. "
        "Ends after the `state` event whose data says `final: true`.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


@api.get(
    "/releases/<release_id>/events",
    summary="Follow a Release",
    responses={**_STREAM, **problems(*READ_ERRORS, TooManyStreams)},
)
def stream(path: ReleasePath, query: EventsQuery, header: ResumeHeader) -> Response:
    """From the beginning, or from `Last-Event-ID` (else `after`), to the final state."""
    release = visible_release(path.release_id)
    parts = gateway()
    after = query.after if header.last_event_id is None else header.last_event_id
    place = parts.waiters.enter()
    if place is None:
        raise too_many()
    listener = Listener(request.environ.get("gunicorn.socket"))
    chunks = follow(parts.store, parts.wakeups, release.id, after, listener, parts.waiters.stop)
    response = Response(guarded(chunks, release.id), content_type="text/event-stream; charset=utf-8")
    response.headers["Cache-Control"] = "no-cache, no-transform"
    response.headers["X-Accel-Buffering"] = "no"
    # Not in the generator: that one never starts when the client has left already.
    response.call_on_close(place.leave)
    return response
