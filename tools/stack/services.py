"""Redis, the Git server and the image registry."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import ToolMissing
from tools.stack.component import Component
from tools.stack.ports import free_ports
from tools.stack.readiness import http_ready, redis_ready
from tools.stack.supervisor import PROJECT
from tools.stack.zones import coverage_environment
from tools.toolbox import redis_server


@dataclass(frozen=True, slots=True)
class Service:
    """A component and the address that others reach it by."""

    component: Component
    address: str


def make_redis(state: Path) -> Service:
    """Redis on loopback, with a password, that forgets everything at its end: the queue is only a hint."""
    (port,) = free_ports(1)
    password = secrets.token_hex(16)
    folder = state / "redis"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    config = folder / "redis.conf"
    config.touch(mode=0o600)
    # In a file, since words on the command line can be read by everybody.
    config.write_text(f"bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave ''\nappendonly no\ndir {folder}\n")
    url = f"redis://:{password}@127.0.0.1:{port}/0"

    return Service(Component("redis", (redis_server(), config), redis_ready(url), grace_seconds=0.0), url)


def make_git_server(state: Path) -> Service:
    """Serves the bare repositories below `state/git`. Raises `ToolMissing`."""
    if shutil.which("git") is None:
        raise ToolMissing("no git was found", "Install it (`apt-get install git`)", where="git")
    (port,) = free_ports(1)
    root = state / "git"
    root.mkdir(parents=True, exist_ok=True)
    component = Component(
        name="git-server",
        argv=(sys.executable, "-P", "-m", "tools.stack.git_server", f"--root={root}", f"--port={port}"),
        ready=http_ready(port, "/healthz"),
        environment={"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT), **coverage_environment()},
        folder=root,
        grace_seconds=2.0,
    )
    return Service(component, f"http://127.0.0.1:{port}")


def make_registry(state: Path, crane: Path) -> Service:
    """An OCI registry that keeps its blobs below `state/registry`."""
    (port,) = free_ports(1)
    folder = state / "registry"
    folder.mkdir(parents=True, exist_ok=True)
    component = Component(
        name="registry",
        argv=(crane, "registry", "serve", f"--address=127.0.0.1:{port}", f"--disk={folder}"),
        ready=http_ready(port, "/v2/"),
        environment={"PATH": os.environ["PATH"]},
        folder=folder,
        grace_seconds=0.0,
    )
    return Service(component, f"127.0.0.1:{port}")
