"""Host names that objects expose through the one way in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipelines.errors import Fault, PreflightRefused
from pipelines.manifests import name_of
from pipelines.ports import HostHolder, Manifest
from pipelines.resources import at

EXPOSING = {
    ("networking.istio.io", "VirtualService"): "virtualservices",
    ("networking.k8s.io", "Ingress"): "ingresses",
    ("gateway.networking.k8s.io", "HTTPRoute"): "httproutes",
}
"""Group and kind of what exposes hosts, and what the API calls many of it."""


def hosts_of(manifest: Any) -> tuple[str, ...]:
    """The hosts that an object exposes, in lower case, each once. Wildcards stay as they are written."""
    group, kind = str(manifest["apiVersion"]).rpartition("/")[0], str(manifest["kind"])
    found = _hosts(kind, manifest) if (group, kind) in EXPOSING else ()
    return tuple(dict.fromkeys(host.lower() for host in found if isinstance(host, str)))


def _hosts(kind: str, manifest: Any) -> Iterator[Any]:
    if kind == "Ingress":
        yield from (at(rule, ("host",)) for rule in _listed(manifest, "rules"))
    elif kind == "HTTPRoute":
        yield from _listed(manifest, "hostnames")
    elif any(gateway != "mesh" for gateway in _listed(manifest, "gateways")):
        # Bound to no gateway it is for callers inside the mesh, and its short names are the namespace's own.
        yield from _listed(manifest, "hosts")


def _listed(manifest: Any, key: str) -> list[Any]:
    found = at(manifest, ("spec", key))
    return found if isinstance(found, list) else []


@dataclass(frozen=True, slots=True)
class _Wanted:
    host: str
    resource: str


def insist_on_free_hosts(objects: tuple[Manifest, ...], holders: tuple[HostHolder, ...]) -> None:
    """Raises `PreflightRefused` with a Fault for each host of `objects` that one of `holders` has already."""
    wanted = [_Wanted(host, name_of(one)) for one in objects for host in hosts_of(one)]
    faults = [_fault(one, holder) for one in wanted for holder in holders if holder.host == one.host]
    if faults:
        raise PreflightRefused(faults[0].reason, faults[0].solution, where=faults[0].where, errors=faults)


def _fault(wanted: _Wanted, holder: HostHolder) -> Fault:
    whose = f"the App {holder.app}" if holder.app else "something that is no App of this gateway"
    first = f"have {holder.app} give it up and be released first" if holder.app else "ask the platform to remove that"
    return Fault(
        wanted.resource,
        f"the host {wanted.host} is taken: {whose} exposes it, by {holder.resource} in the namespace"
        f" {holder.namespace}. Two of them would get each other's requests",
        f"Write another host under `expose`, or {first}",
    )
