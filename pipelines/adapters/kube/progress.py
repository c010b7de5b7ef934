"""How a rollout goes, and of which pods it is that it doesn't."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pipelines.adapters.kube.connection import Connection, Refused
from pipelines.errors import ClusterUnavailable
from pipelines.ports import PodTrouble, RolloutProgress, Stop

_WATCH_SECONDS = 1
_TROUBLE_EVERY_SECONDS = 0.5
_MOST_PODS = 3
_MOST_EVENTS = 3
_LOG_LINES = 8


def watch_progress(connection: Connection, release: str, namespace: str, stop: Stop) -> Iterator[RolloutProgress]:
    """See `pipelines.ports.Cluster.watch`. Why pods are not ready is asked from the first second on, and at times."""
    asking = _NowAndThen()
    while not stop.is_set():
        try:
            yield from _watched(connection, release, namespace, stop, asking)
        except (Refused, ClusterUnavailable):
            # What is watched goes on without us; the rollout itself reports a cluster that is away.
            time.sleep(_TROUBLE_EVERY_SECONDS)


class _NowAndThen:
    """Says yes at most each half second, and not in the first one: most rollouts are through by then."""

    def __init__(self) -> None:
        self._next = time.monotonic() + _TROUBLE_EVERY_SECONDS

    def __call__(self) -> bool:
        if time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + _TROUBLE_EVERY_SECONDS
        return True


def _watched(
    connection: Connection, release: str, namespace: str, stop: Stop, asking: _NowAndThen
) -> Iterator[RolloutProgress]:
    listed = connection.get(_deployments(namespace), labelSelector=_selector(release))
    for deployment in listed["items"]:
        yield _progress(connection, deployment, with_troubles=asking())
    events = connection.stream(
        _deployments(namespace),
        labelSelector=_selector(release),
        resourceVersion=listed["metadata"]["resourceVersion"],
        timeoutSeconds=_WATCH_SECONDS,
    )
    for event in events:
        if stop.is_set():
            return
        if event["type"] in ("ADDED", "MODIFIED"):
            yield _progress(connection, event["object"], with_troubles=asking())


def _deployments(namespace: str) -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/deployments"


def _selector(release: str) -> str:
    return f"deploy-gateway.dev/app={release}"


def _progress(connection: Connection, deployment: Any, *, with_troubles: bool) -> RolloutProgress:
    spec, status, metadata = deployment["spec"], deployment.get("status", {}), deployment["metadata"]
    seen = status.get("observedGeneration", 0) >= metadata["generation"]
    wanted, updated = spec.get("replicas", 1), status.get("updatedReplicas", 0) if seen else 0
    # Available ones of the old version keep the service up, and are no progress.
    old = status.get("replicas", 0) - updated
    ready = max(0, min(updated, status.get("availableReplicas", 0) - old)) if seen else 0
    progress = RolloutProgress(f"Deployment/{metadata['name']}", ready, updated, wanted, ())
    if progress.is_complete or not with_troubles:
        return progress
    return replace(progress, troubles=_troubles(connection, metadata["namespace"], spec["selector"]["matchLabels"]))


def _troubles(connection: Connection, namespace: str, labels: dict[str, str]) -> tuple[PodTrouble, ...]:
    selector = ",".join(f"{key}={value}" for key, value in labels.items())
    pods = connection.get(f"/api/v1/namespaces/{namespace}/pods", labelSelector=selector)["items"]
    unready = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp") and not _is_ready(pod)]
    unready.sort(key=lambda pod: str(pod["metadata"]["creationTimestamp"]), reverse=True)
    return tuple(_trouble(connection, namespace, pod) for pod in unready[:_MOST_PODS])


def _is_ready(pod: Any) -> bool:
    return any(
        one["type"] == "Ready" and one["status"] == "True" for one in pod.get("status", {}).get("conditions", [])
    )


def _trouble(connection: Connection, namespace: str, pod: Any) -> PodTrouble:
    name = pod["metadata"]["name"]
    container, condition, message = _reason(pod)
    return PodTrouble(
        pod=name,
        container=container,
        condition=condition,
        message=message,
        events=_events(connection, namespace, name),
        log_tail=_log_tail(connection, namespace, name, container),
    )


def _reason(pod: Any) -> tuple[str, str, str]:
    """Container, condition, message: from the container that is worst, or from the pod's own conditions."""
    status = pod.get("status", {})
    statuses = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    for state in ("waiting", "terminated"):
        for one in statuses:
            found = one.get("state", {}).get(state)
            if found and found.get("reason") not in ("Completed", "ContainerCreating", "PodInitializing"):
                last = one.get("lastState", {}).get("terminated", {})
                exit_text = f", last exit code {last['exitCode']}" if "exitCode" in last else ""
                return one["name"], found.get("reason", state), f"{found.get('message', '')}{exit_text}"
    for one in statuses:
        if not one.get("ready"):
            started = "running, readiness probe not answered" if "running" in one.get("state", {}) else "not started"
            return one["name"], "not ready", started
    for one in status.get("conditions", []):
        if one["status"] == "False":
            return _first_container(pod), f"{one['type']} is false", one.get("message", one.get("reason", ""))
    return _first_container(pod), status.get("phase", "Unknown"), status.get("message", "")


def _first_container(pod: Any) -> str:
    return str(pod["spec"]["containers"][0]["name"])


def _events(connection: Connection, namespace: str, pod: str) -> tuple[str, ...]:
    selector = f"involvedObject.name={pod},type=Warning"
    try:
        found = connection.get(f"/api/v1/namespaces/{namespace}/events", fieldSelector=selector)["items"]
    except Refused:
        return ()
    found.sort(key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""))
    return tuple(f"{event.get('reason', '')}: {event.get('message', '')}" for event in found[-_MOST_EVENTS:])


def _log_tail(connection: Connection, namespace: str, pod: str, container: str) -> tuple[str, ...]:
    """The end of the container's log, where its kubelet serves it: simulated ones don't."""
    return connection.text_lines(
        f"/api/v1/namespaces/{namespace}/pods/{pod}/log", container=container, tailLines=_LOG_LINES
    )
