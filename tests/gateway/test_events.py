"""Server-Sent Events, over real sockets under gunicorn."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import httpx
import pytest
from flask.testing import FlaskClient

from configuration.settings import Settings
from gateway import streams
from gateway.app import create_app
from gateway.serve import WAITERS
from gateway.streams import Listener, Waiters, encode, follow
from gateway.wakeups import Wakeups
from pipelines.states import ReleaseState
from store import Release, Store
from store.queue import RedisQueue
from tests.waiting import eventually

from .conftest import Server, bearer, free_port, prepare, serving

DEVELOPER = bearer("shop-developer")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Path:
    return prepare(tmp_path_factory.mktemp("gateway"), redis_url)


@pytest.fixture(scope="module")
def server(config: Path) -> Iterator[Server]:
    with serving(config, config.with_name("gateway.log")) as running:
        yield running


@dataclass
class Sent:
    id: int
    type: str
    data: dict[str, object]


def read(lines: Iterator[str]) -> Iterator[Sent]:
    event: dict[str, str] = {}
    for line in lines:
        if line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            event[name] = value
        elif "data" in event:
            yield Sent(int(event["id"]), event["event"], json.loads(event["data"]))
            event = {}


@contextmanager
def stream(
    server: Server, release: Release, headers: dict[str, str] | None = None, query: str = ""
) -> Iterator[httpx.Response]:
    url = f"{server.url}/api/v1/releases/{release.id}/events{query}"
    with httpx.stream("GET", url, headers={**DEVELOPER, **(headers or {})}, timeout=60) as response:
        yield response


def finish(store: Store, release: Release) -> None:
    for state in (ReleaseState.CHECKING, ReleaseState.READY, ReleaseState.DEPLOYING, ReleaseState.DEPLOYED):
        assert store.releases.transition(release.id, state)


def test_a_stream_tells_all_and_ends_with_the_final_state(server: Server, store: Store, accept) -> None:
    release = accept()
    threading.Timer(0.5, finish, (store, release)).start()
    with stream(server, release) as response:
        assert response.status_code == 200
        assert response.headers["Content-Type"].startswith("text/event-stream")
        assert response.headers["Cache-Control"] == "no-cache, no-transform"
        assert response.headers["X-Accel-Buffering"] == "no"
        events = list(read(response.iter_lines()))
    assert [event.data["state"] for event in events] == [
        "accepted",
        "checking",
        "ready",
        "deploying",
        "deployed",
    ]
    assert [event.data["final"] for event in events] == [False] * 4 + [True]
    assert [event.id for event in events] == sorted({event.id for event in events})


@pytest.mark.parametrize("how", ["header", "query", "header before query"])
def test_an_interrupted_stream_goes_on_after_the_last_event_seen(
    server: Server, store: Store, accept, how: str
) -> None:
    release = accept()
    assert store.releases.transition(release.id, ReleaseState.CHECKING)
    with stream(server, release) as response:
        seen = list(islice(read(response.iter_lines()), 2))
    finish_from = [ReleaseState.READY, ReleaseState.DEPLOYING, ReleaseState.DEPLOYED]
    for state in finish_from:
        assert store.releases.transition(release.id, state)
    last = str(seen[-1].id)
    headers = {} if how == "query" else {"Last-Event-ID": last}
    query = {"header": "", "query": f"?after={last}", "header before query": "?after=0"}[how]
    with stream(server, release, headers, query) as response:
        rest = list(read(response.iter_lines()))
    assert [event.data["state"] for event in seen + rest] == [
        "accepted", "checking", "ready", "deploying", "deployed",
    ]  # fmt: skip


def test_a_stream_resumed_after_its_end_ends_at_once(server: Server, store: Store, accept) -> None:
    release = accept()
    finish(store, release)
    with stream(server, release) as response:
        last = list(read(response.iter_lines()))[-1]
    with stream(server, release, {"Last-Event-ID": str(last.id)}) as response:
        assert list(read(response.iter_lines())) == []


@pytest.mark.parametrize("bad", ["x", "-1", "1.5", "9" * 20, "1e999"])
def test_a_position_that_is_none_is_refused(client: FlaskClient, accept, bad: str) -> None:
    path = f"/api/v1/releases/{accept().id}/events"
    for answer in (
        client.get(path, headers={**DEVELOPER, "Last-Event-ID": bad}),
        client.get(f"{path}?after={bad}", headers=DEVELOPER),
    ):
        assert answer.status_code == 400, answer.text


def test_no_more_streams_are_served_than_there_are_places_and_leaving_frees_one(
    settings: Settings, store: Store, accept
) -> None:
    client = create_app(settings, store, RedisQueue(settings.redis_url), waiters=2).test_client()
    path = f"/api/v1/releases/{accept().id}/events"
    open_streams = [client.get(path, headers=DEVELOPER, buffered=False) for _ in range(2)]
    refused = client.get(path, headers=DEVELOPER)
    assert (refused.status_code, refused.get_json()["code"]) == (503, "too-many-streams")
    assert int(refused.headers["Retry-After"]) > 0
    open_streams[0].close()
    again = client.get(path, headers=DEVELOPER, buffered=False)
    assert again.status_code == 200
    for response in (open_streams[1], again):
        response.close()


def test_asking_for_the_headers_only_takes_no_place(settings: Settings, store: Store, accept) -> None:
    client = create_app(settings, store, RedisQueue(settings.redis_url), waiters=1).test_client()
    path = f"/api/v1/releases/{accept().id}/events"
    for _ in range(3):
        with client.head(path, headers=DEVELOPER) as answer:
            assert answer.status_code == 200


def test_clients_that_left_without_a_word_free_their_threads(server: Server, accept) -> None:
    release = accept()
    host, port = server.url.removeprefix("http://").split(":")
    request = (
        f"GET /api/v1/releases/{release.id}/events HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: {DEVELOPER['Authorization']}\r\n\r\n"
    ).encode()

    def has_place() -> bool:
        with stream(server, release) as response:
            return response.status_code == 200

    for _ in range(2):
        sockets = [socket.create_connection((host, int(port))) for _ in range(WAITERS)]
        for one in sockets:
            one.sendall(request)
        for one in sockets:
            assert b"HTTP/1.1 " in one.recv(12)
            one.close()
        eventually(has_place)


def test_other_requests_are_served_while_all_streams_are_taken(server: Server, accept) -> None:
    release = accept()
    host, port = server.url.removeprefix("http://").split(":")
    request = (
        f"GET /api/v1/releases/{release.id}/events HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: {DEVELOPER['Authorization']}\r\n\r\n"
    ).encode()
    sockets = [socket.create_connection((host, int(port))) for _ in range(4 * WAITERS)]
    for one in sockets:
        one.sendall(request)
    try:
        time.sleep(0.5)
        assert httpx.get(f"{server.url}/api/v1/releases", headers=DEVELOPER, timeout=60).status_code == 200
    finally:
        for one in sockets:
            one.close()


def test_without_redis_a_stream_goes_on_by_polling(store: Store, accept) -> None:
    release = accept()
    wakeups = Wakeups(f"redis://127.0.0.1:{free_port()}/0")
    threading.Timer(0.3, finish, (store, release)).start()
    chunks = list(follow(store, wakeups, release.id, 0, Listener(None), threading.Event()))
    wakeups.close()
    assert b'"final":true' in chunks[-1]


def test_a_hint_is_passed_on_sooner_than_the_next_poll(
    settings: Settings, store: Store, accept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "POLL_SECONDS", 100.0)
    release, wakeups = accept(), Wakeups(settings.redis_url)
    chunks = follow(store, wakeups, release.id, 0, Listener(None), threading.Event())
    assert next(chunks).startswith(b"retry:")
    assert b"accepted" in next(chunks)

    queue, told = RedisQueue(settings.redis_url), threading.Event()

    def move() -> None:
        finish(store, release)
        # Who does not listen yet hears nothing.
        for _ in range(2500):
            queue.notify(release.id)
            if told.wait(0.02):
                return

    threading.Timer(0.2, move).start()
    began = time.monotonic()
    assert b'"final":true' in list(chunks)[-1]
    told.set()
    assert time.monotonic() - began < 60
    wakeups.close()


def test_a_quiet_stream_shows_that_it_lives(store: Store, accept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0.2)
    monkeypatch.setattr(streams, "POLL_SECONDS", 0.1)
    wakeups = Wakeups(f"redis://127.0.0.1:{free_port()}/0")
    chunks = follow(store, wakeups, accept().id, 0, Listener(None), threading.Event())
    assert [next(chunks) for _ in range(4)][2:] == [b": still here\n\n"] * 2
    wakeups.close()


def test_a_client_that_closed_its_end_is_noticed() -> None:
    here, there = socket.socketpair()
    with here, there:
        assert not Listener(here).is_gone()
        there.sendall(b"x")
        assert not Listener(here).is_gone()
        here.recv(1)
        there.close()
        assert Listener(here).is_gone()
    assert Listener(here).is_gone()


def test_a_place_is_given_back_once_only() -> None:
    waiters = Waiters(1)
    place = waiters.enter()
    assert place is not None
    assert waiters.enter() is None
    place.leave()
    place.leave()
    assert waiters.enter() is not None
    assert waiters.enter() is None


def test_a_stopping_process_lets_nobody_wait() -> None:
    waiters = Waiters(1)
    waiters.stop.set()
    assert waiters.enter() is None


def test_a_stream_that_breaks_ends_and_is_logged(store: Store, accept) -> None:
    from structlog.testing import capture_logs

    def broken() -> Iterator[bytes]:
        yield b"retry: 1000\n\n"
        raise OSError("the database is gone")

    with capture_logs() as lines:
        assert list(streams.guarded(broken(), accept().id)) == [b"retry: 1000\n\n"]
    assert [line["event"] for line in lines] == ["event stream broke off"]


def test_text_from_elsewhere_can_not_forge_an_event(store: Store, accept) -> None:
    release = accept()
    event = store.events.append(release.id, "log", {"stage": "rollout", "line": "a\n\nevent: state\r\ndata: {}\u2028"})
    text = encode(event).decode()
    assert text.count("\n") == 4
    assert text.count("\nevent: ") == 1
