"""What pydantic says of a `deploy.yaml`, as Faults for people: where, what, and what to write instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from pipelines.deployfile.schema import DeployFile
from pipelines.errors import Fault
from pipelines.shapes import shown
from pipelines.suggestions import did_you_mean

_EXAMPLES = {
    "apiVersion": "apiVersion: deploy-gateway/v1",
    "app": "app: checkout (lower-case letters, digits and -)",
    "workload": "workload: web (or worker, stateful, cronjob, job)",
    "image": "image: registry.example.com/shop/checkout:1.4.2",
    "command": 'command: ["/app/server", "--quiet"]',
    "args": 'args: ["--quiet"]',
    "port": "port: 8080 (1024 to 65535)",
    "protocol": "protocol: http (or grpc, tcp)",
    "readiness": 'readiness: /ready (or grpc, tcp, or a command such as ["/app/ready"])',
    "liveness": 'liveness: /live (or grpc, tcp, or a command such as ["/app/live"])',
    "cpu": "cpu: 250m",
    "memory": "memory: 256Mi",
    "replicas": "replicas: 3 (1 to 200)",
    "host": "host: checkout.example.com",
    "namespace": "namespace: orders",
    "schedule": 'schedule: "15 3 * * *" (minute, hour, day, month, weekday; in quotes)',
    "time_zone": "time_zone: Europe/Berlin",
    "concurrency": "concurrency: forbid (or replace, allow)",
    "size": "size: 10Gi",
    "scratch": "scratch: {/var/cache: 256Mi}",
    "verbs": "verbs: [get, list, watch] (or create, update, patch, delete)",
    "resources": "resources: {cpu: 250m, memory: 256Mi}",
    "health": "health: {readiness: /ready, liveness: /live}",
    "env": "env: {LOG_LEVEL: info}",
    "files": "files: {/etc/checkout/app.conf: the text}",
    "allow": "allow: {from: [{app: storefront}]}",
    "cron": 'cron: {schedule: "15 3 * * *"}',
    "seconds": "seconds: 30 (10 to 3600)",
    "user": "user: 10001 (10000 or above)",
    "severity": "severity: warning (or info, critical)",
}
_REFERENCE = "Every key, and what it takes: docs/reference/deploy-yaml.md"
# What pydantic says of the members of a union that were not meant.
_NOT_MEANT = {"string_type", "model_type", "model_attributes_type", "tuple_type", "literal_error", "dict_type"}


def faults_of(error: ValidationError, value: Any, line: Callable[..., str]) -> list[Fault]:
    """One Fault for each path of the document `value` that does not fit; `line` gives `file:line` of a path."""
    by_path: dict[tuple[str | int, ...], list[Any]] = {}
    for one in error.errors():
        by_path.setdefault(_in_document(one, value), []).append(one)
    return [_fault(path, _meant(errors), line) for path, errors in by_path.items()]


def _in_document(error: Any, value: Any) -> tuple[str | int, ...]:
    """The error's path, without the names that pydantic gives to members of a union."""
    path: list[str | int] = []
    at = value
    for index, part in enumerate(error["loc"]):
        if (isinstance(at, Mapping) and part in at) or (
            isinstance(at, list) and isinstance(part, int) and part < len(at)
        ):
            at = at[part]
        elif part == "[key]" or index < len(error["loc"]) - 1 or error["type"] != "missing":
            continue
        path.append(part)
    return tuple(path)


def _meant(errors: list[Any]) -> Any:
    """Of what is said about one path, what was most likely meant."""
    return next((one for one in errors if one["type"] not in _NOT_MEANT), errors[0])


def _fault(path: tuple[str | int, ...], error: Any, line: Callable[..., str]) -> Fault:
    where, place = line(*path), ".".join(str(part) for part in path)
    last = str(path[-1]) if path else ""
    if error["type"] == "extra_forbidden":
        return Fault(where, f"unknown key {place!r}", did_you_mean(last, _keys_at(path[:-1])) or "Leave it out")
    if error["type"] == "missing":
        return Fault(where, f"the key {place!r} is missing", f"Add it: {_EXAMPLES.get(last, f'{last}: …')}")
    if error["type"] == "value_error":
        reason = str(error["ctx"]["error"])
        return Fault(where, f"{place}: {reason}" if place else reason, _example(path) or _REFERENCE)
    solution = _example(path) or f"What is wanted: {error['msg']}"
    return Fault(where, f"{place} is {shown(error['input'], path)}, which does not fit", solution)


def _example(path: tuple[str | int, ...]) -> str:
    """What the key at `path`, or the one that it is in, may look like; empty where nothing is known."""
    example = next((_EXAMPLES[str(part)] for part in reversed(path) if str(part) in _EXAMPLES), "")
    return f"Write for example {example}" if example else ""


def _keys_at(path: tuple[str | int, ...]) -> list[str]:
    """The keys that the schema has at `path`."""
    models: list[type[BaseModel]] = [DeployFile]
    for part in path:
        fields = [field for model in models for key, field in model.model_fields.items() if part in (key, field.alias)]
        # An index, or the key of a mapping: the models are those of its items, which are known already.
        models = [found for field in fields for found in _models(field.annotation)] if fields else models
    return [field.alias or key for model in models for key, field in model.model_fields.items()]


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models that a field's type is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]
