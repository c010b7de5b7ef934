"""A Service selects pods of the Release, and leads to a port that one of them has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pipelines.catalogue.relations import SERVICE_PORT, SERVICE_SELECTS
from pipelines.findings import Finding, Mode
from pipelines.manifests import name_of
from pipelines.ports import Manifest
from pipelines.relations.doubt import in_doubt
from pipelines.relations.release import Release, Workload
from pipelines.relations.selectors import flow, selects_plain
from pipelines.relations.values import mapping, mappings
from pipelines.suggestions import did_you_mean

_LASTING = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Pod"})


def idle_services(release: Release) -> Iterator[Finding]:
    """Services whose selector selects no pod of the Release; one without a selector is told its addresses by others."""
    for one in release.of("Service", ""):
        selector = _selector(one)
        if selector and not _behind(one, release):
            labels = next((each.own_labels for each in release.workloads if each.kind in _LASTING), None)
            how = f"selector: {flow(labels)}" if labels else ""
            what = f"no pod of this Release has the labels {flow(selector)}"
            yield in_doubt(release, SERVICE_SELECTS.finding(name_of(one), "spec.selector", what, how))


def closed_ports(release: Release) -> Iterator[Finding]:
    """Ports of Services that lead to none of their pods' ports.

    A port of a container need not be declared to be open, so that a number which is not among them only warns.
    """
    for one in release.of("Service", ""):
        behind = _behind(one, release)
        is_headless = mapping(one.get("spec")).get("clusterIP") == "None"
        for index, port in enumerate(mappings(mapping(one.get("spec")).get("ports"))):
            wanted = port.get("targetPort", port.get("port"))
            declared = [each for workload in behind for each in _ports(workload)]
            if not behind or any(_is(each, wanted, port) for each in declared):
                continue
            if isinstance(wanted, str):
                yield _closed(one, index, wanted, declared)
            elif declared and not is_headless:
                yield replace(_closed(one, index, wanted, declared), mode=Mode.WARN)


def port_of(service: Manifest, port: Any) -> bool:
    """Whether `service` has a port of this name or number."""
    ports = mappings(mapping(service.get("spec")).get("ports"))
    return any(port in (one.get("name"), one.get("port")) for one in ports)


def ports_of(service: Manifest) -> list[Any]:
    """Names, or else numbers, of the ports of `service`."""
    return [one.get("name", one.get("port")) for one in mappings(mapping(service.get("spec")).get("ports"))]


def _selector(service: Manifest) -> Mapping[str, Any]:
    spec = mapping(service.get("spec"))
    return {} if spec.get("type") == "ExternalName" else mapping(spec.get("selector"))


def _behind(service: Manifest, release: Release) -> list[Workload]:
    selector, namespace = _selector(service), release.namespace_of(service)
    return [one for one in release.workloads_in(namespace) if selector and selects_plain(selector, one.labels)]


def _ports(workload: Workload) -> Iterator[Mapping[str, Any]]:
    for _, _, container in workload.containers:
        yield from mappings(container.get("ports"))


def _is(declared: Mapping[str, Any], wanted: Any, port: Mapping[str, Any]) -> bool:
    is_same = wanted in (declared.get("name"), declared.get("containerPort"))
    return is_same and declared.get("protocol", "TCP") == port.get("protocol", "TCP")


def _closed(service: Manifest, index: int, wanted: Any, declared: list[Mapping[str, Any]]) -> Finding:
    names = [str(one.get("name", one.get("containerPort"))) for one in declared]
    hint = did_you_mean(str(wanted), names)
    what = f"no container behind it has the port {wanted}. {hint}".strip()
    how = (
        f"targetPort: {names[0]}" if names else f"ports: [{{name: {wanted}, containerPort: 8080}}]   # of the container"
    )
    return SERVICE_PORT.finding(name_of(service), f"spec.ports[{index}].targetPort", what, how)
