"""kube-bench's reports: whatever is not one whole report is refused by name, and never counts as a pass."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.benchmark import LARGEST_REPORT_BYTES, NODE_CLASSES, Benchmark, Status, parse
from pipelines.errors import UnreadableBenchmark

REPORTS = {name: (Path(__file__).parent / "benchmarks" / f"{name}.json").read_bytes() for name in NODE_CLASSES}
WORKER = REPORTS["worker"]
SECTIONS = NODE_CLASSES["worker"]


def changed(change: Callable[[Any], object]) -> bytes:
    """The worker's report after `change`."""
    document = json.loads(WORKER)
    change(document)
    return json.dumps(document).encode()


def first_check(document: Any) -> dict[str, Any]:
    check: dict[str, Any] = document["Controls"][0]["tests"][0]["results"][0]
    return check


@pytest.mark.parametrize("node_class", NODE_CLASSES)
def test_a_whole_report_is_read_in_both_forms(node_class: str) -> None:
    report = REPORTS[node_class]
    read = parse(report, NODE_CLASSES[node_class])
    assert read.version == "cis-1.12"
    assert set(read.sections) == set(NODE_CLASSES[node_class])
    assert parse(json.dumps(json.loads(report)["Controls"]), NODE_CLASSES[node_class]) == read
    assert Benchmark.from_json(json.loads(json.dumps(read.to_json()))) == read


def test_what_failed_comes_with_what_to_do_and_not_with_what_was_found() -> None:
    read = parse(REPORTS["control-plane"], NODE_CLASSES["control-plane"])
    assert {status: read.count(status) for status in Status} == {"PASS": 2, "FAIL": 2, "WARN": 3, "INFO": 1}
    assert list(read.failed()) == ["1.1.12", "1.2.15"]
    assert "--profiling=false" in read.failed()["1.2.15"].remediation
    assert b"never-to-be-stored" in REPORTS["control-plane"]
    assert "never-to-be-stored" not in json.dumps(read.to_json())


@pytest.mark.parametrize(
    ("report", "where", "reason"),
    [
        (b"", "report", "empty"),
        (b" \n", "report", "empty"),
        (WORKER[:-40], "line", "breaks off"),
        (b"W1125 unable to detect programs\n" + WORKER, "line 1, column 1", "no JSON"),
        (WORKER + WORKER, "line", "something follows"),
        (b"\xff" + WORKER, "report", "not UTF-8"),
        (b"[" * 200_000, "report", "nested too deeply"),
        (b" " * (LARGEST_REPORT_BYTES + 1), "report", "larger than 2 MiB"),
        (b"[" + b"1" * 5000 + b"]", "report", "too many digits"),
        (b"[NaN]", "report", "NaN"),
        (b'{"Controls": [], "Controls": []}', "report", "'Controls' stands in one object twice"),
        (b"null", "Controls", "a list with something in it"),
        (b"[]", "Controls", "a list with something in it"),
        (b"[1]", "Controls[0]", "should be an object"),
        (b"{}", "report", "not none"),
        (b'{"Controls": []}', "report", "not Controls"),
        (b'{"Controls": [], "Totals": {}}', "Controls", "a list with something in it"),
    ],
)
def test_what_is_no_report_is_refused(report: bytes, where: str, reason: str) -> None:
    with pytest.raises(UnreadableBenchmark, match=reason) as refused:
        parse(report, SECTIONS)
    assert (refused.value.where or "").startswith(where)


@pytest.mark.parametrize(
    ("change", "where", "reason"),
    [
        (lambda d: d.update(more=1), "report", "Controls, Totals, more"),
        (lambda d: d.update(Totals=[]), "Totals", "an object"),
        (lambda d: d["Totals"].update(total_pass=3), "Totals.total_pass", "says 3, and there are 2"),
        (lambda d: d["Totals"].pop("total_warn"), "Totals.total_warn", "whole number"),
        (lambda d: d["Totals"].update(total_fail=True), "Totals.total_fail", "whole number"),
        (lambda d: d["Controls"][0].update(total_fail=0), "Controls[0].total_fail", "does not add up"),
        (lambda d: d["Controls"][0].update(node_type=None), "Controls[0].node_type", "text"),
        (lambda d: d["Controls"][0].pop("version"), "Controls[0].version", "text"),
        (lambda d: d["Controls"][0].update(tests=None), "Controls[0].tests", "something in it"),
        (lambda d: d["Controls"][0]["tests"][0].update(results=[]), "Controls[0].tests[0].results", "something in it"),
        (lambda d: d["Controls"][0]["tests"][1].update({"pass": 1}), "Controls[0].tests[1].pass", "does not add up"),
        (lambda d: d["Controls"].append(d["Controls"][0]), "Totals.total_pass", "does not add up"),
        (lambda d: first_check(d).update(status="PASSED"), "Controls[0].tests[0].results[0].status", "'PASSED'"),
        (lambda d: first_check(d).update(scored="yes"), "Controls[0].tests[0].results[0].scored", "true or false"),
        (lambda d: first_check(d).update(test_number="\x1b[1m"), "Controls[0].tests[0].results[0].test_number", "no"),
        (lambda d: first_check(d).update(test_number="4.1.5"), "Controls", "check '4.1.5' is in it 2 times"),
        (lambda d: first_check(d).update(test_desc="x" * 20_001), "Controls[0].tests[0].results[0].test_desc", "long"),
    ],
)
def test_a_report_of_another_shape_is_refused_at_its_place(
    change: Callable[[Any], object], where: str, reason: str
) -> None:
    with pytest.raises(UnreadableBenchmark) as refused:
        parse(changed(change), SECTIONS)
    assert (refused.value.where or "").partition(" ")[0] == where
    assert reason in refused.value.reason


def test_the_same_section_twice_is_refused() -> None:
    controls = json.loads(WORKER)["Controls"]
    with pytest.raises(UnreadableBenchmark, match="section 'node' is in it 2 times"):
        parse(json.dumps(controls * 2), SECTIONS)


def test_more_checks_than_any_benchmark_has_are_refused() -> None:
    (control,) = json.loads(WORKER)["Controls"]
    many = [{**first_check(json.loads(WORKER)), "test_number": f"9.{n}"} for n in range(2001)]
    group = {"section": "9", "desc": "", "pass": 2001, "fail": 0, "warn": 0, "info": 0, "results": many}
    totals = {"total_pass": 2001, "total_fail": 0, "total_warn": 0, "total_info": 0}
    with pytest.raises(UnreadableBenchmark, match="2001 checks"):
        parse(json.dumps([{**control, **totals, "tests": [group]}]), SECTIONS)


def test_a_node_of_another_class_counts_as_not_measured() -> None:
    with pytest.raises(UnreadableBenchmark, match="not measured: master, etcd, controlplane, policies") as refused:
        parse(WORKER, NODE_CLASSES["control-plane"])
    assert "--targets master,etcd,controlplane,policies" in refused.value.solution
