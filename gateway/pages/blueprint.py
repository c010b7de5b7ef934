"""The blueprint that all pages belong to, and the words that their templates share."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, g
from markupsafe import Markup, escape

pages = Blueprint("pages", __name__, template_folder="templates", static_folder="static", static_url_path="/static")


@pages.app_context_processor
def _who() -> dict[str, object]:
    return {"principal": g.get("principal")}


@pages.app_template_filter("when")
def _when(moment: datetime | None) -> Markup:
    """A time, for people and for programs."""
    if moment is None:
        return Markup("never")
    utc = moment.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(
        utc.isoformat(timespec="seconds"), utc.strftime("%Y-%m-%d %H:%M UTC")
    )


@pages.app_template_filter("web_link")
def _web_link(address: str) -> Markup:
    """A link to another site; what is no https address stays text."""
    if not address.startswith("https://"):
        return escape(address)
    return Markup('<a href="{0}" rel="noopener">{0}</a>').format(address)
