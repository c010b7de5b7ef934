"""One Job while it runs: what its pods write, and what is known of them when they are gone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipelines.adapters.kube.connection import Connection, Refused
from pipelines.adapters.kube.logs import ContainerLog
from pipelines.adapters.kube.pods import job_pods, job_troubles, own_containers
from pipelines.adapters.kube.workloads import is_over
from pipelines.errors import ClusterUnavailable
from pipelines.hooks import hook_events, step_of
from pipelines.ports import JobLine, PodTrouble


class WatchedJob:
    """The Job `live`. One that runs out of time loses its pods, so what they wrote is kept here."""

    def __init__(self, connection: Connection, live: Any, app: str) -> None:
        self.live = live
        self._connection = connection
        name = live["metadata"]["name"]
        self._name = step_of(name, app) if hook_events(live) else str(name)
        self._logs: dict[tuple[str, str], ContainerLog] = {}
        self._troubles: tuple[PodTrouble, ...] = ()
        self._is_read = False

    def lines(self) -> Iterator[JobLine]:
        """What was written since the last call; the rest of it when the Job is over."""
        if self._is_read:
            return
        last_time = is_over(self.live)
        self._find_logs()
        for (_, container), log in self._logs.items():
            yield from self._told(container, log.new_lines())
            yield from self._told(container, log.rest() if last_time else [])
        self._is_read = last_time

    def rest(self) -> Iterator[JobLine]:
        """What was held back, for when nobody will ask again."""
        for (_, container), log in self._logs.items():
            yield from self._told(container, log.rest())

    def troubles(self, failure: str) -> tuple[PodTrouble, ...]:
        """Why its pods failed or wait. When it has failed for `failure`, there is always one to say why."""
        try:
            found = job_troubles(self._connection, self.live)
        except (Refused, ClusterUnavailable):
            found = ()
        self._troubles = found or self._troubles
        if self._troubles or not failure:
            return self._troubles
        condition, _, message = failure.partition(": ")
        pod, container, tail = self._last_words()
        return (PodTrouble(pod, container, condition, message, (), tail),)

    def _last_words(self) -> tuple[str, str, tuple[str, ...]]:
        """Pod, container and end of the log of the one that wrote last."""
        for (pod, container), log in reversed(self._logs.items()):
            if log.tail:
                return pod, container, tuple(log.tail)
        pod, container = next(reversed(self._logs), ("", own_containers(self.live)[-1]))
        return pod, container, ()

    def _find_logs(self) -> None:
        try:
            pods = job_pods(self._connection, self.live)
        except (Refused, ClusterUnavailable):
            return
        for pod in reversed(pods):
            for container in own_containers(self.live):
                key = (pod["metadata"]["name"], container)
                if key not in self._logs:
                    self._logs[key] = ContainerLog(self._connection, pod["metadata"]["namespace"], *key)

    def _told(self, container: str, lines: list[str]) -> Iterator[JobLine]:
        name = self._name if len(own_containers(self.live)) == 1 else f"{self._name}/{container}"
        return (JobLine(name, line) for line in lines)
