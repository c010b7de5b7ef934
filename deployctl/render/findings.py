"""Findings, so that the reader can mend them: what to write instead first, then what is wrong, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.text import Text

from deployctl.render.standing import standing
from deployctl.render.suggested import hint_line
from deployctl.render.text import put, put_whole, safe
from pipelines.findings import Finding, Mode, Severity

_SEVERITIES = tuple(Severity)
_TO_BE_COPIED = ("write  ", "values ")
_KEYS = frozenset(one.name for one in fields(Finding))


def print_findings(console: Console, findings: list[dict[str, Any]]) -> None:
    """Those of a Release, as the API gives them: what blocks as a check of this machine tells it, else a line each."""
    told = [_of_api(one) for one in findings]
    waived = [one for one in told if one.waiver]
    warnings = [one for one in told if not one.blocks and not one.waiver]
    if any(one.blocks for one in told):
        console.print()
        print_blocking(console, (one for one in told if one.blocks), set())
    if waived:
        put(console, Text(f"\n{len(waived)} waived by the platform", style="cyan bold"))
        _print_briefly(console, waived, "~", "cyan")
    if warnings:
        count = "1 warning, which doesn't" if len(warnings) == 1 else f"{len(warnings)} warnings, which don't"
        put(console, Text(f"\n{count} block here", style="yellow bold"))
        _print_briefly(console, warnings, "!", "yellow")
        print_ways_out(console, warnings)


def print_blocking(console: Console, findings: Iterable[Finding], explained: set[str]) -> None:
    """`findings` by rule, what is worst first; why a rule is one, unless it is `explained`, which it then is."""
    for _, group in groupby(sorted(findings, key=_rank), key=lambda one: (one.rule, one.how)):
        of_rule = list(group)
        _print_rule(console, of_rule, is_new=of_rule[0].rule not in explained)
        explained.add(of_rule[0].rule)


def print_ways_out(console: Console, warnings: Iterable[Finding]) -> None:
    """Why, and what to write, once for all `warnings` that it is the same for: a warning may block some day."""
    for (rule, how), group in groupby(sorted(warnings, key=_rank), key=lambda one: (one.rule, one.how)):
        first = next(group)
        put(console, Text(f"{safe(rule)}: {' '.join(safe(first.why).split())}", style="dim"), indent=2)
        print_lines(console, "write  ", how or f"see {first.link}", "green", indent=4)


def _of_api(data: dict[str, Any]) -> Finding:
    """The finding of a gateway that may be newer, and say more, or of a severity or a mode that nobody knows here."""
    known = {key: value for key, value in data.items() if key in _KEYS}
    if known["severity"] not in _SEVERITIES:
        known["severity"] = Severity.LOW
    return Finding.from_json(known | {"mode": Mode.ENFORCE if data["blocks"] else Mode.WARN})


def _print_briefly(console: Console, findings: list[Finding], mark: str, style: str) -> None:
    for one in findings:
        place = f"{safe(one.source)}  {safe(one.resource)}" if one.source else safe(one.resource)
        why = safe(standing(one.to_json()))
        text = f"{mark} {place}: {safe(one.what)}  [{safe(one.rule)}{f'; {why}' if why else ''}]"
        put(console, Text(text, style=style), indent=2)


def _rank(finding: Finding) -> tuple[int, str, str]:
    return _SEVERITIES.index(finding.severity), finding.rule, finding.how


def _print_rule(console: Console, findings: list[Finding], *, is_new: bool) -> None:
    """The places in order, so that an editor can be sent to the first; then the fix, before what and why."""
    first = findings[0]
    head = Text(safe(first.source) or safe(first.resource)).append(f"  {safe(first.rule)}", style="bold")
    put(console, head.append(f"  {first.severity.value}", style="dim"), indent=2)
    print_lines(console, "write  ", first.how or "see the link", "green", indent=4)
    for hint in dict.fromkeys(map(hint_line, findings)):
        print_lines(console, "values ", hint, "green", indent=4)
    for one in findings:
        place = f"{one.source}  " if one.source != first.source else ""
        print_lines(console, "what   ", f"{place}{one.resource}: {one.what}", "", indent=4)
    if not is_new:
        return
    print_lines(console, "why    ", " ".join(first.why.split()), "dim", indent=4)
    print_lines(console, "also   ", ", ".join(dict.fromkeys(_also(findings))), "dim", indent=4)
    print_lines(console, "more   ", first.link, "dim", indent=4)


def _also(findings: list[Finding]) -> Iterator[str]:
    """The rules that say the same."""
    for one in findings:
        yield from one.also_found_by


def print_lines(console: Console, label: str, text: str, style: str, *, indent: int) -> None:
    """`text` behind `label`, its further lines below its first."""
    show = put_whole if label in _TO_BE_COPIED else put
    for number, line in enumerate(safe(text).strip().splitlines()):
        show(console, Text(label if number == 0 else " " * len(label)).append(line, style=style), indent=indent)
