"""Schemas: does each object have the fields, and only the fields, that this very cluster knows, its CRDs included."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import jsonschema_rs

from pipelines.catalogue.schemas import FOUND_BY, SCHEMAS
from pipelines.findings import Finding
from pipelines.manifests import name_of, without_nulls
from pipelines.ports import CheckSubject, ClusterFacts, Manifest
from pipelines.resources import field_text
from pipelines.rules import INVALID, UNKNOWN_FIELD, UNKNOWN_KIND
from pipelines.shapes import shape, shown
from pipelines.suggestions import did_you_mean, nearest

_ENTRIES = {entry.id: entry for entry in SCHEMAS}
_VALUE = "@value@"
_MOST_FOR_ONE_OBJECT = 20
_USUAL = (
    "apps/v1/Deployment",
    "v1/Service",
    "v1/ServiceAccount",
    "rbac.authorization.k8s.io/v1/Role",
    "networking.k8s.io/v1/NetworkPolicy",
    "policy/v1/PodDisruptionBudget",
    "security.istio.io/v1/PeerAuthentication",
    "security.istio.io/v1/AuthorizationPolicy",
    "networking.istio.io/v1/ServiceEntry",
    "networking.istio.io/v1/VirtualService",
)


class Schemas:
    """Implements `pipelines.ports.Check`. Keeps compiled validators for as long as the facts are the same object."""

    name = FOUND_BY

    def __init__(self) -> None:
        self._facts: ClusterFacts | None = None
        self._validators: dict[str, jsonschema_rs.Validator] = {}

    def prepare(self, facts: ClusterFacts) -> None:
        """Compiles the schemas of the kinds that nearly every App has, ahead of the first that needs them."""
        self._use(facts)
        for key in _USUAL:
            if key in facts.schemas:
                self._validator(key, facts)

    def _use(self, facts: ClusterFacts) -> None:
        if self._facts is not facts:
            self._facts, self._validators = facts, {}

    def _validator(self, key: str, facts: ClusterFacts) -> jsonschema_rs.Validator:
        if key not in self._validators:
            self._validators[key] = jsonschema_rs.validator_for(dict(facts.schemas[key]), mask=_VALUE)
        return self._validators[key]

    def findings(self, subject: CheckSubject) -> tuple[Finding, ...]:
        """See `pipelines.ports.Check.findings`."""
        self._use(subject.facts)
        return tuple(finding for one in subject.objects for finding in self._of(one, subject.facts))

    def _of(self, manifest: Manifest, facts: ClusterFacts) -> list[Finding]:
        key = f"{manifest['apiVersion']}/{manifest['kind']}"
        schema = facts.schemas.get(key)
        if schema is None:
            kinds = [known for known in facts.schemas if known.endswith(f"/{manifest['kind']}")]
            return [_unknown_kind(manifest, key, kinds or facts.schemas)]
        validator = self._validator(key, facts)
        found: list[Finding] = []
        for error in validator.iter_errors(without_nulls(manifest)):
            found.append(_explained(manifest, schema, error))
            if len(found) == _MOST_FOR_ONE_OBJECT:
                break
        return found


def _explained(manifest: Manifest, schema: Mapping[str, Any], error: jsonschema_rs.ValidationError) -> Finding:
    path = tuple(error.instance_path)
    unexpected = re.search(r"Additional properties are not allowed \('([^']+)'", error.message)
    if unexpected is None:
        return _finding(manifest, INVALID, path, _words(manifest, path, error), _explain(manifest, path))
    key = unexpected.group(1)
    known = _properties(schema, list(error.schema_path)[:-1])
    near = nearest(key, known)
    how = f"{near}:   # in place of {key}" if near else f"# leave out: {key}"
    what = f"there is no field {key!r} here. {did_you_mean(key, known)}".rstrip()
    return _finding(manifest, UNKNOWN_FIELD, (*path, key), what, how)


def _words(manifest: Manifest, path: tuple[str | int, ...], error: jsonschema_rs.ValidationError) -> str:
    """What is wrong, with the value only where it is no secret."""
    is_secret = manifest["kind"] == "Secret" and path[:1] != ("metadata",)
    value = shape(error.instance) if is_secret else shown(error.instance, path)
    return str(error.message).replace(_VALUE, value)


def _unknown_kind(manifest: Manifest, key: str, known: Iterable[str]) -> Finding:
    version, _, kind = (nearest(key, known) or "").rpartition("/")
    how = f"apiVersion: {version}\nkind: {kind}" if kind else "# one of those that this lists: kubectl api-resources"
    return _finding(manifest, UNKNOWN_KIND, (), f"the cluster has no {key}. {did_you_mean(key, known)}".rstrip(), how)


def _explain(manifest: Manifest, path: tuple[str | int, ...]) -> str:
    """Where the cluster itself tells what the field takes."""
    names = ".".join(str(part) for part in path if isinstance(part, str))
    return f"# what it takes: kubectl explain {str(manifest['kind']).lower()}{f'.{names}' if names else ''}"


def _properties(schema: Mapping[str, Any], path: list[Any]) -> list[str]:
    """The names of the properties of the subschema at `path`, in which references are followed already."""
    at: Any = schema
    for part in path:
        at = at[int(part)] if isinstance(at, list) else at.get(part, {})
    return list(at.get("properties", {}))


def _finding(manifest: Manifest, rule: str, path: tuple[str | int, ...], what: str, how: str) -> Finding:
    return _ENTRIES[rule].finding(name_of(manifest), field_text(path), what[:500], how)
