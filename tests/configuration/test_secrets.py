"""Where secrets are read, and that none stands in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from configuration.file import load
from pipelines.errors import InvalidConfiguration
from tests.configuration.files import FULL, MINIMAL, changed, faults


def test_secrets_come_by_reference_from_environment_and_file(write, tmp_path: Path) -> None:
    (tmp_path / "redis-url").write_text("redis://:pw@localhost/1\n")
    text = changed(MINIMAL, '"sqlite:///state/gateway.db"', "env:DB")
    text = changed(text, '"redis://127.0.0.1:6379/0"', "file:redis-url")
    settings = load(write(text), environ={"DB": "postgresql://u:pw@db/gateway"})
    assert settings.database_url == "postgresql://u:pw@db/gateway"
    assert settings.redis_url == "redis://:pw@localhost/1"


def test_the_environment_of_the_process_is_read_by_reference_only(write, monkeypatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody-asked")
    monkeypatch.setenv("DB", "postgresql://asked/db")
    assert "nobody" not in load(write(MINIMAL)).database_url
    assert load(write(changed(MINIMAL, '"sqlite:///state/gateway.db"', "env:DB"))).database_url.endswith("asked/db")


def _with_credentials(registry: str = "env:REGISTRY", git: str = "file:git-token") -> str:
    text = changed(FULL, "plain_http: true", f'plain_http: true, credentials: "{registry}"')
    return changed(text, "git: {", f'git: {{credentials: {{"127.0.0.1:1234": "{git}"}}, ')


def test_credentials_are_not_read_with_the_settings(write) -> None:
    """The front door reads the same file, and must not hold them."""
    settings = load(write(_with_credentials()), environ={})
    with pytest.raises(InvalidConfiguration, match="the environment variable 'REGISTRY' is not set") as caught:
        settings.registries[0].credentials.read()
    assert caught.value.where == "gateway.yaml:15"


def test_credentials_are_read_where_they_are_kept_each_time(write, tmp_path: Path) -> None:
    reference = load(write(_with_credentials()), environ={}).git_credentials["127.0.0.1:1234"]
    for secret in ("first", "second"):
        (tmp_path / "git-token").write_text(f"{secret}\n")
        assert reference.read() == secret


@pytest.mark.parametrize("written", [{"registry": "user:hunter2"}, {"git": "hunter2"}, {"git": "env:hunter-2"}])
def test_credentials_in_the_clear_are_refused_and_not_repeated(write, written: dict[str, str]) -> None:
    (only,) = faults(write(_with_credentials(**written)), environ={})
    assert "credentials" in only
    assert "env:NAME or file:PATH, and not the secret" in only
    assert "hunter" not in only


@pytest.mark.parametrize(
    ("repository", "says"),
    [
        ("https://git.example.com/shop", "git.credentials.127.0.0.1:1234: no repository is at '127.0.0.1:1234'"),
        ("http://git.example.com/shop", "the credentials of git.example.com would go there unencrypted"),
    ],
)
def test_credentials_are_for_a_host_that_is_asked_and_go_there_encrypted(write, repository: str, says: str) -> None:
    text = changed(_with_credentials(), "http://127.0.0.1:1234/shop", repository)
    text = changed(text, 'allowed_hosts: ["127.0.0.1:1234"]', "allowed_hosts: []")
    if "unencrypted" in says:
        text = changed(text, '"127.0.0.1:1234"', "git.example.com")
    assert says in "".join(faults(write(text), environ={}))


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("env:NOPE", "the environment variable 'NOPE' is not set, or empty"),
        ("env:EMPTY", "the environment variable 'EMPTY' is not set, or empty"),
        ("file:nope", "can't be read: No such file or directory"),
        ("file:empty", "is empty"),
        ("file:binary", "is not UTF-8 text"),
        ("postgresql://user:hunter2@db/x", "holds a password in the clear"),
        ("mysql://db/x", "not an address that can be used"),
        ("env:WRONG", "not an address that can be used"),
    ],
)
def test_a_reference_that_leads_nowhere_is_told_by_line_and_without_the_secret(
    write, tmp_path: Path, reference: str, expected: str
) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe hunter2")
    path = write(changed(MINIMAL, '"sqlite:///state/gateway.db"', f'"{reference}"'))
    (only,) = faults(path, environ={"EMPTY": " ", "WRONG": "mysql://hunter2"})
    assert only.startswith("gateway.yaml:3: store.url: ")
    assert expected in only
    assert "hunter2" not in only
