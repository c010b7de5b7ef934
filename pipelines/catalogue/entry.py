"""One entry of the catalogue: a rule as people read it, whatever it is that looks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pipelines.findings import Finding, Mode, Severity

SINCE = "0.1"


class Holds(StrEnum):
    """Where a rule is held: what a cluster does not know, holds only for what comes through the gateway."""

    EVERYWHERE = "in the cluster and at the gateway"
    GATEWAY = "gateway only"
    KUBE_SCORE = "kube-score"
    SCHEMA = "schema"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What can be found, why it matters, and what to write instead.

    `how` is ready to paste; `mode` the one that it has where nobody says another; `found_by` the check that looks.
    `same_as` are the rules of ours that mean the same: they speak for it, and decide whether it blocks.
    """

    id: str
    severity: Severity
    title: str
    why: str
    how: str
    link: str
    found_by: str
    since: str = SINCE
    holds: Holds = Holds.GATEWAY
    mode: Mode = Mode.ENFORCE
    same_as: tuple[str, ...] = ()

    def finding(self, resource: str, field: str, what: str, how: str = "") -> Finding:
        """That it was found in `field` (a path such as `spec.selector`) of `resource` (`Kind/name`).

        `how` is what to write in this very case, in place of what the entry says for all of them.
        """
        return Finding(
            rule=self.id,
            severity=self.severity,
            mode=self.mode,
            resource=resource,
            field=field,
            source="",
            what=what,
            why=self.why,
            how=how or self.how,
            link=self.link,
            found_by=self.found_by,
        )
