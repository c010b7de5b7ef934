"""Signed webhooks accepted by the gateway on SQLite, as fast as they come: how many a second, and each 202 counted."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import click

from configuration.file import load
from store import ReleaseFilter, migrate, open_store
from tools.stack import Stack
from tools.stack.ports import free_ports

DELIVERIES = 4000
CLIENTS = 16
_APPS = 50
_SECRET = "a secret of the benchmark's own"
_FOLDER = Path(".deploy-gateway-bench")
_SERVE = (
    "import sys; from pathlib import Path; from configuration.file import load; from gateway.serve import serve; "
    "serve(load(Path(sys.argv[1])), '127.0.0.1', int(sys.argv[2]))"
)


def main() -> None:
    """Prints the rate, the times that deliveries took, and what is in the store."""
    folder = _FOLDER.resolve()
    with Stack.up(folder, components={"redis"}) as stack:
        config = _configuration(folder, stack.redis_url)
        with _gateway(config) as port:
            requests = [_request(number) for number in range(DELIVERIES)]
            _deliver(port, requests[:CLIENTS])
            began = time.perf_counter()
            shares = [requests[CLIENTS + client :: CLIENTS] for client in range(CLIENTS)]
            with ThreadPoolExecutor(CLIENTS) as pool:
                taken = sorted(chain.from_iterable(pool.map(lambda share: _deliver(port, share), shares)))
            seconds = time.perf_counter() - began
        stored = _count(config)
    shutil.rmtree(folder, ignore_errors=True)
    click.echo(f"\nSigned webhooks, {CLIENTS} clients, SQLite   {len(taken) / seconds:8.0f} a second, all answered 202")
    for name, share in (("median", 0.5), ("p99", 0.99), ("longest", 1.0)):
        click.echo(f"  {name:<28}{taken[min(len(taken) - 1, int(len(taken) * share))] * 1000:7.0f} ms")
    click.echo(f"  answered and in the store   {DELIVERIES:7} and {stored}")


def _configuration(folder: Path, redis_url: str) -> Path:
    for name, content in (("redis-url", redis_url), ("secret", _SECRET)):
        (folder / name).write_text(content)
    apps = {f"app-{n}": {"team": "shop", "repository": f"http://127.0.0.1:1/shop/app-{n}.git"} for n in range(_APPS)}
    webhook = {
        "forge": "github",
        "secrets": ["file:secret"],
        "teams": ["shop"],
        "per_minute": 100_000,
        "releases": [{"branch": "*", "environment": "staging"}],
    }
    config = folder / "gateway.yaml"
    document = {
        "apiVersion": "deploy-gateway/v1",
        "public_url": "http://127.0.0.1",
        "store": {"url": "sqlite:///gateway.db"},
        "queue": {"url": "file:redis-url"},
        "clusters": {"local": {}},
        "environments": {"staging": {"cluster": "local"}},
        "teams": {"shop": {}},
        "apps": apps,
        "webhooks": {"shop": webhook},
    }
    config.write_text(json.dumps(document))
    migrate(load(config).database_url)
    return config


@contextmanager
def _gateway(config: Path) -> Iterator[int]:
    (port,) = free_ports(1)
    with config.with_name("gateway.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-c", _SERVE, str(config), str(port)], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        os.kill(process.pid, signal.SIGTERM)
        process.wait(30)


def _request(number: int) -> bytes:
    """One push to a branch of an App's, of its own: of one branch, those that come late would be left out."""
    after = f"{number + 1:040x}"
    commit = {"id": after, "message": "A change " * 20, "added": [], "removed": [], "modified": ["deploy.yaml"] * 5}
    event = {
        "ref": f"refs/heads/branch-{number}",
        "before": "0" * 40,
        "after": after,
        "commits": [commit] * 3,
        "head_commit": commit,
        "repository": {"clone_url": f"http://127.0.0.1:1/shop/app-{number % _APPS}.git", "description": "x" * 4000},
        "sender": {"login": "ada"},
    }
    body = json.dumps(event).encode()
    head = {
        "Host": "localhost",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": f"delivery-{number}",
        "X-Hub-Signature-256": "sha256=" + hmac.new(_SECRET.encode(), body, hashlib.sha256).hexdigest(),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    return f"POST /api/v1/webhooks/github HTTP/1.1\r\n{lines}\r\n".encode() + body


def _deliver(port: int, requests: list[bytes]) -> list[float]:
    """The seconds that each took, one after the other, each on a connection of its own as forges have it."""
    taken = []
    for request in requests:
        began = time.perf_counter()
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            connection.sendall(request)
            answer = connection.recv(65536)
        taken.append(time.perf_counter() - began)
        if not answer.startswith(b"HTTP/1.1 202"):
            raise RuntimeError(f"a delivery was not accepted: {answer[:300]!r}")
    return taken


def _count(config: Path) -> int:
    store, found, cursor = open_store(load(config).database_url), 0, None
    while True:
        page = store.releases.find(ReleaseFilter(), 200, cursor)
        found, cursor = found + len(page.items), page.next_cursor
        if cursor is None:
            store.close()
            return found


if __name__ == "__main__":
    main()
