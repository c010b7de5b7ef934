"""The system's own processes as components: each in a zone, with a folder and an environment of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pipelines.adapters.programs import cache_dir
from tools.stack.component import Component, Ready
from tools.stack.readiness import http_ready, worker_ready
from tools.stack.supervisor import PROJECT

_GRACE_SECONDS = 15.0


def make_gateway(state: Path, config: Path, port: int) -> Component:
    """The front door, on `port` of loopback."""
    command = ("serve", f"--port={port}")
    return _component(state, "gateway", "gateway", config, command, http_ready(port, "/readyz"))


def make_check_worker(state: Path, config: Path, redis_url: str, *, name: str) -> Component:
    """A worker that checks what teams wrote. No file below its folder, and nothing in its environment, is a
    credential of a cluster."""
    command = ("worker", "check")
    return _component(state, "check", name, config, command, worker_ready(redis_url, "check"))


def make_deploy_worker(
    state: Path, config: Path, redis_url: str, *, cluster: str, kubeconfig: Path, name: str
) -> Component:
    """A worker that alone reaches `cluster`."""
    command = ("worker", "deploy", f"--cluster={cluster}", f"--kubeconfig={kubeconfig}")
    return _component(state, "deploy", name, config, command, worker_ready(redis_url, f"deploy.{cluster}"))


def make_reconciler(state: Path, config: Path, *, name: str) -> Component:
    """What puts unfinished Releases back on the queue. It listens nowhere: that it runs is all there is to ask."""
    return _component(state, "reconciler", name, config, ("reconciler",), lambda _pid: True)


def zone_environment(folder: Path, config: Path) -> dict[str, str]:
    """All that a process in the zone with this folder gets to see: nothing is inherited but the search path."""
    return {
        "PATH": os.environ["PATH"],
        "LANG": os.environ.get("LANG", "C.UTF-8"),
        "PYTHONPATH": str(PROJECT),
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "DEPLOY_GATEWAY_CONFIG": str(config),
        "DEPLOY_GATEWAY_CACHE": str(cache_dir()),
        **coverage_environment(),
    }


def coverage_environment() -> dict[str, str]:
    """What coverage.py, when it measures the parent, needs in the environment of a child to measure it too."""
    return {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_PROCESS")}


def _component(state: Path, zone: str, name: str, config: Path, command: tuple[str, ...], ready: Ready) -> Component:
    folder = state / "zones" / zone
    for path in (folder, folder / "home", folder / "tmp"):
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Component(
        name=name,
        argv=(sys.executable, "-P", "-m", "tools.cli", *command),
        ready=ready,
        environment=zone_environment(folder, config),
        folder=folder,
        grace_seconds=_GRACE_SECONDS,
    )
