"""Who may do what, as gateway.yaml says it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from configuration.file import load
from configuration.identity import Grant, Role

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
