"""What a field of a rendered object would have to be, by what its finding says is to be written.

Only where that is the same for every program: a number of replicas or the path of a probe is nobody's to guess.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.deployfile.texts import bytes_of, millicores_of
from pipelines.findings import Finding
from pipelines.manifests import to_value
from pipelines.offending import CONTAINER_LISTS
from pipelines.ports import Manifest
from pipelines.resources import at, field_path, pod_spec_path
from pipelines.yaml_nodes import InvalidYaml, Path, compose

Keys = tuple[str, ...]

_KNOWN = frozenset(
    {
        *("securityContext", "resources", "automountServiceAccountToken", "imagePullPolicy", "ingressClassName"),
        *("type", "startingDeadlineSeconds", "hostNetwork", "hostPID", "hostIPC"),
    }
)
_OFF = frozenset({"hostNetwork", "hostPID", "hostIPC", "privileged"})
_PLACEHOLDER = re.compile(r"\b(?!ALL\b)[A-Z]{3,}\b|…")
_PARAMETERS = {"ingress-class": "ingress_classes"}


@dataclass(frozen=True, slots=True)
class Spot:
    """Where in an object a finding is: `scope` is `container`, `init`, `pod` or `object`, `tail` what is below that.

    `whole` is what the scope is, `container` its name where it is one.
    """

    kind: str
    scope: str
    container: str
    tail: Path
    whole: Any


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be at `path`, below the scope of a Spot."""

    path: Keys
    value: Any


def spot_of(finding: Finding, manifest: Manifest) -> Spot:
    """Where in `manifest` the finding is."""
    kind, path = str(manifest["kind"]), field_path(finding.field)
    pod = pod_spec_path(kind)
    if path[: len(pod)] != pod:
        return Spot(kind, "object", "", path[1:] if path[:1] == ("spec",) else path, manifest.get("spec"))
    rest = path[len(pod) :]
    if len(rest) < 2 or rest[0] not in CONTAINER_LISTS:
        return Spot(kind, "pod", "", rest, at(manifest, pod))
    container = at(manifest, (*pod, *rest[:2]))
    scope = "container" if rest[0] == "containers" else "init"
    return Spot(kind, scope, str(at(container, ("name",)) or ""), rest[2:], container)


def wish_of(finding: Finding, spot: Spot, parameters: Mapping[str, Any]) -> Wish | None:
    """What would end the finding; None where nobody can know it."""
    names = tuple(part for part in spot.tail if isinstance(part, str))
    if len(names) < len(spot.tail):
        return None
    found = _by_parameter(finding, names, parameters) or _switched_off(spot, names) or _written(finding, names)
    if found is None or found.path[0] not in _KNOWN or _PLACEHOLDER.search(str(found.value)):
        return None
    return Wish(found.path, _fitting(found.path, found.value, spot.whole))


def _by_parameter(finding: Finding, names: Keys, parameters: Mapping[str, Any]) -> Wish | None:
    given = str(parameters.get(_PARAMETERS.get(finding.rule, ""), ""))
    return Wish(names, given.split("\n")[0]) if given and names else None


def _switched_off(spot: Spot, names: Keys) -> Wish | None:
    is_on = bool(names) and names[-1] in _OFF and at(spot.whole, names) is True
    return Wish(names, False) if is_on else None


def _written(finding: Finding, names: Keys) -> Wish | None:
    """What `how` has at the end of the field's path; of a container as a whole, all that it has."""
    try:
        documents = [to_value(node) for node in compose(finding.how.encode())]
    except InvalidYaml:
        return None
    written = documents[0] if documents else None
    for start in range(len(names)):
        value = at(written, names[start:])
        if value is not None:
            return Wish(names, value)
    if names or not isinstance(written, Mapping) or len(written) != 1:
        return None
    ((key, value),) = written.items()
    return Wish((str(key),), value)


def _fitting(path: Keys, value: Any, whole: Any) -> Any:
    """`value` with what is there already: lists are added to, and a limit is never below what is asked for."""
    if isinstance(value, Mapping):
        return {key: _fitting((*path, key), one, whole) for key, one in value.items()}
    there = at(whole, path)
    if isinstance(value, list) and isinstance(there, list):
        return [*there, *(one for one in value if one not in there)]
    if path[0] == "resources" and len(path) == 3:
        return _amount(path, str(value), whole)
    return value


def _amount(path: Keys, value: str, whole: Any) -> str:
    side, name = path[1:]
    other = at(whole, ("resources", "requests" if side == "limits" else "limits", name))
    size = millicores_of if name == "cpu" else bytes_of
    try:
        is_beyond = size(str(other)) > size(value) if side == "limits" else size(str(other)) < size(value)
    except ValueError:
        return value
    return str(other) if is_beyond else value
