"""How many replicas run stays as it is, when an autoscaler takes the number over."""

from __future__ import annotations

from typing import Any

from pipelines.adapters.kube.connection import FIELD_MANAGER, Connection, Refused
from pipelines.manifests import name_of
from pipelines.ports import Manifest
from pipelines.resources import at

_SCALED = ("Deployment", "StatefulSet")
_MANAGER = "deploy-gateway-replicas"
_TRIES = 3


def keep_replicas(connection: Connection, manifest: Manifest, namespace: str) -> str | None:
    """See `pipelines.ports.Cluster.keep_replicas`, of one object.

    With server-side apply a field that its only owner no longer mentions is removed, and the API server would put
    its default there, 1, until the autoscaler's next round. So another manager comes to own it first, with the
    number that runs; the autoscaler takes it from that one as soon as it changes the number.
    """
    if manifest["kind"] not in _SCALED or at(manifest, ("spec", "replicas")) is not None:
        return None
    path = connection.path_of(manifest, namespace)
    for _ in range(_TRIES):
        live = connection.find(path)
        if live is None or not _is_helms(live):
            return None
        if _took_over(connection, path, manifest, live["spec"]["replicas"]):
            return f"{name_of(manifest)} keeps {live['spec']['replicas']} replicas"
    return None


def _took_over(connection: Connection, path: str, manifest: Manifest, replicas: int) -> bool:
    """False when somebody changed the number in between."""
    only = {
        "apiVersion": manifest["apiVersion"],
        "kind": manifest["kind"],
        "metadata": {"name": manifest["metadata"]["name"]},
        "spec": {"replicas": replicas},
    }
    try:
        connection.apply(path, only, dry_run=False, manager=_MANAGER, force=False)
    except Refused as refused:
        if refused.status == 409:
            return False
        raise
    return True


def _is_helms(live: Any) -> bool:
    return any(
        one["manager"] == FIELD_MANAGER and at(one, ("fieldsV1", "f:spec", "f:replicas")) is not None
        for one in live["metadata"].get("managedFields") or ()
    )
