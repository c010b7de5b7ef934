"""The rules over several objects: each is a function from a Release to what it has to say."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from pipelines.catalogue.relations import FOUND_BY
from pipelines.findings import Finding
from pipelines.ports import CheckSubject, Manifest
from pipelines.relations.autoscalers import idle_autoscalers
from pipelines.relations.disruption import idle_budgets, undrainable, unprotected
from pipelines.relations.identity import strays, twins, unseen_pods
from pipelines.relations.mesh import weakened
from pipelines.relations.network import idle_policies, unselected_pods
from pipelines.relations.references import dangling
from pipelines.relations.release import Release
from pipelines.relations.routes import lost_routes
from pipelines.relations.selection import shared_pods, strangers_to_their_pods
from pipelines.relations.services import closed_ports, idle_services

_RULES: tuple[Callable[[Release], Iterable[Finding]], ...] = (
    twins,
    strays,
    unseen_pods,
    unselected_pods,
    idle_policies,
    weakened,
    strangers_to_their_pods,
    shared_pods,
    idle_services,
    closed_ports,
    lost_routes,
    idle_autoscalers,
    unprotected,
    undrainable,
    idle_budgets,
    dangling,
)


class Relations:
    """Implements `pipelines.ports.Check`."""

    name = FOUND_BY

    def findings(self, subject: CheckSubject) -> tuple[Finding, ...]:
        """See `pipelines.ports.Check.findings`."""
        return tuple(finding for one in _releases(subject) for rule in _RULES for finding in rule(Release(one)))


def _releases(subject: CheckSubject) -> Iterable[CheckSubject]:
    """What is rolled out together: all of it, or, where it is for no one namespace, what is for each of them."""
    if subject.namespace:
        return [subject]
    found: dict[str, list[Manifest]] = {}
    for one in subject.objects:
        found.setdefault(str(one["metadata"]["namespace"]), []).append(one)
    return [replace(subject, objects=tuple(objects), namespace=name) for name, objects in found.items()]
