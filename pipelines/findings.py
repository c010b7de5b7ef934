"""Findings: what a check has to say about one field of one object."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How bad it is, whatever the mode."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Mode(StrEnum):
    """`enforce` blocks the Release, `warn` is shown and counted."""

    ENFORCE = "enforce"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a check has to say, with all that a reader needs to mend it.

    `resource` is `Kind/name`, `field` a path such as `spec.containers[0].image` (empty: the whole object),
    `source` the place to edit (`deploy.yaml:7`, or `k8s/deployment.yaml:12`; empty when unknown),
    `how` ready to paste, `found_by` the check that says so (`policy`, `api-versions`, `kube-score`, `schema`, …).
    `waiver` is who answers for an exception, until when and why, in one line; empty: there is none. `enforce_from` is
    the first day (UTC, `2027-01-31`) on which a warning blocks; empty: none is known.
    `also_found_by` are the rules that say the same of the same field. `values_hint` is YAML for the values of a
    third-party chart that ends it, or a comment that says why there is none; empty: it was not looked for.
    `mode` is what the Environment makes of `own_mode`, the one that the check gave it: `enforce` or `warn`; empty until
    an Environment has judged it, and where that was not written down.
    `end_of_life` is the day (UTC) from which `base-image-end-of-life` says this instead of `base-image-current`; empty:
    there is none.
    """

    rule: str
    severity: Severity
    mode: Mode
    resource: str
    field: str
    source: str
    what: str
    why: str
    how: str
    link: str
    found_by: str
    waiver: str = ""
    enforce_from: str = ""
    also_found_by: tuple[str, ...] = ()
    values_hint: str = ""
    end_of_life: str = ""
    own_mode: str = ""

    @property
    def blocks(self) -> bool:
        """Whether it stops a Release: what the platform waived does not."""
        return self.mode is Mode.ENFORCE and not self.waiver

    def to_json(self) -> dict[str, Any]:
        """A JSON object with this class's field names; all values are strings, or lists of strings."""
        names = (one.name for one in fields(self))
        return {name: getattr(self, name) for name in names} | {"also_found_by": list(self.also_found_by)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Finding:
        """The inverse of `to_json`, of older versions too. Raises KeyError or ValueError for anything else."""
        kinds = {"severity": Severity(data["severity"]), "mode": Mode(data["mode"])}
        return cls(**{**data, **kinds, "also_found_by": tuple(data.get("also_found_by", ()))})


def blocking(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those findings that stop a Release."""
    return tuple(finding for finding in findings if finding.blocks)
