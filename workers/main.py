"""Composition of the worker processes: settings in, a running worker out."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from redis import Redis
from rq import Queue, Worker
from rq.executions import Execution
from rq.job import Job

from configuration import logs
from configuration.settings import Settings
from pipelines.adapters.git import GitRepositories
from pipelines.adapters.helm import HelmClient
from pipelines.adapters.kube import KubeCluster
from pipelines.adapters.kube.benchmarks import KubeBenchmarkJobs
from pipelines.adapters.schemas import Schemas
from pipelines.check import CheckPorts
from pipelines.composition import lint_checks, policy_checks
from pipelines.deploy import DeployPorts
from pipelines.errors import GatewayError, InvalidConfiguration
from pipelines.rules import load_rules
from store import Store, open_store
from store.queue import CHECK_QUEUE, HintJob, RedisQueue, deploy_queue, work_queue
from workers import benchmarks, jobs, reconciler  # noqa: F401 (jobs: imported before the fork, not by each job)
from workers.context import CheckContext, DeployContext, enter
from workers.images import image_checks, image_exemptions, open_charts, open_registries, reader
from workers.parameters import keep_parameters

_BETWEEN_JOBS_SECONDS = 30
# RQ asks its queue for that much less than a worker's time to live.
_WORKER_TTL_SECONDS = _BETWEEN_JOBS_SECONDS + 15
_IN_CLUSTER_TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")

_log = structlog.get_logger("workers.main")


def run_check_worker(settings: Settings, *, helm: Path, kube_score: Path) -> None:
    """Serves the queue `check` until SIGTERM. Refuses to start where there is a cluster credential."""
    insist_on_no_cluster_credential(os.environ)
    store, queue = _open(settings)
    scratch = settings.work_dir / "checks"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    schemas, registries = Schemas(), open_registries(settings)
    ports = CheckPorts(
        git=GitRepositories(
            allowed_hosts=settings.git_hosts,
            most_bytes=settings.limits.checkout_bytes,
            credentials={host: reader(reference) for host, reference in settings.git_credentials.items()},
        ),
        registry=registries,
        charts=open_charts(settings),
        helm=HelmClient(helm, settings.work_dir / "helm-check"),
        lint=lint_checks(kube_score, schemas),
        policy=policy_checks(load_rules(), *image_checks(settings, registries)),
        exemptions=image_exemptions(settings),
    )
    enter(CheckContext(settings, store, queue, ports, scratch))

    def refresh() -> None:
        for cluster in settings.clusters:
            facts = store.clusters.facts(cluster)
            if facts is not None:
                schemas.prepare(facts)

    _work(settings, CHECK_QUEUE, before_job=refresh, between_jobs=refresh)


def run_deploy_worker(settings: Settings, cluster: str, kubeconfig: Path, *, helm: Path) -> None:
    """Serves the queue of `cluster` until SIGTERM, and tells the store what the cluster is like."""
    name = next((one for one in settings.clusters if one == cluster), None)
    if name is None:
        raise InvalidConfiguration(
            f"gateway.yaml has no cluster {cluster!r}",
            f"Add it to `clusters:`, or use one of: {', '.join(settings.clusters)}",
            where="--cluster",
        )
    store, queue = _open(settings)
    client = HelmClient(helm, settings.work_dir / f"helm-deploy-{cluster}", kubeconfig)
    enter(DeployContext(settings, store, queue, name, lambda: DeployPorts(KubeCluster(kubeconfig), client)))
    observer, bench = KubeCluster(kubeconfig), KubeBenchmarkJobs(kubeconfig)

    def publish() -> None:
        try:
            store.clusters.publish(name, observer.facts())
        except GatewayError as error:
            _log.warning("the cluster's facts could not be published", code=error.code, reason=error.reason)
        keep_parameters(settings, store, name, observer)

    def between_jobs() -> None:
        publish()
        try:
            benchmarks.collect(settings, store, name, bench)
        except GatewayError as error:
            _log.warning("what kube-bench measured could not be collected", code=error.code, reason=error.reason)

    def live() -> None:
        try:
            store.clusters.seen(name)
        except GatewayError as error:
            _log.warning("the store can't be told that this worker lives", code=error.code, reason=error.reason)

    _work(settings, deploy_queue(cluster), between_jobs=between_jobs, during_job=live)


def run_reconciler(settings: Settings) -> None:
    """Reconciles until SIGTERM."""
    store, queue = _open(settings)
    reconciler.run_until_stopped(store, queue)


def insist_on_no_cluster_credential(environment: Any) -> None:
    """Raises `InvalidConfiguration` where the check zone could find its way into a cluster."""
    home = Path(environment.get("HOME", "/nonexistent")) / ".kube" / "config"
    found = [name for name in ("KUBECONFIG", "HELM_KUBETOKEN", "HELM_KUBEAPISERVER") if environment.get(name)]
    found += [str(path) for path in (_IN_CLUSTER_TOKEN, home) if path.exists()]
    if found:
        raise InvalidConfiguration(
            f"a check worker reads what teams wrote, and must not hold a cluster credential; found: {', '.join(found)}",
            "Start it without them: another user or HOME, automountServiceAccountToken: false",
            where="worker check",
        )


def _open(settings: Settings) -> tuple[Store, RedisQueue]:
    logs.configure()
    queue = RedisQueue(settings.redis_url)
    return open_store(settings.database_url, queue.notify), queue


def _work(
    settings: Settings,
    queue: str,
    *,
    before_job: Callable[[], None] | None = None,
    during_job: Callable[[], None] | None = None,
    between_jobs: Callable[[], None],
) -> None:
    worker = _worker(settings.redis_url, queue)
    worker.before_job, worker.during_job, worker.between_jobs = before_job, during_job, between_jobs
    between_jobs()
    _log.info("ready", queue=queue)
    worker.work(logging_level="WARNING")


def _worker(redis_url: str, queue: str) -> _Worker:
    connection = Redis.from_url(redis_url, socket_connect_timeout=5, health_check_interval=30)
    return _Worker(
        [work_queue(queue, connection)],
        connection=connection,
        serializer="json",
        job_class=HintJob,
        worker_ttl=_WORKER_TTL_SECONDS,
        maintenance_interval=_BETWEEN_JOBS_SECONDS,
    )


class _Worker(Worker):
    """RQ's worker, a process for each job; what is the same for all jobs is done before they part."""

    before_job: Callable[[], None] | None = None
    during_job: Callable[[], None] | None = None
    between_jobs: Callable[[], None] | None = None

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Forks, and waits for the job."""
        if self.before_job is not None:
            self.before_job()
        super().execute_job(job, queue)

    def maintain_heartbeats(self, job: Job, execution: Execution) -> None:
        """What RQ does now and then while a job runs, and what we do."""
        super().maintain_heartbeats(job, execution)
        if self.during_job is not None:
            self.during_job()

    def run_maintenance_tasks(self) -> None:
        """What RQ does now and then while it waits, and what we do."""
        super().run_maintenance_tasks()  # type: ignore[no-untyped-call]  # RQ's has no annotations
        if self.between_jobs is not None:
            self.between_jobs()
