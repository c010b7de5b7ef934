"""Values for a third-party chart: what ends a finding in one line, and all that was found as a block to paste."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import yaml

from deployctl.verdicts import Suggested, Verdict
from pipelines.apps import ALWAYS_ENFORCED
from pipelines.findings import Finding
from pipelines.third_party.values_hints import NOT_FOUND, as_yaml

_INDENT = "  "


def hint_line(finding: Finding) -> str:
    """`service: {type: ClusterIP}`, with what is left out then; or why there is none. Empty: it was not looked for."""
    values = yaml.safe_load(finding.values_hint)
    notes = [row.removeprefix("# ") for row in finding.values_hint.splitlines() if row.startswith("# ")]
    if not isinstance(values, dict):
        return "; ".join(notes)
    written = ", ".join(
        yaml.safe_dump({key: one}, default_flow_style=True, sort_keys=False, width=10_000).strip()[1:-1]
        for key, one in values.items()
    )
    return f"{written}   # {', '.join(notes)}" if notes else written


def advice_lines(verdict: Verdict) -> Iterator[str]:
    """The values that were found, as a whole, and for what remains the command of a waiver."""
    if verdict.suggested is not None:
        yield from _block(verdict.suggested, is_app=bool(verdict.app))
    left = (one for one in verdict.blocking if one.values_hint == NOT_FOUND and one.rule not in ALWAYS_ENFORCED)
    waivers = list(dict.fromkeys(_waiver(one, verdict.app) for one in left))
    if waivers:
        yield "no value of the chart was found that ends these; the platform may waive them:"
        yield from (f"{_INDENT}{one}" for one in waivers)


def _block(found: Suggested, *, is_app: bool) -> Iterator[str]:
    ends = "1 finding ends" if found.gone == 1 else f"{found.gone} findings end"
    remain = {0: "none remains", 1: "1 remains"}.get(found.stay, f"{found.stay} remain")
    remain += f", of which {found.stay_blocking} block{'s' * (found.stay_blocking == 1)}" if found.stay > 1 else ""
    where = "write into deploy.yaml" if is_app else "write into a file for --values, or below values: in deploy.yaml"
    yield f"with these values {ends} and {remain}; {where}:"
    values = dict(found.values)
    for key in reversed(found.where.split(".") if is_app else []):
        values = {key: values}
    yield from (f"{_INDENT}{row}" for row in as_yaml(values).splitlines())
    if found.leaves_out:
        yield f"the chart then leaves out {', '.join(found.leaves_out)}: see that nothing needs it"


def _waiver(finding: Finding, app: str) -> str:
    about = {"rule": finding.rule, "app": app or "APP", "resource": finding.resource}
    given = " ".join(f"--{name} {shlex.quote(value)}" for name, value in about.items())
    return f"deployctl waiver add {given} --owner WHO --reason WHY --until YYYY-MM-DD"
