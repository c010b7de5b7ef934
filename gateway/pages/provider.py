"""Signing in at an identity provider: there with a state, a nonce and a PKCE challenge, and back once."""

from __future__ import annotations

import hmac

from flask import Response, make_response, redirect, render_template, request, url_for

from gateway.context import gateway
from gateway.pages.blueprint import pages
from gateway.pages.sessions import give_session, is_https, our_path
from pipelines.errors import GatewayError, Unauthenticated
from store.page_sessions import ATTEMPT_SECONDS

_MOST_PER_MINUTE = 1200


@pages.get("/sign-in/provider")
def to_provider() -> Response:
    """Sends the browser to the provider, with a cookie that it has to come back with."""
    parts = gateway()
    _ = parts.people.sign_in  # where nobody signs in, there is no such page
    # Nobody is known yet, and each attempt is a row for ten minutes.
    parts.rates.count("sign-in", _MOST_PER_MINUTE)
    attempt, secret = parts.store.page_sessions.attempt(our_path(request.args.get("next", "")))
    response = make_response(redirect(parts.people.address(attempt), 303))
    # Lax: the way back begins at another site, and a Strict cookie would stay behind.
    response.set_cookie(_cookie(), secret, max_age=ATTEMPT_SECONDS, secure=is_https(), httponly=True, samesite="Lax")
    return response


@pages.get("/sign-in/callback")
def from_provider() -> Response:
    """Opens a session for whoever the provider vouches for, or says why not."""
    try:
        response = _signed_in()
    except GatewayError as error:
        response = make_response(
            render_template("sign_in.html", next="", refused=str(error), sign_in=gateway().settings.sign_in),
            error.http_status,
        )
    response.delete_cookie(_cookie(), secure=is_https(), httponly=True, samesite="Lax")
    return response


def _signed_in() -> Response:
    parts, secret = gateway(), request.cookies.get(_cookie(), "")
    attempt = parts.store.page_sessions.came_back(secret) if secret else None
    if attempt is None or not hmac.compare_digest(
        attempt.state.encode(), request.args.get("state", "").encode("utf-8", "surrogatepass")
    ):
        raise Unauthenticated("this sign-in was not begun in this browser, or took too long", "Sign in once more")
    if request.args.get("iss", parts.people.sign_in.issuer) != parts.people.sign_in.issuer:
        raise Unauthenticated("another identity provider answered than was asked", "Sign in once more")
    code = request.args.get("code")
    if not code:
        why = request.args.get("error", "no code")[:60]
        raise Unauthenticated(f"the identity provider signed nobody in ({why})", "Sign in once more")
    claims = parts.people.came_back(attempt, code)
    parts.people.principal(claims)
    # A page and no redirect: on one that began at another site the new Strict cookie would stay behind.
    response = make_response(render_template("signed_in.html", leads_to=attempt.leads_to or url_for("pages.policies")))
    return give_session(response, parts.store.page_sessions.open(claims=claims))


def _cookie() -> str:
    return "__Host-deploy-gateway-sign-in" if is_https() else "deploy-gateway-sign-in"
