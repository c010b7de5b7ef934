"""Findings, so that the reader can mend them: what, where, why, and what to write instead."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from rich.console import Console
from rich.text import Text

from deployctl.render.standing import standing
from deployctl.render.text import put, safe


def print_findings(console: Console, findings: list[dict[str, Any]]) -> None:
    """The blocking ones in full, by rule; what is waived, and warnings, with a line each."""
    blocking = [one for one in findings if one["blocks"]]
    waived = [one for one in findings if not one["blocks"] and one.get("waiver")]
    warnings = [one for one in findings if not one["blocks"] and not one.get("waiver")]
    for _, group in groupby(sorted(blocking, key=_rank), key=lambda one: one["rule"]):
        _print_rule(console, list(group))
    if waived:
        put(console, Text(f"\n{len(waived)} waived by the platform", style="cyan bold"))
        _print_lines(console, waived, "~", "cyan")
    if warnings:
        count = "1 warning, which doesn't" if len(warnings) == 1 else f"{len(warnings)} warnings, which don't"
        put(console, Text(f"\n{count} block here", style="yellow bold"))
        _print_lines(console, warnings, "!", "yellow")


def _print_lines(console: Console, findings: list[dict[str, Any]], mark: str, style: str) -> None:
    for one in findings:
        why = f"; {safe(standing(one))}" if standing(one) else ""
        put(
            console, Text(f"{mark} {_place(one)}{safe(one['what'])}  [{safe(one['rule'])}{why}]", style=style), indent=2
        )


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
