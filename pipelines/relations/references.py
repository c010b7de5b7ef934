"""What pods name: ConfigMaps, Secrets, claims and ServiceAccounts.

What a Release brings is known here, its keys too. A ConfigMap, Secret or claim that it does not bring may be in the
cluster already, so that nothing without a cluster can tell: `needed` lists those.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.catalogue.relations import REFERENCES_RESOLVE
from pipelines.findings import Finding
from pipelines.ports import Manifest
from pipelines.relations.release import Release, Workload
from pipelines.relations.values import mapping, mappings
from pipelines.resources import at
from pipelines.suggestions import did_you_mean

# The cluster puts them into each namespace.
_ALWAYS_THERE = frozenset({("ConfigMap", "kube-root-ca.crt"), ("ConfigMap", "istio-ca-root-cert")})
_DEFAULT_ACCOUNT = "default"
_Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """That a pod names an object of its namespace; `key` is empty where it names none in it."""

    kind: str
    name: str
    key: str
    resource: str
    field: str

    @property
    def target(self) -> str:
        """`Kind/name` of what is named."""
        return f"{self.kind}/{self.name}"


def dangling(release: Release) -> Iterator[Finding]:
    """Keys that what the Release brings does not have, and ServiceAccounts that it does not bring."""
    brought = _brought(release)
    for one in _references(release):
        keys = brought.get((one.kind, one.name), _UNKNOWN)
        if keys is _UNKNOWN and one.kind == "ServiceAccount" and one.name != _DEFAULT_ACCOUNT:
            names = [name for kind, name in brought if kind == one.kind]
            what = f"this Release has no {one.target}, and the namespace is its own. {did_you_mean(one.name, names)}"
            how = f"serviceAccountName: {names[0]}" if names else _account(one.name)
            yield REFERENCES_RESOLVE.finding(one.resource, one.field, what.strip(), how)
        elif isinstance(keys, frozenset) and one.key and one.key not in keys:
            what = f"{one.target} has no key {one.key!r}. {did_you_mean(one.key, keys)}".strip()
            yield REFERENCES_RESOLVE.finding(one.resource, one.field, what, f"key: {min(keys, default='KEY')}")


def needed(release: Release) -> tuple[Reference, ...]:
    """What has to be in the cluster before, in every place that names it, in order."""
    brought = _brought(release)
    return tuple(
        one for one in _references(release) if one.kind != "ServiceAccount" and (one.kind, one.name) not in brought
    )


_UNKNOWN = object()


def _brought(release: Release) -> Mapping[tuple[str, str], frozenset[str] | None]:
    """What the Release brings, or has made, by kind and name; the keys in it, None where nobody here knows them."""
    found: dict[tuple[str, str], frozenset[str] | None] = dict.fromkeys(_ALWAYS_THERE, None)
    for one in release.objects:
        kind, name = str(one["kind"]), str(mapping(one.get("metadata")).get("name", ""))
        if kind in ("ConfigMap", "Secret"):
            found[kind, name] = frozenset(
                str(key) for part in ("data", "stringData", "binaryData") for key in mapping(one.get(part))
            )
        elif kind in ("PersistentVolumeClaim", "ServiceAccount"):
            found[kind, name] = None
        else:
            found.update({("Secret", secret): keys for secret, keys in _made(one, kind, name)})
    return found


def _made(manifest: Manifest, kind: str, name: str) -> Iterator[tuple[str, frozenset[str] | None]]:
    """The Secrets that a controller makes of `manifest`, with their keys."""
    spec = mapping(manifest.get("spec"))
    if kind == "ExternalSecret":
        keys = frozenset(str(one.get("secretKey")) for one in mappings(spec.get("data")))
        is_known = not spec.get("dataFrom") and not at(spec, ("target", "template"))
        yield str(at(spec, ("target", "name")) or name), keys if is_known else None
    elif kind == "SealedSecret":
        yield name, frozenset(str(key) for key in mapping(spec.get("encryptedData")))
    elif kind == "Certificate":
        yield str(spec.get("secretName")), None


def _references(release: Release) -> Iterator[Reference]:
    for workload in release.workloads:
        if workload.namespace == release.namespace:
            yield from _of_pod(workload)


def _of_pod(workload: Workload) -> Iterator[Reference]:
    account = workload.spec.get("serviceAccountName", _DEFAULT_ACCOUNT)
    yield Reference("ServiceAccount", str(account), "", workload.name, workload.field("serviceAccountName"))
    for index, secret in enumerate(mappings(workload.spec.get("imagePullSecrets"))):
        yield from _named(workload, "Secret", secret, ("imagePullSecrets", index, "name"))
    for index, volume in enumerate(mappings(workload.spec.get("volumes"))):
        yield from _of_volume(workload, volume, ("volumes", index))
    for kind, index, container in workload.containers:
        yield from _of_container(workload, container, (kind, index))


def _of_container(workload: Workload, container: Mapping[str, Any], path: _Path) -> Iterator[Reference]:
    for index, one in enumerate(mappings(container.get("env"))):
        for kind, source in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
            selected = mapping(at(one, ("valueFrom", source)))
            yield from _named(workload, kind, selected, (*path, "env", index, "valueFrom", source))
    for index, one in enumerate(mappings(container.get("envFrom"))):
        for kind, source in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
            yield from _named(workload, kind, mapping(one.get(source)), (*path, "envFrom", index, source))


def _of_volume(workload: Workload, volume: Mapping[str, Any], path: _Path) -> Iterator[Reference]:
    claim = mapping(volume.get("persistentVolumeClaim"))
    if claim.get("claimName"):
        at_claim = workload.field(*path, "persistentVolumeClaim", "claimName")
        yield Reference("PersistentVolumeClaim", str(claim["claimName"]), "", workload.name, at_claim)
    yield from _of_source(workload, volume, path, "secretName")
    for index, source in enumerate(mappings(at(volume, ("projected", "sources")))):
        yield from _of_source(workload, source, (*path, "projected", "sources", index), "name")


def _of_source(workload: Workload, source: Mapping[str, Any], path: _Path, secret_name: str) -> Iterator[Reference]:
    """A volume, or a part of one; a Secret is called by another key in the former."""
    for kind, part, name in (("ConfigMap", "configMap", "name"), ("Secret", "secret", secret_name)):
        one = mapping(source.get(part))
        named = {**one, "name": one.get(name)}
        items = mappings(one.get("items"))
        yield from _named(workload, kind, named, (*path, part))
        for index, item in enumerate(items):
            yield from _named(workload, kind, {**named, "key": item.get("key")}, (*path, part, "items", index))


def _named(workload: Workload, kind: str, selected: Mapping[str, Any], path: _Path) -> Iterator[Reference]:
    """Nothing for what names nothing, or does without."""
    if selected.get("name") and selected.get("optional") is not True:
        key = str(selected.get("key") or "")
        yield Reference(kind, str(selected["name"]), key, workload.name, workload.field(*path))


def _account(name: str) -> str:
    return f"apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: {name}}}\nautomountServiceAccountToken: false"
