"""Hosts: which objects expose them, who has them already in the real cluster, and what is said then."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from pipelines.adapters.kube import KubeCluster
from pipelines.adapters.kube.connection import Connection, Refused
from pipelines.adapters.kube.hosts import host_holders
from pipelines.errors import PreflightRefused
from pipelines.hosts import certified_by, hosts_of, insist_on_free_hosts, wanted_by
from pipelines.ports import HostHolder
from tools.stack import Stack
from tools.stack.cluster import kubectl

GATEWAY = {"gateways": ["istio-system/shared"]}
HOLDER = HostHolder("a.example.com", "VirtualService/shop", "shop-staging", "shop")


def _virtual_service(*hosts: str, name: str = "v", **spec: Any) -> dict[str, Any]:
    route = [{"route": [{"destination": {"host": "x"}}]}]
    return _object("networking.istio.io/v1", "VirtualService", name, {"hosts": list(hosts), "http": route, **spec})


def _ingress(*hosts: str | None, name: str = "i") -> dict[str, Any]:
    backend = {"service": {"name": "s", "port": {"number": 80}}}
    http = {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}
    rules = [{"http": http} | ({"host": host} if host else {}) for host in hosts]
    return _object("networking.k8s.io/v1", "Ingress", name, {"rules": rules})


def _route(*hosts: str, name: str = "r") -> dict[str, Any]:
    return _object("gateway.networking.k8s.io/v1", "HTTPRoute", name, {"hostnames": list(hosts)})


def _object(version: str, kind: str, name: str, spec: Any) -> dict[str, Any]:
    labels = {"deploy-gateway.dev/app": "shop"}
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "labels": labels}, "spec": spec}


@pytest.mark.parametrize(
    ("manifest", "hosts"),
    [
        (
            _virtual_service("a.example.com", "B.Example.com", "a.example.com", **GATEWAY),
            ("a.example.com", "b.example.com"),
        ),
        (_virtual_service("a.example.com", gateways=["mesh", "x/y"]), ("a.example.com",)),
        (_virtual_service("reviews"), ()),
        (_virtual_service("reviews", gateways=["mesh"]), ()),
        (_ingress("a.example.com", None, "b.example.com"), ("a.example.com", "b.example.com")),
        (_route("a.example.com", "*.b.example.com"), ("a.example.com", "*.b.example.com")),
        (_object("networking.k8s.io/v1", "Ingress", "i", {"rules": "all"}), ()),
        (_object("example.com/v1", "Ingress", "i", {"rules": [{"host": "a.example.com"}]}), ()),
        (_object("cert-manager.io/v1", "Certificate", "c", {"dnsNames": ["a.example.com"]}), ()),
        ({"apiVersion": "v1", "kind": "Service"}, ()),
    ],
)
def test_hosts_are_those_that_requests_from_outside_can_have(manifest: Any, hosts: tuple[str, ...]) -> None:
    assert hosts_of(manifest) == hosts


def _certificate(*hosts: Any, name: str = "c", **spec: Any) -> dict[str, Any]:
    return _object("cert-manager.io/v1", "Certificate", name, {"dnsNames": list(hosts), **spec})


def _with_tls(manifest: dict[str, Any], tls: Any) -> dict[str, Any]:
    return {**manifest, "spec": {**manifest["spec"], "tls": tls}}


@pytest.mark.parametrize(
    ("manifest", "hosts"),
    [
        (_certificate("A.example.com", "b.example.com", 7), ("a.example.com", "b.example.com")),
        (_certificate(commonName="a.example.com"), ("a.example.com",)),
        (_with_tls(_ingress("a.example.com"), [{"hosts": ["b.example.com"]}, {}]), ("b.example.com",)),
        (_with_tls(_ingress("a.example.com"), [{"hosts": "b.example.com"}, None]), ()),
        (_route("a.example.com"), ()),
        (_object("example.com/v1", "Certificate", "c", {"dnsNames": ["a.example.com"]}), ()),
    ],
)
def test_hosts_of_a_certificate_are_those_that_it_proves(manifest: Any, hosts: tuple[str, ...]) -> None:
    assert certified_by(manifest) == hosts


def test_nobody_gets_a_certificate_for_the_host_of_another() -> None:
    with pytest.raises(PreflightRefused) as caught:
        insist_on_free_hosts((_certificate("a.example.com", "mine.example.com"),), (HOLDER,))
    (fault,) = caught.value.errors
    assert fault.where == "Certificate/c"
    assert fault.reason.startswith("the host a.example.com is taken: the App shop exposes it")
    assert fault.reason.endswith("With a certificate for it this App could answer in its place")


def test_a_host_with_a_certificate_of_its_own_is_told_once() -> None:
    with pytest.raises(PreflightRefused) as caught:
        insist_on_free_hosts((_with_tls(_ingress("a.example.com"), [{"hosts": ["a.example.com"]}]),), (HOLDER,))
    (fault,) = caught.value.errors
    assert fault.reason.endswith("Two of them would get each other's requests")


def test_hosts_of_certificates_are_asked_for_in_the_cluster() -> None:
    assert wanted_by((_certificate("c.example.com"), _ingress("i.example.com"))) == {"c.example.com", "i.example.com"}


def test_free_hosts_are_taken_without_a_word() -> None:
    insist_on_free_hosts((_ingress("b.example.com"),), (HOLDER,))


def test_each_host_that_is_taken_is_told_with_who_has_it() -> None:
    other = HostHolder("b.example.com", "Ingress/old", "legacy", "")
    with pytest.raises(PreflightRefused) as caught:
        insist_on_free_hosts((_ingress("a.example.com", "b.example.com"),), (HOLDER, other))
    first, second = caught.value.errors
    assert (first.where, second.where) == ("Ingress/i", "Ingress/i")
    assert first.reason.startswith(
        "the host a.example.com is taken: the App shop exposes it, by VirtualService/shop in the namespace shop-staging"
    )
    assert first.solution == "Write another host under `expose`, or have shop give it up and be released first"
    assert (
        "something that is no App of this gateway exposes it, by Ingress/old in the namespace legacy" in second.reason
    )
    assert second.solution == "Write another host under `expose`, or ask the platform to remove that"


def test_holders_are_found_in_all_namespaces_by_the_gateways_own_rights(stack: Stack) -> None:
    admin = stack.kubeconfigs["admin"]
    held = (
        _virtual_service("a.hosts.example.com", **GATEWAY),
        _ingress("b.hosts.example.com"),
        _route("c.hosts.example.com"),
    )
    for namespace in ("hosts-one", "hosts-two"):
        kubectl(admin, "create", "namespace", namespace)
    for one in (*held, _virtual_service("inside.hosts.example.com", name="inside")):
        made = kubectl(admin, "create", "--namespace=hosts-one", "--filename=-", stdin=json.dumps(one))
        assert made.returncode == 0, made.stderr
    cluster = KubeCluster(stack.gateway_kubeconfig)
    wanted = {f"{letter}.hosts.example.com" for letter in ("a", "b", "c", "d", "inside")}
    assert {(one.host, one.resource) for one in cluster.host_holders(wanted, namespace="hosts-two")} == {
        ("a.hosts.example.com", "VirtualService/v"),
        ("b.hosts.example.com", "Ingress/i"),
        ("c.hosts.example.com", "HTTPRoute/r"),
    }
    assert cluster.host_holders(wanted, namespace="hosts-one") == ()


def _answers(pages: dict[str, Any]) -> Callable[[str, str], tuple[int, bytes]]:
    """A server with Ingresses alone, by page."""

    def answer(_method: str, path: str) -> tuple[int, bytes]:
        if path == "/apis/networking.k8s.io":
            return 200, b'{"preferredVersion": {"groupVersion": "networking.k8s.io/v1"}}'
        if path == "/apis/gateway.networking.k8s.io":
            return 200, b'{"preferredVersion": {"groupVersion": "gateway.networking.k8s.io/v1alpha2"}}'
        if not path.startswith("/apis/networking.k8s.io/v1/ingresses"):
            return 404, b"{}"
        page = pages.get(path.partition("continue=")[2])
        return (403, b"{}") if page is None else (200, json.dumps(page).encode())

    return answer


def _page(name: str, following: str | None) -> dict[str, Any]:
    live = _ingress("a.example.com", name=name)
    bare = {"metadata": {"name": name, "namespace": "n"}, "spec": live["spec"]}
    return {"metadata": {"continue": following} if following else {}, "items": [bare]}


def test_all_pages_are_read_and_kinds_that_a_cluster_has_not_are_none(server: Callable[..., Connection]) -> None:
    connection = server(_answers({"": _page("one", "more"), "more": _page("two", None)}))
    found = host_holders(connection, {"a.example.com"}, "other")
    assert [(one.resource, one.app) for one in found] == [("Ingress/one", ""), ("Ingress/two", "")]


def test_what_may_not_be_read_is_never_taken_for_free(server: Callable[..., Connection]) -> None:
    with pytest.raises(Refused):
        host_holders(server(_answers({})), {"a.example.com"}, "other")
