"""The queue: a hint with a Release's id, and no hang when Redis is away."""

from __future__ import annotations

import time

import pytest

from pipelines.apps import ClusterName, ReleaseId
from store.queue import QueueUnavailable, RedisQueue, deploy_queue


def test_what_waits_can_be_asked(redis_url: str) -> None:
    queue = RedisQueue(redis_url)
    queue.deploy(ReleaseId("a" * 26), ClusterName("nowhere"), at_front=False)
    queue.deploy(ReleaseId("b" * 26), ClusterName("nowhere"), at_front=True)
    assert queue.waiting(deploy_queue("nowhere")) == {"a" * 26, "b" * 26}


def test_without_redis_it_says_so_within_two_seconds_and_without_the_address() -> None:
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
    assert time.monotonic() - began < 2
