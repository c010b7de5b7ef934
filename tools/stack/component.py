"""One program of the stack: how it is started, and how it says that it is ready."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.errors import GatewayError

Ready = Callable[[int], bool]
"""Whether the component that runs as this process id is ready; asked again until it is."""


class ComponentFailed(GatewayError):
    """A program of the stack did not start, or ended by itself; the reason carries the end of its log."""

    code = "component-failed"
    title = "A part of the stack failed"


class PortTaken(ComponentFailed):
    """Between our look and the component's start somebody else took its port: worth another start."""

    code = "port-taken"
    retryable = True
    title = "A port was taken while the stack started"


@dataclass(frozen=True, slots=True)
class Component:
    """A long-running program. It is started when all in `needs` are ready, and is then asked by `ready`.

    `environment` is all of its environment. `grace_seconds` is how long it may take to end on SIGTERM;
    0: it has nothing to put in order, and is killed at once.
    """

    name: str
    argv: tuple[str | Path, ...]
    ready: Ready
    needs: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    deadline_seconds: float = 60.0
    grace_seconds: float = 10.0
