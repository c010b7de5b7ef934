"""What an Environment requires of its cluster's posture: what is not known is never good."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from pipelines.apps import BenchmarkRequirement, ClusterName
from pipelines.benchmark import Benchmark
from pipelines.findings import Finding, Mode
from pipelines.ports import CheckSubject
from pipelines.posture import Baseline, BenchmarkCheck, ClassPosture, ClusterPosture, Measurement
from tests.benchmarks import benchmark

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
MEASURED = Measurement(
    id="m",
    cluster=ClusterName("main"),
    node_class="worker",
    node="worker-1",
    source="pushed",
    received_by="ci",
    measured_at=NOW - timedelta(days=2),
    received_at=NOW,
    error="",
    version="cis-1.12",
    passed=2,
    failed=1,
    warned=0,
    informed=0,
)
WORKER = ClassPosture("worker", MEASURED, benchmark("worker"))


def accepted(of: Benchmark) -> Baseline:
    return Baseline("m0", "admin", NOW, "known", of)


def found(*classes: ClassPosture, **requirement: Any) -> list[Finding]:
    check = BenchmarkCheck(BenchmarkRequirement(**requirement), ClusterPosture(ClusterName("main"), classes), NOW)
    return list(check.findings(cast(CheckSubject, None)))


def test_a_recent_measurement_is_all_that_is_required_at_first() -> None:
    assert found(WORKER) == []


@pytest.mark.parametrize(
    ("posture", "what"),
    [
        (ClassPosture("worker"), "the node class worker of cluster main was never measured by kube-bench"),
        (
            ClassPosture("worker", replace(MEASURED, error="report: it is empty")),
            "the newest report on the node class worker can't be used: report: it is empty",
        ),
        (
            replace(WORKER, newest=replace(MEASURED, measured_at=NOW - timedelta(days=8))),
            "the node class worker was measured 8 days ago, and 7 are allowed",
        ),
    ],
)
def test_never_measured_unreadable_and_too_old_are_findings(posture: ClassPosture, what: str) -> None:
    (finding,) = found(posture)
    assert (finding.rule, finding.mode, finding.resource, finding.field) == (
        "benchmark-recent",
        Mode.ENFORCE,
        "Cluster/main",
        "worker",
    )
    assert finding.what == what
    assert "deployctl cluster bench --cluster main" in finding.how


def test_a_check_that_has_to_pass_and_does_not_comes_with_its_remediation() -> None:
    assert found(WORKER, passing=("4.1.1",)) == []
    (finding,) = found(WORKER, passing=("4.1.1", "4.2.6"))
    assert (finding.rule, finding.field) == ("benchmark-passing", "worker/4.2.6")
    assert finding.what.endswith("on worker node worker-1 has to pass, and is FAIL")
    assert finding.how == "If using a Kubelet config file, edit the file to set `makeIPTablesUtilChains: true`."


@pytest.mark.parametrize("status", ["WARN", "INFO"])
def test_a_check_that_could_not_be_decided_does_not_pass(status: str) -> None:
    posture = replace(WORKER, benchmark=benchmark("worker", **{"4.1.1": status}))
    (finding,) = found(posture, passing=("4.1.1",))
    assert f"is {status}" in finding.what
    assert finding.how


def test_a_check_that_has_to_pass_and_is_in_no_report_is_a_finding() -> None:
    unreadable = ClassPosture("worker", replace(MEASURED, error="x"))
    for posture in (WORKER, unreadable):
        assert "check 9.9.9 is in no report on cluster main" in [one.what for one in found(posture, passing=("9.9.9",))]


def test_failures_that_the_baseline_has_are_no_news_and_others_are() -> None:
    known = replace(WORKER, baseline=accepted(benchmark("worker")))
    assert found(known, no_new_failures=True) == []
    worse = replace(known, benchmark=benchmark("worker", **{"4.1.1": "FAIL"}))
    (finding,) = found(worse, no_new_failures=True)
    assert (finding.rule, finding.field) == ("benchmark-no-new-failures", "worker/4.1.1")
    assert found(worse) == []


def test_without_an_accepted_baseline_nobody_knows_what_is_new() -> None:
    (finding,) = found(WORKER, no_new_failures=True)
    assert "no baseline is accepted" in finding.what
    assert finding.how == "deployctl cluster baseline main --node-class worker --reason WHY"
    assert [check.id for check in WORKER.new_failures()] == ["4.2.6"]


def test_what_passed_in_the_baseline_and_is_not_measured_any_more_is_a_finding() -> None:
    now = benchmark("worker")
    less = replace(WORKER, benchmark=replace(now, checks=now.checks[1:]), baseline=accepted(now))
    (finding,) = found(less, no_new_failures=True)
    assert "passed in the accepted baseline, and is not measured" in finding.what


def test_what_is_not_readable_has_neither_news_nor_progress() -> None:
    unknown = ClassPosture("worker", MEASURED, None, accepted(benchmark("worker")))
    assert (unknown.new_failures(), unknown.mended(), unknown.no_longer_measured()) == ((), (), ())
    assert (WORKER.mended(), WORKER.no_longer_measured()) == ((), ())
    mended = replace(WORKER, benchmark=benchmark("worker", **{"4.2.6": "PASS"}), baseline=accepted(benchmark("worker")))
    assert [check.id for check in mended.mended()] == ["4.2.6"]
