"""Annotations of GitHub Actions: workflow commands, one a line, that put a finding at its line of the diff."""

from __future__ import annotations

from collections.abc import Iterator

from deployctl.render.places import parts
from deployctl.render.standing import standing
from deployctl.render.suggested import hint_line
from deployctl.render.summary import summary
from deployctl.render.text import safe
from deployctl.verdicts import Report, Verdict


def annotation_lines(report: Report) -> Iterator[str]:
    """A line for each fault and finding, then what was not checked, then how it went."""
    for verdict in report.verdicts:
        yield from _of(verdict)
    for one in report.not_checked:
        yield f"::notice title=Not checked::{_message(str(one))}"
    yield summary(report)


def _of(verdict: Verdict) -> Iterator[str]:
    for fault in verdict.faults:
        yield _command("error", fault.where or verdict.file, verdict.code, f"{fault.reason}\n{fault.solution}")
    for one in verdict.findings:
        text = f"{one.resource}: {one.what}\nWrite: {one.how.strip()}\nWhy: {' '.join(one.why.split())}"
        if standing(one.to_json()):
            text += f"\n{standing(one.to_json())}"
        if hint_line(one):
            text += f"\nValues: {hint_line(one)}"
        kind = "error" if one.blocks else "notice" if one.waiver else "warning"
        yield _command(kind, one.source or verdict.file, one.rule, text)


def _command(kind: str, place: str, title: str, text: str) -> str:
    file, line = parts(place)
    lines = "" if line is None else f",line={line},endLine={line}"
    return f"::{kind} file={_property(file)}{lines},title={_property(title)}::{_message(text)}"


def _message(text: str) -> str:
    return safe(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
