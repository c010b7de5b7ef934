"""The posture of a cluster: what was measured last on each class of nodes, beside what the platform accepted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipelines.apps import BenchmarkRequirement, ClusterName
from pipelines.benchmark import Benchmark, CheckResult, Status
from pipelines.catalogue.entry import Entry
from pipelines.catalogue.posture import FOUND_BY, NO_NEW_FAILURES, PASSING, RECENT
from pipelines.findings import Finding
from pipelines.ports import CheckSubject


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run of kube-bench on one node.

    `error` says why the report could not be used; empty when it could, and then the counts and `version` tell of
    it. `source` is `pushed` or `collected`, `received_by` the token or worker that brought it.
    """

    id: str
    cluster: ClusterName
    node_class: str
    node: str
    source: str
    received_by: str
    measured_at: datetime
    received_at: datetime
    error: str
    version: str
    passed: int
    failed: int
    warned: int
    informed: int


@dataclass(frozen=True, slots=True)
class Baseline:
    """A measurement that the platform accepted as it is: what failed in it is known, and no news."""

    measurement_id: str
    accepted_by: str
    accepted_at: datetime
    reason: str
    benchmark: Benchmark


@dataclass(frozen=True, slots=True)
class ClassPosture:
    """One class of nodes. `newest` None: never measured. `benchmark` None: not readable either."""

    node_class: str
    newest: Measurement | None = None
    benchmark: Benchmark | None = None
    baseline: Baseline | None = None

    def new_failures(self) -> tuple[CheckResult, ...]:
        """What fails now and did not in the baseline; all that fails, while there is none."""
        if self.benchmark is None:
            return ()
        known = self.baseline.benchmark.failed() if self.baseline else {}
        return tuple(check for id, check in self.benchmark.failed().items() if id not in known)

    def mended(self) -> tuple[CheckResult, ...]:
        """What failed in the baseline and passes now."""
        if self.benchmark is None or self.baseline is None:
            return ()
        known = self.baseline.benchmark.failed()
        return tuple(check for check in self.benchmark.checks if check.id in known and check.status is Status.PASS)

    def no_longer_measured(self) -> tuple[CheckResult, ...]:
        """What passed in the baseline, and is not in the newest report at all."""
        if self.benchmark is None or self.baseline is None:
            return ()
        now = {check.id for check in self.benchmark.checks}
        before = self.baseline.benchmark.checks
        return tuple(check for check in before if check.status is Status.PASS and check.id not in now)


@dataclass(frozen=True, slots=True)
class ClusterPosture:
    """All classes of nodes that the platform says a cluster has, in that order."""

    cluster: ClusterName
    classes: tuple[ClassPosture, ...]


class BenchmarkCheck:
    """What an Environment requires of its cluster. Implements `pipelines.ports.Check`, whatever the objects are.

    Never measured, too old and unreadable are findings: what is not known is not good.
    """

    name = FOUND_BY

    def __init__(self, requirement: BenchmarkRequirement, posture: ClusterPosture, now: datetime) -> None:
        self._requirement, self._posture, self._now = requirement, posture, now
        self._resource = f"Cluster/{posture.cluster}"
        self._measure = (
            f"deployctl cluster bench --cluster {posture.cluster} --file REPORT --node NODE --node-class CLASS"
        )

    def findings(self, subject: CheckSubject) -> tuple[Finding, ...]:
        """See `pipelines.ports.Check.findings`."""
        readable = [one for one in self._posture.classes if one.benchmark is not None]
        return (
            *self._stale(),
            *self._not_passing(readable),
            *(self._worse(readable) if self._requirement.no_new_failures else ()),
        )

    def _stale(self) -> Iterator[Finding]:
        days = self._requirement.not_older_than_days
        for one in self._posture.classes:
            at = f"node class {one.node_class}"
            if one.newest is None:
                what = f"the {at} of cluster {self._posture.cluster} was never measured by kube-bench"
            elif one.benchmark is None:
                what = f"the newest report on the {at} can't be used: {one.newest.error}"
            elif self._now - one.newest.measured_at > timedelta(days=days):
                age = (self._now - one.newest.measured_at).days
                what = f"the {at} was measured {age} days ago, and {days} are allowed"
            else:
                continue
            yield RECENT.finding(self._resource, one.node_class, what, self._measure)

    def _not_passing(self, readable: list[ClassPosture]) -> Iterator[Finding]:
        for id in self._requirement.passing:
            seen = [
                (one, check) for one in readable if one.benchmark for check in one.benchmark.checks if check.id == id
            ]
            if not seen:
                what = f"check {id} is in no report on cluster {self._posture.cluster}"
                yield PASSING.finding(self._resource, id, what, self._measure)
            for one, check in seen:
                if check.status is not Status.PASS:
                    yield self._of_check(PASSING, one, check, f"has to pass, and is {check.status}")

    def _worse(self, readable: list[ClassPosture]) -> Iterator[Finding]:
        for one in readable:
            if one.baseline is None:
                what = f"no baseline is accepted for the node class {one.node_class}, so that every failure is new"
                how = f"deployctl cluster baseline {self._posture.cluster} --node-class {one.node_class} --reason WHY"
                yield NO_NEW_FAILURES.finding(self._resource, one.node_class, what, how)
                continue
            for check in one.new_failures():
                yield self._of_check(NO_NEW_FAILURES, one, check, "fails, and did not in the accepted baseline")
            for check in one.no_longer_measured():
                yield self._of_check(
                    NO_NEW_FAILURES, one, check, "passed in the accepted baseline, and is not measured"
                )

    def _of_check(self, rule: Entry, one: ClassPosture, check: CheckResult, what: str) -> Finding:
        node = one.newest.node if one.newest else ""
        said = f"check {check.id} ({check.text}) on {one.node_class} node {node} {what}"
        return rule.finding(self._resource, f"{one.node_class}/{check.id}", said, check.remediation or check.text)
