"""The rules over several objects: each is a function from a Release to what it has to say."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pipelines.catalogue.relations import FOUND_BY
from pipelines.findings import Finding
from pipelines.ports import CheckSubject
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
        release = Release(subject)
        return tuple(finding for rule in _RULES for finding in rule(release))
