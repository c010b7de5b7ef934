"""Wires the Flask application of the front door."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, g, request
from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI

from configuration.settings import Settings
from gateway import access_log, pages, problems
from gateway.authentication import Principal, authenticate
from gateway.bodies import StrictRequest, bound
from gateway.context import EXTENSION, Gateway, gateway
from gateway.documentation import SECURITY_SCHEMES, SIGNATURES, complete
from gateway.oidc.issuers import Issuers
from gateway.oidc.people import People
from gateway.rates import Rates
from gateway.routes import (
    apps,
    clusters,
    events,
    health,
    openapi,
    policies,
    releases,
    rollbacks,
    schemas,
    sign_in,
    waivers,
    webhooks,
)
from gateway.schemas import Problem
from gateway.streams import Waiters
from gateway.wakeups import Wakeups
from pipelines.errors import InvalidInput
from store import Store
from store.page_sessions import TERMINAL_PREFIX
from store.queue import WorkQueue

PUBLIC_ENDPOINTS = frozenset(
    {
        "health.healthz",
        "health.readyz",
        "openapi_document.openapi",
        "schemas.deploy_yaml",
        "sign_in.show",
        "sign_in.create",
    }
)
"""The endpoints that need no token. Every other one does, a new one included."""

SIGNED_ENDPOINTS = frozenset({"webhooks.receive"})
"""The endpoints whose callers prove who they are by a signature over the body, in place of a token."""

_PAGE_HEADERS = {
    # Without a referrer a browser does not say either which site a form was sent from.
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
}
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class _Application(OpenAPI):
    request_class = StrictRequest


def create_app(settings: Settings, store: Store, queue: WorkQueue, *, waiters: int = 24) -> Flask:
    """The WSGI application.

    `queue` gets a hint for each accepted Release and may be down. `waiters` is how many requests of this
    process may wait at the same time (event streams, `wait_for`): fewer than the server's threads.
    """
    app = _described()
    app.config["MAX_CONTENT_LENGTH"] = bound(settings.limits.request_body_bytes)
    app.extensions[EXTENSION] = Gateway(
        settings,
        store,
        queue,
        Wakeups(settings.redis_url),
        Waiters(waiters),
        Rates(settings.redis_url),
        Issuers(settings),
        People(settings),
    )
    access_log.register(app)
    problems.register(app)
    pages.register(app)
    app.before_request(_require_token)
    app.before_request(_refuse_ambiguous_query)
    app.after_request(_secure(settings))
    return app


def describe() -> dict[str, Any]:
    """The OpenAPI document, as every gateway of this version serves it."""
    return complete(_described().api_doc)


def _described() -> OpenAPI:
    """The addresses and their models, with nothing behind them yet."""
    app = _Application(
        "gateway",
        info=Info(
            title="deploy-gateway",
            version="v1",
            description="The one controlled way into the cluster. Errors are RFC 9457 problems.",
        ),
        security_schemes={**SECURITY_SCHEMES, **SIGNATURES},
        validation_error_status=400,
        validation_error_model=Problem,
        validation_error_callback=problems.invalid_fields,
        doc_ui=False,
        static_folder=None,
    )
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False
    for module in (releases, events, rollbacks, apps, policies, waivers, clusters, webhooks, sign_in, schemas, health):
        app.register_api(module.api)
    app.register_blueprint(openapi.api)
    app.register_blueprint(pages.pages)
    return app


def _require_token() -> None:
    # No address, no rule: that is a 404 or 405 for everybody.
    if request.url_rule is None or request.endpoint in PUBLIC_ENDPOINTS | SIGNED_ENDPOINTS:
        return
    if request.blueprint == pages.pages.name:  # which asks for a session of its own
        return
    parts = gateway()
    g.principal = authenticate(
        request.headers.get("Authorization"), parts.settings.tokens, parts.store.tokens, _vouched_for
    )


def _vouched_for(text: str) -> Principal | None:
    """Whoever an identity provider vouches for: by a session that they opened, or by a token of it."""
    parts = gateway()
    if not text.startswith(TERMINAL_PREFIX):
        return parts.issuers.principal(text)
    return parts.people.holder(parts.store.page_sessions.holder(text))


def _refuse_ambiguous_query() -> None:
    for name, values in request.args.lists():
        if len(values) > 1:
            raise InvalidInput(f"the parameter {name[:80]!r} stands there twice", "Send it once", where=name[:80])


def _secure(settings: Settings) -> Any:
    headers = dict(_HEADERS)
    if settings.public_url.startswith("https://"):
        headers["Strict-Transport-Security"] = "max-age=31536000"

    def add(response: Response) -> Response:
        response.headers.extend(headers | _PAGE_HEADERS if response.mimetype == "text/html" else headers)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return add
