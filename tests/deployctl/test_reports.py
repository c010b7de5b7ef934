"""The forms of a report: each says the same, in the words of whoever reads it."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from rich.console import Console

from deployctl.exits import Exit
from deployctl.render.github import annotation_lines
from deployctl.render.junit import junit
from deployctl.render.reports import as_document, print_report
from deployctl.render.sarif import sarif
from deployctl.render.standing import blocks_from
from deployctl.render.summary import summary
from deployctl.render.verdicts import print_verdicts
from deployctl.verdicts import NotChecked, Report, Verdict, VerdictState, waivers_left_out
from pipelines.catalogue import entry_of
from pipelines.errors import Fault
from pipelines.findings import Finding, Mode, Severity

FINDING = Finding(
    rule="image-pinned",
    severity=Severity.CRITICAL,
    mode=Mode.ENFORCE,
    resource="Deployment/checkout",
    field="spec.template.spec.containers[0].image",
    source="apps/a/deploy.yaml:4",
    what="50% of <it> isn't pinned",
    why="Nobody could say\nwhat ran.",
    how="image: x:1.4.2\nor: a digest",
    link="https://example.com/rule",
    found_by="policy",
)
WARNING = replace(FINDING, rule="kube-score/x", mode=Mode.WARN, severity=Severity.LOW)
GOOD = Verdict("apps/b/deploy.yaml", "b", "staging", VerdictState.PASSED, objects=9)
WARNED = replace(GOOD, findings=(WARNING,))
WAIVED = replace(GOOD, findings=(replace(FINDING, waiver="Ada, until 2027-01-31: no tags (waiver w1)"),))
_SOON = datetime.now(UTC).date() + timedelta(days=67)
DATED = replace(GOOD, findings=(replace(WARNING, enforce_from=_SOON.isoformat()),))
BLOCKED = Verdict("apps/a/deploy.yaml", "a", "staging", VerdictState.BLOCKED, findings=(FINDING, WARNING))
FAULT = Fault("apps/c/deploy.yaml:5", "unknown key 'prot'", "Did you mean 'port'?")
INVALID = Verdict(
    "apps/c/deploy.yaml", "", "staging", VerdictState.INVALID, faults=(FAULT,), code="invalid-deploy-file"
)
CRASHED = replace(INVALID, state=VerdictState.CRASHED, code="check-crashed")
NOT_CHECKED = (NotChecked("schemas of the cluster", "no facts", "--facts FILE"),)


def _report(*verdicts: Verdict) -> Report:
    return Report(verdicts, NOT_CHECKED, 1.25)


def _text(report: Report, *, is_terminal: bool = False) -> str:
    screen = io.StringIO()
    print_verdicts(Console(file=screen, highlight=False, force_terminal=is_terminal, width=200), report)
    return screen.getvalue()


def _run(report: Report) -> dict[str, Any]:
    (run,) = sarif(report)["runs"]
    found: dict[str, Any] = run
    return found


@pytest.mark.parametrize(
    ("verdicts", "left_with"),
    [
        ((GOOD, WARNED), Exit.DONE),
        ((GOOD, BLOCKED), Exit.BLOCKED),
        ((BLOCKED, INVALID), Exit.WRONG_USAGE),
        ((INVALID, CRASHED, GOOD), Exit.FAILED),
    ],
)
def test_what_is_least_known_decides_the_exit_code(verdicts: tuple[Verdict, ...], left_with: Exit) -> None:
    assert _report(*verdicts).exit is left_with


def test_one_line_says_how_it_went() -> None:
    assert summary(_report(GOOD)) == "1 App: nothing blocks, in 1.2 s"
    assert summary(_report(WARNED, WARNED)) == "2 Apps: nothing blocks, 2 warnings, in 1.2 s"
    assert summary(_report(BLOCKED, INVALID, CRASHED)) == (
        "3 Apps: 1 blocked, 1 can't be used, 1 not checked, 1 warning, in 1.2 s"
    )


def test_text_has_the_fix_before_the_reason_and_colour_on_a_terminal_only() -> None:
    plain = _text(_report(BLOCKED))
    assert plain.index("write  image: x:1.4.2") < plain.index("why    Nobody could say what ran.")
    assert "           or: a digest\n" in plain
    assert "\x1b[" not in plain
    assert "\x1b[" in _text(_report(BLOCKED), is_terminal=True)


def test_a_rule_that_is_broken_twice_is_explained_once() -> None:
    second = replace(FINDING, source="apps/a/deploy.yaml:9", what="nor is that")
    text = _text(_report(replace(BLOCKED, findings=(FINDING, second))))
    assert text.count("why    ") == 1
    assert "apps/a/deploy.yaml:9  Deployment/checkout: nor is that" in text


def test_findings_stand_below_the_file_that_they_are_in_and_why_a_rule_is_one_is_told_once() -> None:
    places = ("k8s/b.yaml:9", "k8s/a.yaml:4", "k8s/b.yaml:2", "")
    of_folder = replace(BLOCKED, file="k8s", app="", findings=tuple(replace(FINDING, source=one) for one in places))
    text = _text(_report(of_folder))
    heads = [line for line in text.splitlines() if "that block" in line]
    assert heads == [
        "rendered by the chart  1 finding that blocks",
        "k8s/a.yaml  1 finding that blocks",
        "k8s/b.yaml  2 findings that block",
    ]
    assert text.startswith("✗ k8s  blocked  → staging\n")
    assert text.index(heads[2]) < text.index("  k8s/b.yaml:9  image-pinned")
    assert text.count("write  ") == 3
    assert text.count("why    ") == 1


def test_where_no_file_could_be_used_what_was_not_checked_is_no_news() -> None:
    assert "not checked" not in _text(_report(INVALID))
    assert "not checked: schemas of the cluster (--facts FILE)" in _text(_report(INVALID, GOOD))


def test_the_place_that_stands_in_for_an_environment_is_not_told() -> None:
    assert "local" not in _text(_report(replace(BLOCKED, environment="local")))
    assert "→ staging" in _text(_report(BLOCKED))


def test_warnings_are_a_line_each_and_of_many_apps_a_line_a_rule() -> None:
    assert "! apps/a/deploy.yaml:4  kube-score/x  Deployment/checkout: 50%" in _text(_report(WARNED))
    many = tuple(replace(WARNED, file=f"apps/{number}/deploy.yaml") for number in range(9))
    text = _text(_report(*many))
    assert "! 9 × kube-score/x, such as apps/a/deploy.yaml:4" in text
    assert len(text.splitlines()) == 3


def test_what_was_not_checked_is_in_every_form(capsys: pytest.CaptureFixture[str]) -> None:
    for form in ("text", "json", "sarif", "junit", "github"):
        print_report(_report(GOOD), form)
        out = capsys.readouterr().out
        assert "schemas of the cluster" in out, form
        assert ("--facts FILE" if form == "text" else "no facts") in out, form


def test_json_has_all_that_is_known() -> None:
    document = json.loads(json.dumps(as_document(_report(BLOCKED, INVALID))))
    assert document["exit_code"] == 2
    assert document["not_checked"] == [{"what": "schemas of the cluster", "why": "no facts", "how": "--facts FILE"}]
    blocked, invalid = document["apps"]
    assert [one["blocks"] for one in blocked["findings"]] == [True, False]
    assert invalid["errors"][0]["where"] == "apps/c/deploy.yaml:5"
    assert (blocked["code"], invalid["code"]) == (None, "invalid-deploy-file")


def test_who_says_the_same_is_named_beside_the_finding() -> None:
    also = replace(FINDING, also_found_by=("kube-score/container-image-tag",))
    report = _report(replace(BLOCKED, findings=(also,)))
    assert "also   kube-score/container-image-tag\n" in _text(report)
    assert _run(report)["results"][0]["properties"]["tags"] == ["kube-score/container-image-tag"]
    assert "also " not in _text(_report(BLOCKED))


def test_what_is_wrong_with_a_file_has_its_way_out_once() -> None:
    fault = Fault("apps/c/deploy.yaml:5", "cpu is 5x", "Write for example cpu: 250m")
    assert "    fix    Write for example cpu: 250m\n" in _text(_report(replace(INVALID, faults=(fault,))))


def test_sarif_of_what_is_clean_has_an_empty_list_of_results() -> None:
    run = _run(_report(GOOD))
    assert run["results"] == []
    assert run["invocations"][0]["executionSuccessful"] is True


def test_sarif_has_relative_paths_lines_and_rules() -> None:
    run = _run(_report(BLOCKED, INVALID))
    places = [one["locations"][0]["physicalLocation"] for one in run["results"]]
    assert places[0]["artifactLocation"] == {"uri": "apps/a/deploy.yaml", "uriBaseId": "%SRCROOT%"}
    assert [one["region"]["startLine"] for one in places] == [4, 4, 5]
    ids = [one["id"] for one in run["tool"]["driver"]["rules"]]
    assert ids == ["image-pinned", "kube-score/x", "invalid-deploy-file"]
    assert [ids[one["ruleIndex"]] for one in run["results"]] == [one["ruleId"] for one in run["results"]]
    assert [one["level"] for one in run["results"]] == ["error", "warning", "error"]


def test_fingerprints_stay_while_lines_move_and_differ_for_each_result() -> None:
    def prints(*findings: Finding) -> list[str]:
        run = _run(_report(replace(BLOCKED, findings=findings)))
        return [one["partialFingerprints"]["deployctl/v1"] for one in run["results"]]

    moved = replace(FINDING, source="apps/a/deploy.yaml:40")
    assert prints(FINDING, WARNING) == prints(moved, WARNING)
    assert len(set(prints(FINDING, FINDING, WARNING))) == 3


def test_a_rule_says_the_same_in_each_run_whatever_was_found() -> None:
    def rules(*findings: Finding) -> Any:
        return _run(_report(replace(BLOCKED, findings=findings)))["tool"]["driver"]["rules"]

    other = replace(FINDING, how="image: y:2", also_found_by=("kube-score/container-image-tag",))
    assert rules(FINDING) == rules(other)
    (rule,) = rules(other)
    assert rule["help"]["text"] == entry_of(FINDING.rule).how
    (unknown,) = rules(WARNING)
    assert unknown["help"]["text"] == WARNING.how


def test_sarif_without_a_line_names_the_file() -> None:
    whole = replace(INVALID, faults=(replace(FAULT, where="apps/my app/deploy.yaml"),))
    (result,) = _run(_report(whole))["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "apps/my%20app/deploy.yaml"
    assert "region" not in result["locations"][0]["physicalLocation"]


def test_a_crash_does_not_look_like_nothing_found() -> None:
    """To code scanning, which goes by the results alone, and closes what is no more among them."""
    run = _run(_report(CRASHED))
    (result,) = run["results"]
    (rule,) = run["tool"]["driver"]["rules"]
    assert (result["ruleId"], result["level"]) == ("check-crashed", "error")
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == CRASHED.file
    assert rule["shortDescription"]["text"] == "A check gave no answer, which is no pass"
    assert run["invocations"][0]["executionSuccessful"] is False
    assert run["invocations"][0]["toolExecutionNotifications"][0]["level"] == "error"


def test_junit_counts_what_is_in_it() -> None:
    root = ElementTree.fromstring(junit(_report(GOOD, BLOCKED, INVALID)))
    for element in (root, *root):
        cases = list(element.iter("testcase"))
        assert element.get("tests") == str(len(cases))
        assert element.get("failures") == str(sum(1 for one in cases if one.find("failure") is not None))
        assert element.get("errors") == str(sum(1 for one in cases if one.find("error") is not None))
        assert element.get("skipped") == str(sum(1 for one in cases if one.find("skipped") is not None))
    assert (root.get("failures"), root.get("errors"), root.get("skipped")) == ("1", "1", "3")


def test_junit_is_xml_whatever_the_texts_are() -> None:
    awkward = replace(FINDING, what='<b> & \x00\x1b[31m "quoted" ]]>')
    root = ElementTree.fromstring(junit(_report(replace(BLOCKED, findings=(awkward,)))))
    assert [one.get("message") for one in root.iter("failure")] == ['<b> &  "quoted" ]]>']


def test_annotations_are_one_line_each_with_file_line_and_title() -> None:
    lines = list(annotation_lines(_report(BLOCKED, INVALID)))
    assert lines[0].startswith(
        "::error file=apps/a/deploy.yaml,line=4,endLine=4,title=image-pinned::Deployment/checkout: 50%25 of"
    )
    assert "%0AWrite: image: x:1.4.2%0Aor: a digest%0AWhy: Nobody could say what ran." in lines[0]
    assert lines[1].startswith("::warning file=apps/a/deploy.yaml,line=4,endLine=4,title=kube-score/x::")
    assert lines[2] == (
        "::error file=apps/c/deploy.yaml,line=5,endLine=5,title=invalid-deploy-file::"
        "unknown key 'prot'%0ADid you mean 'port'?"
    )
    assert lines[3] == "::notice title=Not checked::schemas of the cluster (no facts; --facts FILE)"
    assert not any("\n" in line for line in lines)


def test_an_annotation_without_a_line_is_of_the_file() -> None:
    whole = replace(INVALID, faults=(replace(FAULT, where="a,b/deploy.yaml"),))
    assert next(annotation_lines(_report(whole))).startswith("::error file=a%2Cb/deploy.yaml,title=")


def test_what_was_written_by_others_does_not_drive_the_terminal() -> None:
    evil = replace(FINDING, what="\x1b]0;gotcha\x07\x1b[2J")
    assert "\x1b" not in _text(_report(replace(BLOCKED, findings=(evil,))))


def _everywhere(verdict: Verdict) -> dict[str, str]:
    """What each form says of it."""
    report = _report(verdict)
    return {
        "text": _text(report),
        "json": json.dumps(as_document(report)),
        "sarif": json.dumps(sarif(report)),
        "junit": junit(report),
        "github": "\n".join(annotation_lines(report)),
    }


def test_each_form_says_who_waived_it_until_when_and_why() -> None:
    for form, said in _everywhere(WAIVED).items():
        assert "Ada, until 2027-01-31: no tags" in said, form
    (result,) = _run(_report(WAIVED))["results"]
    assert [one["kind"] for one in result["suppressions"]] == ["external"]
    assert _report(WAIVED).exit is Exit.DONE


def test_where_something_blocks_it_is_said_that_waivers_are_not_known_here() -> None:
    assert [one.what for one in waivers_left_out([GOOD, BLOCKED])] == ["waivers"]
    assert waivers_left_out([GOOD, INVALID]) == ()


def test_each_form_says_from_when_a_warning_blocks() -> None:
    told = f"locks from {_SOON.day} {_SOON:%B %Y} (in 67 days)"
    for form, said in _everywhere(DATED).items():
        assert (_SOON.isoformat() if form == "json" else told) in said, form


@pytest.mark.parametrize(("days", "left"), [(0, "now"), (1, "tomorrow"), (2, "in 2 days")])
def test_days_are_counted_as_people_do(days: int, left: str) -> None:
    assert blocks_from((datetime.now(UTC).date() + timedelta(days=days)).isoformat()).endswith(f"({left})")
