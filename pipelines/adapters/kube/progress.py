"""How a rollout goes: its Deployments, StatefulSets and Jobs side by side, and what its Jobs write."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from pipelines.adapters.kube.connection import Connection, Refused
from pipelines.adapters.kube.jobs import WatchedJob
from pipelines.adapters.kube.pods import unready_troubles
from pipelines.adapters.kube.workloads import APIS, collection, is_of_cron_job, progress_of
from pipelines.errors import ClusterUnavailable
from pipelines.hooks import hook_events
from pipelines.ports import JobLine, PodTrouble, RolloutProgress, Stop

_WATCH_SECONDS = 1
_EVERY_SECONDS = 0.5
_LOOK_SECONDS = 0.05

Told = RolloutProgress | JobLine


class RolloutWatch:
    """See `pipelines.ports.Cluster.watch`: made before the rollout begins, to know what is not of it."""

    def __init__(self, connection: Connection, release: str, namespace: str) -> None:
        """Raises `ClusterUnavailable`."""
        self._connection = connection
        self._release = release
        self._namespace = namespace
        self._jobs: dict[str, WatchedJob] = {}
        self._asked: dict[str, float] = {}
        self._next_look = 0.0
        self._before = {
            live["metadata"]["uid"]: _mark(kind, live)
            for kind in APIS
            for live in self._listed(kind)[0]
            if _is_settled(kind, live)
        }

    def told(self, stop: Stop) -> Iterator[Told]:
        """What moves, and what Jobs write, until `stop` is set; then what Jobs wrote last."""
        feed: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        over = threading.Event()
        for kind in APIS:
            threading.Thread(target=self._follow, args=(kind, feed, over), daemon=True).start()
        try:
            while not stop.is_set():
                with suppress(queue.Empty):
                    yield from self._moved(*feed.get(timeout=_LOOK_SECONDS))
                yield from self._written()
            yield from self._last_words()
        finally:
            over.set()

    def _follow(self, kind: str, feed: queue.SimpleQueue[tuple[str, Any]], over: threading.Event) -> None:
        while not over.is_set():
            try:
                for live in self._stream(kind):
                    feed.put((kind, live))
            except (Refused, ClusterUnavailable):
                # What is watched goes on without us; the rollout itself reports a cluster that is away.
                over.wait(_EVERY_SECONDS)

    def _stream(self, kind: str) -> Iterator[Any]:
        listed, version = self._listed(kind)
        yield from listed
        path, selector = collection(kind, self._namespace), self._selector()
        events = self._connection.stream(
            path, labelSelector=selector, resourceVersion=version, timeoutSeconds=_WATCH_SECONDS
        )
        yield from (event["object"] for event in events if event["type"] in ("ADDED", "MODIFIED"))

    def _listed(self, kind: str) -> tuple[list[Any], str]:
        found = self._connection.get(collection(kind, self._namespace), labelSelector=self._selector())
        return found["items"], found["metadata"]["resourceVersion"]

    def _selector(self) -> str:
        return f"deploy-gateway.dev/app={self._release}"

    def _moved(self, kind: str, live: Any) -> Iterator[Told]:
        metadata = live["metadata"]
        if self._before.get(metadata["uid"]) == _mark(kind, live) or metadata.get("deletionTimestamp"):
            return
        progress = progress_of(kind, live)
        if kind == "Job":
            if is_of_cron_job(live):
                return
            yield from self._job_moved(live, progress)
            return
        if not progress.is_complete and self._may_ask(progress.resource):
            progress = replace(progress, troubles=self._troubles(live))
        yield progress

    def _job_moved(self, live: Any, progress: RolloutProgress) -> Iterator[Told]:
        job = self._jobs.setdefault(live["metadata"]["uid"], WatchedJob(self._connection, live, self._release))
        job.live = live
        # Helm removes a failed Job at once when it is none of a hook: what its pods say is read before anything else.
        if progress.failure or (not progress.is_complete and self._may_ask(progress.resource)):
            progress = replace(progress, troubles=job.troubles(progress.failure))
        yield from job.lines()
        yield progress

    def _may_ask(self, resource: str) -> bool:
        """At most each half second, and not in the first one: most rollouts are through by then."""
        now = time.monotonic()
        if now < self._asked.setdefault(resource, now + _EVERY_SECONDS):
            return False
        self._asked[resource] = now + _EVERY_SECONDS
        return True

    def _troubles(self, live: Any) -> tuple[PodTrouble, ...]:
        try:
            return unready_troubles(self._connection, self._namespace, live["spec"]["selector"]["matchLabels"])
        except (Refused, ClusterUnavailable):
            return ()

    def _written(self) -> Iterator[JobLine]:
        if time.monotonic() >= self._next_look:
            for job in self._jobs.values():
                yield from job.lines()
            self._next_look = time.monotonic() + _EVERY_SECONDS

    def _last_words(self) -> Iterator[Told]:
        """A hook may have ended since the last look, or have come and gone; a Job may just have failed."""
        with suppress(Refused, ClusterUnavailable):
            for live in self._listed("Job")[0]:
                if hook_events(live) or progress_of("Job", live).failure:
                    yield from self._moved("Job", live)
        for job in self._jobs.values():
            yield from job.lines()
            yield from job.rest()


def _is_settled(kind: str, live: Any) -> bool:
    """Whether this object, as it is, is no part of a rollout that begins now. Helm makes a hook's Job anew."""
    progress = progress_of(kind, live)
    return progress.is_complete or bool(progress.failure or progress.hook)


def _mark(kind: str, live: Any) -> int:
    """What changes when a rollout touches the object; a Job that is over can't be touched any more."""
    return 0 if kind == "Job" else int(live["metadata"]["generation"])
