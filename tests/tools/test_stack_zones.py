"""Promises about the system's own processes in the stack: started, waited for, and each sees its own zone only."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from configuration.file import load
from store import migrate
from tools.stack import Stack
from tools.stack.component import ComponentFailed
from tools.stack.ports import PortBusy

CONFIG = """\
apiVersion: deploy-gateway/v1
public_url: http://127.0.0.1:8080
store: {{url: "sqlite:///gateway.db"}}
queue: {{url: "file:{redis}"}}
clusters: {{local: {{}}}}
environments: {{staging: {{cluster: local, namespace: "{{app}}-staging"}}}}
teams: {{shop: {{}}}}
apps: {{checkout: {{team: shop, repository: "http://127.0.0.1:1/shop/checkout.git"}}}}
"""


@pytest.fixture(scope="module")
def zoned(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of this module's own, on the session's cluster: its gateway and workers come and go."""
    with Stack.up(tmp_path_factory.mktemp("zoned"), components={"redis"}, kubeconfig=stack.kubeconfig) as zoned:
        yield zoned


@pytest.fixture(scope="module")
def config(zoned: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("config")
    redis = folder / "redis-url"
    redis.write_text(zoned.redis_url)
    path = folder / "gateway.yaml"
    path.write_text(CONFIG.format(redis=redis))
    migrate(load(path).database_url)
    return path


def environment_of(zoned: Stack, name: str) -> dict[str, str]:
    """What the kernel says that the process got."""
    words = Path(f"/proc/{zoned.processes[name].pid}/environ").read_text().split("\0")
    found = dict(word.split("=", 1) for word in words if word)
    return {name: value for name, value in found.items() if not name.startswith("COVERAGE")}


def test_the_gateway_is_waited_for_and_answers(zoned: Stack, config: Path) -> None:
    url = zoned.start_gateway(config)
    try:
        assert httpx.get(f"{url}/readyz", timeout=60).status_code == 200
        assert Stack.attach(zoned.state).gateway_url == url
    finally:
        zoned.stop("gateway")


def test_a_busy_port_for_the_gateway_is_named_with_who_has_it(zoned: Stack, config: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortBusy, match=rf"port {port} .*\(process {os.getpid()}\)"):
            zoned.start_gateway(config, port)
    assert "gateway" not in zoned.processes


def test_a_gateway_that_cannot_start_is_told_with_its_own_words(zoned: Stack, tmp_path: Path) -> None:
    broken = tmp_path / "gateway.yaml"
    broken.write_text("apiVersion: deploy-gateway/v2\n")
    with pytest.raises(ComponentFailed, match="gateway ended with exit code 2") as raised:
        zoned.start_gateway(broken)
    assert "apiVersion" in raised.value.reason
    zoned.check()
    assert "gateway" not in zoned.processes


def test_the_check_worker_sees_no_credential_of_a_cluster(
    zoned: Stack, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(zoned.kubeconfig))
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    zoned.start_check_worker(config)
    try:
        seen = environment_of(zoned, "check-worker")
    finally:
        zoned.stop("check-worker")
    zone = zoned.state / "zones" / "check"
    assert set(seen) == {
        "PATH",
        "LANG",
        "PYTHONPATH",
        "HOME",
        "TMPDIR",
        "DEPLOY_GATEWAY_CONFIG",
        "DEPLOY_GATEWAY_CACHE",
    }
    assert (seen["HOME"], seen["TMPDIR"]) == (str(zone / "home"), str(zone / "tmp"))
    tokens = [path.read_text() for path in zone.rglob("*") if path.is_file()]
    assert not [text for text in tokens if "certificate-authority" in text or "current-context" in text]


def test_the_deploy_worker_is_waited_for_until_it_serves_its_queue(zoned: Stack, config: Path) -> None:
    zoned.start_deploy_worker(config)
    try:
        assert set(zoned.processes) >= {"deploy-worker"}
        assert "KUBECONFIG" not in environment_of(zoned, "deploy-worker")
    finally:
        zoned.stop("deploy-worker")


def test_a_killed_worker_can_be_started_again(zoned: Stack, config: Path) -> None:
    zoned.start_deploy_worker(config)
    first = zoned.processes["deploy-worker"]
    zoned.kill("deploy-worker")
    zoned.start_deploy_worker(config)
    try:
        assert zoned.processes["deploy-worker"] != first
    finally:
        zoned.stop("deploy-worker")


def test_all_four_processes_are_started_side_by_side(zoned: Stack, config: Path) -> None:
    url = zoned.start_system(config)
    four = {"gateway", "check-worker", "deploy-worker", "reconciler"}
    try:
        assert set(zoned.processes) >= four
        assert httpx.get(f"{url}/readyz", timeout=60).status_code == 200
    finally:
        zoned.stop(*four)


def test_a_reconciler_runs(zoned: Stack, config: Path) -> None:
    zoned.start_reconciler(config)
    try:
        zoned.check()
    finally:
        zoned.stop("reconciler")


def test_nothing_in_a_zones_folder_stands_in_for_our_own_modules(zoned: Stack, config: Path) -> None:
    impostor = zoned.state / "zones" / "gateway" / "tools"
    impostor.mkdir(parents=True)
    (impostor / "__init__.py").write_text("raise SystemExit('stood in')")
    zoned.start_gateway(config)
    zoned.stop("gateway")
