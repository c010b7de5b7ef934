"""Jobs that failed are in the way of the same Job: it has the same name, and can't be changed."""

from __future__ import annotations

from collections.abc import Iterable

from pipelines.adapters.kube.connection import Connection
from pipelines.adapters.kube.workloads import condition
from pipelines.hooks import hook_events
from pipelines.manifests import name_of
from pipelines.ports import Manifest


def remove_failed_jobs(connection: Connection, objects: Iterable[Manifest], namespace: str) -> tuple[str, ...]:
    """See `pipelines.ports.Cluster.remove_failed_jobs`."""
    jobs = [one for one in objects if one["kind"] == "Job" and not hook_events(one)]
    return tuple(line for one in jobs if (line := _removed(connection, one, namespace)))


def _removed(connection: Connection, manifest: Manifest, namespace: str) -> str:
    path = connection.path_of(manifest, namespace)
    live = connection.find(path)
    if live is None or not condition(live, "Failed"):
        return ""
    connection.delete(path)
    return f"{name_of(manifest)} failed before: it was removed, and runs again"
