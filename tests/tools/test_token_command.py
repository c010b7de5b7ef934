"""`deploy-gateway token`: what is issued is recognised, shown without its secret, and ended."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from configuration.file import load
from configuration.identity import Grant, Role
from pipelines.errors import Conflict, NotFound
from store import migrate, open_store
from store.tokens import digest_of
from tests.configuration.files import FULL
from tools.cli import cli

Config = Path


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "state").mkdir()
    path = tmp_path / "gateway.yaml"
    path.write_text(FULL.replace("rules: {image-tag: enforce}, ", ""))
    migrate(load(path).database_url)
    return path


def run(config: Config, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["token", *arguments, "--config", str(config)])


def create(config: Config, *arguments: str) -> str:
    done = run(config, "create", "--name", "ci", "--team", "shop", *arguments)
    assert done.exit_code == 0, done.output
    return done.stdout.strip()


def test_what_is_printed_is_the_token_alone_and_the_store_knows_its_digest(config: Config) -> None:
    text = create(config, "--env", "staging", "--app", "checkout", "--days", "30", "--owner", "ada@example.com")
    assert re.fullmatch(r"dgw_[0-9A-Za-z]{60}", text)
    store = open_store(load(config).database_url)
    issued = store.tokens.by_digest(digest_of(text))
    store.close()
    assert issued is not None
    assert issued.grant == Grant(Role.DEVELOPER, "shop", frozenset({"staging"}), frozenset({"checkout"}))
    assert (issued.owner, (issued.expires_at - issued.created_at).days in (29, 30)) == ("ada@example.com", True)


def test_the_list_shows_all_but_the_secret(config: Config) -> None:
    text = create(config)
    shown = run(config, "list").stdout
    assert text[4:14] in shown
    assert "developer for team shop" in shown
    assert "never used" in shown
    (document,) = json.loads(run(config, "list", "-o", "json").stdout)
    assert (document["name"], document["team"], document["environments"]) == ("ci", "shop", None)
    assert text not in shown + json.dumps(document)
    assert digest_of(text) not in shown + json.dumps(document)


def test_a_revoked_token_is_listed_only_among_all(config: Config) -> None:
    create(config)
    assert "revoked" in run(config, "revoke", "ci").stdout
    assert "No token was issued" in run(config, "list").output
    assert "revoked" in run(config, "list", "--all").stdout


def test_an_entry_for_the_file_is_one_that_it_takes_and_nothing_is_stored(config: Config) -> None:
    done = run(config, "create", "--name", "ci", "--team", "shop", "--env", "staging", "--print-entry")
    text, entry = re.search(r"(dgw_\w+)", done.stdout), done.stdout.splitlines()[-1]
    assert text is not None
    config.write_text(config.read_text().replace("tokens:\n", f"tokens:\n{entry}\n"))
    token = load(config).tokens[0]
    assert (token.name, token.sha256) == ("ci", digest_of(text[1]))
    assert token.grant == Grant(Role.DEVELOPER, "shop", frozenset({"staging"}))
    assert token.last_day is not None
    assert "No token was issued" in run(config, "list").output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--name", "ci"], "--team is needed for the role developer"),
        (["--name", "c i", "--team", "shop"], "--name takes at most 60"),
        (["--name", "ci", "--team", "sop"], "there is no team 'sop'"),
        (["--name", "ci", "--team", "shop", "--env", "stagin"], "there is no Environment 'stagin'"),
        (["--name", "ci", "--team", "shop", "--app", "chekout"], "there is no App 'chekout'"),
        (["--name", "root", "--team", "shop"], "a token in gateway.yaml is called 'root' already"),
        (["--name", "ci", "--team", "shop", "--days", "400"], "--days can be 366 at most"),
        (["--name", "ci", "--role", "measurer", "--env", "staging"], "leave --env and --app out"),
    ],
)
def test_what_can_not_be_issued_is_told(config: Config, arguments: list[str], told: str) -> None:
    done = run(config, "create", *arguments)
    assert done.exit_code == 2
    assert told in done.output


def test_an_app_of_another_team_is_told(config: Config) -> None:
    config.write_text(config.read_text().replace("teams: {shop: {}}", "teams: {shop: {}, bank: {}}"))
    done = run(config, "create", "--name", "ci", "--team", "bank", "--app", "checkout")
    assert "is team shop's, not bank's" in done.output


def test_a_name_in_use_and_one_that_is_none_are_told(config: Config) -> None:
    create(config)
    assert isinstance(run(config, "create", "--name", "ci", "--team", "shop").exception, Conflict)
    assert isinstance(run(config, "revoke", "nope").exception, NotFound)
