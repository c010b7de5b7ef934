"""Waivers: named exceptions to one rule for one App, each with an owner, a reason and an end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from pipelines.apps import ALWAYS_ENFORCED, App, Environment
from pipelines.catalogue import catalogue
from pipelines.end_of_life import on_day
from pipelines.errors import InvalidInput, WaiverEnded
from pipelines.findings import Finding, Mode, blocking
from pipelines.suggestions import did_you_mean

EVERYTHING = "*"
"""In place of a resource: all that the App has."""

_RESOURCE = re.compile(r"[A-Z][A-Za-z0-9]{0,62}/[A-Za-z0-9]([-A-Za-z0-9._:]{0,251}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Waiver:
    """One exception, made by the platform.

    `environment` is empty where it holds in all of them; `resource` is `Kind/name`, or `*` for all of the App;
    `until` the last day on which it holds, in UTC. `ended_at` says that somebody ended it before.
    """

    id: str
    rule: str
    app: str
    environment: str
    resource: str
    owner: str
    reason: str
    until: date
    created_at: datetime
    created_by: str
    ended_at: datetime | None = None
    ended_by: str = ""

    def holds(self, day: date) -> bool:
        """Whether it is in force on `day`."""
        return self.ended_at is None and day <= self.until

    @property
    def first_day_after(self) -> date:
        """The day on which it has ended by itself."""
        return self.until + timedelta(days=1)

    def is_for(self, finding: Finding) -> bool:
        """Whether it is about this rule and resource; the place is for `in_force` to say."""
        return self.rule == finding.rule and self.resource in (EVERYTHING, finding.resource)

    def __str__(self) -> str:
        """For the finding: who answers for it, until when, and why."""
        return f"{self.owner}, until {self.until.isoformat()}: {self.reason} (waiver {self.id})"


def in_force(waivers: Iterable[Waiver], app: str, environment: str, day: date) -> tuple[Waiver, ...]:
    """Those that hold on `day` for this App in this Environment."""
    return tuple(one for one in waivers if one.app == app and one.environment in ("", environment) and one.holds(day))


def waiver_of(finding: Finding, waivers: Iterable[Waiver]) -> Waiver | None:
    """Of `waivers`, which are in force, the one for `finding` that lasts longest; None: there is none."""
    found = [one for one in waivers if one.is_for(finding) and one.rule not in ALWAYS_ENFORCED]
    return max(found, key=lambda one: one.until, default=None)


def waived(finding: Finding, waivers: Iterable[Waiver]) -> Finding:
    """`finding`, marked where one of `waivers`, which are in force, is for it; it is never left out."""
    waiver = waiver_of(finding, waivers)
    return replace(finding, waiver="" if waiver is None else str(waiver))


def insist_on_still_allowed(
    findings: Iterable[Finding], waivers: Iterable[Waiver], environment: Environment, day: date
) -> None:
    """Raises `WaiverEnded` for what did not block when it was checked, by a waiver or a date, and does on `day`.

    `waivers` are in force then, and `environment` is as of then. A mode that was changed in gateway.yaml meanwhile is
    for the next Release.
    """
    known = tuple(waivers)
    stopping = blocking(waived(_as_it_counts(one, environment, day), known) for one in findings)
    if stopping:
        told = ", ".join(f"{one.rule} for {one.resource}" for one in stopping)
        raise WaiverEnded(
            f"when it was checked this did not block yet, and now it does: {told}",
            "Correct it and release again, or ask the platform for a waiver",
        )


def _as_it_counts(finding: Finding, environment: Environment, day: date) -> Finding:
    now = on_day(finding, day)
    if now.rule != finding.rule:
        return replace(now, mode=environment.mode_of(now.rule, now.mode))
    begun = finding.enforce_from and finding.enforce_from <= day.isoformat()
    return replace(finding, mode=Mode.ENFORCE) if begun else finding


def parse_resource(text: str) -> str:
    """`text`, when it is `Kind/name` or `*`. Raises `InvalidInput`."""
    if text != EVERYTHING and not _RESOURCE.fullmatch(text):
        raise InvalidInput(
            f"{text[:80]!r} is no resource",
            "Write Kind/name as the finding has it, such as Deployment/checkout, or * for all of the App",
            where="resource",
        )
    return text


def parse_rule(text: str) -> str:
    """`text`, when it is a rule of the catalogue that can be waived. Raises `InvalidInput`."""
    rules = {entry.id for entry in catalogue()}
    if text in ALWAYS_ENFORCED:
        why, instead = ALWAYS_ENFORCED[text]
        raise InvalidInput(f"the rule {text!r} can't be waived: {why}", instead, where="rule")
    if text not in rules:
        raise InvalidInput(f"there is no rule {text[:80]!r}", did_you_mean(text, rules), where="rule")
    return text


def parameter_lines(
    waivers: Iterable[Waiver], apps: Mapping[str, App], environments: Iterable[Environment], day: date
) -> tuple[str, ...]:
    """The waivers in force on `day` as the policies of a cluster take them: `RULE NAMESPACE APP Kind/name`.

    Sorted. `environments` are those of the cluster. A policy compares APP with the label that the gateway puts on all
    that an App has: what else comes to be in its namespace is waived by no line. What no policy of a cluster can find
    is left out.
    """
    places = tuple(environments)
    return tuple(
        sorted(
            {
                f"{one.rule} {place.namespace_of(apps[one.app])} {one.app} {one.resource}"
                for one in waivers
                if one.holds(day) and one.app in apps and "/" not in one.rule and one.rule not in ALWAYS_ENFORCED
                for place in places
                if one.environment in ("", place.name)
            }
        )
    )
