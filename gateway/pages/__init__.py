"""The pages: what the API tells, for people with a browser. Rendered here, without a script."""

from __future__ import annotations

from gateway.pages import clusters, forecast, policies, provider, sessions, waivers  # noqa: F401 (each adds its addresses to the blueprint)
from gateway.pages.blueprint import pages
from gateway.pages.faults import register

__all__ = ["pages", "register"]
