"""The queue is a hint: it carries a Release's id, and the store knows the rest.

Queues are `check`, and `deploy.CLUSTER` for each cluster; jobs are called by name, so that who enqueues need
not import who works.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.client import Pipeline
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.job import Job

from pipelines.apps import ClusterName, ReleaseId
from pipelines.errors import Unavailable
from store.together import Together

CHECK_QUEUE = "check"
CHECK_JOB = "workers.jobs.check"
DEPLOY_JOB = "workers.jobs.deploy"
ANSWER_SECONDS = 0.5
"""How long Redis may take to answer before its caller goes on without it."""

JOB_SECONDS = 2 * 3600
"""Far above what stages may take by their own limits: those end first, and say why."""

CHANNEL = "release:"
"""What a Release's id is appended to: the channel on which it is told that it has news."""


_log = structlog.get_logger("store.queue")


class QueueUnavailable(Unavailable):
    """Redis does not answer. Nothing accepted is lost: the reconciler puts it on the queue later."""

    code = "queue-unavailable"
    title = "The work queue does not answer"


class WorkQueue(Protocol):
    """Where hints for the workers go."""

    def check(self, release_id: ReleaseId) -> None:
        """Asks for a check of this Release. Raises QueueUnavailable, within a second."""

    def deploy(self, release_id: ReleaseId, cluster: ClusterName, *, at_front: bool) -> None:
        """Asks for the rollout of this Release, before all others if `at_front`. Raises QueueUnavailable."""

    def ping(self) -> None:
        """Raises QueueUnavailable unless it answers."""


class HintJob(Job):
    """A job as it is in Redis, of which only the Release's id is believed.

    RQ calls whatever function a job names, callbacks included, so that whoever writes into Redis would choose what
    runs in the deploy zone. And one job that it can't read ends its worker. Here such a job is as good as not there.
    """

    def restore(self, raw_data: Any) -> None:
        """Raises `NoSuchJobError` for what is none of the two jobs."""
        try:
            super().restore(raw_data)
            is_ours = self.func_name in (CHECK_JOB, DEPLOY_JOB) and self.instance is None
        except Exception as error:  # a stranger's bytes: RQ raises whatever it stumbles over
            _log.warning("a job that can't be read", job=self.id, reason=type(error).__name__)
            raise NoSuchJobError(self.id) from error
        if not is_ours:
            _log.warning("a job that is none of ours", job=self.id, function=str(self.func_name)[:80])
            raise NoSuchJobError(self.id)
        self._success_callback_name = self._failure_callback_name = self._stopped_callback_name = None
        self.webhooks = []


def work_queue(name: str, connection: Redis) -> Queue:
    """RQ's queue of that name, with jobs as this module writes them."""
    return Queue(name, connection=connection, serializer="json", job_class=HintJob)


def deploy_queue(cluster: str) -> str:
    """The queue that the deploy workers of `cluster` serve."""
    return f"deploy.{cluster}"


class RedisQueue:
    """RQ on Redis."""

    def __init__(self, redis_url: str) -> None:
        """Connects when first used."""
        self._redis = Redis.from_url(
            redis_url,
            socket_connect_timeout=ANSWER_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._queues: dict[str, Queue] = {}
        self._send = Together(self._send_all)

    def check(self, release_id: ReleaseId) -> None:
        """See `WorkQueue.check`."""
        self._enqueue(CHECK_QUEUE, CHECK_JOB, release_id, at_front=False)

    def deploy(self, release_id: ReleaseId, cluster: ClusterName, *, at_front: bool) -> None:
        """See `WorkQueue.deploy`."""
        self._enqueue(deploy_queue(cluster), DEPLOY_JOB, release_id, at_front=at_front)

    def ping(self) -> None:
        """See `WorkQueue.ping`."""
        try:
            self._redis.ping()
        except RedisError as error:
            raise _unavailable(error) from error

    def waiting(self, queue: str) -> frozenset[str]:
        """The Release ids of the jobs that wait in `queue`. Raises QueueUnavailable."""
        try:
            jobs = work_queue(queue, self._redis).get_jobs()
        except RedisError as error:
            raise _unavailable(error) from error
        return frozenset(str(job.args[0]) for job in jobs if job.args)

    def notify(self, *release_ids: ReleaseId) -> None:
        """Wakes whoever follows these Releases. Only a hint: without Redis they look for themselves."""

        def publish(pipeline: Pipeline) -> None:
            for release_id in release_ids:
                pipeline.publish(f"{CHANNEL}{release_id}", b"")

        try:
            self._send(publish)
        except RedisError:
            return

    def _enqueue(self, queue: str, job: str, release_id: ReleaseId, *, at_front: bool) -> None:
        def push(pipeline: Pipeline) -> None:
            if queue not in self._queues:
                self._queues[queue] = work_queue(queue, self._redis)
            self._queues[queue].enqueue(
                job,
                args=(release_id,),
                at_front=at_front,
                job_timeout=JOB_SECONDS,
                result_ttl=0,
                failure_ttl=0,
                pipeline=pipeline,
            )

        try:
            self._send(push)
        except RedisError as error:
            raise _unavailable(error) from error

    def _send_all(self, wanted: Sequence[Callable[[Pipeline], None]]) -> list[None]:
        with self._redis.pipeline() as pipeline:
            pipeline.multi()  # which RQ would do otherwise, and may not after a command
            for add in wanted:
                add(pipeline)
            pipeline.execute()
        return [None] * len(wanted)


def _unavailable(error: RedisError) -> QueueUnavailable:
    # Only the kind: redis-py's texts name the address, and with some errors more than that.
    return QueueUnavailable(
        f"Redis does not answer ({type(error).__name__})",
        "Nothing is lost. See that Redis runs and can be reached",
    )
