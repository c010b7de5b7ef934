"""JUnit XML: a suite for each App, a case for each finding, so that any CI system shows them as failed tests."""

from __future__ import annotations

from xml.etree import ElementTree

from deployctl.render.places import parts
from deployctl.render.standing import standing
from deployctl.render.suggested import hint_line
from deployctl.render.text import safe
from deployctl.verdicts import NotChecked, Report, Verdict, VerdictState
from pipelines.findings import Finding


def junit(report: Report) -> str:
    """The document. What was not checked is a skipped case; an App that passes has a case that says so."""
    root = ElementTree.Element("testsuites", name="deployctl check")
    for verdict in report.verdicts:
        _add_suite(root, verdict, report.not_checked)
    _count(root, report.seconds)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=False)


def _add_suite(root: ElementTree.Element, verdict: Verdict, not_checked: tuple[NotChecked, ...]) -> None:
    suite = ElementTree.SubElement(root, "testsuite", name=f"{verdict.app or verdict.file} → {verdict.environment}")
    if verdict.state is VerdictState.PASSED:
        _case(suite, verdict, "all checks")
    for fault in verdict.faults:
        case = _case(suite, verdict, f"{verdict.code} {fault.where}", fault.where)
        _outcome(case, "error", fault.reason, f"{fault.where}\n{fault.solution}")
    for finding in verdict.findings:
        case = _case(suite, verdict, f"{finding.rule} {finding.resource} {finding.field}".strip(), finding.source)
        if finding.blocks:
            _outcome(case, "failure", finding.what, _text(finding))
        else:
            kind = f"warning, {why}" if (why := standing(finding.to_json())) else "warning"
            ElementTree.SubElement(case, "system-out").text = safe(f"{kind}: {finding.what}\n{_text(finding)}")
    for one in not_checked:
        _outcome(_case(suite, verdict, one.what), "skipped", f"not checked: {one}", "")
    _count(suite, verdict.seconds)


def _case(suite: ElementTree.Element, verdict: Verdict, name: str, place: str = "") -> ElementTree.Element:
    """A case in the file of `place`, and at its line, where it has them."""
    file, line = parts(place or verdict.file)
    at = {"file": file} if line is None else {"file": file, "line": str(line)}
    return ElementTree.SubElement(suite, "testcase", at, classname=verdict.file, name=safe(name))


def _outcome(case: ElementTree.Element, kind: str, message: str, text: str) -> None:
    ElementTree.SubElement(case, kind, message=safe(message)).text = safe(text) or None


def _text(finding: Finding) -> str:
    why = " ".join(finding.why.split())
    values = f"\nvalues: {hint_line(finding)}" if finding.values_hint else ""
    return f"{finding.source}\nwrite: {finding.how.strip()}{values}\nwhy: {why}\nmore: {finding.link}"


def _count(element: ElementTree.Element, seconds: float) -> None:
    counted = {"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}
    for name, tag in counted.items():
        element.set(name, str(sum(1 for _ in element.iter(tag))))
    element.set("time", f"{seconds:.3f}")
