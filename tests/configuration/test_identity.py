"""Who may do what, as gateway.yaml says it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from configuration.file import load
from configuration.identity import ClaimRule, Grant, Role

from .files import FULL, SHA, changed, faults

TOKEN = "{name: shop-ci, team: shop, role: developer"


def written(folder: Path, token: str) -> Path:
    path = folder / "gateway.yaml"
    path.write_text(changed(FULL, TOKEN, token))
    return path


def test_a_token_says_how_far_its_role_reaches_until_when_and_whose_it_is(tmp_path: Path) -> None:
    more = ', environments: [staging], apps: [checkout], last_day: "2027-06-30", owner: ada@example.com'
    token = load(written(tmp_path, TOKEN + more)).tokens[0]
    assert token.grant == Grant(Role.DEVELOPER, "shop", frozenset({"staging"}), frozenset({"checkout"}))
    assert (token.last_day, token.owner, token.sha256) == (date(2027, 6, 30), "ada@example.com", SHA)
    assert str(token.grant) == "developer for team shop for checkout in staging"


def test_a_token_without_more_is_as_it_ever_was(tmp_path: Path) -> None:
    token = load(written(tmp_path, TOKEN)).tokens[0]
    assert (token.grant, token.last_day, token.owner) == (Grant(Role.DEVELOPER, "shop"), None, "")


@pytest.mark.parametrize(
    ("token", "fault"),
    [
        (f"{TOKEN}, environments: [stagin]", "tokens[0].environments: there is no Environment 'stagin'"),
        (f"{TOKEN}, environments: []", "tokens[0].environments"),
        (f"{TOKEN}, apps: [chekout]", "tokens[0].apps: there is no App 'chekout'"),
        (f"{TOKEN}, last_day: '2027-02-30'", "tokens[0].last_day"),
        ("{name: m, role: measurer, environments: [staging]", "tokens[0]: a measurer hands in what was measured"),
        ("{name: x, team: sop, role: approver", "tokens[0].team: there is no team 'sop'"),
        ("{name: x, role: approver", "tokens[0] (x) has the role approver and no team"),
    ],
)
def test_what_does_not_fit_is_told_with_its_line(tmp_path: Path, token: str, fault: str) -> None:
    (told,) = faults(written(tmp_path, token))
    assert told.startswith("gateway.yaml:13: ")
    assert fault in told


def test_an_app_of_another_team_is_none_of_this_tokens(tmp_path: Path) -> None:
    path = written(tmp_path, "{name: x, team: bank, role: developer, apps: [checkout]")
    path.write_text(path.read_text().replace("teams: {shop: {}}", "teams: {shop: {}, bank: {}}"))
    (told,) = faults(path)
    assert "tokens[0].apps: the App 'checkout' is team shop's, not bank's" in told


ISSUER = """issuers:
  github:
    url: https://token.actions.githubusercontent.com
    rules:
      - {claims: {repository: acme/shop, ref: refs/heads/main}, role: developer, team: shop, environments: [staging]}
"""


def with_issuers(folder: Path, text: str) -> Path:
    path = folder / "gateway.yaml"
    path.write_text(changed(FULL, "tokens:\n", text + "tokens:\n"))
    return path


def test_an_issuer_says_which_claims_may_what(tmp_path: Path) -> None:
    (issuer,) = load(with_issuers(tmp_path, ISSUER)).issuers
    assert (issuer.name, issuer.url) == ("github", "https://token.actions.githubusercontent.com")
    assert (issuer.audience, issuer.algorithms, issuer.person) == ("http://127.0.0.1:8080", ("RS256",), "")
    grant = Grant(Role.DEVELOPER, "shop", frozenset({"staging"}))
    assert issuer.rules == (ClaimRule({"repository": "acme/shop", "ref": "refs/heads/main"}, grant),)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("repository: acme/shop, ", "", "issuers.github.rules[0].claims fits jobs of any repository"),
        ("acme/shop", '"*/shop"', "issuers.github.rules[0].claims fits jobs of any repository"),
        ("https://token", "http://token", "issuers.github.url"),
        (".com\n", ".com/?x=1\n", "issuers.github.url"),
        ("team: shop, env", "env", "issuers.github.rules[0] has the role developer and no team"),
        ("[staging]", "[stagin]", "issuers.github.rules[0].environments: there is no Environment 'stagin'"),
        ("    rules:", "    algorithms: [none]\n    rules:", "issuers.github.algorithms[0]"),
        ("    rules:", "    algorithms: [HS256]\n    rules:", "issuers.github.algorithms[0]"),
        ("{claims: {repository: acme/shop, ref: refs/heads/main}, ", "{", "claims' is missing"),
    ],
)
def test_an_issuer_that_would_let_in_too_many_is_refused(tmp_path: Path, old: str, new: str, fault: str) -> None:
    (told,) = faults(with_issuers(tmp_path, changed(ISSUER, old, new)))
    assert fault in told


def test_one_provider_is_written_once(tmp_path: Path) -> None:
    twice = ISSUER + ISSUER.replace("issuers:\n", "").replace("github:", "again:")
    (told,) = faults(with_issuers(tmp_path, twice))
    assert "issuers.again.url is the one of issuers.github already" in told
