"""Manifests that are in no App, read: their objects in batches that are judged as one, and what can't be used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any

from deployctl.local import NO_COMMIT
from pipelines.catalogue.relations import OBJECTS_UNIQUE
from pipelines.errors import Fault
from pipelines.findings import Finding
from pipelines.manifests import name_of, to_value
from pipelines.place import Place
from pipelines.ports import Manifest
from pipelines.raw_manifests import fault_of, labelled
from pipelines.resources import at, group_of
from pipelines.sources import Written
from pipelines.stages.checking import judged
from pipelines.third_party.rendering import objects_in
from pipelines.yaml_nodes import Budget, InvalidYaml, Node, compose

DEFAULT_NAMESPACE = "default"
KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_KUSTOMIZE_GROUP = "kustomize.config.k8s.io"


@dataclass(slots=True)
class Batch:
    """Objects with a name each, `Kind/name`: findings say no more of which one they are about.

    They are for `namespace`; empty: each is for the one that it names.
    """

    namespace: str
    objects: list[Manifest] = field(default_factory=list)
    written: dict[str, Written] = field(default_factory=dict)

    def add(self, other: Batch) -> None:
        """Takes the objects of `other`, of which none has a name that is taken."""
        self.objects += other.objects
        self.written |= other.written


@dataclass(frozen=True, slots=True)
class Read:
    """What files hold: `batches` to judge, `faults` in what can't be used, `twins` of what stands there already."""

    batches: list[Batch]
    faults: list[Fault]
    twins: list[Finding]


@dataclass(frozen=True, slots=True)
class _Object:
    """One object as somebody wrote it; `namespace` is the one that it names, or empty."""

    file: str
    node: Node
    value: Mapping[str, Any]
    namespace: str

    @property
    def identity(self) -> tuple[str, str]:
        """What it is called within a namespace."""
        return group_of(self.value["apiVersion"]), name_of(self.value)


def read(files: Mapping[str, bytes], place: Place, namespace: str | None = None) -> Read:
    """The objects in `files`, labelled as the gateway does it for `place`, in as few batches as their names need.

    A file stays together, as far as its objects are in one namespace: what is in it is meant to work together. All are
    for `namespace`, where somebody said one; else each is for the one that it names. Those that name none are for the
    only one that is named, or, where that has objects of the same names or there are several, for `default`.
    """
    found = Read([], [], [])
    budget = Budget()
    objects = {
        name: list(_objects(name, content, budget, found.faults)) for name, content in _plain(files, found.faults)
    }
    other = namespace or _of_the_nameless([one for listed in objects.values() for one in listed])
    for listed in objects.values():
        for batch in _of_file(_once(listed, other, place, found.twins), other, place, bool(namespace)):
            fitting = next((one for one in found.batches if _fits(one, batch)), None)
            if fitting is None:
                found.batches.append(batch)
            else:
                fitting.add(batch)
    return found if namespace else replace(found, batches=_joined(found.batches))


def _joined(batches: list[Batch]) -> list[Batch]:
    """As few as their names need, with all of a namespace's in one: checks take their time for each."""
    found: list[Batch] = []
    for batch in batches:
        fitting = next((one for one in found if one.written.keys().isdisjoint(batch.written)), None)
        if fitting is None:
            found.append(replace(batch, namespace=""))
        else:
            fitting.add(batch)
    return found


def _of_the_nameless(objects: list[_Object]) -> str:
    """The namespace of those objects that name none."""
    named = {one.namespace for one in objects} - {""}
    nameless = {one.identity for one in objects if not one.namespace}
    twice = not nameless.isdisjoint(one.identity for one in objects if one.namespace)
    return named.pop() if len(named) == 1 and not twice else DEFAULT_NAMESPACE


def _plain(files: Mapping[str, bytes], faults: list[Fault]) -> Iterator[tuple[str, bytes]]:
    """Those of `files` that kubectl takes as they are: not what kustomize makes objects of, with all that is below."""
    roots = {PurePath(name).parent: name for name in files if PurePath(name).name in KUSTOMIZATIONS}
    faults += [_unbuilt(name, folder.as_posix()) for folder, name in roots.items()]
    return ((name, text) for name, text in files.items() if roots.keys().isdisjoint(PurePath(name).parents))


def _unbuilt(where: str, folder: str) -> Fault:
    reason = "this is what kustomize makes objects of, and so is what stands beside it"
    return Fault(where, reason, f"Build it first: kubectl kustomize {folder} | deployctl check -")


def _objects(name: str, content: bytes, budget: Budget, faults: list[Fault]) -> Iterator[_Object]:
    try:
        for document in compose(content, budget=budget):
            for node in objects_in(document):
                value = to_value(node)
                fault = _fault(f"{name}:{node.line}", value)
                if fault is not None:
                    faults.append(fault)
                elif value is not None:
                    namespace = at(value, ("metadata", "namespace"))
                    yield _Object(name, node, value, namespace if isinstance(namespace, str) else "")
    except InvalidYaml as error:
        faults.append(Fault(f"{name}:{error.line}", error.reason, error.solution))


def _fault(where: str, value: Any) -> Fault | None:
    if value is None:
        return None
    if isinstance(value, dict) and group_of(str(value.get("apiVersion"))) == _KUSTOMIZE_GROUP:
        return _unbuilt(where, "FOLDER")
    fault = fault_of(value)
    return Fault(where, *fault) if fault is not None else None


def _once(objects: list[_Object], other: str, place: Place, twins: list[Finding]) -> Iterator[_Object]:
    """The first of each; those that stand there again, in the same file, go to `twins`."""
    lines: dict[tuple[str, str, str], int] = {}
    for one in objects:
        identity = (*one.identity, one.namespace or other)
        if identity not in lines:
            lines[identity] = one.node.line
            yield one
            continue
        what = f"it stands in line {lines[identity]} already; this one was not looked at"
        twin = judged(OBJECTS_UNIQUE.finding(identity[1], "metadata.name", what), place.environment)
        twins.append(replace(twin, source=f"{one.file}:{one.node.line}"))


def _of_file(objects: Iterator[_Object], other: str, place: Place, is_said: bool) -> list[Batch]:
    """The batches of one file: one for each namespace, and where several API groups have a kind of one name, more."""
    found: list[Batch] = []
    for one in objects:
        batch = Batch(other if is_said else one.namespace or other)
        resource = name_of(one.value)
        fitting = next(
            (each for each in found if each.namespace == batch.namespace and resource not in each.written), None
        )
        if fitting is None:
            found.append(batch)
        manifest = labelled(one.value, place, NO_COMMIT)
        manifest["metadata"]["namespace"] = one.namespace or other
        (fitting or batch).objects.append(manifest)
        (fitting or batch).written[resource] = Written(one.file, one.node)
    return found


def _fits(batch: Batch, other: Batch) -> bool:
    return batch.namespace == other.namespace and batch.written.keys().isdisjoint(other.written)
