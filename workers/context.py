"""What a job finds ready when it begins: made once in the worker, before it forks, and inherited by each job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from configuration.settings import Settings
from pipelines.apps import ClusterName
from pipelines.check import CheckPorts
from pipelines.deploy import DeployPorts
from store import Store
from store.queue import RedisQueue


@dataclass(frozen=True, slots=True)
class CheckContext:
    """The check zone. There is nothing in it that reaches a cluster."""

    settings: Settings
    store: Store
    queue: RedisQueue
    ports: CheckPorts
    scratch: Path


@dataclass(frozen=True, slots=True)
class DeployContext:
    """The deploy zone of one cluster. `ports` connects when called: connections don't survive a fork."""

    settings: Settings
    store: Store
    queue: RedisQueue
    cluster: ClusterName
    ports: Callable[[], DeployPorts]


_current: CheckContext | DeployContext | None = None


def enter(context: CheckContext | DeployContext) -> None:
    """Makes `context` that of this process and of those it forks."""
    global _current
    _current = context


def check_context() -> CheckContext:
    """The check zone's context; raises RuntimeError in any other process."""
    if not isinstance(_current, CheckContext):
        raise RuntimeError("this process is no check worker")
    return _current


def deploy_context() -> DeployContext:
    """The deploy zone's context; raises RuntimeError in any other process."""
    if not isinstance(_current, DeployContext):
        raise RuntimeError("this process is no deploy worker")
    return _current
