"""The reconciler, on a real store and a real Redis: whatever is unfinished and idle gets back on its queue."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue

from pipelines.apps import ClusterName
from pipelines.bundle import BundleDigest
from pipelines.ports import ClusterFacts
from pipelines.states import ReleaseKind
from pipelines.states import ReleaseState as S
from store import Release, Store
from store.queue import CHECK_QUEUE, RedisQueue, deploy_queue
from tests.waiting import eventually
from tests.workers.conftest import Accept
from workers import reconciler
from workers.ending import MOST_ATTEMPTS
from workers.reconciler import reconcile

BUNDLE = BundleDigest(f"sha256:{'1' * 64}")
DEPLOY = deploy_queue("local")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciler, "_YOUNG", timedelta(0))


def _lines(store: Store, release: Release) -> list[str]:
    return [one.data["line"] for one in store.events.after(release.id, 0, 100) if one.type == "log"]


def test_what_no_queue_holds_is_put_back_on_its_own_once(store: Store, queue: RedisQueue, accept: Accept) -> None:
    to_check, to_deploy = accept(), accept(app="other", bundle=BUNDLE)
    assert [reconcile(store, queue), reconcile(store, queue)] == [2, 0]
    assert queue.waiting(CHECK_QUEUE) == {to_check.id}
    assert queue.waiting(DEPLOY) == {to_deploy.id}


def test_what_was_accepted_this_moment_is_left_to_who_accepted_it(
    store: Store, queue: RedisQueue, accept: Accept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "_YOUNG", timedelta(seconds=60))
    accept()
    assert reconcile(store, queue) == 0


def test_what_somebody_works_on_is_left_alone(store: Store, queue: RedisQueue, accept: Accept) -> None:
    store.releases.claim(accept().id, {S.ACCEPTED}, S.CHECKING, "w", 10)
    assert reconcile(store, queue) == 0


@pytest.mark.parametrize(("state", "name"), [(S.CHECKING, CHECK_QUEUE), (S.DEPLOYING, DEPLOY)])
def test_what_a_dead_worker_held_is_put_back(
    store: Store, queue: RedisQueue, accept: Accept, state: S, name: str
) -> None:
    release = accept(bundle=BUNDLE if state is S.DEPLOYING else None)
    store.releases.claim(release.id, {S.ACCEPTED, S.READY}, state, "dead", -1)
    assert reconcile(store, queue) == 1
    assert queue.waiting(name) == {release.id}


@pytest.mark.parametrize(("seconds", "count"), [(60, 0), (-1, 1)])
def test_what_was_handed_back_waits_for_its_time(
    store: Store, queue: RedisQueue, accept: Accept, seconds: int, count: int
) -> None:
    release = accept()
    store.releases.claim(release.id, {S.ACCEPTED}, S.CHECKING, "w", 10)
    store.releases.hand_back(release.id, "w", not_before=datetime.now(UTC) + timedelta(seconds=seconds))
    assert reconcile(store, queue) == count


def test_a_rollback_goes_before_all_others(store: Store, queue: RedisQueue, queue_url: str, accept: Accept) -> None:
    accept(app="one", bundle=BUNDLE)
    rollback = accept(app="two", bundle=BUNDLE, kind=ReleaseKind.ROLLBACK)
    reconcile(store, queue)
    with Redis.from_url(queue_url) as redis:
        first = Queue(DEPLOY, connection=redis, serializer="json").get_jobs()[0]
    assert list(first.args) == [rollback.id]


def test_what_waits_for_its_place_is_not_queued_before_that_is_free(
    store: Store, queue: RedisQueue, accept: Accept
) -> None:
    rolling = accept(bundle=BUNDLE)
    store.locks.acquire("checkout", "staging", rolling.id)
    store.releases.claim(rolling.id, {S.READY}, S.DEPLOYING, "w", 10)
    next_one, dry = accept(bundle=BUNDLE), accept(bundle=BUNDLE, dry_run=True)
    assert reconcile(store, queue) == 1
    assert queue.waiting(DEPLOY) == {dry.id}
    store.releases.transition(rolling.id, S.DEPLOYED, worker="w")
    assert reconcile(store, queue) == 1
    assert queue.waiting(DEPLOY) == {dry.id, next_one.id}


def test_what_kills_its_workers_again_and_again_is_failed(
    store: Store, queue: RedisQueue, queue_url: str, accept: Accept
) -> None:
    release = accept()
    with Redis.from_url(queue_url) as redis:
        for number in range(MOST_ATTEMPTS):
            assert reconcile(store, queue) == 1
            Queue(CHECK_QUEUE, connection=redis, serializer="json").empty()
            store.releases.claim(release.id, {S.ACCEPTED}, S.CHECKING, f"w{number}", -1)
    assert reconcile(store, queue) == 0
    done = store.releases.get(release.id)
    assert (done.state, done.code) == (S.FAILED, "workers-died")
    assert done.message.startswith("5 workers died while they were at it")


def test_the_last_try_of_what_did_not_answer_is_no_death(store: Store, queue: RedisQueue, accept: Accept) -> None:
    release = accept()
    for number in range(MOST_ATTEMPTS):
        store.releases.claim(release.id, {S.ACCEPTED}, S.CHECKING, f"w{number}", -1)
    store.releases.hand_back(release.id, f"w{number}", not_before=datetime.now(UTC))
    reconcile(store, queue)
    assert store.releases.get(release.id).state is S.CHECKING


NAME = ClusterName("local")


def test_who_waits_for_a_deploy_worker_that_never_was_is_told_so_once(
    store: Store, queue: RedisQueue, accept: Accept
) -> None:
    release = accept(bundle=BUNDLE)
    reconcile(store, queue)
    reconcile(store, queue)
    found = store.releases.get(release.id)
    assert (found.state, _lines(store, release)) == (S.READY, [found.message])
    assert found.message.startswith("waits for a deploy worker: none of the cluster local has ever told of itself")


def test_a_deploy_worker_that_has_gone_silent_is_told_until_it_is_back(
    store: Store, queue: RedisQueue, accept: Accept, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.clusters.publish(NAME, ClusterFacts("v1", (), {}))
    release = accept(bundle=BUNDLE)
    reconcile(store, queue)
    assert store.releases.get(release.id).message == ""
    monkeypatch.setattr(reconciler, "_SILENT", timedelta(seconds=-1))
    reconcile(store, queue)
    assert "none of the cluster local has told of itself since" in store.releases.get(release.id).message
    monkeypatch.undo()
    monkeypatch.setattr(reconciler, "_YOUNG", timedelta(0))
    store.clusters.seen(NAME)
    reconcile(store, queue)
    assert store.releases.get(release.id).message == ""


def test_what_is_still_checked_waits_for_no_deploy_worker(store: Store, queue: RedisQueue, accept: Accept) -> None:
    release = accept()
    reconcile(store, queue)
    assert store.releases.get(release.id).message == ""


RECONCILER = """
import sys
from store import open_store
from store.queue import RedisQueue
from workers.reconciler import run_until_stopped
print("up", flush=True)
run_until_stopped(open_store(sys.argv[1]), RedisQueue(sys.argv[2]))
"""


@pytest.mark.parametrize("redis_is_there", [True, False])
def test_the_process_goes_on_through_outages_and_ends_at_sigterm(
    store: Store, database_url: str, queue: RedisQueue, queue_url: str, accept: Accept, redis_is_there: bool
) -> None:
    release = accept()
    url = queue_url if redis_is_there else "redis://127.0.0.1:1/0"
    command = [sys.executable, "-c", RECONCILER, database_url, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as process:
        assert process.stdout is not None
        process.stdout.readline()
        if redis_is_there:
            eventually(lambda: release.id in queue.waiting(CHECK_QUEUE))
        else:
            time.sleep(3)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert (release.id in queue.waiting(CHECK_QUEUE)) == redis_is_there
