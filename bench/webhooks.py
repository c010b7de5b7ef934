"""Signed webhooks accepted by the gateway on SQLite, as fast as they come: how many a second, and each 202 counted."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from configuration.file import load
from store import ReleaseFilter, migrate, open_store
from tools.stack import Stack
from tools.stack.ports import free_ports

SECONDS = 15
CLIENTS = 16
_MOST = 15_000
_WARM_UP = 3_000
_APPS = 50
_SECRET = "a secret of the benchmark's own"
_FOLDER = Path(".deploy-gateway-bench")
_SERVE = (
    "import sys; from pathlib import Path; from configuration.file import load; from gateway.serve import serve; "
    "serve(load(Path(sys.argv[1])), '127.0.0.1', int(sys.argv[2]))"
)


def main() -> None:
    """Prints the rate, the times that deliveries took, and what is in the store."""
    if shutil.which("wrk") is None:
        click.echo("\nSigned webhooks: not measured, since `wrk` is not here (Debian: apt-get install wrk)")
        return
    folder = _FOLDER.resolve()
    with Stack.up(folder, components={"redis"}) as stack:
        config = _configuration(folder, stack.redis_url)
        with _gateway(config) as (port, process):
            requests = [_request(number) for number in range(_MOST)]
            _load(folder, port, requests[:_WARM_UP], seconds=2)
            before = _processor_seconds(process.pid)
            measured, answers = _load(folder, port, requests[_WARM_UP:], SECONDS)
            spent = _processor_seconds(process.pid) - before
        accepted = [line for line in answers if line.startswith("202 ")]
        missing = _not_stored(config, accepted)
    shutil.rmtree(folder, ignore_errors=True)
    rate = len(accepted) / measured["microseconds"] * 1e6
    click.echo(f"\nSigned webhooks, {CLIENTS} clients, SQLite     {rate:7.0f} a second")
    for name in ("median", "p99", "longest"):
        click.echo(f"  {name:<32}{measured[name] / 1000:7.1f} ms")
    click.echo(f"  processor time of the gateway   {spent / len(answers) * 1000:7.2f} ms a delivery")
    click.echo(f"  answered, and answered 202      {len(answers):7} and {len(accepted)}, errors {measured['errors']}")
    click.echo(f"  answered 202 and not stored     {missing:7}")


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
def _gateway(config: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
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
        yield port, process
    finally:
        process.terminate()
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
        "Connection": "close",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": f"delivery-{number}",
        "X-Hub-Signature-256": "sha256=" + hmac.new(_SECRET.encode(), body, hashlib.sha256).hexdigest(),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    return f"POST /api/v1/webhooks/github HTTP/1.1\r\n{lines}\r\n".encode() + body


def _load(folder: Path, port: int, requests: list[bytes], seconds: int) -> tuple[dict[str, int], list[str]]:
    """What wrk measured, and the answers, as `202 BODY`. Raises RuntimeError where the requests did not last."""
    sent, answers = folder / "requests", folder / "answers"
    sent.write_bytes(b"".join(b"%08d" % len(request) + request for request in requests))
    script, address = Path(__file__).with_suffix(".lua"), f"http://127.0.0.1:{port}"
    command = ["wrk", "-t1", f"-c{CLIENTS}", f"-d{seconds}s", "--timeout", "30s", "-s", str(script), address]
    where = {"REQUESTS": str(sent), "ANSWERS": str(answers)}
    done = subprocess.run(command, env=os.environ | where, capture_output=True, text=True, check=True)
    lines = answers.read_text().splitlines()
    if len(lines) >= len(requests):
        raise RuntimeError(f"all {len(requests)} deliveries were sent before the time was up: make more of them")
    return json.loads(done.stdout.splitlines()[-1]), lines


def _processor_seconds(pid: int) -> float:
    """What the process and its children have used so far."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    stats = [Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split() for one in [str(pid), *children]]
    return sum(int(fields[11]) + int(fields[12]) for fields in stats) / os.sysconf("SC_CLK_TCK")


def _not_stored(config: Path, accepted: list[str]) -> int:
    """How many Releases that were promised are missing."""
    store, promised = open_store(load(config).database_url), set[str]()
    for line in accepted:
        promised |= {release["id"] for release in json.loads(line.partition(" ")[2])["releases"]}
    if len(promised) != len(accepted):
        raise RuntimeError(f"{len(accepted)} deliveries made {len(promised)} Releases")
    cursor = None
    while True:
        page = store.releases.find(ReleaseFilter(), 200, cursor)
        promised -= {release.id for release in page.items}
        cursor = page.next_cursor
        if cursor is None:
            store.close()
            return len(promised)


if __name__ == "__main__":
    main()
