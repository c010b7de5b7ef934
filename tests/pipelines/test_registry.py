"""Image registries: a digest, or a clear no; a token is asked for only where it is safe to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from pipelines.adapters.registry import Registries
from pipelines.credentials import Credentials
from pipelines.errors import AccessRefused, ImageNotFound, RegistryUnavailable
from tools.stack.images import push_image

DIGEST = "sha256:" + "a" * 64


def test_a_tag_means_the_digest_that_was_pushed(registry: str) -> None:
    pushed = push_image(registry, "tests/app:1")
    found = Registries(plain_http_hosts=[registry]).digest(f"{registry}/tests/app:1", timeout_seconds=5)
    assert found == pushed


def test_a_tag_that_is_not_there_is_told(registry: str) -> None:
    with pytest.raises(ImageNotFound, match="with the tag 9"):
        Registries(plain_http_hosts=[registry]).digest(f"{registry}/tests/app:9", timeout_seconds=5)


@pytest.mark.parametrize("plain", [["127.0.0.1:1"], []])
def test_a_registry_that_is_away_is_worth_another_try(plain: list[str]) -> None:
    with pytest.raises(RegistryUnavailable) as caught:
        Registries(plain_http_hosts=plain).digest("127.0.0.1:1/a:1", timeout_seconds=2)
    assert caught.value.retryable


Answer = Callable[[BaseHTTPRequestHandler], tuple[int, dict[str, str], bytes]]


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], str]]:
    """Starts registries that answer as a test says; gives their `host:port`."""
    servers: list[ThreadingHTTPServer] = []

    def start(answer: Answer) -> str:
        class Handler(BaseHTTPRequestHandler):
            def _any(self) -> None:
                status, headers, body = answer(self)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_HEAD = _any

            def log_message(self, format: str, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return f"127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def _with_token(document: object, status: int = 200, realm: str = "http://{host}/token") -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        host = request.headers["Host"]
        if request.path.startswith("/token"):
            assert "scope=repository" in request.path
            return status, {"Content-Type": "application/json"}, json.dumps(document).encode()
        if request.headers.get("Authorization") == "Bearer t":
            return 200, {"Docker-Content-Digest": DIGEST}, b""
        return 401, {"WWW-Authenticate": f'Bearer realm="{realm.format(host=host)}",service="s"'}, b""

    return answer


@pytest.mark.parametrize("document", [{"token": "t"}, {"access_token": "t"}])
def test_a_pull_token_is_asked_for(serve: Callable[[Answer], str], document: object) -> None:
    host = serve(_with_token(document))
    assert Registries(plain_http_hosts=[host]).digest(f"{host}/a:1", timeout_seconds=5) == DIGEST


@pytest.mark.parametrize(
    "answer",
    [
        _with_token({"token": 3}),
        _with_token({}, status=503),
        lambda _request: (200, {}, b""),
        lambda _request: (200, {"Docker-Content-Digest": "md5:x"}, b""),
        lambda _request: (500, {}, b""),
        lambda _request: (302, {"Location": "http://127.0.0.1:1/"}, b""),
    ],
    ids=["no-text", "no-token", "no-digest", "other-digest", "broken", "redirect"],
)
def test_no_digest_is_no_pass(serve: Callable[[Answer], str], answer: Answer) -> None:
    host = serve(answer)
    with pytest.raises(RegistryUnavailable, match=r"without a (digest|token)"):
        Registries(plain_http_hosts=[host]).digest(f"{host}/a:1", timeout_seconds=5)


@pytest.mark.parametrize(
    "answer",
    [
        _with_token({}, status=401),
        _with_token({}, status=403),
        _with_token({"token": "other"}),
        _with_token({"token": "t"}, realm="http://elsewhere.example.com/token"),
        _with_token({"token": "t"}, realm=""),
        lambda _request: (403, {}, b""),
    ],
    ids=["unknown", "forbidden", "other-token", "elsewhere", "no-realm", "forbidden-at-once"],
)
def test_a_registry_that_refuses_is_not_asked_again(serve: Callable[[Answer], str], answer: Answer) -> None:
    host = serve(answer)
    with pytest.raises(AccessRefused, match="does not let the gateway read a") as caught:
        Registries(plain_http_hosts=[host]).digest(f"{host}/a:1", timeout_seconds=5)
    assert not caught.value.retryable


GOOD = Credentials("gateway", "hunter2")


def _private(registry: str) -> Answer:
    """The real registry, for who shows the credentials."""

    def answer(request: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        if request.headers.get("Authorization") != GOOD.basic:
            return 401, {"WWW-Authenticate": 'Basic realm="r"'}, b""
        found = httpx.head(f"http://{registry}{request.path}", headers={"Accept": request.headers["Accept"]})
        return found.status_code, {"Docker-Content-Digest": found.headers["Docker-Content-Digest"]}, b""

    return answer


def _registries(host: str, prefix: str, credentials: Credentials) -> Registries:
    return Registries(plain_http_hosts=[host], credentials={prefix: lambda: credentials})


def test_a_private_registry_is_read(serve: Callable[[Answer], str], registry: str) -> None:
    pushed = push_image(registry, "tests/private:1")
    host = serve(_private(registry))
    registries = _registries(host, f"{host}/tests/", GOOD)
    assert registries.digest(f"{host}/tests/private:1", timeout_seconds=5) == pushed


@pytest.mark.parametrize("below", ["other/", "tests/deeper/", ""])
def test_credentials_are_shown_for_images_below_their_prefix_only(
    serve: Callable[[Answer], str], registry: str, below: str
) -> None:
    host = serve(_private(registry))
    wrong = Credentials("gateway", "wrong-hunter2")
    with pytest.raises(AccessRefused) as caught:
        _registries(host, f"{host}/{below}", GOOD if below else wrong).digest(f"{host}/tests/x:1", timeout_seconds=5)
    assert "hunter2" not in str(caught.value)


def test_the_longest_prefix_has_the_say(serve: Callable[[Answer], str], registry: str) -> None:
    pushed = push_image(registry, "tests/private:2")
    host = serve(_private(registry))
    read = {f"{host}/": lambda: Credentials("x", "y"), f"{host}/tests/": lambda: GOOD}
    registries = Registries(plain_http_hosts=[host], credentials=read)
    assert registries.digest(f"{host}/tests/private:2", timeout_seconds=5) == pushed


def test_a_pull_token_is_asked_for_with_the_credentials(serve: Callable[[Answer], str]) -> None:
    def answer(request: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        is_known = request.headers.get("Authorization") == GOOD.basic
        return _with_token({"token": "t" if is_known else "other"})(request)

    host = serve(answer)
    assert _registries(host, f"{host}/", GOOD).digest(f"{host}/a:1", timeout_seconds=5) == DIGEST
