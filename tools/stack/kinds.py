"""The kinds that the embedded cluster has beside Kubernetes' own: from pinned Go modules, never copied.

No controller of theirs runs there: objects of these kinds are checked against their schemas, and kept.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipelines.adapters.programs import cache_dir
from tools.toolbox import module_dir, pin_of

# The one in C where PyYAML was built with it: five times as fast.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_VERSION = "v1"


@dataclass(frozen=True, slots=True)
class Kinds:
    """CustomResourceDefinitions in `files` of the pinned Go module `module`: those with `names`, PLURAL.GROUP."""

    module: str
    files: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def paths(self) -> list[Path]:
        """The files as they are published. Raises `BuildFailed` when the module can't be fetched."""
        folder = module_dir(self.module)
        return [folder / file for file in self.files]

    def definitions(self) -> list[dict[str, Any]]:
        """The definitions of `names`, one version each and without prose."""
        found = (one for path in self.paths for one in yaml.load_all(path.read_text("utf-8"), _LOADER) if one)
        return [_essence(one) for one in found if one["metadata"]["name"] in self.names]


def groups(kinds: Iterable[Kinds]) -> set[str]:
    """The API groups of `kinds`."""
    return {name.partition(".")[2] for one in kinds for name in one.names}


def essentials(kinds: tuple[Kinds, ...]) -> Path:
    """A file with one List of all definitions of `kinds`, made once and kept in the cache.

    As published they make the API server of the embedded cluster start three seconds later, for prose and
    for versions that nobody asks for.
    """
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for one in kinds:
        digest.update(f"{pin_of(one.module)} {one.files} {one.names}\n".encode())
    path = cache_dir() / "kinds" / f"{digest.hexdigest()[:12]}.json"
    if not path.exists():
        with ThreadPoolExecutor() as pool:  # the first time each module is a download
            items = [item for found in pool.map(Kinds.definitions, kinds) for item in found]
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        temporary.replace(path)
    return path


def _essence(definition: dict[str, Any]) -> dict[str, Any]:
    """`definition` with its version v1, or where there is none the stored one, alone."""
    versions = definition["spec"]["versions"]
    chosen = min(versions, key=lambda one: (one["name"] != _VERSION, not one["storage"]))
    alone = {**chosen, "served": True, "storage": True, "schema": _without_prose(chosen["schema"])}
    return {**definition, "spec": {**definition["spec"], "versions": [alone]}}


def _without_prose(schema: Any) -> Any:
    # A property called `description` has a schema; only the keyword has a text.
    if isinstance(schema, dict):
        return {
            key: _without_prose(value)
            for key, value in schema.items()
            if not (key == "description" and isinstance(value, str))
        }
    return [_without_prose(one) for one in schema] if isinstance(schema, list) else schema


def _one_file_each(module: str, folder: str, group: str, *plurals: str) -> Kinds:
    """As controller-gen writes them: FOLDER/GROUP_PLURAL.yaml."""
    return Kinds(
        module,
        tuple(f"{folder}/{group}_{plural}.yaml" for plural in plurals),
        tuple(f"{plural}.{group}" for plural in plurals),
    )


MESH = Kinds(
    "istio-api",
    ("kubernetes/customresourcedefinitions.gen.yaml",),
    (
        "authorizationpolicies.security.istio.io",
        "peerauthentications.security.istio.io",
        "requestauthentications.security.istio.io",
        "destinationrules.networking.istio.io",
        "envoyfilters.networking.istio.io",
        "gateways.networking.istio.io",
        "serviceentries.networking.istio.io",
        "sidecars.networking.istio.io",
        "virtualservices.networking.istio.io",
    ),
)

# What the standard chart can write beside, and what that refers to.
ADD_ONS = (
    _one_file_each(
        "gateway-api",
        "config/crd/standard",
        "gateway.networking.k8s.io",
        "httproutes",
    ),
    _one_file_each(
        "prometheus-operator",
        "example/prometheus-operator-crd",
        "monitoring.coreos.com",
        *("podmonitors", "prometheusrules", "servicemonitors"),
    ),
    _one_file_each(
        "external-secrets",
        "config/crds/bases",
        "external-secrets.io",
        "externalsecrets",
    ),
)
