"""Programs are found on PATH when they fit, else where they are built; what is missing is told, and how to get it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipelines.adapters.programs import Program, cache_dir, find, on_path, version_of
from pipelines.errors import ToolMissing

HELLO = Program("hello", "1.2.3", ("--version",))


@pytest.fixture(autouse=True)
def _own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache, and a folder of the test's own before PATH."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("DEPLOY_GATEWAY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")


def _program(folder: Path, script: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "hello"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_one_on_path_that_fits_is_taken(tmp_path: Path) -> None:
    program = _program(tmp_path / "bin", "echo v1.2.9")
    assert find(HELLO) == program


def test_what_is_built_stands_in_for_one_on_path_that_does_not_fit(tmp_path: Path) -> None:
    _program(tmp_path / "bin", "echo v1.3.0")
    built = _program(tmp_path / "cache" / "tools" / "hello-1.2.3-abcdef", "")
    assert find(HELLO) == built


def test_of_several_builds_the_last_is_taken(tmp_path: Path) -> None:
    old = _program(tmp_path / "cache" / "tools" / "hello-1.2.3-new", "")
    new = _program(tmp_path / "cache" / "tools" / "hello-1.2.3-before", "")
    os.utime(old, (1, 1))
    assert find(HELLO) == new


def test_a_build_of_another_version_is_not_taken(tmp_path: Path) -> None:
    _program(tmp_path / "cache" / "tools" / "hello-1.2.4-abcdef", "")
    with pytest.raises(ToolMissing, match=r"no hello 1\.2 was found.*deploy-gateway tools install helm kube-score"):
        find(HELLO)


def test_what_one_on_path_said_is_asked_once(tmp_path: Path) -> None:
    program = _program(tmp_path / "bin", f"echo asked >> {tmp_path}/asked; echo 1.2.3")
    assert [on_path(HELLO), on_path(HELLO)] == [program, program]
    assert (tmp_path / "asked").read_text() == "asked\n"


@pytest.mark.parametrize("content", ["not JSON", "[]", '{"a": 1}'])
def test_a_memory_that_can_not_be_read_is_an_empty_one(tmp_path: Path, content: str) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "versions.json").write_text(content)
    assert on_path(HELLO) is None
    _program(tmp_path / "bin", "echo 1.2.3")
    assert on_path(HELLO) is not None


def test_a_program_that_says_no_version_or_does_not_run_has_none(tmp_path: Path) -> None:
    assert version_of(HELLO, _program(tmp_path / "bin", "echo hello")) == ""
    assert version_of(HELLO, tmp_path / "absent") == ""


def test_the_cache_is_the_users_unless_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DEPLOY_GATEWAY_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_dir() == tmp_path / "deploy-gateway"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_dir() == Path.home() / ".cache" / "deploy-gateway"
