"""A gateway with two teams, on a real SQLite file and a real Redis."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from configuration.file import load
from configuration.settings import Settings
from gateway.app import create_app
from pipelines.apps import ClusterName
from pipelines.bundle import Bundle, freeze
from pipelines.states import ReleaseKind, ReleaseState
from store import NewRelease, Release, Store, migrate, open_store
from store.queue import RedisQueue
from tests.waiting import eventually

HOLDERS = ("viewer", "developer", "approver", "on-call")
TOKENS = {
    **{f"shop-{role}": f"dg_shop-{role}-{'x' * 30}" for role in HOLDERS},
    **{f"bank-{role}": f"dg_bank-{role}-{'y' * 30}" for role in HOLDERS},
    "admin": f"dg_admin-{'z' * 30}",
    "measurer": f"dg_measurer-{'m' * 30}",
}


TEAMLESS = {"admin": "platform-admin", "measurer": "measurer"}


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKENS[name]}"}


def _token(name: str, text: str) -> str:
    team, _, role = name.partition("-")
    place = f"team: {team}, role: {role}" if role else f"role: {TEAMLESS[team]}"
    return f"  - {{name: {name}, {place}, sha256: {hashlib.sha256(text.encode()).hexdigest()}}}\n"


GATEWAY_YAML = """\
apiVersion: deploy-gateway/v1
public_url: http://127.0.0.1:8080
contact: "#platform"
store: {url: "sqlite:///gateway.db"}
queue: {url: "file:redis-url"}
clusters: {local: {}}
environments:
  staging: {cluster: local, namespace: "{app}-staging"}
  production: {cluster: local}
teams: {shop: {}, bank: {}}
apps:
  checkout: {team: shop, repository: "http://127.0.0.1:1234/shop/checkout.git"}
  storefront: {team: shop, repository: "http://127.0.0.1:1234/shop/storefront.git"}
  payments: {team: bank, repository: "http://127.0.0.1:1234/bank/payments.git"}
limits: {request_body_bytes: 4096}
tokens:
""" + "".join(_token(name, text) for name, text in TOKENS.items())


def prepare(folder: Path, redis_url: str) -> Path:
    """A gateway.yaml in `folder`, and its migrated store."""
    path = write_configuration(folder, redis_url)
    (folder / "gateway.db").write_bytes(_empty_store())
    return path


@cache
def _empty_store() -> bytes:
    """A migrated database: made once, since migrating takes longer than most tests."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "gateway.db"
        migrate(f"sqlite:///{path}")
        return path.read_bytes()


def write_configuration(folder: Path, redis_url: str) -> Path:
    """A gateway.yaml in `folder`, the password of Redis in a file beside it."""
    (folder / "redis-url").write_text(redis_url)
    path = folder / "gateway.yaml"
    path.write_text(GATEWAY_YAML)
    return path


@pytest.fixture(scope="session")
def redis_url(redis_url: str) -> Iterator[str]:
    """A database of these tests' own: workers in other tests take jobs from theirs."""
    url = f"{redis_url.rpartition('/')[0]}/9"
    with Redis.from_url(url) as redis:
        redis.flushdb()
        yield url
        redis.flushdb()


@pytest.fixture
def config(tmp_path: Path, redis_url: str) -> Path:
    return prepare(tmp_path, redis_url)


@cache
def _settings() -> Settings:
    with TemporaryDirectory() as folder:
        return load(write_configuration(Path(folder), "redis://127.0.0.1/0"))


@pytest.fixture
def settings(config: Path, redis_url: str) -> Settings:
    """What `load(config)` gives, but read once: reading takes longer than most tests."""
    folder = config.parent
    database_url = f"sqlite:///{folder / 'gateway.db'}"
    return replace(_settings(), database_url=database_url, redis_url=redis_url, work_dir=folder / "state/work")


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    opened = open_store(settings.database_url)
    yield opened
    opened.close()


@pytest.fixture
def app(settings: Settings, store: Store) -> Flask:
    return create_app(settings, store, RedisQueue(settings.redis_url))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@dataclass
class Server:
    """A gateway under gunicorn, as it runs in production."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def wait_until_up(self) -> Server:
        def up() -> bool:
            assert self.process.poll() is None, f"the gateway did not start:\n{self.log.read_text()}"
            try:
                return httpx.get(f"{self.url}/healthz", timeout=60).status_code == 200
            except httpx.TransportError:
                return False

        eventually(up, 120)
        return self

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(60)

    def kill_all(self) -> None:
        """kill -9 for the whole process group, workers included."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(60)


def talk(server: Server, *parts: bytes) -> bytes:
    """Sends `parts` until the server closes, and returns all that it answered."""
    host, port = server.url.removeprefix("http://").split(":")
    answer = b""
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        # Who is refused half-way can no longer send, but what was answered before that is there to be read.
        with suppress(BrokenPipeError, ConnectionResetError):
            for part in parts:
                connection.sendall(part)
        with suppress(ConnectionResetError):
            while chunk := connection.recv(65536):
                answer += chunk
    return answer


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


_SERVE = (
    "import sys; from pathlib import Path; from configuration.file import load; "
    "from gateway.serve import serve; "
    "serve(load(Path(sys.argv[1])), '127.0.0.1', int(sys.argv[2]))"
)


@contextmanager
def serving(config: Path, log: Path) -> Iterator[Server]:
    """A gateway under gunicorn, ended with all its processes."""
    port = free_port()
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-c", _SERVE, str(config), str(port)],
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    server = Server(process, f"http://127.0.0.1:{port}", log)
    try:
        yield server.wait_until_up()
    finally:
        if process.poll() is None:
            server.stop()


@pytest.fixture
def server(config: Path, tmp_path: Path) -> Iterator[Server]:
    with serving(config, tmp_path / "gateway.log") as running:
        yield running


@pytest.fixture
def accept(store: Store) -> Callable[..., Release]:
    """Puts a Release into the store, past the API."""

    def accept(app: str = "checkout", environment: str = "staging", team: str = "shop", **more: object) -> Release:
        wanted = {
            "kind": ReleaseKind.RELEASE,
            "app": app,
            "environment": environment,
            "team": team,
            "cluster": ClusterName("local"),
            "namespace": f"{app}-{environment}",
            "ref": "main",
            "dry_run": False,
            "requested_by": "test",
            "reason": "",
        }
        return store.releases.accept(NewRelease(**{**wanted, **more}))

    return accept


@pytest.fixture
def deploy(store: Store, accept: Callable[..., Release]) -> Callable[..., Release]:
    """A Release that went all the way to `deployed`, as `revision`, with a Bundle of its own."""

    def deploy(revision: int, app: str = "checkout", team: str = "shop") -> Release:
        release = accept(app=app, team=team)
        digest, content = freeze(
            Bundle(
                app=app,
                environment="staging",
                team=team,
                cluster="local",
                namespace=f"{app}-staging",
                commit=f"{revision:040x}",
                kubernetes_version="v1.36.3",
                api_versions=(),
                chart_name="standard-app",
                chart_version="1.0.0",
                chart=b"",
                values={},
                images={},
                manifest=f"# {revision}\n".encode(),
            )
        )
        store.bundles.put(digest, content)
        releases = store.releases
        assert releases.transition(release.id, ReleaseState.CHECKING)
        assert releases.transition(
            release.id, ReleaseState.READY, bundle=digest, commit=f"{revision:040x}", chart="standard-app 1.0.0"
        )
        assert releases.transition(release.id, ReleaseState.DEPLOYING)
        assert releases.transition(release.id, ReleaseState.DEPLOYED, revision=revision)
        return releases.get(release.id)

    return deploy


def secrets_in(text: str) -> list[str]:
    """What must never stand in an answer or a log."""
    tokens = [token for token in TOKENS.values() if token in text]
    digests = [match for match in re.findall(r"[0-9a-f]{64}", text) if f"sha256:{match}" not in text]
    return tokens + digests
