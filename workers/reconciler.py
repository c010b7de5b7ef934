"""Puts back on the queue whatever the store says is unfinished and nobody works on. Any number may run."""

from __future__ import annotations

import random
import signal
import threading
from datetime import UTC, datetime, timedelta

import structlog

from pipelines.errors import GatewayError
from pipelines.states import ReleaseCode, ReleaseKind, ReleaseState
from store import Release, Store, Unfinished
from store.queue import CHECK_QUEUE, RedisQueue, deploy_queue
from workers.ending import MOST_ATTEMPTS

_EVERY_SECONDS = 1.0
# Whoever accepted it puts it on the queue himself within this time, or has died.
_YOUNG = timedelta(seconds=2)
# Deploy workers tell of themselves each half minute.
_SILENT = timedelta(seconds=90)
_BEFORE_ROLLOUT = (ReleaseState.ACCEPTED, ReleaseState.CHECKING)

_log = structlog.get_logger("workers.reconciler")


def run_until_stopped(store: Store, queue: RedisQueue) -> None:
    """Reconciles about each second until SIGTERM or SIGINT, through outages of store and queue."""
    stopped = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopped.set())
    is_well = True
    while not stopped.wait(_EVERY_SECONDS * random.uniform(0.8, 1.2)):  # noqa: S311 (jitter)
        try:
            reconcile(store, queue)
            is_well = True
        except GatewayError as error:
            if is_well:
                _log.warning("can't reconcile", code=error.code, reason=error.reason)
            is_well = False


def reconcile(store: Store, queue: RedisQueue) -> int:
    """One pass; how many were put back. Raises `StoreUnavailable`, `QueueUnavailable`."""
    now = datetime.now(UTC)
    idle = [one for one in store.releases.unfinished() if _is_idle(one, now)]
    waiting: dict[str, frozenset[str]] = {}
    count = 0
    for one in idle:
        release = one.release
        _say_if_nobody_serves(store, release, now)
        name = CHECK_QUEUE if release.state in _BEFORE_ROLLOUT else deploy_queue(release.cluster)
        if name not in waiting:
            waiting[name] = queue.waiting(name)
        if release.id in waiting[name] or _gave_up(store, one) or _waits_for_place(store, one):
            continue
        if name == CHECK_QUEUE:
            queue.check(release.id)
        else:
            queue.deploy(release.id, release.cluster, at_front=release.kind is ReleaseKind.ROLLBACK)
        _log.info("put back on the queue", release_id=release.id, state=release.state.value, queue=name)
        count += 1
    return count


def _say_if_nobody_serves(store: Store, release: Release, now: datetime) -> None:
    """A Release whose cluster has no deploy worker waits for ever: whoever follows it has to know."""
    if release.state in _BEFORE_ROLLOUT:
        return
    seen = store.clusters.seen_at(release.cluster)
    message = ""
    if seen is None or seen + _SILENT < now:
        since = f"has told of itself since {seen:%Y-%m-%d %H:%M:%S} UTC" if seen else "has ever told of itself"
        message = (
            f"waits for a deploy worker: none of the cluster {release.cluster} {since}. "
            "The platform sees that one runs and reaches its cluster"
        )
    if message != release.message:
        store.releases.note(release.id, message)


def _is_idle(one: Unfinished, now: datetime) -> bool:
    if one.not_before is not None:
        return one.not_before <= now
    if one.lease_expires_at is not None:
        return one.lease_expires_at <= now
    return one.release.updated_at + _YOUNG <= now


def _gave_up(store: Store, one: Unfinished) -> bool:
    """Ends a Release whose workers died again and again: it may be what kills them."""
    release = one.release
    if release.attempts < MOST_ATTEMPTS or one.not_before is not None:
        return False
    return store.releases.transition(
        release.id,
        ReleaseState.FAILED,
        worker=one.worker,
        code=ReleaseCode.WORKERS_DIED.value,
        message=f"{release.attempts} workers died while they were at it, so it is not tried again. "
        "The platform finds why in their logs; roll back if the App is not well",
    )


def _waits_for_place(store: Store, one: Unfinished) -> bool:
    release = one.release
    if release.state is not ReleaseState.READY or release.dry_run:
        return False
    holder = store.locks.holder(release.app, release.environment)
    return holder is not None and holder != release.id
