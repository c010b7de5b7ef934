"""Signing in with a token, and out again: from then on the browser holds a cookie in its place."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from flask import Response, g, make_response, redirect, render_template, request, url_for

from gateway.authentication import Principal, holder_of, known_by, recognise
from gateway.context import gateway
from gateway.pages.blueprint import pages
from pipelines.errors import Forbidden, Unauthenticated
from store.page_sessions import SESSION_SECONDS, TERMINAL_PREFIX

_OPEN = frozenset(
    {"pages.sign_in", "pages.sign_in_with_token", "pages.static", "pages.to_provider", "pages.from_provider"}
)
"""The pages that need no session. Every other one does, a new one included."""

_OUR_PATH = re.compile(r"/(policies|waivers|clusters)(/[A-Za-z0-9._/-]*)?(\?[A-Za-z0-9._=&%+-]*)?")

_UNKNOWN = "This is not a token that the gateway knows. Tokens begin with dgw_ or dg_; your platform team issues them."


@pages.before_request
def _require_session() -> None:
    if request.method == "POST":
        _insist_on_own_form()
    if request.endpoint in _OPEN:
        return
    holder = _holder()
    if holder is None:
        raise Unauthenticated("nobody is signed in", "Sign in with a token")
    g.principal = holder


def _insist_on_own_form() -> None:
    """A browser says from where a form is sent; one from elsewhere is not of the reader's doing."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    ours = {request.host, urlsplit(gateway().settings.public_url).netloc} - {""}
    if site not in (None, "same-origin") or (origin is not None and _host_in(origin) not in ours):
        raise Forbidden("this form was sent from another site", "Open the page here, and send the form from it")


def _host_in(origin: str) -> str:
    """The host and port that `origin` names; empty, and so nobody's, for what is no address."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _holder() -> Principal | None:
    """Whoever signed in, as long as their token or a rule counts. Raises `TokenEnded`, `TokenRevoked`, `Forbidden`."""
    secret = request.cookies.get(_cookie())
    parts = gateway()
    held = parts.store.page_sessions.holder(secret) if secret and not secret.startswith(TERMINAL_PREFIX) else None
    if held is None:
        return None
    if held.claims is not None:
        return parts.people.holder(held)
    token = known_by(held.token_sha256, parts.settings.tokens, parts.store.tokens)
    return None if token is None else holder_of(token)


@pages.get("/")
def home() -> Response:
    """Where everybody begins."""
    return _to(url_for("pages.policies"))


@pages.get("/sign-in")
def sign_in() -> Response:
    """Asks for a token."""
    wanted = our_path(request.args.get("next", ""))
    return make_response(render_template("sign_in.html", next=wanted, sign_in=gateway().settings.sign_in))


@pages.post("/sign-in")
def sign_in_with_token() -> Response:
    """Opens a session for the holder of the token, in a cookie that no script and no other site can use."""
    wanted, parts = our_path(request.form.get("next", "")), gateway()
    try:
        token = recognise(request.form.get("token", "").strip(), parts.settings.tokens, parts.store.tokens)
        if token is None:
            return _not_signed_in(wanted, _UNKNOWN)
        holder_of(token)
    except Unauthenticated as error:
        return _not_signed_in(wanted, str(error))
    return give_session(_to(wanted or url_for("pages.policies")), parts.store.page_sessions.open(token.sha256))


def give_session(response: Response, secret: str) -> Response:
    """`response` with the session `secret`, in a cookie that no script and no other site can use."""
    response.set_cookie(_cookie(), secret, max_age=SESSION_SECONDS, secure=is_https(), httponly=True, samesite="Strict")
    return response


def _not_signed_in(wanted: str, why: str) -> Response:
    return make_response(
        render_template("sign_in.html", next=wanted, refused=why, sign_in=gateway().settings.sign_in), 401
    )


@pages.post("/sign-out")
def sign_out() -> Response:
    """Ends the session, in the store too."""
    secret = request.cookies.get(_cookie())
    if secret:
        gateway().store.page_sessions.close(secret)
    response = _to(url_for("pages.sign_in"))
    response.delete_cookie(_cookie(), secure=is_https(), httponly=True, samesite="Strict")
    return response


def is_https() -> bool:
    """Whether people reach the gateway over https."""
    return gateway().settings.public_url.startswith("https://")


def _cookie() -> str:
    """With the prefix, a browser takes it only over https, and from this very host."""
    return "__Host-deploy-gateway" if is_https() else "deploy-gateway"


def our_path(path: str) -> str:
    """`path`, when it is one of our pages: a link to the sign-in must not lead elsewhere."""
    return path if _OUR_PATH.fullmatch(path) and "//" not in path else ""


def _to(address: str) -> Response:
    return make_response(redirect(address, 303))
