"""Image registries: a digest, or a clear no; a token is asked for only where it is safe to."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler

import httpx
import pytest

from pipelines.adapters.registry import LARGEST_DOCUMENT_BYTES, Registries
from pipelines.adapters.registry_access import api_host
from pipelines.credentials import Credentials
from pipelines.errors import AccessRefused, ImageNotFound, ImageUnreadable, RegistryUnavailable
from pipelines.images import parse_image
from tests.images import Answer, push, put_blob, serving, sha256
from tools.stack.images import push_image

DIGEST = "sha256:" + "a" * 64


def test_a_tag_means_the_digest_that_was_pushed(registry: str) -> None:
    pushed = push_image(registry, "tests/app:1")
    found = Registries(plain_http_hosts=[registry]).digest(f"{registry}/tests/app:1", timeout_seconds=30)
    assert found == pushed


def test_a_tag_that_is_not_there_is_told(registry: str) -> None:
    with pytest.raises(ImageNotFound, match="with the tag 9"):
        Registries(plain_http_hosts=[registry]).digest(f"{registry}/tests/app:9", timeout_seconds=30)


@pytest.mark.parametrize("plain", [["127.0.0.1:1"], []])
def test_a_registry_that_is_away_is_worth_another_try(plain: list[str]) -> None:
    with pytest.raises(RegistryUnavailable) as caught:
        Registries(plain_http_hosts=plain).digest("127.0.0.1:1/a:1", timeout_seconds=2)
    assert caught.value.retryable


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], str]]:
    """Starts registries that answer as a test says; gives their `host:port`."""
    with ExitStack() as running:
        yield lambda answer: running.enter_context(serving(answer))


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
    assert Registries(plain_http_hosts=[host]).digest(f"{host}/a:1", timeout_seconds=30) == DIGEST


@pytest.mark.parametrize(
    "answer",
    [
        _with_token({"token": 3}),
        _with_token({}, status=503),
        _with_token([]),
        _with_token({"token": "t", "more": "x" * (1 << 20)}),
        lambda _request: (200, {}, b""),
        lambda _request: (200, {"Docker-Content-Digest": "md5:x"}, b""),
        lambda _request: (500, {}, b""),
        lambda _request: (302, {"Location": "http://127.0.0.1:1/"}, b""),
    ],
    ids=["no-text", "no-token", "no-object", "too-much", "no-digest", "other-digest", "broken", "redirect"],
)
def test_no_digest_is_no_pass(serve: Callable[[Answer], str], answer: Answer) -> None:
    host = serve(answer)
    with pytest.raises(RegistryUnavailable, match=r"without a (digest|token)"):
        Registries(plain_http_hosts=[host]).digest(f"{host}/a:1", timeout_seconds=30)


@pytest.mark.parametrize(
    "answer",
    [
        _with_token({}, status=401),
        _with_token({}, status=403),
        _with_token({"token": "other"}),
        _with_token({"token": "t"}, realm="http://elsewhere.example.com/token"),
        _with_token({"token": "t"}, realm=""),
        _with_token({"token": "t"}, realm="https://127.0.0.1:1/token"),
        _with_token({"token": "t"}, realm="https://169.254.169.254/token"),
        _with_token({"token": "t"}, realm="https://elsewhere.example.com:port/token"),
        lambda _request: (403, {}, b""),
    ],
    ids=[
        "unknown",
        "forbidden",
        "other-token",
        "elsewhere",
        "no-realm",
        "this-machine",
        "its-link",
        "no-port",
        "forbidden-at-once",
    ],
)
def test_a_registry_that_refuses_is_not_asked_again(serve: Callable[[Answer], str], answer: Answer) -> None:
    host = serve(answer)
    with pytest.raises(AccessRefused, match="does not let the gateway read a") as caught:
        Registries(plain_http_hosts=[host]).digest(f"{host}/a:1", timeout_seconds=30)
    assert not caught.value.retryable


GOOD = Credentials("gateway", "hunter2")


def _private(registry: str) -> Answer:
    """The real registry, for who shows the credentials."""

    def answer(request: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        if request.headers.get("Authorization") != GOOD.basic:
            return 401, {"WWW-Authenticate": 'Basic realm="r"'}, b""
        found = httpx.head(
            f"http://{registry}{request.path}", headers={"Accept": request.headers["Accept"]}, timeout=60
        )
        return found.status_code, {"Docker-Content-Digest": found.headers["Docker-Content-Digest"]}, b""

    return answer


def _registries(host: str, prefix: str, credentials: Credentials) -> Registries:
    return Registries(plain_http_hosts=[host], credentials={prefix: lambda: credentials})


def test_a_private_registry_is_read(serve: Callable[[Answer], str], registry: str) -> None:
    pushed = push_image(registry, "tests/private:1")
    host = serve(_private(registry))
    registries = _registries(host, f"{host}/tests/", GOOD)
    assert registries.digest(f"{host}/tests/private:1", timeout_seconds=30) == pushed


@pytest.mark.parametrize("below", ["other/", "tests/deeper/", ""])
def test_credentials_are_shown_for_images_below_their_prefix_only(
    serve: Callable[[Answer], str], registry: str, below: str
) -> None:
    host = serve(_private(registry))
    wrong = Credentials("gateway", "wrong-hunter2")
    with pytest.raises(AccessRefused) as caught:
        _registries(host, f"{host}/{below}", GOOD if below else wrong).digest(f"{host}/tests/x:1", timeout_seconds=30)
    assert "hunter2" not in str(caught.value)


def test_the_longest_prefix_has_the_say(serve: Callable[[Answer], str], registry: str) -> None:
    pushed = push_image(registry, "tests/private:2")
    host = serve(_private(registry))
    read = {f"{host}/": lambda: Credentials("x", "y"), f"{host}/tests/": lambda: GOOD}
    registries = Registries(plain_http_hosts=[host], credentials=read)
    assert registries.digest(f"{host}/tests/private:2", timeout_seconds=30) == pushed


def test_a_pull_token_is_asked_for_with_the_credentials(serve: Callable[[Answer], str]) -> None:
    def answer(request: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        is_known = request.headers.get("Authorization") == GOOD.basic
        return _with_token({"token": "t" if is_known else "other"})(request)

    host = serve(answer)
    assert _registries(host, f"{host}/", GOOD).digest(f"{host}/a:1", timeout_seconds=30) == DIGEST


def test_what_is_missing_is_named(serve: Callable[[Answer], str]) -> None:
    host = serve(_with_token({}, status=401))
    with pytest.raises(AccessRefused, match="there are no credentials for it"):
        Registries(plain_http_hosts=[host]).digest(f"{host}/a:1", timeout_seconds=30)
    with pytest.raises(AccessRefused, match=f"the credentials of {host}/ were refused"):
        _registries(host, f"{host}/", GOOD).digest(f"{host}/a:1", timeout_seconds=30)


def test_credentials_may_be_of_one_repository_alone(serve: Callable[[Answer], str], registry: str) -> None:
    pushed = push_image(registry, "tests/private:3")
    host = serve(_private(registry))
    registries = _registries(host, f"{host}/tests/private", GOOD)
    assert registries.digest(f"{host}/tests/private:3", timeout_seconds=30) == pushed
    with pytest.raises(AccessRefused):
        registries.digest(f"{host}/tests/private-other:3", timeout_seconds=30)


CONTENT = b'{"schemaVersion": 2}'
HELD = sha256(CONTENT)


def _holding(content: bytes, seconds: float = 0) -> Answer:
    def answer(_request: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        time.sleep(seconds)
        return 200, {}, content

    return answer


def test_what_a_digest_stands_for_is_read(registry: str) -> None:
    digest = push(registry, "tests/read:1", "os", "app")
    registries = Registries(plain_http_hosts=[registry])
    manifest = registries.manifest(f"{registry}/tests/read", digest, timeout_seconds=30)
    config = json.loads(manifest)["config"]["digest"]
    assert sha256(manifest) == digest
    assert sha256(registries.blob(f"{registry}/tests/read", config, timeout_seconds=30)) == config


@pytest.mark.parametrize("what", ["manifest", "blob"])
def test_bytes_of_another_digest_are_refused(serve: Callable[[Answer], str], what: str) -> None:
    host = serve(_holding(b"{}"))
    read = getattr(Registries(plain_http_hosts=[host]), what)
    with pytest.raises(ImageUnreadable, match=f"something other than {HELD} of a"):
        read(f"{host}/a", HELD, timeout_seconds=30)


def test_a_document_without_end_is_not_read_to_its_end(serve: Callable[[Answer], str]) -> None:
    host = serve(_holding(b" " * (LARGEST_DOCUMENT_BYTES + 1)))
    with pytest.raises(ImageUnreadable, match="above 4 MiB"):
        Registries(plain_http_hosts=[host]).blob(f"{host}/a", HELD, timeout_seconds=30)


def test_a_registry_that_takes_too_long_is_no_pass(serve: Callable[[Answer], str]) -> None:
    host = serve(_holding(CONTENT, seconds=0.4))
    with pytest.raises(RegistryUnavailable, match="does not answer"):
        Registries(plain_http_hosts=[host]).blob(f"{host}/a", HELD, timeout_seconds=0.1)


def test_a_registry_that_sends_byte_after_byte_is_no_pass(serve: Callable[[Answer], str]) -> None:
    def slowly(request: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        request.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n")
        for _ in range(8):
            request.wfile.write(b" ")
            time.sleep(0.06)
        return 200, {}, b""

    host = serve(slowly)
    with pytest.raises(RegistryUnavailable, match=r"takes longer than 0|does not answer"):
        Registries(plain_http_hosts=[host]).blob(f"{host}/a", HELD, timeout_seconds=0.2)


def test_a_token_that_comes_byte_after_byte_is_no_pass(serve: Callable[[Answer], str]) -> None:
    def slowly(request: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        if not request.path.startswith("/token"):
            return 401, {"WWW-Authenticate": f'Bearer realm="http://{request.headers["Host"]}/token"'}, b""
        request.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n")
        for byte in b'{"token": "t"}':
            request.wfile.write(bytes([byte]))
            time.sleep(0.06)
        return 200, {}, b""

    host = serve(slowly)
    with pytest.raises(RegistryUnavailable, match=r"without a token|does not answer"):
        Registries(plain_http_hosts=[host]).digest(f"{host}/a:1", timeout_seconds=0.3)


def test_a_realm_without_an_address_here_is_asked_all_the_same(serve: Callable[[Answer], str]) -> None:
    host = serve(_with_token({"token": "t"}, realm="https://nowhere.invalid/token"))
    with pytest.raises(RegistryUnavailable, match="does not answer"):
        Registries(plain_http_hosts=[host]).digest(f"{host}/a:1", timeout_seconds=30)


@pytest.mark.parametrize("status", [500, 302])
@pytest.mark.parametrize("what", ["manifest", "blob"])
def test_a_registry_that_is_not_well_is_no_pass(serve: Callable[[Answer], str], what: str, status: int) -> None:
    host = serve(lambda _request: (status, {}, b""))
    with pytest.raises(RegistryUnavailable):
        getattr(Registries(plain_http_hosts=[host]), what)(f"{host}/a", HELD, timeout_seconds=30)


def test_storage_elsewhere_is_shown_no_credentials(serve: Callable[[Answer], str]) -> None:
    shown: list[str | None] = []

    def storage(request: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        shown.append(request.headers.get("Authorization"))
        return 200, {}, CONTENT

    def front(request: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        if request.headers.get("Authorization") != GOOD.basic:
            return 401, {"WWW-Authenticate": 'Basic realm="r"'}, b""
        return 307, {"Location": f"http://{elsewhere}/x?signature=1"}, b""

    elsewhere = serve(storage)
    host = serve(front)
    registries = Registries(plain_http_hosts=[host, elsewhere], credentials={f"{host}/": lambda: GOOD})
    assert registries.blob(f"{host}/a", HELD, timeout_seconds=30) == CONTENT
    assert shown == [None]


def test_storage_that_asks_for_credentials_gets_none(serve: Callable[[Answer], str]) -> None:
    elsewhere = serve(lambda _request: (401, {"WWW-Authenticate": 'Basic realm="r"'}, b""))
    host = serve(lambda _request: (307, {"Location": f"http://{elsewhere}/x"}, b""))
    both = {f"{host}/": lambda: GOOD, f"{elsewhere}/": lambda: GOOD}
    with pytest.raises(AccessRefused):
        Registries(plain_http_hosts=[host, elsewhere], credentials=both).blob(f"{host}/a", HELD, timeout_seconds=30)


def test_a_registry_may_move_a_blob_on_its_own_host(serve: Callable[[Answer], str], registry: str) -> None:
    digest = put_blob(registry, "tests/moved", CONTENT)

    def front(request: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        if request.path == "/moved":
            return 200, {}, CONTENT
        return 307, {"Location": "/moved"}, b""

    host = serve(front)
    assert Registries(plain_http_hosts=[host]).blob(f"{host}/a", digest, timeout_seconds=30) == CONTENT


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:{port}/",
        "https://127.0.0.1:{port}/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://user:password@192.0.2.1/",
        "https://nowhere.invalid/",
        "https://[broken/",
        "file:///etc/passwd",
        "/again",
    ],
)
def test_nobody_is_sent_to_this_machine_nor_in_circles(serve: Callable[[Answer], str], location: str) -> None:
    asked: list[str] = []

    def inside(request: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        asked.append(request.path)
        return 200, {}, CONTENT

    port = serve(inside).partition(":")[2]
    host = serve(lambda _request: (307, {"Location": location.format(port=port)}, b""))
    with pytest.raises(RegistryUnavailable, match="sends whoever asks for"):
        Registries(plain_http_hosts=[host]).blob(f"{host}/a", HELD, timeout_seconds=30)
    assert asked == []


def test_manifests_are_where_they_are_asked_for(serve: Callable[[Answer], str]) -> None:
    elsewhere = serve(_holding(CONTENT))
    host = serve(lambda _request: (307, {"Location": f"http://{elsewhere}/x"}, b""))
    with pytest.raises(RegistryUnavailable, match="sends whoever asks for manifests"):
        Registries(plain_http_hosts=[host, elsewhere]).manifest(f"{host}/a", HELD, timeout_seconds=30)


def test_a_pull_token_is_asked_for_once(serve: Callable[[Answer], str]) -> None:
    asked: list[str] = []

    def answer(request: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        asked.append(request.path.partition("?")[0])
        return _with_token({"token": "t"})(request)

    host = serve(answer)
    registries = Registries(plain_http_hosts=[host])
    for _ in range(3):
        registries.digest(f"{host}/a:1", timeout_seconds=30)
    assert asked.count("/token") == 1


def test_tags_are_listed(registry: str) -> None:
    for tag in ("1.0", "1.1", "latest"):
        push(registry, f"tests/tags:{tag}", "os")
    found = Registries(plain_http_hosts=[registry]).tags(f"{registry}/tests/tags", timeout_seconds=30)
    assert set(found) == {"1.0", "1.1", "latest"}


def _paged(link: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        is_first = "last=" not in request.path
        tags = ["a"] if is_first else ["b"]
        return 200, {"Link": link} if is_first else {}, json.dumps({"tags": tags}).encode()

    return answer


def test_tags_go_on_for_pages(serve: Callable[[Answer], str]) -> None:
    host = serve(_paged('</v2/a/tags/list?n=1&last=a>; rel="next"'))
    assert Registries(plain_http_hosts=[host]).tags(f"{host}/a", timeout_seconds=30) == ("a", "b")


def test_tags_do_not_go_on_elsewhere(serve: Callable[[Answer], str]) -> None:
    host = serve(_paged('<http://elsewhere.example.com/v2/a/tags/list?last=a>; rel="next"'))
    with pytest.raises(RegistryUnavailable, match="on another host"):
        Registries(plain_http_hosts=[host]).tags(f"{host}/a", timeout_seconds=30)


def test_tags_do_not_go_on_for_ever(serve: Callable[[Answer], str]) -> None:
    host = serve(lambda _request: (200, {"Link": '</v2/a/tags/list>; rel="next"'}, b'{"tags": null}'))
    with pytest.raises(ImageUnreadable, match="pages of tags"):
        Registries(plain_http_hosts=[host]).tags(f"{host}/a", timeout_seconds=30)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"tags": [1]}', b'{"tags": 3}', b"{}", b"[" * 100_000])
def test_a_list_of_tags_that_is_none_is_no_pass(serve: Callable[[Answer], str], body: bytes) -> None:
    host = serve(_holding(body))
    with pytest.raises(RegistryUnavailable, match="has no list of tags"):
        Registries(plain_http_hosts=[host]).tags(f"{host}/a", timeout_seconds=30)


@pytest.mark.parametrize(
    ("image", "host", "path"),
    [
        ("python:3.13", "registry-1.docker.io", "library/python"),
        ("bitnami/redis:8", "registry-1.docker.io", "bitnami/redis"),
        ("quay.io/a/b:1", "quay.io", "a/b"),
    ],
)
def test_docker_hub_answers_by_another_name(image: str, host: str, path: str) -> None:
    assert api_host(parse_image(image)) == (host, path)
