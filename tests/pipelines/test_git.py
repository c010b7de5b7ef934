"""Checkouts with real git over real HTTP: one commit, nothing that it could bring along, and always an end."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pipelines.adapters.git import GitRepositories, _failed_here, _Run, _size
from pipelines.apps import App, AppName
from pipelines.errors import (
    CheckCrashed,
    DiskFull,
    GitUnavailable,
    InvalidDeployFile,
    InvalidInput,
    InvalidRef,
    NotWritable,
    RefNotFound,
    RepositoryNotFound,
    ToolMissing,
    UnsafeCheckout,
)
from pipelines.stages.checkout import checkout
from tests.conftest import GitServer
from tools.stack.repositories import Content, Link, push_commit

MIB = 1024 * 1024


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    return folder


def _git(*, hosts: tuple[str, ...] = (), most_bytes: int = 10 * MIB) -> GitRepositories:
    return GitRepositories(allowed_hosts=hosts, most_bytes=most_bytes)


@pytest.fixture
def repository(git_server: GitServer, request: pytest.FixtureRequest) -> Iterator[str]:
    """A repository's name of this test's own."""
    name = f"tests/{abs(hash(request.node.name))}"
    yield name
    shutil.rmtree(git_server.root / f"{name}.git", ignore_errors=True)


def _url(git_server: GitServer, repository: str) -> str:
    return f"{git_server.url}/{repository}.git"


def test_a_branch_a_tag_and_a_commit_are_found(git_server: GitServer, repository: str, tmp_path: Path) -> None:
    first = git_server.push(repository, {"a": "1"}, "First")
    second = push_commit(git_server.root / f"{repository}.git", {"a": "2"}, "Second", tag="v1")
    for number, (ref, commit) in enumerate((("main", second), ("v1", second), (first, first))):
        folder = tmp_path / str(number)
        folder.mkdir()
        found = _git().checkout(_url(git_server, repository), ref, folder, timeout_seconds=20)
        assert (found.commit, found.subject) == (commit, "First" if commit == first else "Second")
        assert (folder / "a").read_text() == ("1" if commit == first else "2")


def test_a_ref_that_looks_like_an_option_never_reaches_git(into: Path) -> None:
    with pytest.raises(InvalidRef):
        _git().checkout("http://127.0.0.1:1/x.git", "--upload-pack=touch", into, timeout_seconds=5)


@pytest.mark.parametrize(("ref", "says"), [("mian", "Did you mean 'main'?"), ("abc1234", "git rev-parse abc1234")])
def test_an_unknown_ref_is_told_with_what_to_write(
    git_server: GitServer, repository: str, into: Path, ref: str, says: str
) -> None:
    git_server.push(repository, {"a": "1"})
    with pytest.raises(RefNotFound) as caught:
        _git().checkout(_url(git_server, repository), ref, into, timeout_seconds=20)
    assert says in caught.value.solution


def test_a_repository_that_is_not_there_is_told(git_server: GitServer, into: Path) -> None:
    with pytest.raises(RepositoryNotFound):
        _git().checkout(f"{git_server.url}/no/such.git", "main", into, timeout_seconds=20)


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("file:///etc", ()),
        ("ext::sh -c id", ()),
        ("ssh://git@example.com/x", ()),
        ("http://other.example.com/x", ("git.example.com",)),
        ("http://git.example.com:81/x", ("git.example.com",)),
    ],
)
def test_other_protocols_and_hosts_are_not_asked(into: Path, url: str, hosts: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput, match="not one that this gateway may ask"):
        _git(hosts=hosts).checkout(url, "main", into, timeout_seconds=5)


def test_a_host_in_capitals_is_the_same_host(git_server: GitServer, repository: str, into: Path) -> None:
    git_server.push(repository, {"a": "1"})
    port = git_server.url.rpartition(":")[2]
    url = f"http://LOCALHOST:{port}/{repository}.git"
    _git(hosts=(f"localhost:{port}",)).checkout(url, "main", into, timeout_seconds=20)
    assert (into / "a").read_text() == "1"


def test_links_are_files_and_known(git_server: GitServer, repository: str, into: Path) -> None:
    files: dict[str, Content] = {"deploy.yaml": Link("/etc/passwd"), "x": "y"}
    git_server.push(repository, files)
    found = _git().checkout(_url(git_server, repository), "main", into, timeout_seconds=20)
    assert found.links == {"deploy.yaml"}
    assert not (into / "deploy.yaml").is_symlink()


def test_filters_of_attributes_and_submodules_do_nothing(
    git_server: GitServer, repository: str, into: Path, tmp_path: Path
) -> None:
    proof = tmp_path / "proof"
    files = {
        ".gitattributes": "* filter=evil diff=evil\n",
        ".gitmodules": f'[submodule "x"]\n\tpath = x\n\turl = file://{tmp_path}\n',
        ".gitconfig": f'[filter "evil"]\n\tsmudge = touch {proof}\n',
        "a": "content",
    }
    git_server.push(repository, files)
    _git().checkout(_url(git_server, repository), "main", into, timeout_seconds=20)
    assert (into / "a").read_text() == "content"
    assert not proof.exists()


def test_a_commit_that_is_too_large_is_not_written(git_server: GitServer, repository: str, into: Path) -> None:
    git_server.push(repository, {"large": b"\0" * (3 * MIB)})
    with pytest.raises(UnsafeCheckout, match="larger than 1 MiB"):
        _git(most_bytes=MIB).checkout(_url(git_server, repository), "main", into, timeout_seconds=20)
    assert not (into / "large").exists()


def test_a_commit_with_too_many_files_is_not_written(
    git_server: GitServer, repository: str, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.adapters.git._MOST_FILES", 5)
    git_server.push(repository, {f"f{number}": "" for number in range(9)})
    with pytest.raises(UnsafeCheckout, match="9 files, and 5 is the most"):
        _git().checkout(_url(git_server, repository), "main", into, timeout_seconds=20)


def test_a_ref_that_names_no_commit_is_told(git_server: GitServer, repository: str, into: Path) -> None:
    git_server.push(repository, {"a": "1"})
    bare = git_server.root / f"{repository}.git"
    tree = subprocess.run(["git", "rev-parse", "main^{tree}"], cwd=bare, capture_output=True, text=True, check=True)
    subprocess.run(["git", "tag", "a-tree", tree.stdout.strip()], cwd=bare, check=True)
    with pytest.raises(RefNotFound, match="does not name a commit"):
        _git().checkout(_url(git_server, repository), "a-tree", into, timeout_seconds=20)


def test_a_server_that_is_away_is_worth_another_try(into: Path) -> None:
    with pytest.raises(GitUnavailable) as caught:
        _git().checkout("http://user:secret@127.0.0.1:1/x.git", "main", into, timeout_seconds=10)
    assert caught.value.retryable
    assert "secret" not in str(caught.value)


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes connections and never answers."""
    listener = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def accept() -> None:
        try:
            while True:
                held.append(listener.accept()[0])
        except OSError:
            return

    threading.Thread(target=accept, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/x.git"
    listener.close()
    for one in held:
        one.close()


def test_a_server_that_never_answers_is_given_up_in_time(silent: str, into: Path) -> None:
    began = time.monotonic()
    with pytest.raises(GitUnavailable, match="too slow"):
        _git().checkout(silent, "main", into, timeout_seconds=1)
    assert time.monotonic() - began < 30


@pytest.fixture
def slow_server(git_server: GitServer) -> Iterator[str]:
    """The Git server behind a line of about 1 MiB/s."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = urlsplit(git_server.url)

    def forward(source: socket.socket, target: socket.socket, pause: float) -> None:
        with contextlib.suppress(OSError):
            while block := source.recv(16 * 1024):
                target.sendall(block)
                time.sleep(pause)
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                client = listener.accept()[0]
                server = socket.create_connection((str(url.hostname), int(url.port or 80)))
                for ends in ((client, server, 0.0), (server, client, 1 / 64)):
                    threading.Thread(target=forward, args=ends, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.close()


def test_too_much_is_stopped_while_it_comes(
    slow_server: str, git_server: GitServer, repository: str, into: Path
) -> None:
    git_server.push(repository, {f"f{number}": os.urandom(MIB // 16) for number in range(128)})
    with pytest.raises(UnsafeCheckout, match="larger than 1 MiB"):
        _git(most_bytes=MIB).checkout(f"{slow_server}/{repository}.git", "main", into, timeout_seconds=60)
    assert MIB < _size(into) < 4 * MIB


@pytest.fixture
def odd_server() -> Iterator[Callable[[int, dict[str, str]], str]]:
    """Makes servers that give one answer to everything."""
    servers: list[ThreadingHTTPServer] = []

    def make(status: int, headers: dict[str, str], body: bytes = b"") -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/x.git"

    yield make
    for server in servers:
        server.shutdown()
        server.server_close()


def test_redirects_to_elsewhere_are_not_followed(
    odd_server: Callable[..., str], git_server: GitServer, repository: str, into: Path
) -> None:
    git_server.push(repository, {"a": "1"})
    url = odd_server(302, {"Location": f"{_url(git_server, repository)}/info/refs?service=git-upload-pack"})
    with pytest.raises(GitUnavailable):
        _git().checkout(url, "main", into, timeout_seconds=10)


def test_an_answer_that_is_none_of_gits_is_told(odd_server: Callable[..., str], into: Path) -> None:
    with pytest.raises(GitUnavailable, match="git said"):
        _git().checkout(odd_server(200, {}, b"<html>A login page</html>\n"), "main", into, timeout_seconds=10)


def test_a_missing_git_is_told(into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ToolMissing, match="git was not found"):
        _git().checkout("http://127.0.0.1:1/x.git", "main", into, timeout_seconds=5)


@pytest.mark.parametrize(
    "content",
    [pytest.param(os.urandom(3 * MIB), id="while it is fetched"), pytest.param(b"0" * 3 * MIB, id="while it unfolds")],
)
def test_a_full_disk_is_told_and_worth_another_try(
    git_server: GitServer, repository: str, small_disk: Path, content: bytes
) -> None:
    git_server.push(repository, {"large": content})
    with pytest.raises(DiskFull, match="the checkout can't be written: no space left") as caught:
        _git().checkout(_url(git_server, repository), "main", small_disk / "tree", timeout_seconds=20)
    assert caught.value.retryable


@pytest.mark.parametrize("words", ["fatal: write error: No space left on device", "error: x: Disk quota exceeded"])
def test_what_git_says_of_a_full_disk_is_a_full_disk(into: Path, words: str) -> None:
    run = _Run(into, time.monotonic() + 5, MIB)
    assert isinstance(_git()._explained(run, "http://x/y.git", "main", words), DiskFull)
    assert isinstance(_failed_here(words), DiskFull)


def test_a_folder_that_can_not_be_made_is_no_full_disk(into: Path) -> None:
    (into / "file").write_text("")
    with pytest.raises(NotWritable, match="the checkout can't be written: Not a directory"):
        _git().checkout("http://127.0.0.1:1/x.git", "main", into / "file" / "tree", timeout_seconds=5)


def test_what_git_can_not_do_here_is_told_in_its_words(into: Path) -> None:
    (into / ".git").write_text("nonsense")
    with pytest.raises(CheckCrashed, match=r"git failed: .*invalid gitfile format"):
        _git().checkout("http://127.0.0.1:1/x.git", "main", into, timeout_seconds=5)


def test_names_that_can_not_be_listed_are_not_missed(into: Path) -> None:
    run = _Run(into, time.monotonic() + 5, MIB)
    run("init", "--quiet", ".")
    explained = _git()._explained(run, "http://127.0.0.1:1/x.git", "main", "fatal: couldn't find remote ref main")
    assert (type(explained), explained.solution) == (RefNotFound, "See whether it was pushed")


def test_a_submodule_is_left_out(git_server: GitServer, repository: str, into: Path) -> None:
    commit = git_server.push(repository, {"a": "1"})
    bare = git_server.root / f"{repository}.git"
    tree = f"160000 commit {commit}\tmodule\n"
    made = subprocess.run(["git", "mktree"], cwd=bare, input=tree, capture_output=True, text=True, check=True)
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "commit-tree", "-m", "m", made.stdout.strip()]
    second = subprocess.run(command, cwd=bare, capture_output=True, text=True, check=True).stdout.strip()
    subprocess.run(["git", "update-ref", "refs/heads/main", second], cwd=bare, check=True)
    _git().checkout(_url(git_server, repository), "main", into, timeout_seconds=20)
    assert list((into / "module").iterdir()) == []


def test_a_file_that_git_has_just_renamed_counts_nothing(into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (into / "there").write_bytes(b"123")
    monkeypatch.setattr("os.walk", lambda _: [(str(into), [], ["there", "gone"])])
    assert _size(into) == 3


APP = App(AppName("checkout"), "shop", "", "deploy/a.yaml")
DEPLOY = "apiVersion: deploy-gateway/v1\napp: checkout\nmanifests: k8s\n"


def _stage(git_server: GitServer, repository: str, into: Path) -> object:
    app = App(APP.name, APP.team, _url(git_server, repository), APP.deploy_file)
    return checkout(app, "main", (), _git(), into / "new", timeout_seconds=20)


@pytest.mark.parametrize(
    ("files", "error", "says"),
    [
        ({"deploy/b.yaml": "y"}, InvalidDeployFile, "has no deploy/a.yaml"),
        ({"deploy/a.yaml/x": "y"}, InvalidDeployFile, "is a folder"),
        ({"deploy/a.yaml": DEPLOY}, InvalidDeployFile, "there is no folder k8s"),
        ({"deploy/a.yaml": DEPLOY, "k8s/README": "x"}, InvalidDeployFile, "has 0 .yaml files"),
        ({"deploy": Link("elsewhere"), "elsewhere/a.yaml": "x"}, UnsafeCheckout, "symbolic link"),
        ({"deploy/a.yaml": DEPLOY, "k8s/a.yaml": Link("/etc/passwd")}, UnsafeCheckout, "symbolic link"),
        ({"deploy/a.yaml": DEPLOY, "k8s/a.yaml": "x" * (2 * MIB)}, InvalidDeployFile, "is the most"),
        (
            {"deploy/a.yaml": DEPLOY, **{f"k8s/{name}.yaml": "x" * (MIB - 1) for name in "abcde"}},
            InvalidDeployFile,
            "are the most",
        ),
    ],
)
def test_what_can_not_be_read_is_told(
    git_server: GitServer, repository: str, into: Path, files: dict[str, Content], error: type[Exception], says: str
) -> None:
    git_server.push(repository, files)
    with pytest.raises(error, match=says):
        _stage(git_server, repository, into)
