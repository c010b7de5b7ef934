"""Every error as `application/problem+json` (RFC 9457): what, where, and what to do."""

from __future__ import annotations

import json
from typing import Any, NoReturn

import structlog
from flask import Flask, Response, g, request
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge

from gateway.bodies import too_large
from pipelines.errors import Fault, Forbidden, GatewayError, InvalidInput, NotFound, Unauthenticated

MEDIA_TYPE = "application/problem+json"
_TYPE = "tag:deploy-gateway.dev,2026:"
_log = structlog.get_logger("gateway.problems")


class WrongMethod(InvalidInput):
    """The address is right, and does not know this HTTP method."""

    code = "method-not-allowed"
    http_status = 405
    title = "Not with this HTTP method"


class InternalError(GatewayError):
    """A mistake of the gateway's own; its log has more under the reference that the answer names."""

    code = "internal-error"
    http_status = 500
    title = "The gateway has a fault"


def register(app: Flask) -> None:
    """Makes `app` answer each error, foreseen or not, as a problem."""
    app.register_error_handler(GatewayError, answer)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def answer(error: GatewayError) -> Response:
    """The problem that says `error`."""
    response = Response(
        json.dumps(document(error), ensure_ascii=False), status=error.http_status, content_type=MEDIA_TYPE
    )
    if error.retryable:
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = error.challenge
    return response


def document(error: GatewayError) -> dict[str, Any]:
    """`error` as the members of a problem; each other one only where there is something to say."""
    problem: dict[str, Any] = {
        "type": _TYPE + error.code,
        "title": error.title,
        "status": error.http_status,
        "detail": error.reason,
        "code": error.code,
        "solution": error.solution,
        "instance": request.path,
    }
    if error.where:
        problem["where"] = error.where
    if isinstance(error, Forbidden) and error.permission:
        problem |= {"permission": error.permission, "roles": list(error.roles)}
    if error.errors:
        problem["errors"] = [
            {"where": fault.where, "reason": fault.reason, "solution": fault.solution} for fault in error.errors
        ]
    return problem


def invalid_fields(error: ValidationError) -> NoReturn:
    """Raises the InvalidInput that lists each field that pydantic objects to."""
    faults = [
        Fault(
            ".".join(str(part) for part in detail["loc"]) or "body",
            _reason(detail["type"], detail["msg"]),
            "See /openapi.json for what this field takes",
        )
        for detail in error.errors(include_url=False, include_input=False)
    ]
    reason = "; ".join(f"{fault.where}: {fault.reason}" for fault in faults[:10])
    raise InvalidInput(reason, "Correct each field named", where=faults[0].where, errors=faults) from None


def _reason(kind: str, message: str) -> str:
    known = {
        "missing": "is required",
        "extra_forbidden": "is not a known field",
        "string_pattern_mismatch": "does not have the form it must have",
    }
    return known.get(kind, message[:1].lower() + message[1:])


def _http(error: HTTPException) -> Response:
    response = answer(translated(error))
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def translated(error: HTTPException) -> GatewayError:
    """What `error`, of Flask or Werkzeug, is in our words."""
    if isinstance(error, RequestEntityTooLarge):
        return too_large(request.max_content_length)
    if isinstance(error, MethodNotAllowed):
        methods = " or ".join(sorted(error.valid_methods or ()))
        return WrongMethod(f"{request.method[:20]} is not possible here", f"Use {methods}")
    if error.code == 404:
        return NotFound("there is nothing at this address", "See /openapi.json for all addresses")
    if error.code is not None and 400 <= error.code < 500:
        return InvalidInput("the request can't be understood", "See /openapi.json for what it takes")
    return unforeseen(error)


def _unexpected(error: Exception) -> Response:
    return answer(unforeseen(error))


def unforeseen(error: Exception) -> InternalError:
    """The error that is told in place of `error`, which goes to the log."""
    reference = g.get("request_id", "unknown")
    _log.error("unexpected error", reference=reference, path=request.path, exc_info=error)
    return InternalError(
        f"something unforeseen went wrong; its reference is {reference}",
        "Try once more; if it stays, give the reference to your platform team, whose log has the cause",
    )
