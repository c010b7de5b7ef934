"""Is what was checked what runs now."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pipelines.adapters.kube.connection import Connection
from pipelines.manifests import name_of
from pipelines.ports import Manifest
from pipelines.resources import at

_THREADS = 8
_HOOK = "helm.sh/hook"


def differences(connection: Connection, objects: tuple[Manifest, ...], namespace: str) -> tuple[str, ...]:
    """See `pipelines.ports.Cluster.verify`. Hooks are left out: they may be gone by now, as they asked."""
    lasting = [one for one in objects if _HOOK not in (one["metadata"].get("annotations") or {})]
    with ThreadPoolExecutor(_THREADS) as pool:
        found = list(pool.map(lambda one: connection.find(connection.path_of(one, namespace)), lasting))
    return tuple(line for wanted, live in zip(lasting, found, strict=True) for line in _compare(wanted, live))


def _compare(wanted: Manifest, live: Any) -> list[str]:
    name = name_of(wanted)
    if live is None:
        return [f"{name} is not there"]
    if wanted["kind"] != "Deployment":
        return []
    lines = []
    path = ("spec", "template", "spec", "containers")
    images = [{one["name"]: one.get("image") for one in at(side, path) or []} for side in (wanted, live)]
    lines += [
        f"{name}: container {container} runs {images[1].get(container)}, not {image}"
        for container, image in images[0].items()
        if images[1].get(container) != image
    ]
    status = live.get("status", {})
    available, replicas = status.get("availableReplicas", 0), live["spec"].get("replicas", 1)
    if status.get("observedGeneration", 0) < live["metadata"]["generation"]:
        lines.append(f"{name}: its controller has not seen the change yet")
    elif available < replicas:
        lines.append(f"{name}: {available} of {replicas} replicas are available")
    return lines
