"""Redis, the Git server and the image registry."""

from __future__ import annotations

import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from tools.stack.component import Component, free_ports, http_ready
from tools.toolbox import redis_server

_PROJECT = Path(__file__).resolve().parents[2]


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
    config.write_text(f"bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave ''\nappendonly no\ndir {folder}\n")
    url = f"redis://:{password}@127.0.0.1:{port}/0"

    def ready() -> bool:
        try:
            with Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as client:
                return bool(client.ping())
        except RedisError:
            return False  # not ready yet: asked again until the deadline

    return Service(Component("redis", (redis_server(), config), ready), url)


def make_git_server(state: Path) -> Service:
    """Serves the bare repositories below `state/git`."""
    (port,) = free_ports(1)
    root = state / "git"
    root.mkdir(parents=True, exist_ok=True)
    component = Component(
        name="git-server",
        argv=(sys.executable, "-m", "tools.stack.git_server", f"--root={root}", f"--port={port}"),
        ready=http_ready(port, "/healthz"),
        environment={"PATH": os.environ["PATH"], "PYTHONPATH": str(_PROJECT)},
        grace_seconds=0.0,
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
        grace_seconds=0.0,
    )
    return Service(component, f"127.0.0.1:{port}")
