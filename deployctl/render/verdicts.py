"""Verdicts for people: what to write first, then what is wrong and why; one line when all is well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from deployctl.render.findings import print_blocking, print_lines, print_ways_out
from deployctl.render.places import parts
from deployctl.render.standing import standing
from deployctl.render.suggested import advice_lines
from deployctl.render.summary import summary
from deployctl.render.text import put, put_whole, safe
from deployctl.verdicts import STAND_IN_ENVIRONMENT, Report, Verdict, VerdictState
from pipelines.errors import ChartUnavailable, RegistryUnavailable
from pipelines.findings import Finding

_HEADS = {
    VerdictState.BLOCKED: "blocked",
    VerdictState.INVALID: "can't be used",
    VerdictState.CRASHED: "not checked: a check crashed",
}
_NO_ANSWER = frozenset({ChartUnavailable.code, RegistryUnavailable.code})
_FEW = 3


def print_verdicts(console: Console, report: Report) -> None:
    """Each App that does not pass, the warnings, a line with what came of all, and what was not checked."""
    for verdict in report.verdicts:
        if verdict.state is not VerdictState.PASSED:
            _print_verdict(console, verdict)
    _print_waived(console, report.verdicts)
    _print_warnings(console, report.verdicts)
    is_good = report.exit == 0
    head = Text("✓ " if is_good else "✗ ", style="green bold" if is_good else "red bold")
    put(console, head.append(summary(report), style="bold"))
    left_out = ", ".join(one.brief for one in report.not_checked)
    # Where no file could be used, nothing was checked at all.
    if left_out and report.of(VerdictState.PASSED) + report.of(VerdictState.BLOCKED):
        put(console, Text(f"not checked: {safe(left_out)}", style="dim"))


def _print_verdict(console: Console, verdict: Verdict) -> None:
    name = verdict.app or verdict.file
    head = Text("✗ ", style="red bold").append(safe(name), style="bold").append(f"  {_state(verdict)}")
    where = f"  {safe(verdict.file)}" if verdict.app else ""
    if verdict.environment != STAND_IN_ENVIRONMENT:
        where += f"  → {safe(verdict.environment)}"
    put(console, head.append(where, style="dim"))
    for fault in verdict.faults:
        put(console, Text(f"{safe(fault.where)}  {safe(fault.reason)}"), indent=2)
        print_lines(console, "fix    ", fault.solution, "green", indent=4)
    _print_blocking(console, verdict)
    console.print()
    _print_suggested(console, verdict)


def _state(verdict: Verdict) -> str:
    return "not checked: no answer" if verdict.code in _NO_ANSWER else _HEADS[verdict.state]


def _print_blocking(console: Console, verdict: Verdict) -> None:
    """File by file, each under its name where there are several, what is worst first; why a rule is one, once."""
    files = sorted({_file(one) for one in verdict.blocking})
    explained: set[str] = set()
    for number, file in enumerate(files):
        found = [one for one in verdict.blocking if _file(one) == file]
        if len(files) > 1:
            count = f"{len(found)} findings that block" if len(found) > 1 else "1 finding that blocks"
            head = Text("\n" if number else "").append(safe(file or "rendered by the chart"), style="bold underline")
            put(console, head.append(f"  {count}", style="dim not underline"))
        print_blocking(console, found, explained)


def _file(finding: Finding) -> str:
    return parts(finding.source)[0]


def _print_suggested(console: Console, verdict: Verdict) -> None:
    lines = list(advice_lines(verdict))
    for line in lines:
        is_to_be_copied = line.startswith(" ")
        (put_whole if is_to_be_copied else put)(console, Text(safe(line)), indent=2)
    if lines:
        console.print()


def _print_waived(console: Console, verdicts: Iterable[Verdict]) -> None:
    """A line for each: exceptions are to be seen."""
    for verdict in verdicts:
        for one in verdict.waived:
            place, why = safe(one.source or verdict.file), safe(standing(one.to_json()))
            text = f"~ {place}  {safe(one.rule)}  {safe(one.resource)}: {safe(one.what)}; {why}"
            put(console, Text(text, style="cyan"))


def _print_warnings(console: Console, verdicts: Iterable[Verdict]) -> None:
    """A line for each while they are few; of many, a line for each rule."""
    all_of_them = [(verdict, one) for verdict in verdicts for one in verdict.warnings]
    if len({verdict.file for verdict, _ in all_of_them}) <= _FEW:
        for verdict, one in all_of_them:
            place = safe(one.source or verdict.file)
            text = f"! {place}  {safe(one.rule)}  {safe(one.resource)}: {safe(one.what)}"
            why = safe(standing(one.to_json()))
            put(console, Text(f"{text}; {why}" if why else text, style="yellow"))
        print_ways_out(console, [one for _, one in all_of_them])
        return
    for rule, count in sorted(Counter(one.rule for _, one in all_of_them).items()):
        first = next(one for _, one in all_of_them if one.rule == rule)
        put(
            console, Text(f"! {count} × {safe(rule)}, such as {safe(first.source)}: {safe(first.what)}", style="yellow")
        )
