"""resolve: what exactly is to be rendered. The Environment's overlay, callers' namespaces, tags as digests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.apps import App, Environment, Mesh
from pipelines.deployfile import DeployFile, overlaid
from pipelines.errors import InvalidDeployFile
from pipelines.images import has_prefix, parse_image
from pipelines.manifests import name_of, to_value
from pipelines.ports import Registry
from pipelines.sources import Written
from pipelines.stages.checkout import Source
from pipelines.suggestions import did_you_mean
from pipelines.yaml_nodes import InvalidYaml, Node, compose, lines

CHARTS = Path(__file__).resolve().parents[2] / "charts"


@dataclass(frozen=True, slots=True)
class Place:
    """Where it goes, as the platform has it.

    `namespaces` maps each App to its namespace in this Environment; `smoke_image` has curl and sh.
    """

    app: App
    environment: Environment
    namespaces: Mapping[str, str]
    registries: tuple[str, ...]
    standard_chart: Path
    smoke_image: str | None = None

    @property
    def namespace(self) -> str:
        return self.environment.namespace_of(self.app)


@dataclass(frozen=True, slots=True)
class Resolved:
    """Chart, the files that are added to it, values, images; and where objects were written, for raw manifests."""

    chart: Path
    files: Mapping[str, bytes]
    values: Mapping[str, Any]
    images: Mapping[str, str]
    written: Mapping[str, Written]


def resolve(source: Source, place: Place, registry: Registry, *, timeout_seconds: float) -> Resolved:
    """Raises `InvalidDeployFile` for a caller that nobody knows, `ImageNotFound`, `RegistryUnavailable`."""
    if source.manifests:
        return _raw(source, place)
    file = overlaid(source.declaration.file, place.environment.name)
    images = _images(file, place, registry, timeout_seconds)
    values = _values(file, source, place, images)
    return Resolved(place.standard_chart, {}, values, images, {})


def _images(file: DeployFile, place: Place, registry: Registry, timeout_seconds: float) -> dict[str, str]:
    image = file.image or ""
    parsed = parse_image(image)
    # A registry that is not allowed is not asked: the finding says so, and no request goes where a team points.
    if parsed.digest or not parsed.tag or parsed.tag.lower() == "latest" or not has_prefix(image, place.registries):
        return {image: image}
    return {image: f"{image}@{registry.digest(image, timeout_seconds=timeout_seconds)}"}


def _values(file: DeployFile, source: Source, place: Place, images: Mapping[str, str]) -> dict[str, Any]:
    if file.health is None or file.resources is None or file.image is None:
        raise AssertionError("the schema of deploy.yaml lets no workload without these through")
    ingress = place.environment.ingress
    values: dict[str, Any] = {
        "app": place.app.name,
        "team": place.app.team,
        "environment": place.environment.name,
        "commit": source.checkout.commit,
        "workload": file.workload,
        "image": images[file.image],
        "port": file.port,
        "health": file.health.model_dump(),
        "resources": file.resources.model_dump(),
        "replicas": file.replicas,
        "env": dict(file.env),
        "allow": {
            "from": [
                _peer(source, place, one.app, one.namespace, ("allow", "from", i))
                for i, one in enumerate(file.allow.from_)
            ],
            "to": [
                {"host": one.host, "port": one.port}
                if one.app is None
                else _peer(source, place, one.app, one.namespace, ("allow", "to", i))
                for i, one in enumerate(file.allow.to)
            ],
        },
        # Before Helm's own time-out, so that a rollout that can't succeed ends with its reason.
        "progressDeadlineSeconds": max(1, place.environment.rollout_timeout_seconds - 2),
        "ingress": {
            "class": ingress.class_name,
            "namespace": ingress.namespace,
            "serviceAccount": ingress.service_account,
            "gateway": ingress.gateway,
        },
    }
    if place.environment.mesh is not Mesh.ISTIO:
        values["mesh"] = place.environment.mesh.value
    if file.expose is not None:
        values["expose"] = file.expose.model_dump()
    return values


def _peer(source: Source, place: Place, app: str, namespace: str | None, path: tuple[str | int, ...]) -> dict[str, str]:
    if namespace is not None:
        return {"app": app, "namespace": namespace}
    if app not in place.namespaces:
        raise InvalidDeployFile(
            f"there is no App {app!r} in {place.environment.name}",
            f"{did_you_mean(app, place.namespaces)} For one that isn't deployed here, add its namespace".strip(),
            where=source.declaration.source(*path),
        )
    return {"app": app, "namespace": place.namespaces[app]}


def _raw(source: Source, place: Place) -> Resolved:
    """The team's objects, one file each, with the labels that say whose they are and the App's namespace."""
    files: dict[str, bytes] = {}
    written: dict[str, Written] = {}
    for name, content in source.manifests.items():
        try:
            for node in compose(content):
                manifest = _object(node, name, place)
                resource = name_of(manifest)
                if resource in written:
                    raise InvalidDeployFile(
                        f"{resource} stands here and in {written[resource].file}",
                        "Leave one out",
                        where=f"{name}:{node.line}",
                    )
                written[resource] = Written(name, dict(lines(node)), node.line)
                labelled = _labelled(manifest, source, place)
                files[f"manifests/{len(files):03}.json"] = json.dumps(labelled, indent=1).encode()
        except InvalidYaml as error:
            raise InvalidDeployFile(error.reason, "Correct that line", where=f"{name}:{error.line}") from error
    return Resolved(CHARTS / "raw-manifests", files, {}, {}, written)


def _object(node: Node, name: str, place: Place) -> dict[str, Any]:
    where = f"{name}:{node.line}"
    value = to_value(node)
    if not isinstance(value, dict) or not all(isinstance(value.get(key), str) for key in ("apiVersion", "kind")):
        raise InvalidDeployFile("this is no object with apiVersion and kind", "Write a Kubernetes object", where=where)
    if value["kind"] == "Namespace":
        raise InvalidDeployFile(
            "an App lives in the namespace that the platform gives it, and brings none",
            "Leave this object out",
            where=where,
        )
    metadata = value.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        raise InvalidDeployFile(f"this {value['kind']} has no metadata.name", "Give it a name", where=where)
    namespace = metadata.get("namespace", place.namespace)
    if namespace != place.namespace:
        raise InvalidDeployFile(
            f"{name_of(value)} is for the namespace {namespace!r}, and this App's is {place.namespace!r}",
            "Leave metadata.namespace out",
            where=where,
        )
    return value


def _labelled(manifest: dict[str, Any], source: Source, place: Place) -> dict[str, Any]:
    ours = {
        "deploy-gateway.dev/app": place.app.name,
        "deploy-gateway.dev/team": place.app.team,
        "deploy-gateway.dev/environment": place.environment.name,
        "deploy-gateway.dev/commit": source.checkout.commit,
    }
    metadata = manifest["metadata"]
    labels = metadata.get("labels")
    merged = {**(labels if isinstance(labels, dict) else {}), **ours}
    return {**manifest, "metadata": {**metadata, "namespace": place.namespace, "labels": merged}}
