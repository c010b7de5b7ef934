"""What an Ingress or a route leads to is a Service of the Release, and a port that it has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipelines.catalogue.relations import ROUTE_BACKEND
from pipelines.findings import Finding
from pipelines.manifests import name_of
from pipelines.ports import Manifest
from pipelines.relations.doubt import in_doubt
from pipelines.relations.release import Release
from pipelines.relations.services import port_of, ports_of
from pipelines.relations.values import mapping, mappings
from pipelines.resources import at, field_text
from pipelines.suggestions import did_you_mean

_GATEWAY = "gateway.networking.k8s.io"
_ROUTES = ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute")
_Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class _Backend:
    """A Service that something leads to; `port` is None where it says none."""

    path: _Path
    service: str
    port: Any


def lost_routes(release: Release) -> Iterator[Finding]:
    """Backends that are not there, or have no such port. What is in another namespace is not ours to know."""
    for one in release.of("Ingress", "networking.k8s.io", "extensions"):
        yield from _lost(one, _of_ingress(one), release)
    for kind in _ROUTES:
        for one in release.of(kind, _GATEWAY):
            yield from _lost(one, _of_route(one, release.namespace_of(one)), release)
    for one in release.of("VirtualService", "networking.istio.io"):
        yield from _lost(one, _of_virtual_service(one, release.namespace_of(one)), release)


def _lost(route: Manifest, backends: Iterator[_Backend], release: Release) -> Iterator[Finding]:
    namespace = release.namespace_of(route)
    services = {
        str(mapping(one.get("metadata")).get("name")): one
        for one in release.of("Service", "")
        if release.namespace_of(one) == namespace
    }
    for backend in backends:
        service = services.get(backend.service)
        if service is None:
            what = f"there is no Service/{backend.service} in this Release"
            hint = did_you_mean(backend.service, services)
            yield in_doubt(release, _finding(route, backend, f"{what}. {hint}".removesuffix(". "), services))
        elif backend.port is not None and not port_of(service, backend.port):
            hint = did_you_mean(str(backend.port), [str(port) for port in ports_of(service)])
            what = f"Service/{backend.service} has no port {backend.port}. {hint}".strip()
            yield _finding(route, backend, what, services)


def _finding(route: Manifest, backend: _Backend, what: str, services: dict[str, Manifest]) -> Finding:
    """The way to write it is that of the route's kind."""
    name = backend.service if backend.service in services else next(iter(services), "APP")
    ports = ports_of(services[name]) if name in services else []
    numbers = [one.get("port") for one in mappings(at(services.get(name), ("spec", "ports")))]
    port, number = (ports or ["http"])[0], (numbers or [80])[0]
    how = {
        "Ingress": f"backend: {{service: {{name: {name}, port: {{{_port_key(port)}: {port}}}}}}}",
        "VirtualService": f"destination: {{host: {name}, port: {{number: {number}}}}}",
    }.get(str(route["kind"]), f"backendRefs: [{{name: {name}, port: {number}}}]")
    return ROUTE_BACKEND.finding(name_of(route), field_text(backend.path), what, how)


def _port_key(port: Any) -> str:
    return "name" if isinstance(port, str) else "number"


def _of_ingress(ingress: Manifest) -> Iterator[_Backend]:
    places: list[_Path] = [("spec", "defaultBackend")]
    for index, rule in enumerate(mappings(at(ingress, ("spec", "rules")))):
        paths = mappings(at(rule, ("http", "paths")))
        places += [("spec", "rules", index, "http", "paths", number, "backend") for number in range(len(paths))]
    for place in places:
        service = mapping(at(ingress, (*place, "service")))
        if service:
            port = mapping(service.get("port"))
            yield _Backend((*place, "service"), str(service.get("name")), port.get("name", port.get("number")))


def _of_route(route: Manifest, namespace: str) -> Iterator[_Backend]:
    for index, rule in enumerate(mappings(at(route, ("spec", "rules")))):
        for number, one in enumerate(mappings(rule.get("backendRefs"))):
            is_service = one.get("kind", "Service") == "Service" and not one.get("group")
            if is_service and one.get("namespace", namespace) == namespace:
                path = ("spec", "rules", index, "backendRefs", number)
                yield _Backend(path, str(one.get("name")), one.get("port"))


def _of_virtual_service(service: Manifest, namespace: str) -> Iterator[_Backend]:
    for protocol in ("http", "tls", "tcp"):
        for index, rule in enumerate(mappings(at(service, ("spec", protocol)))):
            for number, route in enumerate(mappings(rule.get("route"))):
                destination = mapping(route.get("destination"))
                name = _service_of(str(destination.get("host", "")), namespace)
                if name:
                    path = ("spec", protocol, index, "route", number, "destination")
                    yield _Backend(path, name, mapping(destination.get("port")).get("number"))


def _service_of(host: str, namespace: str) -> str:
    """The Service of `namespace` that `host` means; empty for one of another namespace, or of none."""
    found = re.fullmatch(rf"([^.]+)(\.{re.escape(namespace)}(\.svc(\.cluster\.local)?)?)?", host)
    return found.group(1) if found else ""
