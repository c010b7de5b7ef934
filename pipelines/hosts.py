"""Host names that objects expose through the one way in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pipelines.errors import Fault, PreflightRefused
from pipelines.manifests import name_of
from pipelines.ports import HostHolder, Manifest
from pipelines.resources import at, group_of

EXPOSING = {
    ("networking.istio.io", "VirtualService"): "virtualservices",
    ("networking.k8s.io", "Ingress"): "ingresses",
    ("gateway.networking.k8s.io", "HTTPRoute"): "httproutes",
}
"""Group and kind of what exposes hosts, and what the API calls many of it."""


_CERTIFICATE = ("cert-manager.io", "Certificate")


def hosts_of(manifest: Any) -> tuple[str, ...]:
    """The hosts that an object exposes, in lower case, each once. Wildcards stay as they are written."""
    kind = _kind_of(manifest)
    return _plain(_hosts(kind[1], manifest) if kind in EXPOSING else ())


def certified_by(manifest: Any) -> tuple[str, ...]:
    """The hosts that a certificate is made for because of an object, as `hosts_of` has them.

    One that is there already takes no host from anybody: a platform keeps those of many Apps beside its way in.
    """
    kind = _kind_of(manifest)
    found: Iterable[Any] = ()
    if kind == _CERTIFICATE:
        found = (*_listed(manifest, "dnsNames"), at(manifest, ("spec", "commonName")))
    elif kind in EXPOSING and kind[1] == "Ingress":  # cert-manager reads them
        found = (host for entry in _listed(manifest, "tls") for host in _list(at(entry, ("hosts",))))
    return _plain(found)


def _kind_of(manifest: Any) -> tuple[str, str]:
    return group_of(str(manifest["apiVersion"])), str(manifest["kind"])


def _plain(hosts: Iterable[Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(host.lower() for host in hosts if isinstance(host, str)))


def _hosts(kind: str, manifest: Any) -> Iterator[Any]:
    if kind == "Ingress":
        yield from (at(rule, ("host",)) for rule in _listed(manifest, "rules"))
    elif kind == "HTTPRoute":
        yield from _listed(manifest, "hostnames")
    elif any(gateway != "mesh" for gateway in _listed(manifest, "gateways")):
        # Bound to no gateway it is for callers inside the mesh, and its short names are the namespace's own.
        yield from _listed(manifest, "hosts")


def _listed(manifest: Any, key: str) -> list[Any]:
    return _list(at(manifest, ("spec", key)))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


@dataclass(frozen=True, slots=True)
class _Wanted:
    host: str
    resource: str
    follows: str
    """What would come of it if two had it."""


def wanted_by(objects: Iterable[Manifest]) -> frozenset[str]:
    """All hosts that nobody else may have when `objects` come: exposed, or on a certificate."""
    return frozenset(host for one in objects for host in (*hosts_of(one), *certified_by(one)))


def insist_on_free_hosts(objects: tuple[Manifest, ...], holders: tuple[HostHolder, ...]) -> None:
    """Raises `PreflightRefused` with a Fault for each host of `objects` that one of `holders` has already."""
    wanted = [one for manifest in objects for one in _wanted(manifest)]
    faults = [_fault(one, holder) for one in wanted for holder in holders if holder.host == one.host]
    if faults:
        raise PreflightRefused(faults[0].reason, faults[0].solution, where=faults[0].where, errors=faults)


def _wanted(manifest: Manifest) -> Iterator[_Wanted]:
    exposed, resource = hosts_of(manifest), name_of(manifest)
    for host in exposed:
        yield _Wanted(host, resource, "Two of them would get each other's requests")
    for host in certified_by(manifest):
        if host not in exposed:
            yield _Wanted(host, resource, "With a certificate for it this App could answer in its place")


def _fault(wanted: _Wanted, holder: HostHolder) -> Fault:
    whose = f"the App {holder.app}" if holder.app else "something that is no App of this gateway"
    first = f"have {holder.app} give it up and be released first" if holder.app else "ask the platform to remove that"
    return Fault(
        wanted.resource,
        f"the host {wanted.host} is taken: {whose} exposes it, by {holder.resource} in the namespace"
        f" {holder.namespace}. {wanted.follows}",
        f"Write another host under `expose`, or {first}",
    )
