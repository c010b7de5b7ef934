"""A report of checks in one line."""

from __future__ import annotations

from deployctl.verdicts import Report, VerdictState

_WORDS = (
    (VerdictState.BLOCKED, "blocked"),
    (VerdictState.INVALID, "can't be used"),
    (VerdictState.CRASHED, "not checked"),
)


def summary(report: Report) -> str:
    """One line: how many Apps, what stops them."""
    count = len(report.verdicts)
    apps = report.verdicts[0].counted if count == 1 else ""
    apps = apps or ("1 App" if count == 1 else f"{count} Apps")
    states = ((len(report.of(state)), word) for state, word in _WORDS)
    parts = [f"{number} {word}" for number, word in states if number]
    blocking = sum(len(one.blocking) for one in report.verdicts if one.state is not VerdictState.BLOCKED)
    parts += [f"{blocking} finding{' blocks' if blocking == 1 else 's block'}"] * bool(blocking)
    warnings = sum(len(one.warnings) for one in report.verdicts)
    parts += [f"{warnings} warning{'s' if warnings > 1 else ''}"] * bool(warnings)
    waived = sum(len(one.waived) for one in report.verdicts)
    parts += [f"{waived} waived"] * bool(waived)
    if report.exit == 0:
        parts.insert(0, "nothing blocks")
    return f"{apps}: {', '.join(parts)}, in {report.seconds:.1f} s"
