"""Checks side by side: a crash, no check or nothing to look at is never a pass; modes are the Environment's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from pipelines.adapters.helm import HelmClient
from pipelines.apps import Environment
from pipelines.check import JudgePorts, Made, Terms, judge
from pipelines.errors import CheckCrashed
from pipelines.findings import Finding, Mode, Severity
from pipelines.ports import Check, CheckSubject
from pipelines.stages.checking import Answers, run_side_by_side, together
from pipelines.stages.render import Rendered
from pipelines.stages.resolve import CHARTS, Resolved
from pipelines.states import StageName, StageState
from tests.pipelines.conftest import FACTS, place, source, subject
from tests.pipelines.deploying import Told

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


@dataclass(frozen=True)
class Waits:
    """Answers when it is told to."""

    told: threading.Event
    name: str = "waits"

    def findings(self, subject: CheckSubject) -> tuple[Finding, ...]:
        self.told.wait(30)
        return ()


class Crashes:
    name = "crashes"

    def findings(self, subject: CheckSubject) -> tuple[Finding, ...]:
        raise CheckCrashed("it fell over", "see")


def _judged(
    subject: CheckSubject, checks: tuple[Check, ...], environment: Environment, timeout_seconds: float = 10
) -> tuple[Finding, ...]:
    return together(run_side_by_side(subject, checks, environment, timeout_seconds=timeout_seconds))


def test_findings_come_in_the_order_of_the_checks() -> None:
    checks = (Finds((_finding("a"),)), Finds((_finding("b"), _finding("c"))))
    assert [one.rule for one in _judged(subject(OBJECTS), checks, ENVIRONMENT)] == ["a", "b", "c"]


def test_nothing_to_look_at_is_no_pass() -> None:
    with pytest.raises(CheckCrashed, match="nothing was rendered"):
        _judged(subject(()), (Finds(),), ENVIRONMENT)


def test_no_check_is_no_pass() -> None:
    with pytest.raises(CheckCrashed, match="no check is configured"):
        _judged(subject(OBJECTS), (), ENVIRONMENT)


def test_a_crash_is_no_pass() -> None:
    with pytest.raises(CheckCrashed, match="fell over"):
        _judged(subject(OBJECTS), (Finds(), Crashes()), ENVIRONMENT)


def test_a_crash_beside_a_warning_is_no_pass() -> None:
    with pytest.raises(CheckCrashed, match="fell over"):
        _judged(subject(OBJECTS), (Finds((_finding(mode=Mode.WARN),)), Crashes()), ENVIRONMENT)


def test_a_crash_beside_a_finding_that_blocks_leaves_the_finding() -> None:
    found = _judged(subject(OBJECTS), (Finds((_finding(),)), Crashes()), ENVIRONMENT)
    assert [one.rule for one in found] == ["r"]


@pytest.fixture
def told() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_a_check_that_takes_too_long_is_no_pass_and_not_waited_for(told: threading.Event) -> None:
    with pytest.raises(CheckCrashed, match=r"the check waits has no answer after 0\.05 s"):
        _judged(subject(OBJECTS), (Finds(), Waits(told)), ENVIRONMENT, 0.05)


def test_what_was_found_in_time_stops_beside_a_check_that_takes_too_long(told: threading.Event) -> None:
    found = _judged(subject(OBJECTS), (Finds((_finding(),)), Waits(told)), ENVIRONMENT, 0.05)
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
    (found,) = _judged(subject(OBJECTS), (Finds((_finding(mode=own),)),), at)
    assert found.mode is judged


def test_what_another_stage_finds_that_blocks_is_enough_beside_a_crash() -> None:
    crash = Answers((_finding("first", Mode.WARN),), CheckCrashed("it fell over", "see"))
    assert [one.rule for one in together(crash, Answers((_finding("second"),)))] == ["first", "second"]
    with pytest.raises(CheckCrashed, match="fell over"):
        together(Answers((_finding("second", Mode.WARN),)), crash)


@dataclass(frozen=True)
class Breaks:
    """Raises what no check should."""

    name: str = "breaks"

    def findings(self, subject: CheckSubject) -> tuple[Finding, ...]:
        raise RuntimeError(subject.app)


@pytest.mark.parametrize(("crashing", "told"), [(Crashes(), "it fell over"), (Breaks(), "a check broke")])
def test_a_stage_whose_check_crashed_has_failed_where_another_one_blocks(
    helm_client: HelmClient, crashing: Check, told: str
) -> None:
    """What the other one found is told, and stops the Release."""
    reporter = Told()
    ports = JudgePorts(registry=None, helm=helm_client, lint=(crashing,), policy=(Finds((_finding(),)),))
    written = source("apiVersion: deploy-gateway/v1\napp: checkout\nmanifests: k8s\n")
    resolved = Resolved(CHARTS / "raw-manifests", {}, {}, {}, {})
    made = Made(resolved, Rendered("manifests", "", b"", {}, b"", OBJECTS))
    terms = Terms(place=place(), facts=FACTS, parameters={})
    assert [one.rule for one in judge(written, made, terms, ports, reporter)] == ["r"]
    assert (StageName.LINT, StageState.FAILED, told) in reporter.stages
    assert (StageName.POLICY, StageState.BLOCKED, "1 blocking") in reporter.stages
