"""The API server of one cluster, by the official client: the deploy zone's only way in."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pipelines.adapters.kube.connection import Connection, can_be_a_name
from pipelines.adapters.kube.dry_run import DryRun
from pipelines.adapters.kube.facts import read_facts, read_published
from pipelines.adapters.kube.failed_jobs import remove_failed_jobs
from pipelines.adapters.kube.hosts import host_holders
from pipelines.adapters.kube.parameters import write_parameters
from pipelines.adapters.kube.pending import recover_pending
from pipelines.adapters.kube.progress import RolloutWatch
from pipelines.adapters.kube.replicas import keep_replicas
from pipelines.adapters.kube.verification import differences
from pipelines.ports import Change, ClusterFacts, HostHolder, JobLine, Manifest, RolloutProgress, Stop

__all__ = ["KubeCluster"]


class KubeCluster:
    """Implements `pipelines.ports.Cluster`."""

    def __init__(self, kubeconfig: Path) -> None:
        """Raises `InvalidConfiguration` for a kubeconfig that can't be read, or that would run a program."""
        self._connection = Connection(kubeconfig)
        self._known: tuple[Any, ClusterFacts] | None = None

    def facts(self) -> ClusterFacts:
        """See `pipelines.ports.Cluster.facts`. The same object as before when the server publishes the same."""
        published = read_published(self._connection)
        if self._known is None or self._known[0] != published:
            self._known = (published, read_facts(self._connection, published))
        return self._known[1]

    def namespace_exists(self, name: str) -> bool:
        """See `pipelines.ports.Cluster.namespace_exists`."""
        return self._connection.find(f"/api/v1/namespaces/{name}") is not None

    def write_parameters(self, data: Mapping[str, str]) -> bool:
        """See `pipelines.ports.Cluster.write_parameters`."""
        return write_parameters(self._connection, data)

    def ensure_namespace(self, name: str, labels: Mapping[str, str], *, kept: Collection[str] = ()) -> None:
        """See `pipelines.ports.Cluster.ensure_namespace`."""
        path = f"/api/v1/namespaces/{name}"
        found = self._connection.find(path)
        has = {} if found is None else found["metadata"].get("labels") or {}
        wanted = {**labels, **{label: has[label] for label in kept if label in has}}
        if found is not None and wanted.items() <= has.items():
            return
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": wanted}}
        self._connection.apply(path, namespace, dry_run=False)

    def host_holders(self, hosts: Collection[str], *, namespace: str) -> tuple[HostHolder, ...]:
        """See `pipelines.ports.Cluster.host_holders`."""
        return host_holders(self._connection, hosts, namespace)

    def has(self, api_version: str, kind: str, name: str, *, namespace: str) -> bool:
        """See `pipelines.ports.Cluster.has`."""
        named = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}}
        return can_be_a_name(name) and self._connection.metadata(self._connection.path_of(named, namespace)) is not None

    def dry_run(self, objects: Iterable[Manifest], *, namespace: str) -> tuple[Change, ...]:
        """See `pipelines.ports.Cluster.dry_run`."""
        return DryRun(self._connection, namespace).changes(tuple(objects))

    def recover_pending(self, *, release: str, namespace: str) -> str | None:
        """See `pipelines.ports.Cluster.recover_pending`."""
        return recover_pending(self._connection, release, namespace)

    def watch(self, *, release: str, namespace: str, stop: Stop) -> Iterator[RolloutProgress | JobLine]:
        """See `pipelines.ports.Cluster.watch`."""
        return RolloutWatch(self._connection, release, namespace).told(stop)

    def keep_replicas(self, objects: Iterable[Manifest], *, namespace: str) -> tuple[str, ...]:
        """See `pipelines.ports.Cluster.keep_replicas`."""
        kept = (keep_replicas(self._connection, one, namespace) for one in objects)
        return tuple(line for line in kept if line is not None)

    def remove_failed_jobs(self, objects: Iterable[Manifest], *, namespace: str) -> tuple[str, ...]:
        """See `pipelines.ports.Cluster.remove_failed_jobs`."""
        return remove_failed_jobs(self._connection, objects, namespace)

    def verify(self, objects: Iterable[Manifest], *, namespace: str) -> tuple[str, ...]:
        """See `pipelines.ports.Cluster.verify`."""
        return differences(self._connection, tuple(objects), namespace)
