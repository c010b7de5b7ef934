"""Checks side by side: a crash, no check or nothing to look at is never a pass; modes are the Environment's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from pipelines.apps import Environment
from pipelines.errors import CheckCrashed, Fault, PlainWords
from pipelines.findings import Finding, Mode, Severity
from pipelines.ports import Check, CheckSubject
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


@dataclass(frozen=True)
class ReadsOnlySome:
    """Stumbles over a word of a wrong type, and has an answer about all else."""

    found: tuple[Finding, ...]
    name: str = "reads-only-some"

    def findings(self, subject: CheckSubject) -> tuple[Finding, ...]:
        raise PlainWords([Fault("ConfigMap/x data", "takes no bool", "Put it in quotes")], subject.objects, self.found)


def _judged(
    subject: CheckSubject, checks: tuple[Check, ...], environment: Environment, timeout_seconds: float = 10
) -> tuple[Finding, ...]:
    return run_side_by_side(subject, checks, environment, timeout_seconds=timeout_seconds)


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


def test_a_word_of_a_wrong_type_is_no_pass_even_when_only_warnings_were_found() -> None:
    checks: tuple[Check, ...] = (Finds((_finding("first", Mode.WARN),)), ReadsOnlySome((_finding("second"),)))
    with pytest.raises(PlainWords):
        _judged(subject(OBJECTS), checks, ENVIRONMENT)


def test_where_something_blocks_what_was_found_beside_a_word_of_a_wrong_type_is_told_too() -> None:
    checks: tuple[Check, ...] = (Finds((_finding("first"),)), ReadsOnlySome((_finding("second"),)))
    assert [one.rule for one in _judged(subject(OBJECTS), checks, ENVIRONMENT)] == ["first", "second"]
