"""Promises of Redis, the Git server and the registry: reachable, and no more open than they have to be."""

from __future__ import annotations

import re
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError
from redis.retry import Retry

from pipelines.errors import RegistryUnavailable, ToolMissing
from tools.stack.images import push_image
from tools.stack.repositories import GitServer, Link, PushFailed, files_below, push_commit
from tools.stack.services import make_git_server


def git(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=False, timeout=60)


def test_redis_wants_a_password(redis_url: str) -> None:
    port = urlsplit(redis_url).port
    assert port is not None
    with (
        pytest.raises(AuthenticationError),
        Redis(host="127.0.0.1", port=port, retry=Retry(NoBackoff(), 0)) as stranger,
    ):
        stranger.ping()
    with Redis.from_url(redis_url) as known:
        assert known.ping()


def test_redis_listens_on_loopback_only(redis_url: str) -> None:
    with Redis.from_url(redis_url, decode_responses=True) as redis:
        answer: Any = redis.config_get("bind")
    assert answer == {"bind": "127.0.0.1"}


def test_a_repository_can_be_cloned_over_http(git_server: GitServer, tmp_path: Path) -> None:
    sha = git_server.push("services/clone", {"deploy.yaml": "app: clone\n", "k8s/a b.yaml": b"\x00\x01"})
    assert git("clone", f"{git_server.url}/services/clone.git", tmp_path / "clone").returncode == 0
    assert (tmp_path / "clone" / "deploy.yaml").read_text() == "app: clone\n"
    assert (tmp_path / "clone" / "k8s" / "a b.yaml").read_bytes() == b"\x00\x01"
    assert git("-C", tmp_path / "clone", "rev-parse", "HEAD").stdout.strip() == sha


def test_a_single_commit_can_be_fetched_by_its_sha(git_server: GitServer, tmp_path: Path) -> None:
    first = git_server.push("services/fetch", {"a": "1"})
    git_server.push("services/fetch", {"a": "2"})
    git("init", "--quiet", tmp_path)
    done = git("-C", tmp_path, "fetch", "--depth=1", f"{git_server.url}/services/fetch.git", first)
    assert done.returncode == 0, done.stderr
    assert git("-C", tmp_path, "show", "FETCH_HEAD:a").stdout == "1"


def test_forty_clones_at_once_are_all_served(git_server: GitServer, tmp_path: Path) -> None:
    git_server.push("services/busy", {"a": "1"})

    def clone(number: int) -> int:
        return git("clone", "--quiet", f"{git_server.url}/services/busy.git", tmp_path / str(number)).returncode

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(clone, range(40))) == {0}


def test_a_push_over_http_is_refused(git_server: GitServer, tmp_path: Path) -> None:
    sha = git_server.push("services/readonly", {"a": "1"})
    url = f"{git_server.url}/services/readonly.git"
    git("clone", "--quiet", url, tmp_path / "clone")
    done = git("-C", tmp_path / "clone", "push", "--quiet", url, "HEAD:refs/heads/other")
    assert done.returncode != 0
    assert "403" in done.stderr
    assert git("ls-remote", url).stdout == f"{sha}\tHEAD\n{sha}\trefs/heads/main\n"


@pytest.mark.parametrize(
    "path", ["/services/none.git/info/refs?service=git-upload-pack", "/../stack.json", "/%2e%2e/x"]
)
def test_what_is_no_repository_is_not_found(git_server: GitServer, path: str) -> None:
    head = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert answer_to(git_server, head.encode()).startswith((b"HTTP/1.1 404", b"HTTP/1.1 500"))


def answer_to(git_server: GitServer, request: bytes) -> bytes:
    address = urlsplit(git_server.url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=60) as connection:
        connection.sendall(request)
        return connection.recv(65536)


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Content-Length: 99999999999", b"413"),
        ("Content-Length: -1", b"413"),
        ("Content-Length: many", b"400"),
        ("Transfer-Encoding: chunked\r\n\r\nfffffffff", b"413"),
        ("Transfer-Encoding: chunked\r\n\r\nzz", b"400"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_and_the_server_goes_on(
    git_server: GitServer, header: str, status: bytes
) -> None:
    request = f"POST /services/clone.git/git-upload-pack HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n"
    assert answer_to(git_server, request.encode()).split()[1] == status
    assert httpx.get(f"{git_server.url}/healthz", timeout=60).status_code == 200


def test_a_chunked_body_is_read(git_server: GitServer, tmp_path: Path) -> None:
    sha = git_server.push("services/chunked", {"a": "1"})
    want = f"0032want {sha}\n00000009done\n".encode()
    answer = httpx.post(
        f"{git_server.url}/services/chunked.git/git-upload-pack",
        content=iter([want[:20], want[20:]]),
        headers={"Content-Type": "application/x-git-upload-pack-request"},
        timeout=60,
    )
    assert answer.content.startswith(b"0008NAK\nPACK")


def test_no_git_on_the_machine_is_a_missing_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match="no git"):
        make_git_server(tmp_path)


def test_a_commit_has_exactly_the_files_given(tmp_path: Path) -> None:
    bare = tmp_path / "repository.git"
    push_commit(bare, {"old": "1", "kept": "1"}, "First")
    push_commit(bare, {"kept": "2", 'odd "name"\n\\': "3"}, "Second: ümlaut", tag="v2")
    assert git("-C", bare, "ls-tree", "-r", "-z", "--name-only", "v2").stdout.split("\0")[:-1] == [
        "kept",
        'odd "name"\n\\',
    ]
    assert git("-C", bare, "log", "--format=%s", "main").stdout == "Second: ümlaut\nFirst\n"


def test_a_commit_can_hold_a_link(tmp_path: Path) -> None:
    bare = tmp_path / "repository.git"
    push_commit(bare, {"deploy.yaml": Link("/etc/passwd")}, "A link")
    assert git("-C", bare, "ls-tree", "main").stdout.startswith("120000 blob")
    assert git("-C", bare, "show", "main:deploy.yaml").stdout == "/etc/passwd"


def test_a_branch_that_git_does_not_take_is_told(tmp_path: Path) -> None:
    with pytest.raises(PushFailed, match="git init") as raised:
        push_commit(tmp_path / "repository.git", {"a": "1"}, "x", branch="a..b")
    assert raised.value.where == str(tmp_path / "repository.git")


def test_a_folder_becomes_the_files_of_a_commit(tmp_path: Path) -> None:
    (tmp_path / "k8s").mkdir()
    (tmp_path / "k8s" / "app.yaml").write_text("kind: X\n")
    (tmp_path / "deploy.yaml").write_text("app: x\n")
    assert files_below(tmp_path) == {"deploy.yaml": b"app: x\n", "k8s/app.yaml": b"kind: X\n"}


def test_a_pushed_image_has_the_digest_that_the_registry_tells(registry: str) -> None:
    digest = push_image(registry, "shop/checkout:1.4.2")
    assert re.fullmatch("sha256:[0-9a-f]{64}", digest)
    accept = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
    answer = httpx.head(f"http://{registry}/v2/shop/checkout/manifests/1.4.2", headers=accept, timeout=60)
    assert answer.headers["Docker-Content-Digest"] == digest


def test_a_registry_that_does_not_answer_is_told() -> None:
    with pytest.raises(RegistryUnavailable, match="shop/checkout:1"):
        push_image("127.0.0.1:1", "shop/checkout:1")
