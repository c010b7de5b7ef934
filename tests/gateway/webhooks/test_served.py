"""Deliveries over HTTP, to the processes that serve them in production."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from configuration.file import load
from store import ReleaseFilter, open_store
from tests.gateway.conftest import Server, prepare, serving, talk
from tests.gateway.webhooks.conftest import SECRETS, WEBHOOKS, hub_signature
from tests.gateway.webhooks.events import A, B, github_push, github_repository


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Path:
    path = prepare(tmp_path_factory.mktemp("gateway"), redis_url)
    for name, secret in SECRETS.items():
        (path.parent / name).write_text(secret)
    text = path.read_text().replace("request_body_bytes: 4096", "request_body_bytes: 1024, webhook_body_bytes: 65536")
    path.write_text(text + WEBHOOKS)
    return path


@pytest.fixture(scope="module")
def server(config: Path) -> Iterator[Server]:
    with serving(config, config.with_name("gateway.log")) as running:
        yield running


def _headers(body: bytes, id: str) -> dict[str, str]:
    return {
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": id,
        "X-Hub-Signature-256": hub_signature(body, SECRETS["github"]),
        "Content-Type": "application/json",
    }


@pytest.mark.parametrize(
    ("length", "told"), [(65536, b"HTTP/1.1 202 "), (65537, b"body-too-large"), (10**6, b"body-too-large")]
)
def test_a_chunked_delivery_is_taken_up_to_its_limit_and_not_beyond(server: Server, length: int, told: bytes) -> None:
    body = json.dumps(github_push(A, B)).encode().ljust(length)
    head = "POST /api/v1/webhooks/github HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in _headers(body, "chunked").items()) + "\r\n"
    pieces = [body[start : start + 1000] for start in range(0, len(body), 1000)]
    answer = talk(server, head.encode(), *(b"%x\r\n%s\r\n" % (len(one), one) for one in pieces), b"0\r\n\r\n")
    assert told in answer


def test_of_many_deliveries_at_once_each_202_is_in_the_store_once(server: Server, config: Path) -> None:
    storefront = github_repository("http://127.0.0.1:1234/shop/storefront")
    shas = [f"{number:040x}" for number in range(1, 22)]
    bodies = [
        json.dumps(github_push(before, after, repository=storefront)).encode() for before, after in pairwise(shas)
    ]

    def deliver(number: int) -> tuple[int, list[str]]:
        body = bodies[number % len(bodies)]  # each of them twice
        headers = _headers(body, f"many-{number % len(bodies)}")
        answer = httpx.post(f"{server.url}/api/v1/webhooks/github", content=body, headers=headers, timeout=60)
        return answer.status_code, [one["id"] for one in answer.json()["releases"]]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(deliver, range(2 * len(bodies))))
    assert {status for status, _ in answers} <= {200, 202}
    made = [id for status, ids in answers if status == 202 for id in ids]
    store = open_store(load(config).database_url)
    stored = store.releases.find(ReleaseFilter(app="storefront"), 100).items
    store.close()
    assert sorted(made) == sorted(one.id for one in stored)
    assert len({one.commit for one in stored}) == len(stored)
