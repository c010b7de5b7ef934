"""Two Apps that want one host: the second is refused by name, and what the first serves stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tools.installation import Installation

Push = Callable[..., str]
Post = Callable[..., dict[str, Any]]
Live = Callable[..., Any]
WEB = "workload: web\nport: 8080\nhealth: {readiness: /ready, liveness: /live}\nexpose: {host: shop.example.com}\n"
RAW = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: host-raw}
spec:
  hosts: [Shop.example.com]
  gateways: [istio-system/shared]
  http: [{route: [{destination: {host: host-raw}}]}]
---
apiVersion: v1
kind: Service
metadata: {name: host-raw}
spec: {ports: [{port: 80}]}
"""


def test_a_host_that_another_app_exposes_is_refused_by_name(
    installation: Installation, push: Push, release: Post, live: Live
) -> None:
    push("host-holder", WEB)
    push("host-second", WEB)
    assert release("host-holder")["state"] == "deployed"
    for more in ({"dry_run": True}, {}):
        done = release("host-second", **more)
        assert (done["state"], done["code"]) == ("blocked", "preflight-refused"), done["message"]
        for part in (
            "VirtualService/host-second: the host shop.example.com is taken",
            "the App host-holder exposes it, by VirtualService/host-holder in the namespace host-holder-staging",
            "Write another host under `expose`, or have host-holder give it up",
        ):
            assert part in done["message"]
    assert "NotFound" in installation.stack.kubectl("get", "namespace", "host-second-staging").stderr
    _raw_manifests_are_no_way_around(installation, release)


def _raw_manifests_are_no_way_around(installation: Installation, release: Post) -> None:
    declaration = "apiVersion: deploy-gateway/v1\napp: host-raw\nmanifests: k8s\n"
    installation.push("shop/host-raw", {"deploy.yaml": declaration, "k8s/a.yaml": RAW}, "Raw")
    done = release("host-raw")
    assert (done["state"], done["code"]) == ("blocked", "preflight-refused"), done
    assert "the host shop.example.com is taken: the App host-holder" in done["message"]
