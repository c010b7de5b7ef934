"""What a page says when there is nothing to show, or nothing for this reader."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Flask, Response, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException, NotFound

from gateway import problems
from gateway.pages.blueprint import pages
from pipelines.errors import GatewayError, Unauthenticated

_TITLES = {
    403: "This page is not for you",
    404: "There is nothing here",
    503: "A part of the gateway is away for a moment",
}


def register(app: Flask) -> None:
    """Has `app` answer a browser that comes to no address at all with a page, and everything else as before."""
    app.register_error_handler(404, _nowhere)


@pages.errorhandler(GatewayError)
def _fault(error: GatewayError) -> Response:
    if isinstance(error, Unauthenticated):
        asked = {"next": request.full_path.rstrip("?")} if request.method == "GET" else {}
        # Werkzeug's type says its own Response; in an app it is Flask's.
        return redirect(f"{url_for('pages.sign_in')}?{urlencode(asked)}".rstrip("?"), 303)  # type: ignore[return-value]
    return _page(error)


@pages.errorhandler(HTTPException)
def _refused(error: HTTPException) -> Response:
    return _page(problems.translated(error))


@pages.errorhandler(Exception)
def _unforeseen(error: Exception) -> Response:
    return _page(problems.unforeseen(error))


def _nowhere(error: NotFound) -> Response:
    wanted = request.accept_mimetypes
    prefers_a_page = wanted["text/html"] > wanted["application/json"]
    return _page(problems.translated(error)) if prefers_a_page else problems.answer(problems.translated(error))


def _page(error: GatewayError) -> Response:
    title = _TITLES.get(error.http_status, error.title)
    return make_response(render_template("fault.html", title=title, error=error), error.http_status)
