"""A PodDisruptionBudget is there for what has several replicas, and lets a node be drained."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from pipelines.catalogue.relations import BUDGET_DRAINS, BUDGET_PRESENT, SELECTOR_SELECTS
from pipelines.findings import Finding
from pipelines.manifests import name_of
from pipelines.ports import Manifest
from pipelines.relations.autoscalers import replicas_of
from pipelines.relations.doubt import in_doubt
from pipelines.relations.release import Release, Workload
from pipelines.relations.selectors import flow, selects
from pipelines.relations.values import mapping

_GROUP = "policy"
_SCALED = frozenset({"Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"})


def unprotected(release: Release) -> Iterator[Finding]:
    """What has more than one replica, and no budget."""
    for workload in release.workloads:
        most = replicas_of(workload, release)[1] if workload.kind in _SCALED else 0
        if most > 1 and not _budgets_of(workload, release):
            what = f"it has up to {most} replicas, and no PodDisruptionBudget selects them"
            yield BUDGET_PRESENT.finding(workload.name, "spec.replicas", what, _budget(workload))


def undrainable(release: Release) -> Iterator[Finding]:
    """Budgets that let no pod go, though all are well; and pods with two, which the server never evicts."""
    for budget in _all(release):
        selected = [one for one in _selected(budget, release) if one.kind in _SCALED]
        fewest = sum(replicas_of(one, release)[0] for one in selected)
        kept = _kept(budget, fewest)
        if fewest and kept is not None and kept >= fewest:
            what = f"it keeps {kept} of {fewest} pods, so that none may go"
            written = mapping(budget.get("spec")).get("minAvailable")
            how = f"maxUnavailable: 1   # in place of minAvailable: {written}"
            yield BUDGET_DRAINS.finding(name_of(budget), "spec.minAvailable", what, how)
    for workload in release.workloads:
        names = sorted(name_of(one) for one in _budgets_of(workload, release))
        if len(names) > 1:
            what = f"{' and '.join(names)} both select its pods, and then the server lets none of them go"
            yield BUDGET_DRAINS.finding(workload.name, workload.labels_field, what, f"# leave out: {names[1]}")


def idle_budgets(release: Release) -> Iterator[Finding]:
    """Budgets that select no pod."""
    for one in _all(release):
        if not _selected(one, release):
            labels = next((each.own_labels for each in release.workloads if each.kind in _SCALED), {})
            how = f"selector: {{matchLabels: {flow(labels or {'app.kubernetes.io/name': 'APP'})}}}"
            what = "it selects no pod of this Release"
            yield in_doubt(release, SELECTOR_SELECTS.finding(name_of(one), "spec.selector", what, how))


def _all(release: Release) -> list[Manifest]:
    return release.of("PodDisruptionBudget", _GROUP)


def _selected(budget: Manifest, release: Release) -> list[Workload]:
    return release.selected_by(mapping(budget.get("spec")).get("selector"), release.namespace_of(budget))


def _budgets_of(workload: Workload, release: Release) -> list[Manifest]:
    near = release.near(workload, "PodDisruptionBudget", _GROUP)
    return [one for one in near if selects(mapping(one.get("spec")).get("selector"), workload.labels)]


def _kept(budget: Manifest, pods: int) -> int | None:
    """How many of `pods` have to stay; None where the budget alone says that none may go, or nothing readable.

    Percentages are rounded up, as the disruption controller does (policy/v1).
    """
    spec = mapping(budget.get("spec"))
    least = spec.get("minAvailable")
    is_told_elsewhere = spec.get("maxUnavailable") is not None or least == "100%"
    return None if is_told_elsewhere else _number(least, pods)


def _number(value: Any, pods: int) -> int | None:
    if isinstance(value, int):
        return value
    text = str(value).removesuffix("%")
    return math.ceil(int(text) * pods / 100) if str(value).endswith("%") and text.isdecimal() else None


def _budget(workload: Workload) -> str:
    name = mapping(workload.manifest.get("metadata")).get("name", "APP")
    labels = workload.own_labels or {"app.kubernetes.io/name": name}  # an empty selector would be for all pods
    return (
        "apiVersion: policy/v1\n"
        "kind: PodDisruptionBudget\n"
        f"metadata: {flow({'name': name})}\n"
        f"spec: {{maxUnavailable: 1, selector: {{matchLabels: {flow(labels)}}}}}"
    )
