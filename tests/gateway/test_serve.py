"""The front door as a process, spoken to over raw sockets."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from configuration.file import load
from configuration.settings import Settings
from gateway.serve import AddressInUse, serve
from pipelines.errors import GatewayError
from store import ReleaseFilter, Store
from tests.waiting import eventually

from .conftest import TOKENS, Server, bearer, prepare, secrets_in, serving, talk, write_configuration

DEVELOPER = bearer("shop-developer")
HEADERS = f"Host: x\r\nAuthorization: {DEVELOPER['Authorization']}\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Path:
    path = prepare(tmp_path_factory.mktemp("gateway"), redis_url)
    place = "production: {cluster: local"
    path.write_text(path.read_text().replace(place, f"{place}, rules: {{seccomp: warn}}"))
    return path


@pytest.fixture(scope="module")
def shared(config: Path) -> Iterator[Server]:
    with serving(config, config.with_name("gateway.log")) as running:
        yield running


def test_at_its_start_it_names_rules_that_only_warn_and_no_day_ends_it(shared: Server) -> None:
    lines = [json.loads(line) for line in shared.log.read_text().splitlines() if line.startswith("{")]
    told = [one for one in lines if one["event"].startswith("a rule only warns")]
    assert [(one["environment"], one["rule"], one["write"]) for one in told] == [
        ("production", "seccomp", "environments.production.rules.seccomp: {mode: warn, enforce_from: DAY}")
    ]


def test_a_chunked_body_without_a_length_is_cut_off_at_the_limit(shared: Server) -> None:
    head = f"POST /api/v1/releases HTTP/1.1\r\n{HEADERS}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    chunk = b"1000\r\n" + b"x" * 4096 + b"\r\n"
    answer = talk(shared, head.encode(), *[chunk] * 8, b"0\r\n\r\n")
    assert b"HTTP/1.1 413" in answer
    assert b"body-too-large" in answer


def test_a_body_without_an_end_does_not_hold_the_gateway(shared: Server) -> None:
    head = f"POST /api/v1/releases HTTP/1.1\r\n{HEADERS}Transfer-Encoding: chunked\r\n\r\n".encode()
    chunk = b"1000\r\n" + b"x" * 4096 + b"\r\n"
    assert b"HTTP/1.1 413" in talk(shared, head, *[chunk] * 400)
    assert httpx.get(f"{shared.url}/healthz", timeout=60).status_code == 200


def test_a_declared_length_beyond_the_limit_is_refused_before_the_body_is_sent(shared: Server) -> None:
    head = f"POST /api/v1/releases HTTP/1.1\r\n{HEADERS}Content-Length: 99999999\r\nConnection: close\r\n\r\n"
    assert b"HTTP/1.1 413" in talk(shared, head.encode())


@pytest.mark.parametrize(("size", "status"), [(4096, b"202"), (4097, b"413")])
def test_the_limit_is_exact_with_and_without_a_length(shared: Server, size: int, status: bytes) -> None:
    body = json.dumps({"app": "checkout", "environment": "staging", "ref": "main"}).encode().ljust(size)
    head = f"POST /api/v1/releases HTTP/1.1\r\n{HEADERS}Connection: close\r\n"
    for framing, framed in (
        (f"Content-Length: {size}", body),
        ("Transfer-Encoding: chunked", b"%x\r\n%s\r\n0\r\n\r\n" % (size, body)),
    ):
        assert b"HTTP/1.1 " + status in talk(shared, f"{head}{framing}\r\n\r\n".encode(), framed)


def test_a_chunked_body_within_the_limit_is_accepted(shared: Server) -> None:
    body = json.dumps({"app": "checkout", "environment": "staging", "ref": "main"}).encode()
    head = f"POST /api/v1/releases HTTP/1.1\r\n{HEADERS}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    assert b"HTTP/1.1 202" in talk(shared, head.encode(), b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))


def test_a_body_that_breaks_off_is_refused(shared: Server) -> None:
    host, port = shared.url.removeprefix("http://").split(":")
    head = f"POST /api/v1/releases HTTP/1.1\r\n{HEADERS}Content-Length: 100\r\n\r\n{{"
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(head.encode())
        connection.shutdown(socket.SHUT_WR)
        assert b"the body broke off before its end" in connection.makefile("rb").read()


@pytest.mark.parametrize("noise", [b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"])
def test_what_is_not_http_gets_no_traceback(shared: Server, noise: bytes) -> None:
    assert b"Traceback" not in talk(shared, noise)


def test_a_busy_port_is_named_before_anything_is_started(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(AddressInUse, match=f"port {port} on 127.0.0.1 can't be used"):
            serve(settings, "127.0.0.1", port)


def test_a_store_without_tables_is_told_before_anything_is_started(tmp_path: Path, redis_url: str) -> None:
    path = write_configuration(tmp_path, redis_url)
    with pytest.raises(GatewayError) as caught:
        serve(load(path), "127.0.0.1", 0)
    assert "migrate" in caught.value.solution


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_ends_open_streams_and_leaves_with_0(server: Server, accept, how: signal.Signals) -> None:
    url = f"{server.url}/api/v1/releases/{accept().id}/events"
    with httpx.stream("GET", url, headers=DEVELOPER, timeout=60) as response:
        chunks = response.iter_lines()
        next(chunks)
        assert server.stop(how) == 0
        list(chunks)  # raises when the stream was cut off rather than ended


def test_a_request_under_way_is_answered_before_the_stop(server: Server, store: Store) -> None:
    def newest() -> list[str]:
        return [one.id for one in store.releases.find(ReleaseFilter(), 1).items]

    body, before = {"app": "checkout", "environment": "staging", "ref": "main", "wait_for": 5}, newest()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(httpx.post, f"{server.url}/api/v1/releases", json=body, headers=DEVELOPER, timeout=60)
        eventually(lambda: newest() != before)
        assert server.stop() == 0
        assert answer.result().status_code == 202


def test_the_log_is_json_and_holds_no_secret(server: Server) -> None:
    httpx.get(f"{server.url}/api/v1/releases", headers=DEVELOPER, timeout=60)
    httpx.get(f"{server.url}/api/v1/releases?token={TOKENS['admin']}", headers=DEVELOPER, timeout=60)
    httpx.get(f"{server.url}/api/v1/apps", headers={"Authorization": "Bearer dg_nope"}, timeout=60)
    server.stop()
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    assert [line["status"] for line in lines if line.get("path", "").startswith("/api")] == [200, 400, 401]
    assert all(line["timestamp"] and line["level"] for line in lines)
    assert secrets_in(server.log.read_text()) == []
    assert "dg_nope" not in server.log.read_text()


def test_an_unforeseen_error_is_logged_as_json_and_without_a_secret(tmp_path: Path, redis_url: str) -> None:
    config = prepare(tmp_path, redis_url)
    body = {"app": "checkout", "environment": "staging", "ref": "main"}
    with serving(config, tmp_path / "gateway.log") as server:
        httpx.post(f"{server.url}/api/v1/releases", json=body, headers=DEVELOPER, timeout=60)
        with sqlite3.connect(tmp_path / "gateway.db") as database:
            database.execute("UPDATE releases SET state = 'no such state'")
        answer = httpx.get(f"{server.url}/api/v1/releases", headers=DEVELOPER, timeout=60)
        server.stop()
        log = server.log.read_text()
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal-error"
    (line,) = [line for line in map(json.loads, log.splitlines()) if line["event"] == "unexpected error"]
    assert line["reference"] == answer.headers["X-Request-Id"]
    assert line["exception"][0]["exc_type"] == "ValueError"
    assert secrets_in(log + answer.text) == []


def test_two_gateways_serve_the_same_store(shared: Server, server: Server) -> None:
    first, second = shared, server
    body = {"app": "checkout", "environment": "staging", "ref": "main"}
    made = httpx.post(f"{first.url}/api/v1/releases", json=body, headers=DEVELOPER, timeout=60)
    assert httpx.get(second.url + made.headers["Location"], headers=DEVELOPER, timeout=60).status_code == 200
