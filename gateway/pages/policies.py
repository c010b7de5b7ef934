"""The catalogue of rules, and what each wants."""

from __future__ import annotations

from functools import cache

from flask import Response, make_response, render_template, request

from gateway.context import gateway
from gateway.pages.blueprint import pages
from pipelines.errors import NotFound
from pipelines.findings import Severity
from pipelines.rules import Rule, load_rules
from pipelines.suggestions import did_you_mean


@cache
def _rules() -> dict[str, Rule]:
    return {rule.id: rule for rule in load_rules()}


@pages.get("/policies")
def policies() -> Response:
    """All rules by severity; `q` and `severity` narrow them."""
    words, severity = request.args.get("q", "")[:100], request.args.get("severity", "")
    shown = [
        rule
        for rule in _rules().values()
        if severity in ("", rule.severity) and all(word in _text(rule) for word in words.lower().split())
    ]
    groups = [(one, [rule for rule in shown if rule.severity is one]) for one in Severity]
    return make_response(
        render_template(
            "policies.html",
            groups=[(one, rules) for one, rules in groups if rules],
            words=words,
            severity=severity,
            severities=list(Severity),
            count=len(shown),
        )
    )


def _text(rule: Rule) -> str:
    return f"{rule.id} {rule.title} {rule.why}".lower()


@pages.get("/policies/<rule_id>")
def policy(rule_id: str) -> Response:
    """One rule: what, why, what to write, and how it counts in each Environment."""
    rule = _rules().get(rule_id)
    if rule is None:
        raise NotFound(f"there is no rule {rule_id[:80]!r}", did_you_mean(rule_id, _rules()), where="rule")
    modes = [(one.name, one.mode_of(rule.id)) for one in gateway().settings.environments.values()]
    return make_response(render_template("policy.html", rule=rule, modes=modes))
