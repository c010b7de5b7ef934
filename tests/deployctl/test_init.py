"""`deployctl init`: what it writes is valid, and what it asks has a default that fits."""

from __future__ import annotations

import os
import pty
from pathlib import Path

import pytest

from deployctl.dockerfile import Image, look
from deployctl.first_file import Answers, known_kinds, text
from pipelines.deployfile import read
from tests.deployctl.offline import run

IMAGE = "registry.example.com/shop/checkout:1.4.2"


def _read(folder: Path) -> object:
    content = (folder / "deploy.yaml").read_bytes()
    return read(content, "deploy.yaml", app="checkout", environments=()).file


@pytest.mark.parametrize("kind", known_kinds())
def test_each_kind_that_is_offered_is_written_as_the_schema_wants_it(kind: str) -> None:
    answers = Answers("checkout", kind, IMAGE, 8080, "/ready", "/live", "15 3 * * *")
    file = read(text(answers, None).encode(), "deploy.yaml", app="checkout", environments=()).file
    assert file.workload == kind


def test_without_questions_the_options_and_defaults_are_taken(tmp_path: Path) -> None:
    folder = tmp_path / "Check out_2"
    folder.mkdir()
    done = run("init", "--image", IMAGE, "--port", "9090", "--readiness", "/r", at=folder)
    assert done.returncode == 0, done.stderr
    content = (folder / "deploy.yaml").read_text()
    assert "app: check-out-2\n" in content
    assert "port: 9090\n" in content
    assert "health: {readiness: /r, liveness: /live}\n" in content
    assert "deployctl check" in done.stdout


def test_a_cronjob_has_its_schedule_and_no_port(tmp_path: Path) -> None:
    command = ("init", "--yes", "--app", "checkout", "--workload", "cronjob", "--schedule", "0 4 * * *")
    assert run(*command, "--image", IMAGE, at=tmp_path).returncode == 0
    content = (tmp_path / "deploy.yaml").read_text()
    assert 'cron: {schedule: "0 4 * * *"}' in content
    assert "\nport:" not in content


def test_the_schema_of_the_gateway_is_named_first_when_it_is_known(tmp_path: Path) -> None:
    url = {"DEPLOYCTL_URL": "https://deploy.example.com/"}
    run("init", "--yes", "--app", "checkout", "--image", IMAGE, at=tmp_path, environment=url)
    first = (tmp_path / "deploy.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=https://deploy.example.com/schemas/deploy.yaml.json"
    assert _read(tmp_path)


def test_without_an_address_no_schema_is_named(tmp_path: Path) -> None:
    run("init", "--yes", "--app", "checkout", "--image", IMAGE, at=tmp_path)
    assert (tmp_path / "deploy.yaml").read_text().startswith("apiVersion: ")


def test_what_nobody_said_and_nobody_can_guess_is_told(tmp_path: Path) -> None:
    done = run("init", "--yes", "--app", "checkout", at=tmp_path)
    assert done.returncode == 2
    assert "--image" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", [("--workload", "website"), ("--port", "80"), ("--schedule", "at night")])
def test_an_answer_that_the_schema_refuses_writes_nothing(tmp_path: Path, option: tuple[str, str]) -> None:
    kind = ("--workload", "cronjob") if option[0] == "--schedule" else ()
    done = run("init", "--yes", "--app", "checkout", "--image", IMAGE, *kind, *option, at=tmp_path)
    assert done.returncode == 2
    assert "deploy.yaml:" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("image", ["registry.example.com/a/b:latest", "registry.example.com/a/b", "nginx"])
def test_an_image_that_the_rules_refuse_is_not_written(tmp_path: Path, image: str) -> None:
    done = run("init", "--yes", "--app", "a", "--image", image, at=tmp_path)
    assert done.returncode == 2
    assert "registry.example.com/shop/checkout:1.4.2" in done.stderr
    assert not (tmp_path / "deploy.yaml").exists()


def test_on_a_terminal_it_asks_again_until_an_answer_fits(tmp_path: Path) -> None:
    folder = tmp_path / "checkout"
    folder.mkdir()
    master, slave = pty.openpty()
    answers = ["", "web", "nginx", IMAGE, "80", "9090", "", "/healthz"]
    os.write(master, "".join(f"{answer}\n" for answer in answers).encode())
    done = run("init", at=folder, stdin=slave)
    os.close(slave)
    os.close(master)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("does not fit") == 2
    content = (folder / "deploy.yaml").read_text()
    assert "app: checkout\n" in content
    assert "port: 9090\n" in content
    assert "health: {readiness: /ready, liveness: /healthz}\n" in content


def test_a_dockerfile_gives_port_and_path_and_root_is_warned_of(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(
        "FROM python\nEXPOSE 5000\nUSER root\nHEALTHCHECK CMD curl -f http://localhost:5000/alive\n"
    )
    done = run("init", "--yes", "--app", "checkout", "--image", IMAGE, at=tmp_path)
    content = (tmp_path / "deploy.yaml").read_text()
    assert "port: 5000\n" in content
    assert "liveness: /alive}" in content
    assert "The Dockerfile has USER root" in done.stderr


def test_a_dockerfile_with_a_low_port_is_warned_of_and_the_file_is_valid(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM nginx\nEXPOSE 80\n")
    done = run("init", "--yes", "--app", "checkout", "--image", IMAGE, at=tmp_path)
    assert "EXPOSE 80" in done.stderr
    assert "names no USER" in done.stderr
    assert "port: 8080\n" in (tmp_path / "deploy.yaml").read_text()


@pytest.mark.parametrize(
    ("content", "image"),
    [
        ("FROM a\nEXPOSE 8080/tcp 9000\nuser 10001:10001\n", Image(8080, "10001:10001")),
        ("FROM a AS base\nUSER app\nEXPOSE 9000\nFROM b AS other\nUSER root\nFROM base\n", Image(9000, "app")),
        ("FROM --platform=linux/arm64 a\n# USER app\nEXPOSE $PORT\n", Image()),
        (
            "FROM a\nHEALTHCHECK --interval=5s \\\n  # why\n  CMD wget -q http://127.0.0.1/up\n",
            Image(None, None, "/up"),
        ),
        ("FROM a\nHEALTHCHECK CMD x http://h/y\nHEALTHCHECK NONE\n", Image()),
        ("FROM\nUSER\nRUN x\n", Image()),
        ("EXPOSE 80\n", None),
        ("", None),
    ],
)
def test_of_a_dockerfile_the_last_stage_counts(tmp_path: Path, content: str, image: Image | None) -> None:
    (tmp_path / "Dockerfile").write_text(content)
    assert look(tmp_path / "Dockerfile") == image


def test_what_is_no_dockerfile_says_nothing(tmp_path: Path) -> None:
    assert look(tmp_path / "absent") is None
    (tmp_path / "large").write_bytes(b"FROM a\n" + b"#" * 300_000)
    assert look(tmp_path / "large") is None


@pytest.mark.parametrize(
    ("user", "is_root"), [(None, True), ("root", True), ("0", True), ("0:10", True), ("app", False), ("10001", False)]
)
def test_nobody_but_root_is_root(user: str | None, is_root: bool) -> None:
    assert Image(user=user).runs_as_root is is_root
