"""Is what was checked what runs now."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pipelines.adapters.kube.connection import Connection
from pipelines.adapters.kube.workloads import condition
from pipelines.hooks import hook_events
from pipelines.manifests import name_of
from pipelines.ports import Manifest
from pipelines.resources import WORKLOADS, at, pod_spec_path

_THREADS = 8
# Where a pod has images: what to say of the one that NAME has, and where it stands there.
_IMAGES = {
    "initContainers": ("init container {} runs", ("image",)),
    "containers": ("container {} runs", ("image",)),
    "ephemeralContainers": ("ephemeral container {} runs", ("image",)),
    "volumes": ("volume {} has", ("image", "reference")),
}
_CRON_FIELDS = ("schedule", "timeZone", "suspend")


def differences(connection: Connection, objects: tuple[Manifest, ...], namespace: str) -> tuple[str, ...]:
    """See `pipelines.ports.Cluster.verify`. Hooks are left out: they may be gone by now, as they asked."""
    lasting = [one for one in objects if not hook_events(one)]
    with ThreadPoolExecutor(_THREADS) as pool:
        found = list(pool.map(lambda one: connection.find(connection.path_of(one, namespace)), lasting))
    return tuple(
        f"{name_of(wanted)}{line}"
        for wanted, live in zip(lasting, found, strict=True)
        for line in _compare(wanted, live)
    )


def _compare(wanted: Manifest, live: Any) -> Iterator[str]:
    kind = str(wanted["kind"])
    if live is None:
        yield " is not there"
        return
    if kind in WORKLOADS:
        yield from _images(wanted, live)
    if kind == "CronJob":
        yield from _cron_fields(wanted, live)
    if kind == "Job" and not condition(live, "Complete"):
        failed = condition(live, "Failed")
        yield f": it failed: {failed.get('reason', '')}" if failed else ": it is not complete"
    if kind in ("Deployment", "StatefulSet"):
        yield from _replicas(wanted, live)
    if kind == "StatefulSet":
        yield from _revision(live)


def _images(wanted: Manifest, live: Any) -> Iterator[str]:
    spec = pod_spec_path(str(wanted["kind"]))
    for field, (words, key) in _IMAGES.items():
        checked, running = (
            {one["name"]: at(one, key) for one in at(side, (*spec, field)) or []} for side in (wanted, live)
        )
        for name, image in checked.items():
            if running.get(name) != image:
                yield f": {words.format(name)} {running.get(name)}, not {image}"


def _cron_fields(wanted: Manifest, live: Any) -> Iterator[str]:
    for field in _CRON_FIELDS:
        checked, running = (side["spec"].get(field) or None for side in (wanted, live))
        if checked != running:
            yield f": {field} is {running}, not {checked}"


def _replicas(wanted: Manifest, live: Any) -> Iterator[str]:
    status, replicas = live.get("status", {}), live["spec"].get("replicas", 1)
    checked = at(wanted, ("spec", "replicas"))
    if status.get("observedGeneration", 0) < live["metadata"]["generation"]:
        yield ": its controller has not seen the change yet"
    elif checked is not None and replicas != checked:
        yield f": {replicas} replicas are asked for, not {checked}"
    elif checked is None and replicas > 0:
        # An autoscaler may be adding some at this very moment: those that are there have to be of this version.
        if status.get("availableReplicas", 0) < 1:
            yield f": none of {replicas} replicas is available"
    elif status.get("availableReplicas", 0) < replicas:
        yield f": {status.get('availableReplicas', 0)} of {replicas} replicas are available"


def _revision(live: Any) -> Iterator[str]:
    """Every pod of a StatefulSet is of its newest revision, unless it was asked to leave some as they were."""
    strategy, status = live["spec"].get("updateStrategy") or {}, live.get("status", {})
    if strategy.get("type") == "OnDelete" or at(strategy, ("rollingUpdate", "partition")):
        return
    if status.get("currentRevision") != status.get("updateRevision"):
        yield ": some of its pods are of the version before"
