"""The deploy role beside its Releases: what kube-bench measured in the cluster, into the store."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import structlog

from configuration.settings import Settings
from pipelines.apps import ClusterName
from pipelines.benchmark import parse
from pipelines.days import today
from pipelines.errors import UnreadableBenchmark
from pipelines.ports import BenchmarkJob, BenchmarkJobs
from store import NewMeasurement, Store

_MOST_AT_ONCE = 10
_log = structlog.get_logger("workers.benchmarks")


def collect(settings: Settings, store: Store, cluster: ClusterName, jobs: BenchmarkJobs) -> int:
    """Stores what is new of the Jobs that are over, and how many that were. Raises GatewayErrors.

    A Job that failed, or whose report can't be used, is stored as that: so the measurement before it no longer
    stands for the node as it is. Nothing is collected unless somebody has reviewed that kube-bench may run, and after
    the last day of it.
    """
    exempted = settings.kube_bench.get(cluster)
    if exempted is None or today() > exempted.until:
        return 0
    finished = [job for job in jobs.finished(exempted.namespace) if job.node_class in settings.node_classes[cluster]]
    known = store.benchmarks.known_keys(_key(cluster, job) for job in finished)
    new = [job for job in finished if _key(cluster, job) not in known][:_MOST_AT_ONCE]
    for job in new:
        node, report = jobs.report(exempted.namespace, job)
        measured = _measured(cluster, job, node, report, settings.node_classes[cluster])
        store.benchmarks.record(measured)
        _log.info("kube-bench has measured", cluster=cluster, job=job.name, node=node, error=measured.error)
    return len(new)


def _key(cluster: ClusterName, job: BenchmarkJob) -> str:
    return f"job:{cluster}:{job.uid}"


def _measured(
    cluster: ClusterName, job: BenchmarkJob, node: str, report: str, node_classes: Mapping[str, tuple[str, ...]]
) -> NewMeasurement:
    benchmark, error = None, f"the Job {job.name} failed: {job.failure}" if job.failure else ""
    if not error:
        try:
            benchmark = parse(report, node_classes[job.node_class])
        except UnreadableBenchmark as unreadable:
            error = f"{unreadable.where}: {unreadable.reason}"
    return NewMeasurement(
        cluster=cluster,
        node_class=job.node_class,
        node=node,
        source="collected",
        received_by=f"deploy worker of {cluster}",
        measured_at=job.finished_at,
        benchmark=benchmark,
        error=error,
        key=_key(cluster, job),
        digest=hashlib.sha256(report.encode()).hexdigest(),
    )
