"""The platform's exceptions to single rules for single Apps."""

from __future__ import annotations

from flask import Response, make_response, render_template, request

from gateway.context import gateway
from gateway.exceptions import waiver_view
from gateway.pages.blueprint import pages
from gateway.routes.waivers import apps_asked_for
from pipelines.days import today
from store import WaiverFilter

_SHOWN = 50


@pages.get("/waivers")
def waivers() -> Response:
    """Those that hold, of the Apps that the reader may see, newest first; with `ended` the others too."""
    day = today()
    ended = request.args.get("ended") == "yes"
    wanted = WaiverFilter(apps=apps_asked_for(), on=None if ended else day)
    page = gateway().store.waivers.find(wanted, _SHOWN, request.args.get("cursor"))
    return make_response(
        render_template(
            "waivers.html",
            waivers=[waiver_view(one, day) for one in page.items],
            next_cursor=page.next_cursor,
            ended=ended,
        )
    )
