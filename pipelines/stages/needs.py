"""What the pods of a Bundle name and it does not bring: whether the cluster has it, before anything waits for it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pipelines.apps import Environment
from pipelines.bundle import Bundle
from pipelines.catalogue.relations import REFERENCES_RESOLVE
from pipelines.errors import Fault, PreflightRefused
from pipelines.findings import Mode
from pipelines.manifests import parse
from pipelines.ports import Change, Cluster, Manifest
from pipelines.relations.references import Reference, needed
from pipelines.relations.release import Release
from pipelines.relations.values import mappings
from pipelines.resources import group_of
from pipelines.waivers import Waiver, waiver_of

_API_VERSION = "v1"
_PULL = ".imagePullSecrets["
_MOST_SHOWN = 5
_MAKES = frozenset({"create", "*"})
_PLURAL: Mapping[str, str] = {
    "ConfigMap": "configmaps",
    "Secret": "secrets",
    "PersistentVolumeClaim": "persistentvolumeclaims",
}


@dataclass(frozen=True, slots=True)
class _Bundled:
    """Implements `pipelines.relations.release.Together`."""

    objects: tuple[Manifest, ...]
    namespace: str


def insist_on_what_is_needed(
    bundle: Bundle,
    environment: Environment,
    waivers: tuple[Waiver, ...],
    cluster: Cluster,
    changes: tuple[Change, ...],
    *,
    dry_run: bool,
) -> tuple[str, ...]:
    """A line for each object that is missing and stops nothing. Raises `PreflightRefused` with the others.

    `waivers` are in force; what one of `changes` deletes will be missing.

    The namespace may be absent in a dry run only: nothing is in it then, and nothing stops.
    """
    release = Release(_Bundled(parse(bundle.manifest), bundle.namespace))
    removed = frozenset(one.resource for one in changes if one.action == "delete")
    missing = _missing(needed(release), removed, cluster, bundle.namespace)
    is_absent = dry_run and bool(missing) and not cluster.namespace_exists(bundle.namespace)
    stopping: list[Fault] = []
    lines: list[str] = []
    for places in missing:
        fault = _fault(places, bundle.namespace, is_removed=places[0].target in removed)
        why = _lets_through(places, release, environment, waivers)
        if is_absent:
            why = f"the namespace {bundle.namespace} is not there yet, and the first Release makes it"
        if why:
            lines.append(f"{fault.reason}. It stops nothing here: {why}")
        else:
            stopping.append(fault)
    if stopping:
        first = stopping[0]
        raise PreflightRefused(first.reason, first.solution, where=first.where, errors=stopping)
    return tuple(lines)


def _missing(
    references: tuple[Reference, ...], removed: frozenset[str], cluster: Cluster, namespace: str
) -> tuple[tuple[Reference, ...], ...]:
    """The places that name each object which is not there."""
    by_target: dict[tuple[str, str], list[Reference]] = {}
    for one in references:
        by_target.setdefault((one.kind, one.name), []).append(one)
    return tuple(
        tuple(places)
        for (kind, name), places in by_target.items()
        if f"{kind}/{name}" in removed or not cluster.has(_API_VERSION, kind, name, namespace=namespace)
    )


def _lets_through(
    places: tuple[Reference, ...], release: Release, environment: Environment, waivers: tuple[Waiver, ...]
) -> str:
    """Why an object that is missing stops nothing; empty where it does."""
    if all(_PULL in one.field for one in places):
        return "an image that anybody may pull needs none"
    if release.may_have_more_pods or _makes_some(release, places[0].kind):
        return "something in this Release may make it"
    rule = REFERENCES_RESOLVE
    if environment.mode_of(rule.id, rule.mode) is not Mode.ENFORCE:
        return f"{rule.id} only warns"
    found = [waiver_of(rule.finding(one.resource, one.field, ""), waivers) for one in places]
    return "" if None in found else f"waived by {found[0]}"


def _makes_some(release: Release, kind: str) -> bool:
    """Whether a program of this Release may make objects of `kind`, as a hook that makes a certificate does."""
    wanted = {_PLURAL[kind], "*"}
    return any(
        _MAKES & set(map(str, rule.get("verbs") or ())) and wanted & set(map(str, rule.get("resources") or ()))
        for one in release.objects
        if one["kind"] in ("Role", "ClusterRole") and group_of(str(one["apiVersion"])) == "rbac.authorization.k8s.io"
        for rule in mappings(one.get("rules"))
    )


def _fault(places: tuple[Reference, ...], namespace: str, *, is_removed: bool) -> Fault:
    first = places[0]
    named = list(dict.fromkeys(f"{one.resource} {one.field}" for one in places))
    more = f" and {len(named) - _MOST_SHOWN} more" if len(named) > _MOST_SHOWN else ""
    gone = "was brought by the Release before, is not in this one" if is_removed else "is neither in this Release"
    gone += ", and goes with it" if is_removed else f" nor in the namespace {namespace}"
    reason = (
        f"{REFERENCES_RESOLVE.id}: {first.target} {gone}, and {', '.join(named[:_MOST_SHOWN])}{more} can't do without"
    )
    solution = f"Bring {first.target} in this Release too" if is_removed else _solution(places, namespace)
    return Fault(named[0], reason, solution)


def _solution(places: tuple[Reference, ...], namespace: str) -> str:
    kind, name = places[0].kind, places[0].name
    if kind == "PersistentVolumeClaim":
        return f"Make the claim {name} in the namespace {namespace}, which is there, or bring it with the Release"
    sort = "configmap" if kind == "ConfigMap" else "secret generic"
    files = "".join(f" --from-file={shlex.quote(key)}=FILE" for key in _keys(places)) or " --from-file=KEY=FILE"
    command = f"kubectl create {sort} {shlex.quote(name)} --namespace={namespace}{files}"
    return f"Make it, the namespace is there: `{command}`; or write optional: true, where the program does without"


def _keys(places: tuple[Reference, ...]) -> Iterator[str]:
    yield from dict.fromkeys(one.key for one in places if one.key)
