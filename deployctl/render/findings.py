"""Findings, so that the reader can mend them: what, where, why, and what to write instead."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from rich.console import Console
from rich.text import Text

from deployctl.render.text import put, safe


def print_findings(console: Console, findings: list[dict[str, Any]]) -> None:
    """The blocking ones in full, by rule; warnings with a line each."""
    blocking = [one for one in findings if one["blocks"]]
    warnings = [one for one in findings if not one["blocks"]]
    for _, group in groupby(sorted(blocking, key=_rank), key=lambda one: one["rule"]):
        _print_rule(console, list(group))
    if warnings:
        count = "1 warning, which doesn't" if len(warnings) == 1 else f"{len(warnings)} warnings, which don't"
        put(console, Text(f"\n{count} block here", style="yellow bold"))
        for one in warnings:
            put(console, Text(f"! {_place(one)}{safe(one['what'])}  [{safe(one['rule'])}]", style="yellow"), indent=2)


_SEVERITIES = ("critical", "high", "medium", "low")


def _rank(finding: dict[str, Any]) -> tuple[int, str]:
    severity = finding["severity"]
    return (_SEVERITIES.index(severity) if severity in _SEVERITIES else len(_SEVERITIES), finding["rule"])


def _print_rule(console: Console, findings: list[dict[str, Any]]) -> None:
    first = findings[0]
    head = Text("\n✗ ", style="red bold").append(safe(first["rule"]), style="bold")
    console.print(head.append(f"  {safe(first['severity'])}", style="dim"))
    for one in findings:
        put(console, Text(f"{_place(one)}{safe(one['what'])}"), indent=2)
    put(console, Text(f"why    {safe(first['why'])}", style="dim"), indent=2)
    lines = safe(first["how"]).strip().splitlines() or ["see the link"]
    for number, line in enumerate(lines):
        put(console, Text("write  " if number == 0 else "       ").append(line, style="green"), indent=2)
    put(console, Text(f"more   {safe(first['link'])}", style="dim"), indent=2)


def _place(finding: dict[str, Any]) -> str:
    source, resource = safe(finding["source"]), safe(finding["resource"])
    return f"{source}  {resource}: " if source else f"{resource}: "
