"""Promises of the kinds that the embedded cluster has beside Kubernetes' own."""

from __future__ import annotations

import json

import pytest

from tools.stack import Stack
from tools.stack.kinds import ADD_ONS, MESH, essentials

NAMES = [name for kinds in (MESH, *ADD_ONS) for name in kinds.names]


@pytest.mark.parametrize("name", NAMES)
def test_each_kind_has_a_definition_in_its_pinned_module(name: str) -> None:
    items = json.loads(essentials((MESH, *ADD_ONS)).read_text())["items"]
    assert name in [one["metadata"]["name"] for one in items]


def test_a_definition_has_one_version_which_is_stored() -> None:
    for one in json.loads(essentials((MESH, *ADD_ONS)).read_text())["items"]:
        assert [(made["served"], made["storage"]) for made in one["spec"]["versions"]] == [(True, True)]


def test_the_definitions_are_made_once() -> None:
    made = essentials(ADD_ONS).stat()
    assert essentials(ADD_ONS).stat().st_mtime_ns == made.st_mtime_ns


ROUTE = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "HTTPRoute",
    "spec": {
        "parentRefs": [{"name": "shared", "namespace": "ingress"}],
        "hostnames": ["web.example.com"],
        "rules": [{"backendRefs": [{"name": "web", "port": 8080}]}],
    },
}
MONITOR = {
    "apiVersion": "monitoring.coreos.com/v1",
    "kind": "ServiceMonitor",
    "spec": {"selector": {"matchLabels": {"app": "web"}}, "endpoints": [{"port": "http", "path": "/metrics"}]},
}
SECRET = {
    "apiVersion": "external-secrets.io/v1",
    "kind": "ExternalSecret",
    "spec": {
        "secretStoreRef": {"kind": "ClusterSecretStore", "name": "vault"},
        "target": {"name": "web"},
        "data": [{"secretKey": "password", "remoteRef": {"key": "shop/web"}}],
    },
}


@pytest.mark.parametrize("manifest", [ROUTE, MONITOR, SECRET], ids=lambda one: one["kind"])
def test_the_server_takes_what_fits_its_kind(stack: Stack, manifest: dict[str, object]) -> None:
    whole = {**manifest, "metadata": {"name": "web", "namespace": "default"}}
    done = stack.kubectl("create", "--dry-run=server", "--filename=-", stdin=json.dumps(whole))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("manifest", [ROUTE, MONITOR, SECRET], ids=lambda one: one["kind"])
def test_the_server_refuses_what_does_not(stack: Stack, manifest: dict[str, object]) -> None:
    broken = {
        **manifest,
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"rules": 1, "endpoints": 1, "data": 1},
    }
    done = stack.kubectl("create", "--dry-run=server", "--validate=false", "--filename=-", stdin=json.dumps(broken))
    assert f"{manifest['kind']}" in done.stderr
    assert "is invalid" in done.stderr
