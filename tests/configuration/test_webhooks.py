# ruff: noqa: E501 - the table of mistakes reads best with one to a line
from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from configuration.file import load
from configuration.webhooks import Cause, Forge, ReleaseRule
from tests.configuration.files import FULL, changed, faults

WEBHOOKS = """\
webhooks:
  shop-github:
    forge: github
    secrets: [env:HOOK, "file:next"]
    teams: [shop]
    releases:
      - {branch: main, environment: staging}
      - {tag: "v*", environment: production, apps: [checkout]}
"""
WITH = FULL + WEBHOOKS


def test_a_webhook_has_its_forge_its_secrets_and_its_rules(write) -> None:
    webhook = load(write(WITH), environ={}).webhooks["shop-github"]
    assert (webhook.name, webhook.forge, webhook.per_minute) == ("shop-github", Forge.GITHUB, 600)
    assert (webhook.teams, webhook.apps) == (frozenset({"shop"}), frozenset())
    assert [secret.text for secret in webhook.secrets] == ["env:HOOK", "file:next"]
    assert webhook.rules == (
        ReleaseRule(Cause.BRANCH, "main", "staging"),
        ReleaseRule(Cause.TAG, "v*", "production", frozenset({"checkout"})),
    )


def test_where_a_secret_is_said_to_be_is_known_by_its_line(write) -> None:
    webhook = load(write(WITH), environ={}).webhooks["shop-github"]
    line = WITH[: WITH.index("secrets:")].count("\n") + 1
    assert webhook.secrets[1].where.endswith(f"gateway.yaml:{line}")


def test_no_secret_is_read_with_the_settings(write) -> None:
    assert load(write(WITH), environ={}).webhooks


def test_an_app_says_what_it_is_made_of(write) -> None:
    text = changed(FULL, "deploy_file: ops/deploy.yaml", "paths: [services/checkout/, 'libs/**/*.py']")
    assert load(write(text), environ={}).apps["checkout"].paths == ("services/checkout/", "libs/**/*.py")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("forge: github", "forge: sourceforge", "webhooks.shop-github.forge: should be 'github', 'gitlab', 'gitea' or 'bitbucket'"),
        ('secrets: [env:HOOK, "file:next"]', "secrets: []", "webhooks.shop-github.secrets"),
        ('secrets: [env:HOOK, "file:next"]', "secrets: [env:A, env:B, env:C]", "webhooks.shop-github.secrets"),
        ("env:HOOK", "hunter2-hunter2-hunter2", "webhooks.shop-github.secrets[0]: write where the secret is"),
        ("teams: [shop]", "teams: [shpo]", "webhooks.shop-github.teams[0]: there is no team 'shpo'"),
        ("teams: [shop]", "apps: [chekout]", "webhooks.shop-github.apps[0]: there is no App 'chekout'"),
        ("    teams: [shop]\n", "", "webhooks.shop-github is for no App: it has neither `teams` nor `apps`"),
        ("apps: [checkout]}", "apps: [cart]}", "webhooks.shop-github.releases[1].apps[0]: there is no App 'cart'"),
        ("environment: staging}", "environment: stagin}", "webhooks.shop-github.releases[0].environment: there is no Environment 'stagin'"),
        ("branch: main,", "", "webhooks.shop-github.releases[0] needs exactly one of branch, tag, merged_into"),
        ("branch: main,", "branch: main, tag: v1,", "webhooks.shop-github.releases[0] needs exactly one of branch, tag, merged_into"),
        ("branch: main,", "branch: 'ma in',", "webhooks.shop-github.releases[0].branch: does not have the form it must have"),
        ("branch: main,", "brunch: main,", "unknown key 'webhooks.shop-github.releases[0].brunch'"),
        ("forge: github", "forge: github\n    per_minute: 0", "webhooks.shop-github.per_minute"),
        ("deploy_file: ops/deploy.yaml", "paths: [../other]", "apps.checkout.paths[0]: write a path inside the repository"),
    ],
)  # fmt: skip
def test_what_can_not_be_is_told_with_its_line(write, old: str, new: str, told: str) -> None:
    (fault,) = [one for one in faults(write(changed(WITH, old, new)), environ={}) if told in one]
    assert fault.startswith("gateway.yaml:")
    assert "hunter2" not in fault


def test_a_webhook_with_a_mistake_does_not_hide_the_mistakes_of_others(write) -> None:
    text = changed(changed(WITH, "forge: github", "forge: no"), "team: shop,", "team: shpo,")
    assert len(faults(write(text), environ={})) >= 2


def test_what_the_page_on_webhooks_shows_is_taken(write) -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "release-on-push.md"
    first, apps, two_secrets = map(yaml.safe_load, re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.M | re.S))
    document = yaml.safe_load(FULL)
    document["git"]["allowed_hosts"].append("git.example.com")
    document["apps"] |= apps["apps"]
    webhook = first["webhooks"]["shop"]
    for secrets in (webhook["secrets"], two_secrets["webhooks"]["shop"]["secrets"]):
        document["webhooks"] = {"shop": {**webhook, "secrets": secrets}}
        assert len(load(write(yaml.safe_dump(document)), environ={}).webhooks["shop"].secrets) == len(secrets)
