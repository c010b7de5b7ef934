"""Findings, so that the reader can mend them: what, where, why, and what to write instead."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from deployctl.render.text import safe


def print_findings(console: Console, findings: list[dict[str, Any]]) -> None:
    """The blocking ones in full, by rule; warnings with a line each."""
    blocking = [one for one in findings if one["blocks"]]
    warnings = [one for one in findings if not one["blocks"]]
    for _, group in groupby(sorted(blocking, key=_rank), key=lambda one: one["rule"]):
        _print_rule(console, list(group))
    if warnings:
        console.print(Text(f"\n{len(warnings)} warnings, which don't block here", style="yellow bold"))
        for one in warnings:
            console.print(Text(f"  ! {_place(one)}{safe(one['what'])}  [{safe(one['rule'])}]", style="yellow"))


_SEVERITIES = ("critical", "high", "medium", "low")


def _rank(finding: dict[str, Any]) -> tuple[int, str]:
    severity = finding["severity"]
    return (_SEVERITIES.index(severity) if severity in _SEVERITIES else len(_SEVERITIES), finding["rule"])


def _print_rule(console: Console, findings: list[dict[str, Any]]) -> None:
    first = findings[0]
    head = Text("\n✗ ", style="red bold").append(safe(first["rule"]), style="bold")
    console.print(head.append(f"  {safe(first['severity'])}", style="dim"))
    for one in findings:
        console.print(Padding(Text(f"{_place(one)}{safe(one['what'])}"), (0, 0, 0, 2)))
    console.print(Padding(Text(f"why    {safe(first['why'])}", style="dim"), (0, 0, 0, 2)))
    lines = safe(first["how"]).strip().splitlines() or ["see the link"]
    for number, line in enumerate(lines):
        console.print(Padding(Text("write  " if number == 0 else "       ").append(line, style="green"), (0, 0, 0, 2)))
    console.print(Padding(Text(f"more   {safe(first['link'])}", style="dim"), (0, 0, 0, 2)))


def _place(finding: dict[str, Any]) -> str:
    source, resource = safe(finding["source"]), safe(finding["resource"])
    return f"{source}  {resource}: " if source else f"{resource}: "
