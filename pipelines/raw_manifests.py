"""A team's own manifests: its objects, with the labels that say whose they are and the App's namespace."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from pipelines.errors import InvalidDeployFile
from pipelines.hooks import hook_fault, outliving
from pipelines.manifests import name_of, to_value
from pipelines.place import Place
from pipelines.ports import Manifest
from pipelines.sources import Written
from pipelines.yaml_nodes import Budget, InvalidYaml, Node, compose, line_at


def chart_files(
    manifests: Mapping[str, bytes], place: Place, commit: str
) -> tuple[dict[str, bytes], dict[str, Written]]:
    """The files of a chart that prints the objects in `manifests` (path → content), and where each was written.

    Raises `InvalidDeployFile` with the line of what is no object of this App.
    """
    files: dict[str, bytes] = {}
    written: dict[str, Written] = {}
    budget = Budget.of_a_release()
    for name, text in manifests.items():
        try:
            for node in compose(text, budget=budget):
                manifest = insist_on_own(to_value(node), f"{name}:{node.line}", place)
                insist_on_annotations(manifest, node, lambda line, name=name: f"{name}:{line}")
                resource = name_of(manifest)
                if resource in written:
                    raise InvalidDeployFile(
                        f"{resource} stands here and in {written[resource].file}",
                        "Leave one out",
                        where=f"{name}:{node.line}",
                    )
                written[resource] = Written(name, node)
                content = labelled(manifest, place, commit)
                files[f"manifests/{len(files):03}.json"] = json.dumps(content, indent=1, ensure_ascii=False).encode()
        except InvalidYaml as error:
            raise InvalidDeployFile(error.reason, error.solution, where=f"{name}:{error.line}") from error
    return files, written


def insist_on_own(value: Any, where: str, place: Place) -> dict[str, Any]:
    """`value`, when it is one object that this App may bring; raises `InvalidDeployFile` at `where` otherwise."""
    # Whoever reads the objects of a List one by one would find among them what is refused below.
    if _is_object(value) and (value["kind"].endswith("List") or isinstance(value.get("items"), list)):
        raise InvalidDeployFile(
            f"this {value['kind']} is several objects in one, and each is looked at by itself",
            "Write each of its items as a document of its own, with --- between them",
            where=where,
        )
    fault = fault_of(value)
    if fault is not None:
        raise InvalidDeployFile(*fault, where=where)
    metadata = value["metadata"]
    namespace = metadata.get("namespace", place.namespace)
    if namespace != place.namespace:
        raise InvalidDeployFile(
            f"{name_of(value)} is for the namespace {namespace!r}, and this App's is {place.namespace!r}",
            "Leave metadata.namespace out",
            where=where,
        )
    if value["kind"] in ("Secret", "ConfigMap") and _is_a_record(value, metadata):
        raise InvalidDeployFile(
            f"{name_of(value)} is Helm's or Kubernetes' own: a record of what was rolled out, or an account's token",
            "Leave it out, or give it a name, a type and labels of its own",
            where=where,
        )
    own: dict[str, Any] = value
    return own


def fault_of(value: Any) -> tuple[str, str] | None:
    """Reason and solution when `value` is no object that can be brought, whoever brings it; None when it is one."""
    if not _is_object(value):
        return "this is no object with apiVersion and kind", "Write a Kubernetes object"
    return _fault_in_version(value["apiVersion"]) or _fault_in_kind(value["kind"]) or _fault_in_name(value)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(key), str) for key in ("apiVersion", "kind"))


def _fault_in_version(api_version: str) -> tuple[str, str] | None:
    """Reason and solution when no API can be called `api_version`: groups and versions are in lower case."""
    if api_version and api_version == api_version.lower():
        return None
    solution = f"Write `apiVersion: {api_version.lower()}`" if api_version else "Write its apiVersion, such as apps/v1"
    return f"there is no apiVersion {api_version!r}: groups and versions are in lower case", solution


def _fault_in_kind(kind: str) -> tuple[str, str] | None:
    """What is wrong with bringing an object of this kind, and what to do; None where it is the rules' to judge."""
    if kind != "Namespace":
        return None
    return "an App lives in the namespace that the platform gives it, and brings none", "Leave this object out"


def _fault_in_name(value: Mapping[str, Any]) -> tuple[str, str] | None:
    """Reason and solution when the object `value` has no metadata.name that is a text."""
    metadata = value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if isinstance(name, str) and name:
        return None
    kind = value["kind"]
    if isinstance(metadata, dict) and metadata.get("generateName"):
        reason = f"this {kind} has a generateName and no metadata.name: it would be another object each time"
        return reason, "Write `name:` in place of `generateName:`"
    if name is not None and not isinstance(name, str):
        reason = f"the metadata.name of this {kind} is read as {json.dumps(name)}, and not as a text"
        return reason, "Put it in quotes: plain y, on, no and numbers are no texts in YAML 1.1"
    return f"this {kind} has no metadata.name", "Give it a name: `metadata: {name: ...}`"


def insist_on_annotations(manifest: Manifest, node: Node, where: Callable[..., str]) -> None:
    """Raises `InvalidDeployFile`, at `where` of the line, for annotations that are none, and for hooks that never run.

    And for what would stay when a Release leaves it out: see `pipelines.hooks.outliving`.
    """
    annotations = manifest["metadata"].get("annotations")
    found = annotations if annotations is not None else {}
    path: tuple[str, ...] = ("metadata", "annotations")
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        reason, solution = "annotations are names with a text each", "Put numbers and true or false in quotes"
    else:
        fault = hook_fault(found) or outliving(manifest, found)
        if fault is None:
            return
        key, reason, solution = fault
        path = (*path, key)
    raise InvalidDeployFile(reason, solution, where=where(line_at(node, path)))


def _is_a_record(value: dict[str, Any], metadata: dict[str, Any]) -> bool:
    """Whether Helm would find it among its releases, and so roll back to whatever stands in it, unchecked."""
    labels = metadata.get("labels")
    is_labelled = isinstance(labels, dict) and labels.get("owner") == "helm"
    own_types = ("helm.sh/release.v1", "kubernetes.io/service-account-token")
    return is_labelled or metadata["name"].startswith("sh.helm.release.") or value.get("type") in own_types


def labelled(manifest: Mapping[str, Any], place: Place, commit: str) -> dict[str, Any]:
    """`manifest` in the App's namespace, with the labels that say whose it is."""
    ours = {
        "deploy-gateway.dev/app": place.app.name,
        "deploy-gateway.dev/team": place.app.team,
        "deploy-gateway.dev/environment": place.environment.name,
        "deploy-gateway.dev/commit": commit,
    }
    metadata = manifest["metadata"]
    labels = metadata.get("labels")
    merged = {**(labels if isinstance(labels, dict) else {}), **ours}
    return {**manifest, "metadata": {**metadata, "namespace": place.namespace, "labels": merged}}
