"""Checks side by side: a crash, no check or nothing to look at is never a pass; modes are the Environment's."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from pipelines.errors import CheckCrashed
from pipelines.findings import Finding, Mode, Severity
from pipelines.ports import CheckSubject
from pipelines.stages.checking import run_side_by_side
from tests.pipelines.conftest import place, subject

OBJECTS = ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}},)
ENVIRONMENT = place().environment


def _finding(rule: str = "r", mode: Mode = Mode.ENFORCE) -> Finding:
    return Finding(rule, Severity.HIGH, mode, "ConfigMap/x", "", "", "what", "why", "how", "link", "test")


@dataclass(frozen=True)
class Finds:
    found: tuple[Finding, ...] = ()
    name: str = "finds"

    def findings(self, subject: CheckSubject) -> tuple[Finding, ...]:
        return self.found


class Crashes:
    name = "crashes"

    def findings(self, subject: CheckSubject) -> tuple[Finding, ...]:
        raise CheckCrashed("it fell over", "see")


def test_findings_come_in_the_order_of_the_checks() -> None:
    checks = (Finds((_finding("a"),)), Finds((_finding("b"), _finding("c"))))
    assert [one.rule for one in run_side_by_side(subject(OBJECTS), checks, ENVIRONMENT)] == ["a", "b", "c"]


def test_nothing_to_look_at_is_no_pass() -> None:
    with pytest.raises(CheckCrashed, match="nothing was rendered"):
        run_side_by_side(subject(()), (Finds(),), ENVIRONMENT)


def test_no_check_is_no_pass() -> None:
    with pytest.raises(CheckCrashed, match="no check is configured"):
        run_side_by_side(subject(OBJECTS), (), ENVIRONMENT)


def test_a_crash_is_no_pass() -> None:
    with pytest.raises(CheckCrashed, match="fell over"):
        run_side_by_side(subject(OBJECTS), (Finds(), Crashes()), ENVIRONMENT)


def test_a_crash_beside_a_warning_is_no_pass() -> None:
    with pytest.raises(CheckCrashed, match="fell over"):
        run_side_by_side(subject(OBJECTS), (Finds((_finding(mode=Mode.WARN),)), Crashes()), ENVIRONMENT)


def test_a_crash_beside_a_finding_that_blocks_leaves_the_finding() -> None:
    found = run_side_by_side(subject(OBJECTS), (Finds((_finding(),)), Crashes()), ENVIRONMENT)
    assert [one.rule for one in found] == ["r"]


@pytest.mark.parametrize(
    ("own", "environment", "rule", "judged"),
    [
        (Mode.ENFORCE, Mode.ENFORCE, None, Mode.ENFORCE),
        (Mode.ENFORCE, Mode.WARN, None, Mode.WARN),
        (Mode.ENFORCE, Mode.ENFORCE, Mode.WARN, Mode.WARN),
        (Mode.ENFORCE, Mode.WARN, Mode.ENFORCE, Mode.ENFORCE),
        (Mode.WARN, Mode.ENFORCE, None, Mode.WARN),
        (Mode.WARN, Mode.ENFORCE, Mode.ENFORCE, Mode.ENFORCE),
    ],
)
def test_modes_are_the_environments(own: Mode, environment: Mode, rule: Mode | None, judged: Mode) -> None:
    at = place(mode=environment, rule_modes={"r": rule} if rule else {}).environment
    (found,) = run_side_by_side(subject(OBJECTS), (Finds((_finding(mode=own),)),), at)
    assert found.mode is judged
