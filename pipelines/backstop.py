"""The backstop: what holds in a cluster by itself, whoever writes there, so that the gateway is the only way in."""

from __future__ import annotations

import copy
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipelines.apps import Environment
from pipelines.cluster import ACCESS, GATEWAY_ONLY
from pipelines.ports import Manifest
from pipelines.rules import Rule, cluster_objects

OWNED_LABEL = "deploy-gateway.dev/backstop"
"""On all that an installation consists of: what has it and belongs to it no more is removed by the next."""

GATEWAY_ONLY_POLICY = "deploy-gateway-only"
NAMESPACES_POLICY = "deploy-gateway-namespaces"
ITSELF_POLICY = "deploy-gateway-itself"
BREAK_GLASS_GROUP = "deploy-gateway:break-glass"


@dataclass(frozen=True, slots=True)
class Exceptions:
    """Who else may write where only the gateway does, and what more is for it alone.

    `kinds` are `RESOURCE.GROUP`, the resource in the plural; `operators` are names of users, the rest names of groups.
    """

    restart_groups: tuple[str, ...] = ()
    break_glass_groups: tuple[str, ...] = (BREAK_GLASS_GROUP,)
    operators: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()


def backstop(
    rules: tuple[Rule, ...],
    parameters: Mapping[str, Any],
    environments: Collection[Environment],
    exceptions: Exceptions,
) -> tuple[Manifest, ...]:
    """All objects that a cluster gets, in the order in which they can be created, each with the label of ours."""
    rest = cluster_objects(rules, parameters, environments)
    return (*foundation(exceptions), *(_owned(one) for one in rest))


def foundation(exceptions: Exceptions) -> tuple[Manifest, ...]:
    """What is there before any rule: the gateway's identity and rights, and the policies about who may write."""
    policies = (_filled_in(one, exceptions) for one in _read(GATEWAY_ONLY))
    return tuple(_owned(one) for one in (*_read(ACCESS), *policies))


def warned(objects: Collection[Manifest]) -> frozenset[str]:
    """The policies that, by the bindings in `objects`, refuse nothing where no Environment says otherwise."""
    bindings = [one["spec"] for one in objects if one["kind"] == "ValidatingAdmissionPolicyBinding"]
    return frozenset(
        spec["policyName"] for spec in bindings if "Warn" in spec["validationActions"] and not _is_of_some(spec)
    )


def _is_of_some(binding: Mapping[str, Any]) -> bool:
    """Whether it holds in named Environments only."""
    expressions = binding["matchResources"]["namespaceSelector"].get("matchExpressions", [])
    return any(one["operator"] == "In" for one in expressions)


def _read(path: Path) -> tuple[dict[str, Any], ...]:
    return tuple(yaml.safe_load_all(path.read_text("utf-8")))


def _filled_in(manifest: dict[str, Any], exceptions: Exceptions) -> Manifest:
    """In the text and not by a parameter: whoever could take a parameter away would stop the cluster's controllers."""
    lists = {
        "breakGlassGroups": exceptions.break_glass_groups,
        "restartGroups": exceptions.restart_groups,
        "operators": exceptions.operators,
    }
    for variable in manifest.get("spec", {}).get("variables", []):
        if variable["name"] in lists:
            variable["expression"] = json.dumps(lists[variable["name"]])
    if manifest["kind"] == "ValidatingAdmissionPolicy" and manifest["metadata"]["name"] == GATEWAY_ONLY_POLICY:
        manifest["spec"]["matchConstraints"]["resourceRules"] += _more(exceptions.kinds)
    return manifest


def _more(kinds: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for kind in kinds:
        resource, _, group = kind.partition(".")
        yield {
            "apiGroups": [group],
            "apiVersions": ["*"],
            "operations": ["CREATE", "UPDATE", "DELETE"],
            "resources": [resource],
        }


def _owned(manifest: Manifest) -> Manifest:
    made: dict[str, Any] = copy.deepcopy(dict(manifest))
    labels = made["metadata"].get("labels", {})
    made["metadata"]["labels"] = {**labels, OWNED_LABEL: "true"}
    return made
