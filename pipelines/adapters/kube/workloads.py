"""How far a Deployment, StatefulSet or Job has come, by its own status."""

from __future__ import annotations

from typing import Any

from pipelines.hooks import hook_events
from pipelines.ports import RolloutProgress

APIS = {"Deployment": "apps/v1", "StatefulSet": "apps/v1", "Job": "batch/v1"}
"""The kinds that a rollout waits for, and that tell how far they are."""


def collection(kind: str, namespace: str) -> str:
    """Where the objects of `kind` are in the API."""
    return f"/apis/{APIS[kind]}/namespaces/{namespace}/{kind.lower()}s"


def progress_of(kind: str, live: Any) -> RolloutProgress:
    """How far the object `live` has come, without its troubles."""
    return {"Deployment": _deployment, "StatefulSet": _stateful_set, "Job": _job}[kind](live)


def is_of_cron_job(live: Any) -> bool:
    """Whether a CronJob made this Job: its runs are no part of a rollout."""
    return any(owner["kind"] == "CronJob" for owner in live["metadata"].get("ownerReferences") or ())


def condition(live: Any, kind: str) -> Any | None:
    """The condition of that type when it is true."""
    found = live.get("status", {}).get("conditions") or ()
    return next((one for one in found if one["type"] == kind and one["status"] == "True"), None)


def is_over(job: Any) -> bool:
    """Whether this Job has come to its end, good or bad."""
    return any(condition(job, kind) for kind in ("Complete", "Failed"))


def _deployment(live: Any) -> RolloutProgress:
    spec, status = live["spec"], live.get("status", {})
    wanted, updated = spec.get("replicas", 1), status.get("updatedReplicas", 0) if _is_seen(live) else 0
    # Available ones of the old version keep the service up, and are no progress.
    old = status.get("replicas", 0) - updated
    ready = max(0, min(updated, status.get("availableReplicas", 0) - old)) if _is_seen(live) else 0
    return RolloutProgress(_resource("Deployment", live), ready, updated, wanted, (), commit=_commit(live))


def _stateful_set(live: Any) -> RolloutProgress:
    """Its pods are replaced one after the other, from the last one down, each ready before the next goes."""
    spec, status = live["spec"], live.get("status", {})
    wanted, replicas = spec.get("replicas", 1), status.get("replicas", 0)
    updated = status.get("updatedReplicas", 0) if _is_seen(live) else 0
    if _is_seen(live) and (spec.get("updateStrategy") or {}).get("type") == "OnDelete":
        updated = replicas  # nobody replaces its pods, so nothing is waited for
    ready = max(0, min(updated, status.get("readyReplicas", 0) - (replicas - updated))) if _is_seen(live) else 0
    return RolloutProgress(_resource("StatefulSet", live), ready, updated, wanted, (), commit=_commit(live))


def _commit(live: Any) -> str:
    return str((live["metadata"].get("labels") or {}).get("deploy-gateway.dev/commit", ""))


def _job(live: Any) -> RolloutProgress:
    spec, status = live["spec"], live.get("status", {})
    # Without `completions` it is done when one of its pods says so.
    wanted = spec.get("completions", 1)
    succeeded = wanted if condition(live, "Complete") else min(wanted, status.get("succeeded", 0))
    started = min(wanted, succeeded + status.get("active", 0) + status.get("failed", 0))
    # The former comes first, while its last pods end: Helm may remove it before the latter.
    failed = condition(live, "FailureTarget") or condition(live, "Failed")
    failure = f"{failed.get('reason', 'Failed')}: {failed.get('message', '')}" if failed else ""
    return RolloutProgress(_resource("Job", live), succeeded, started, wanted, (), hook_events(live), failure)


def _is_seen(live: Any) -> bool:
    return bool(live.get("status", {}).get("observedGeneration", 0) >= live["metadata"]["generation"])


def _resource(kind: str, live: Any) -> str:
    return f"{kind}/{live['metadata']['name']}"
