"""Which key of `deploy.yaml` a field of what the standard chart renders comes from.

The other direction of the chart: lists are rendered in the order of `deploy.yaml`, mappings in that of their names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from pipelines.deployfile import DeployFile
from pipelines.deployfile.reach import Expose
from pipelines.pod_origins import of_pod, place_of, ports
from pipelines.resources import WORKLOADS, pod_spec_path
from pipelines.yaml_nodes import Path

_Keys = Mapping[str, Path]
_HOOKS = "-hooks"
# For each kind: where its key is, and which part of a field is which key below that.
_KINDS: dict[str, tuple[Path, _Keys]] = {
    "Deployment": (
        (),
        {"replicas": ("replicas",), "minReadySeconds": ("update", "ready_seconds"), "strategy": ("update",)},
    ),
    "StatefulSet": (
        (),
        {
            "replicas": ("replicas",),
            "minReadySeconds": ("update", "ready_seconds"),
            "podManagementPolicy": ("update", "ordered"),
        },
    ),
    "CronJob": (
        ("cron",),
        {
            "schedule": ("schedule",),
            "timeZone": ("time_zone",),
            "concurrencyPolicy": ("concurrency",),
            "startingDeadlineSeconds": ("start_deadline_seconds",),
            "successfulJobsHistoryLimit": ("keep_succeeded",),
            "failedJobsHistoryLimit": ("keep_failed",),
            "suspend": ("suspend",),
            "backoffLimit": ("retries",),
            "activeDeadlineSeconds": ("timeout_seconds",),
        },
    ),
    "Job": (
        ("job",),
        {
            "backoffLimit": ("retries",),
            "activeDeadlineSeconds": ("timeout_seconds",),
            "completions": ("completions",),
            "parallelism": ("parallelism",),
        },
    ),
    "PodDisruptionBudget": (("replicas",), {}),
    "HorizontalPodAutoscaler": (
        ("autoscale",),
        {"minReplicas": ("min",), "maxReplicas": ("max",), "behavior": ("settle_seconds",)},
    ),
    "PodMonitor": (("metrics",), {"port": ("port",), "path": ("path",), "interval": ("interval_seconds",)}),
    "AuthorizationPolicy": (("allow",), {}),
    "VirtualService": (("expose",), {"match": ("paths",), "timeout": ("timeout_seconds",)}),
    "HTTPRoute": (("expose",), {"matches": ("paths",), "timeouts": ("timeout_seconds",)}),
    "Ingress": (("expose",), {"paths": ("paths",)}),
    "Role": (("kubernetes_api",), {}),
    "RoleBinding": (("kubernetes_api",), {}),
}
_GRANT: _Keys = {"apiGroups": ("group",), "resources": ("resources",), "verbs": ("verbs",), "resourceNames": ("names",)}
_SECRET: _Keys = {"secretStoreRef": ("store",), "refreshInterval": ("refresh_minutes",)}
_CLAIM: _Keys = {"storage": ("size",), "storageClassName": ("storage_class",)}
_ALERT: _Keys = {
    "alert": ("name",),
    "expr": ("expr",),
    "for": ("for_minutes",),
    "severity": ("severity",),
    "summary": ("summary",),
    "runbook_url": ("runbook",),
}


def origin(kind: str, name: str, field: Path, file: DeployFile) -> Path:
    """The path in `file`, which is what one Environment gets, of what `field` of the object comes from.

    It may be one that isn't there, where a default speaks; empty where nothing that a team writes does.
    """
    step = _step(kind, name, file)
    spec = pod_spec_path(kind)
    if kind in WORKLOADS and field[: len(spec)] == spec:
        return of_pod(field[len(spec) :], file, step)
    if step is not None:
        return _below((step,), {"activeDeadlineSeconds": ("timeout_seconds",)}, field)
    if name.startswith(f"{file.app}{_HOOKS}") and kind not in ("ConfigMap", "ExternalSecret"):
        return ("migrate",) if file.migrate is not None else ("verify",)
    found = _listed(kind, name, field, file)
    if found is not None:
        return found
    base, keys = _KINDS.get(kind, ((), {}))
    return _below(base, keys, field)


def _step(kind: str, name: str, file: DeployFile) -> str | None:
    """Whether it is the Job of a step beside the rollout."""
    steps = {f"{file.app}-{step}": step for step in ("migrate", "verify")}
    return steps.get(name) if kind == "Job" else None


def _below(base: Path, keys: _Keys, field: Path) -> Path:
    return next(((*base, *keys[part]) for part in field if isinstance(part, str) and part in keys), base)


def _listed(kind: str, name: str, field: Path, file: DeployFile) -> Path | None:
    """For what there are several of, the one; None where this says nothing."""
    found = _of_objects(kind, name, field, file)
    if found is None:
        found = _of_entries(kind, field, file)
    return found


def _of_objects(kind: str, name: str, field: Path, file: DeployFile) -> Path | None:
    """Kinds of which there may be several objects."""
    if kind == "ExternalSecret":
        secret = name.removeprefix(f"{file.app}{_HOOKS}-")
        keys = sorted(file.external_secrets[secret].keys) if secret in file.external_secrets else []
        key = place_of([("keys", key) for key in keys], field, "data")
        return ("external_secrets", secret, *(key or _below((), _SECRET, field)))
    if kind == "PersistentVolumeClaim":
        names = [f"{file.app}-{volume.name}" for volume in file.volumes]
        return _below(("volumes", names.index(name)) if name in names else ("volumes",), _CLAIM, field)
    if kind == "ServiceEntry":
        names = [_entry(file.app, one.host, one.port) for one in file.allow.to]
        return ("allow", "to", names.index(name)) if name in names else ("allow", "to")
    return None


def _entry(app: str, host: str | None, port: int | None) -> str:
    """The name that the chart gives to a ServiceEntry."""
    return f"{app[:40]}-{hashlib.sha256(f'{host}:{port}'.encode()).hexdigest()[:10]}"


def _of_entries(kind: str, field: Path, file: DeployFile) -> Path | None:
    """Kinds of which there is one object, with a list in it."""
    if kind == "ConfigMap":
        paths = sorted(file.files)
        return next((("files", path) for at, path in enumerate(paths) if f"file-{at}" in field), ("files",))
    if kind == "Service":
        return place_of(ports(file), field, "ports") or ("port",)
    if kind == "NetworkPolicy":
        return ("allow", "to") if "egress" in field else place_of(_callers(file), field, "ingress") or ("allow", "from")
    if kind == "StatefulSet":
        own = [("volumes", at) for at, one in enumerate(file.volumes) if one.existing is None and not one.shared]
        claim = place_of(own, field, "volumeClaimTemplates")
        return _below(claim, _CLAIM, field) if claim is not None else None
    if kind == "HorizontalPodAutoscaler":
        return place_of(_goals(file), field, "metrics")
    if kind == "PrometheusRule":
        alert = place_of([("alerts", at) for at in range(len(file.alerts))], field, "rules")
        return _below(alert or ("alerts",), _ALERT, field)
    if kind == "Role":
        grant = place_of([("kubernetes_api", at) for at in range(len(file.kubernetes_api))], field, "rules")
        return _below(grant, _GRANT, field) if grant is not None else None
    return _of_hosts(kind, field, file.expose) if file.expose is not None else None


def _of_hosts(kind: str, field: Path, expose: Expose) -> Path | None:
    hosts: list[Path] = [("expose", "host"), *(("expose", "more_hosts", at) for at in range(len(expose.more_hosts)))]
    lists = {"VirtualService": ("hosts",), "HTTPRoute": ("hostnames",), "Ingress": ("hosts", "rules")}.get(kind, ())
    found = [place_of(hosts, field, key) for key in lists if "paths" not in field]
    return next((place for place in found if place is not None), None)


def _callers(file: DeployFile) -> list[Path]:
    found: list[Path] = [("allow", "from", at) for at in range(len(file.allow.from_))]
    others: tuple[tuple[str, Any], ...] = (("expose", file.expose), ("metrics", file.metrics), ("verify", file.verify))
    return [*found, *((key,) for key, value in others if value is not None)]


def _goals(file: DeployFile) -> list[Path]:
    scale = file.autoscale
    if scale is None:
        return []
    percent = [key for key, value in (("cpu", scale.cpu), ("memory", scale.memory)) if value is not None]
    found: list[Path] = [("autoscale", key) for key in percent]
    return [*found, *(("autoscale", "metrics", name) for name in sorted(scale.metrics))]
