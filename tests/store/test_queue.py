"""The queue: a hint with a Release's id, and no hang when Redis is away."""

from __future__ import annotations

import time

import pytest
from redis import Redis
from rq import Queue
from rq.exceptions import NoSuchJobError

from pipelines.apps import ClusterName, ReleaseId
from store.queue import CHECK_JOB, HintJob, QueueUnavailable, RedisQueue, deploy_queue


def test_what_waits_can_be_asked(redis_url: str) -> None:
    queue = RedisQueue(redis_url)
    queue.deploy(ReleaseId("a" * 26), ClusterName("nowhere"), at_front=False)
    queue.deploy(ReleaseId("b" * 26), ClusterName("nowhere"), at_front=True)
    assert queue.waiting(deploy_queue("nowhere")) == {"a" * 26, "b" * 26}


def test_a_job_that_names_another_function_is_as_good_as_not_there(redis_url: str) -> None:
    with Redis.from_url(redis_url) as redis:
        job = Queue("strangers", connection=redis, serializer="json").enqueue("os.system", "true")
        with pytest.raises(NoSuchJobError):
            HintJob.fetch(job.id, connection=redis, serializer="json")


def test_what_a_job_wants_called_at_its_end_is_forgotten(redis_url: str) -> None:
    with Redis.from_url(redis_url) as redis:
        job = Queue("strangers", connection=redis, serializer="json").enqueue(CHECK_JOB, "a" * 26)
        redis.hset(job.key, mapping=dict.fromkeys(CALLBACKS, "os.system"))
        fetched = HintJob.fetch(job.id, connection=redis, serializer="json")
    assert (fetched.success_callback, fetched.failure_callback, fetched.stopped_callback) == (None, None, None)


CALLBACKS = ("success_callback_name", "failure_callback_name", "stopped_callback_name")


@pytest.mark.parametrize(
    "field", [{"data": b"\x80\x04"}, {"created_at": "x"}, {"status": "x"}, {"timeout": "x"}], ids=str
)
def test_a_job_that_cant_be_read_does_not_hide_what_waits(redis_url: str, field: dict[str, str | bytes]) -> None:
    queue, name = RedisQueue(redis_url), deploy_queue("-".join(field).replace("_", "-"))
    with Redis.from_url(redis_url) as redis:
        broken = Queue(name, connection=redis, serializer="json").enqueue(CHECK_JOB, "b" * 26)
        redis.hset(broken.key, mapping=field)  # type: ignore[arg-type]  # bytes are fine as values
    queue.deploy(ReleaseId("a" * 26), ClusterName(name.removeprefix("deploy.")), at_front=False)
    assert queue.waiting(name) == {"a" * 26}


def test_without_redis_it_says_so_soon_and_without_the_address() -> None:
    queue, began = RedisQueue("redis://:secret@127.0.0.1:1/0"), time.monotonic()
    for call in (
        queue.ping,
        lambda: queue.check(ReleaseId("a" * 26)),
        lambda: queue.deploy(ReleaseId("a" * 26), ClusterName("c"), at_front=True),
        lambda: queue.waiting("check"),
    ):
        with pytest.raises(QueueUnavailable) as caught:
            call()
        assert "secret" not in str(caught.value)
    queue.notify(ReleaseId("a" * 26))
    assert time.monotonic() - began < 10
