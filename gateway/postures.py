"""The JSON of clusters, and of what kube-bench measured of them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, Field

from configuration.settings import KubeBench
from gateway.schemas import Name, Plain, _Input, _Output
from pipelines.benchmark import LARGEST_REPORT_BYTES, PRIVILEGES, CheckResult
from pipelines.posture import Baseline, ClassPosture, Measurement

LARGEST_REQUEST_BYTES = 2 * LARGEST_REPORT_BYTES + 4096
"""A report as text in JSON: escaping makes it longer."""


class ClusterPath(BaseModel):
    """The address of one cluster."""

    cluster: str = Field(description="The cluster's name.")


class MeasurementRequest(_Input):
    """What kube-bench printed on one node."""

    node_class: Name = Field(description="The class of the node: one of the cluster's `node_classes`.")
    node: str = Field(
        min_length=1, max_length=253, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", description="The node's name."
    )
    report: str = Field(
        min_length=1, description="What `kube-bench run --json` printed, unchanged, as text; at most 2 MiB."
    )
    measured_at: str | None = Field(
        default=None,
        max_length=40,
        description="When it ran, such as `2026-11-24T03:00:00Z`; without it, now.",
        examples=["2026-11-24T03:00:00Z"],
    )


class BaselineRequest(_Input):
    """Which measurement is accepted as it is, and why."""

    measurement: str = Field(min_length=1, max_length=40, pattern=Plain, description="The measurement's id.")
    reason: str = Field(
        min_length=1,
        max_length=500,
        pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$",
        description="Why what fails in it is accepted, in one line.",
    )


class MeasurementView(_Output):
    """One run of kube-bench on one node."""

    id: str = Field(description="The measurement's id.")
    node_class: str = Field(description="The class of the node.")
    node: str = Field(description="The node.")
    source: str = Field(description="`pushed`, or `collected` from the cluster.")
    received_by: str = Field(description="The token or worker that brought it.")
    measured_at: datetime = Field(description="When it ran.")
    received_at: datetime = Field(description="When it came in.")
    error: str = Field(description="Why it can't be used; empty when it can. Never a pass.")
    version: str = Field(description="The benchmark, such as `cis-1.12`.")
    passed: int = Field(description="Checks that passed.")
    failed: int = Field(description="Checks that failed.")
    warned: int = Field(description="Checks that kube-bench could not decide.")
    informed: int = Field(description="Checks that were left out.")


class CheckView(_Output):
    """One check of the benchmark that did not pass."""

    id: str = Field(description="Its number.")
    text: str = Field(description="What it wants.")
    status: str = Field(description="PASS, FAIL, WARN or INFO.")
    scored: bool = Field(description="Whether the benchmark counts it.")
    remediation: str = Field(description="What to do.")
    reason: str = Field(description="Why it could not be decided, where it couldn't.")
    is_new: bool = Field(description="Whether it fails now, and did not in the accepted baseline.")


class BaselineView(_Output):
    """A measurement that the platform accepted as it is."""

    measurement: str = Field(description="Its id.")
    accepted_by: str = Field(description="Who accepted it.")
    accepted_at: datetime = Field(description="When.")
    reason: str = Field(description="Why.")


class NodeClassView(_Output):
    """One class of nodes."""

    name: str = Field(description="The class.")
    state: str = Field(
        description="`measured`, `unreadable` (its newest report), or `not measured`. Only the first counts."
    )
    age_days: int | None = Field(description="Whole days since it was measured.")
    newest: MeasurementView | None = Field(description="What was measured last.")
    failures: list[CheckView] = Field(description="What fails, with what to do.")
    mended: list[str] = Field(description="Checks that failed in the baseline and pass now.")
    no_longer_measured: list[str] = Field(description="Checks that passed in the baseline and are in no report now.")
    baseline: BaselineView | None = Field(description="What the platform accepted; null: nothing yet.")


class ExemptionView(_Output):
    """That kube-bench may run with privileges that nothing else has."""

    namespace: str = Field(description="Where it runs.")
    privileges: list[str] = Field(description="With what it runs that no App may, and nothing else.")
    exempted_by: str = Field(description="Who has reviewed it.")
    reason: str = Field(description="Why it may.")
    until: date = Field(description="The last day of it.")
    in_force: bool = Field(description="Whether that day is not over.")


class ClusterView(_Output):
    """A cluster."""

    name: str = Field(description="Its name.")
    environments: list[str] = Field(description="The Environments on it.")
    kubernetes_version: str | None = Field(description="As its deploy worker last saw it.")
    seen_at: datetime | None = Field(description="When its deploy worker last told of itself.")
    node_classes: list[str] = Field(description="The classes of its nodes.")
    kube_bench: ExemptionView | None = Field(description="What kube-bench is exempted from; null: it is not run here.")


class FactsView(_Output):
    """What a cluster knows, as its deploy worker last read it."""

    kubernetes_version: str = Field(description="Such as `v1.36.3`.")
    api_versions: list[str] = Field(description="Groups with a version, and each with a kind: `apps/v1/Deployment`.")
    schemas: dict[str, Any] = Field(description="By kind, such as `apps/v1/Deployment`, a JSON Schema of it.")


class ClusterPage(_Output):
    """All clusters, by name."""

    items: list[ClusterView] = Field(description="The clusters.")


class PosturePage(_Output):
    """What is known of a cluster now, and a part of how it came to be."""

    cluster: str = Field(description="The cluster.")
    node_classes: list[NodeClassView] = Field(description="Each class of its nodes.")
    history: list[MeasurementView] = Field(description="Measurements, last received first.")
    next_cursor: str | None = Field(description="Pass as `cursor` for more of the history; null: there is none.")


def measurement_view(measurement: Measurement) -> MeasurementView:
    """`measurement` as JSON."""
    return MeasurementView.model_validate(measurement, from_attributes=True)


def baseline_view(baseline: Baseline) -> BaselineView:
    """`baseline` without what is in it."""
    return BaselineView(
        measurement=baseline.measurement_id,
        accepted_by=baseline.accepted_by,
        accepted_at=baseline.accepted_at,
        reason=baseline.reason,
    )


def node_class_view(posture: ClassPosture, now: datetime) -> NodeClassView:
    """One class of nodes, as it is at `now`."""
    new = {check.id for check in posture.new_failures()} if posture.baseline else set()
    failed = posture.benchmark.failed().values() if posture.benchmark else ()
    newest = posture.newest
    return NodeClassView(
        name=posture.node_class,
        state="not measured" if newest is None else "unreadable" if posture.benchmark is None else "measured",
        age_days=None if newest is None else max(0, (now - newest.measured_at).days),
        newest=None if newest is None else measurement_view(newest),
        failures=[_check(check, check.id in new) for check in failed],
        mended=[check.id for check in posture.mended()],
        no_longer_measured=[check.id for check in posture.no_longer_measured()],
        baseline=None if posture.baseline is None else baseline_view(posture.baseline),
    )


def _check(check: CheckResult, is_new: bool) -> CheckView:
    return CheckView(
        id=check.id,
        text=check.text,
        status=check.status,
        scored=check.scored,
        remediation=check.remediation,
        reason=check.reason,
        is_new=is_new,
    )


def exemption_view(kube_bench: KubeBench, today: date) -> ExemptionView:
    """`kube_bench` as it is on `today`."""
    return ExemptionView(
        namespace=kube_bench.namespace,
        privileges=list(PRIVILEGES),
        exempted_by=kube_bench.exempted_by,
        reason=kube_bench.reason,
        until=kube_bench.until,
        in_force=today <= kube_bench.until,
    )
