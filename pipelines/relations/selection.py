"""A workload selects its own pods, and no other's."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.catalogue.relations import SELECTOR_MATCHES, SELECTOR_OWN
from pipelines.findings import Finding
from pipelines.relations.release import Release
from pipelines.relations.selectors import flow, is_empty
from pipelines.resources import at

_BY_SELECTOR = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"})


def strangers_to_their_pods(release: Release) -> Iterator[Finding]:
    """Workloads that do not select the pods which they make."""
    for one in release.workloads:
        selector = at(one.manifest, ("spec", "selector"))
        if one.kind in _BY_SELECTOR and selector and not is_empty(selector) and not one.selects(one.labels):
            own = flow(one.own_labels or {"app.kubernetes.io/name": one.name.partition("/")[2]})
            how = f"selector: {{matchLabels: {own}}}\ntemplate: {{metadata: {{labels: {own}}}}}"
            what = f"its pods have the labels {flow(one.labels)}"
            yield SELECTOR_MATCHES.finding(one.name, "spec.selector", what, how)


def shared_pods(release: Release) -> Iterator[Finding]:
    """Workloads that select the pods of another."""
    for one in release.workloads:
        others = [
            other.name
            for other in release.workloads_in(one.namespace)
            if other is not one and one.selects(other.labels)
        ]
        if others:
            what = f"it selects the pods of {' and '.join(others)} too"
            apart = {**one.own_labels, "app.kubernetes.io/component": one.name.partition("/")[2]}
            how = f"selector: {{matchLabels: {flow(apart)}}}   # and the same labels in its template"
            yield SELECTOR_OWN.finding(one.name, "spec.selector", what, how)
