"""The catalogue of rules, and what each wants."""

from __future__ import annotations

from flask import Response, make_response, render_template, request

from gateway.context import gateway
from gateway.pages.blueprint import pages
from pipelines.catalogue import Entry, Holds, catalogue, entry_of
from pipelines.days import today
from pipelines.findings import Severity


@pages.get("/policies")
def policies() -> Response:
    """All rules, grouped by where they hold; `q`, `severity` and `holds` narrow them."""
    words = request.args.get("q", "")[:100]
    severity, holds = request.args.get("severity", ""), request.args.get("holds", "")
    shown = [
        entry
        for entry in catalogue()
        if severity in ("", entry.severity)
        and holds in ("", entry.holds)
        and all(word in _text(entry) for word in words.lower().split())
    ]
    groups = [(one, [entry for entry in shown if entry.holds is one]) for one in Holds]
    return make_response(
        render_template(
            "policies.html",
            groups=[(one, entries) for one, entries in groups if entries],
            count=len(shown),
            words=words,
            chosen={"severity": severity, "holds": holds},
            choices={"severity": list(Severity), "holds": list(Holds)},
        )
    )


def _text(entry: Entry) -> str:
    return f"{entry.id} {entry.title} {entry.why}".lower()


@pages.get("/policies/<path:rule_id>")
def policy(rule_id: str) -> Response:
    """One rule: what, why, what to write, and how it counts in each Environment."""
    entry = entry_of(rule_id)
    day = today()
    places = [environment.as_of(day) for environment in gateway().settings.environments.values()]
    modes = [(one.name, one.mode_of(entry.id, entry.mode), one.enforce_from_of(entry.id, entry.mode)) for one in places]
    return make_response(render_template("policy.html", entry=entry, modes=modes))
