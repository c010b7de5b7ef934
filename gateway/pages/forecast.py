"""What will block on a day to come."""

from __future__ import annotations

from flask import Response, make_response, render_template, request

from gateway.context import gateway
from gateway.outlook import forecast_of
from gateway.pages.blueprint import pages


@pages.get("/policies/forecast")
def forecast() -> Response:
    """Which Apps would be refused on `date`, in `environment` or in all, and by what."""
    environment = request.args.get("environment") or None
    found = forecast_of(request.args.get("date") or None, environment)
    environments = sorted(gateway().settings.environments)
    return make_response(
        render_template("forecast.html", forecast=found, environments=environments, environment=environment or "")
    )
