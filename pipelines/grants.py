"""What the gateway can't grant, since it may not do it itself: its own rights are the most that a Role can have."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import yaml

from pipelines.catalogue.kubernetes import BEYOND, GRANTS
from pipelines.cluster import ACCESS
from pipelines.findings import Finding
from pipelines.manifests import name_of, without_nulls
from pipelines.ports import CheckSubject, Manifest


@cache
def _own() -> dict[tuple[str, str], frozenset[str]]:
    """(API group, resource) → the verbs that the gateway's ClusterRole has."""
    documents = yaml.load_all(ACCESS.read_bytes(), Loader=yaml.CSafeLoader)
    rules = [rule for one in documents if one["kind"] == "ClusterRole" for rule in one["rules"]]
    found: dict[tuple[str, str], frozenset[str]] = {}
    # What is bound to a name is the gateway's own affair, and no right on all others.
    for rule in (rule for rule in rules if not rule.get("resourceNames")):
        for key in ((group, resource) for group in rule["apiGroups"] for resource in rule["resources"]):
            found[key] = found.get(key, frozenset()) | frozenset(rule["verbs"])
    return found


class Grants:
    """Implements `pipelines.ports.Check`."""

    name = GRANTS

    def findings(self, subject: CheckSubject) -> tuple[Finding, ...]:
        """See `pipelines.ports.Check.findings`."""
        return tuple(
            finding
            for one in subject.objects
            if one["kind"] == "Role" and str(one["apiVersion"]).startswith("rbac.authorization.k8s.io/")
            for finding in _of_role(without_nulls(one))
        )


def _of_role(role: Manifest) -> Iterator[Finding]:
    for number, rule in enumerate(_list(role.get("rules"))):
        for field, what, how in _of_rule(rule if isinstance(rule, dict) else {}):
            path = f"rules[{number}].{field}"
            yield BEYOND.finding(name_of(role), path, f"{path}: {what}", how)


def _of_rule(rule: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    groups = [str(group) for group in _list(rule.get("apiGroups"))]
    for number, resource in enumerate(_list(rule.get("resources"))):
        held = [_own().get((group, str(resource)), frozenset()) for group in groups]
        if not all(held):
            yield f"resources[{number}]", f"the gateway has no rights on {resource} itself, so it can't grant any", ""
            continue
        allowed = frozenset.intersection(*held) if held else frozenset()
        for place, verb in enumerate(_list(rule.get("verbs"))):
            if verb not in allowed:
                how = f"verbs: [{', '.join(sorted(allowed))}]    # at most, on {resource}"
                yield f"verbs[{place}]", f"the gateway may not {verb} {resource} itself, so it can't grant that", how


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
