"""Of which pods it is that a rollout goes no further, and why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pipelines.adapters.kube.connection import Connection, Refused
from pipelines.adapters.kube.logs import log_tail
from pipelines.ports import PodTrouble

_MOST_PODS = 3
_MOST_EVENTS = 3


def pods_of(connection: Connection, namespace: str, labels: dict[str, str]) -> list[Any]:
    """The pods with these labels that nobody deletes, the newest first."""
    selector = ",".join(f"{key}={value}" for key, value in labels.items())
    pods = connection.get(f"/api/v1/namespaces/{namespace}/pods", labelSelector=selector)["items"]
    return sorted(pods, key=lambda pod: str(pod["metadata"]["creationTimestamp"]), reverse=True)


def unready_troubles(connection: Connection, namespace: str, labels: dict[str, str]) -> tuple[PodTrouble, ...]:
    """Why those of the pods are not ready that should be."""
    pods = pods_of(connection, namespace, labels)
    unready = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp") and not _is_ready(pod)]
    return tuple(trouble_of(connection, namespace, pod) for pod in unready[:_MOST_PODS])


def job_troubles(connection: Connection, live: Any) -> tuple[PodTrouble, ...]:
    """Why those pods of the Job `live` failed that did, or else why those wait that have not started."""
    metadata, containers = live["metadata"], own_containers(live)
    pods = job_pods(connection, live)
    failed = [pod for pod in pods if pod.get("status", {}).get("phase") == "Failed"]
    waiting = [pod for pod in pods if pod.get("status", {}).get("phase") in (None, "Pending")]
    return tuple(
        trouble_of(connection, metadata["namespace"], pod, containers) for pod in (failed or waiting)[:_MOST_PODS]
    )


def job_pods(connection: Connection, live: Any) -> list[Any]:
    """The pods of this very Job: one of the same name that ran before had another uid."""
    metadata = live["metadata"]
    return pods_of(connection, metadata["namespace"], {"batch.kubernetes.io/controller-uid": metadata["uid"]})


def own_containers(live: Any) -> list[str]:
    """The containers that the workload itself asks for, in the order they run; not what a mesh adds to its pods."""
    spec = live["spec"]["template"]["spec"]
    return [str(one["name"]) for one in (*(spec.get("initContainers") or ()), *spec["containers"])]


def trouble_of(connection: Connection, namespace: str, pod: Any, containers: Iterable[str] = ()) -> PodTrouble:
    """Why `pod` is as it is, by its `containers` when they are given."""
    name = pod["metadata"]["name"]
    container, condition, message = _reason(pod, frozenset(containers))
    return PodTrouble(
        pod=name,
        container=container,
        condition=condition,
        message=message,
        events=_events(connection, namespace, name),
        log_tail=log_tail(connection, namespace, name, container),
    )


def _is_ready(pod: Any) -> bool:
    return any(
        one["type"] == "Ready" and one["status"] == "True" for one in pod.get("status", {}).get("conditions", [])
    )


def _reason(pod: Any, containers: frozenset[str]) -> tuple[str, str, str]:
    """Container, condition, message: from the container that is worst, or from the pod's own conditions."""
    status = pod.get("status", {})
    every = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    statuses = [one for one in every if not containers or one["name"] in containers]
    for state in ("waiting", "terminated"):
        for one in statuses:
            found = one.get("state", {}).get(state)
            if found and found.get("reason") not in ("Completed", "ContainerCreating", "PodInitializing"):
                return one["name"], found.get("reason", state), _state_words(one, found)
    for one in statuses:
        if not one.get("ready") and "terminated" not in one.get("state", {}):
            started = "running, readiness probe not answered" if "running" in one.get("state", {}) else "not started"
            return one["name"], "not ready", started
    for one in status.get("conditions", []):
        if one["status"] == "False":
            return _first_container(pod), f"{one['type']} is false", one.get("message", one.get("reason", ""))
    return _first_container(pod), status.get("phase", "Unknown"), status.get("message", "")


def _state_words(status: Any, found: Any) -> str:
    last = status.get("lastState", {}).get("terminated", {})
    words = [found.get("message", "").strip()]
    if "exitCode" in found:
        words.append(f"exit code {found['exitCode']}")
    if "exitCode" in last:
        words.append(f"last exit code {last['exitCode']}")
    return ", ".join(word for word in words if word)


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
