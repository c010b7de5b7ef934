"""Private repositories: credentials for one host, shown to nobody else and in nothing that others can read."""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from pipelines.adapters.git import GitRepositories
from pipelines.apps import host_of
from pipelines.credentials import Credentials, parse_credentials
from pipelines.errors import AccessRefused, RefNotFound
from tools.stack.git_server import GitServer, _Handler
from tools.stack.repositories import push_commit

SECRET = "hunter2-and-more"
GOOD = Credentials("gateway", SECRET)
FORMS = (SECRET, base64.b64encode(f"gateway:{SECRET}".encode()).decode())


class Guarded(GitServer):
    """A real Git server that lets in who shows the credentials, and looks around when somebody asks."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, 0)
        self.RequestHandlerClass = _Guard
        self.refusal = HTTPStatus.UNAUTHORIZED
        self.command_lines = ""
        self.shown: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/shop/private.git"


class _Guard(_Handler):
    server: Guarded

    def _backend(self, body: bytes) -> None:
        self.server.command_lines += "".join(_command_lines())
        self.server.shown.append(self.headers["Authorization"])
        if self.headers["Authorization"] == GOOD.basic:
            super()._backend(body)
        else:
            self._answer(self.server.refusal, b"", {"WWW-Authenticate": 'Basic realm="Git"'})


def _command_lines() -> Iterator[str]:
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield file.read_bytes().decode(errors="replace")
        except OSError:
            continue  # it has ended


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Guarded]:
    push_commit(tmp_path / "git" / "shop" / "private.git", {"a": "1"}, "First")
    server = Guarded(tmp_path / "git")
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def _git(host: str, credentials: Credentials) -> GitRepositories:
    return GitRepositories(allowed_hosts=(), most_bytes=1024 * 1024, credentials={host: lambda: credentials})


def test_a_private_repository_is_checked_out(guarded: Guarded, tmp_path: Path) -> None:
    found = _git(host_of(guarded.url), GOOD).checkout(guarded.url, "main", tmp_path / "tree", timeout_seconds=20)
    assert found.subject == "First"
    assert (tmp_path / "tree" / "a").read_text() == "1"


def test_names_of_a_private_repository_are_suggested(guarded: Guarded, tmp_path: Path) -> None:
    git = _git(host_of(guarded.url), GOOD)
    with pytest.raises(RefNotFound) as caught:
        git.checkout(guarded.url, "mian", tmp_path / "tree", timeout_seconds=20)
    assert "Did you mean 'main'?" in caught.value.solution


@pytest.mark.parametrize("form", FORMS, ids=["plain", "encoded"])
def test_they_stand_in_no_command_line_no_log_and_no_file(
    guarded: Guarded, tmp_path: Path, caplog: pytest.LogCaptureFixture, form: str
) -> None:
    caplog.set_level(logging.DEBUG)
    _git(host_of(guarded.url), GOOD).checkout(guarded.url, "main", tmp_path / "tree", timeout_seconds=20)
    assert "fetch" in guarded.command_lines
    assert "fetch" in caplog.text
    written = b"".join(path.read_bytes() for path in (tmp_path / "tree").rglob("*") if path.is_file())
    assert form not in guarded.command_lines
    assert form not in caplog.text
    assert form.encode() not in written


@pytest.mark.parametrize("refusal", [HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN])
def test_who_is_refused_is_told_at_once_and_for_good(guarded: Guarded, tmp_path: Path, refusal: HTTPStatus) -> None:
    guarded.refusal = refusal
    git = _git(host_of(guarded.url), Credentials("gateway", "wrong-hunter2"))
    with pytest.raises(AccessRefused, match="does not let the gateway read") as caught:
        git.checkout(guarded.url, "main", tmp_path / "tree", timeout_seconds=20)
    assert not caught.value.retryable
    assert "git.credentials" in caught.value.solution
    assert "hunter2" not in str(caught.value)


def test_another_host_is_not_shown_them(guarded: Guarded, tmp_path: Path) -> None:
    with pytest.raises(AccessRefused):
        _git("git.example.com", GOOD).checkout(guarded.url, "main", tmp_path / "tree", timeout_seconds=20)
    assert set(guarded.shown) == {None}


def test_a_token_goes_without_a_user() -> None:
    assert parse_credentials("glpat-x").password == "glpat-x"
    assert parse_credentials("ci:a:b") == Credentials("ci", "a:b")


def test_they_are_not_printed() -> None:
    assert SECRET not in repr(GOOD)
