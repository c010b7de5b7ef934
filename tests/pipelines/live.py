"""Objects as an API server has them, for tests that play one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipelines.adapters.kube.connection import Connection

Serve = Callable[..., Connection]

DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "d", "labels": {"deploy-gateway.dev/app": "d"}},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "d"}},
        "template": {
            "metadata": {"labels": {"app": "d"}},
            "spec": {"containers": [{"name": "c", "image": "registry.example.com/a:1"}]},
        },
    },
}


def live_deployment(generation: int = 2, **status: Any) -> dict[str, Any]:
    metadata = {"name": "d", "namespace": "ns", "uid": "u1", "generation": generation}
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "d"}}, "template": DEPLOYMENT["spec"]["template"]}
    return {"metadata": metadata, "spec": spec, "status": {"observedGeneration": 2, **status}}
