"""SARIF 2.1.0: what code scanning reads. Ids of rules and fingerprints stay the same while lines move."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from deployctl.render.places import parts
from deployctl.render.standing import standing
from deployctl.render.suggested import hint_line
from deployctl.verdicts import Report, Verdict, VerdictState
from pipelines.catalogue import Entry, catalogue
from pipelines.findings import Finding, Severity

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_SECURITY_SEVERITY = {Severity.CRITICAL: "9.5", Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "2.0"}


def sarif(report: Report) -> dict[str, Any]:
    """One run: a result for each finding and each fault, notifications too for what crashed or was not checked."""
    results, rules = _results(report)
    crashed = report.of(VerdictState.CRASHED)
    notifications = [
        *(_notification("error", f"{fault.where}: {fault.reason}") for one in crashed for fault in one.faults),
        *(_notification("note", f"not checked: {one}") for one in report.not_checked),
    ]
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "deployctl",
                        "semanticVersion": version("deploy-gateway"),
                        "rules": list(rules.values()),
                    }
                },
                "invocations": [
                    {
                        "executionSuccessful": not crashed,
                        "exitCode": int(report.exit),
                        "toolExecutionNotifications": notifications,
                    }
                ],
                "results": results,
            }
        ],
    }


def _notification(level: str, text: str) -> dict[str, Any]:
    return {"level": level, "message": {"text": text}}


def _results(report: Report) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """The results, and the rules that they are of, by id."""
    results: list[dict[str, Any]] = []
    rules: dict[str, dict[str, Any]] = {}
    seen: Counter[str] = Counter()
    for verdict in report.verdicts:
        for rule, result, identity in (*_of_findings(verdict), *_of_faults(verdict)):
            rules.setdefault(rule["id"], rule)
            # Of several that say the same of the same, each has a fingerprint of its own.
            seen[identity] += 1
            result["ruleIndex"] = list(rules).index(rule["id"])
            result["partialFingerprints"] = {"deployctl/v1": _digest(f"{identity}\n{seen[identity]}")}
            results.append(result)
    return results, rules


_Result = tuple[dict[str, Any], dict[str, Any], str]
"""A rule, a result of it, and what makes the result the same one in the next commit: not its line."""


def _of_findings(verdict: Verdict) -> Iterator[_Result]:
    for one in verdict.findings:
        place = one.source or verdict.file
        text = f"{one.resource}: {one.what}\n\nWrite: {one.how.strip()}\n\nWhy: {' '.join(one.why.split())}"
        identity = "\n".join((one.rule, parts(place)[0], verdict.environment, one.resource, one.field))
        result = _result(one.rule, "error" if one.blocks else "warning", place, f"{text}{_standing(one)}")
        if more := _properties(one):
            result["properties"] = more
        if one.waiver:
            result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": one.waiver}]
        yield _rule(one), result, identity


def _properties(finding: Finding) -> dict[str, Any]:
    tags = {"tags": list(finding.also_found_by)} if finding.also_found_by else {}
    return tags | ({"values_hint": finding.values_hint} if finding.values_hint else {})


def _standing(finding: Finding) -> str:
    why, hint = standing(finding.to_json()), hint_line(finding)
    values = f"\n\nValues: {hint}" if hint else ""
    return f"{values}\n\n{why[:1].upper()}{why[1:]}" if why else values


def _of_faults(verdict: Verdict) -> Iterator[_Result]:
    # A crash too: code scanning closes what is in no result, and takes no results for all being well.
    crashed = verdict.state is VerdictState.CRASHED
    about = "A check gave no answer, which is no pass" if crashed else "The file can't be used as it is"
    for one in verdict.faults:
        rule = {"id": verdict.code, "shortDescription": {"text": about}}
        text = f"{one.reason}\n\n{one.solution}".strip()
        yield (
            rule,
            _result(verdict.code, "error", one.where or verdict.file, text),
            "\n".join((verdict.code, verdict.file, one.reason)),
        )


def _rule(finding: Finding) -> dict[str, Any]:
    """What the catalogue says of its rule, so that it is the same in each run; without one, what it says itself."""
    known = _entries().get(finding.rule)
    said = finding if known is None else known
    why = " ".join(said.why.split())
    return {
        "id": finding.rule,
        "shortDescription": {"text": why.split(". ")[0].rstrip(".") or finding.rule},
        "fullDescription": {"text": why or finding.rule},
        "help": {"text": said.how.strip() or said.link},
        "helpUri": said.link,
        "properties": {
            "tags": ["security", said.found_by],
            "security-severity": _SECURITY_SEVERITY[said.severity],
        },
    }


@cache
def _entries() -> Mapping[str, Entry]:
    return {entry.id: entry for entry in catalogue()}


def _result(rule: str, level: str, place: str, text: str) -> dict[str, Any]:
    file, line = parts(place)
    where: dict[str, Any] = {"artifactLocation": _artifact(file)}
    if line is not None:
        where["region"] = {"startLine": line, "endLine": line}
    return {"ruleId": rule, "level": level, "message": {"text": text}, "locations": [{"physicalLocation": where}]}


def _artifact(file: str) -> dict[str, str]:
    """A path below the root of the repository, or the address of a chart."""
    return {"uri": file} if "://" in file else {"uri": quote(file), "uriBaseId": "%SRCROOT%"}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
