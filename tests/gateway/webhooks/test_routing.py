from __future__ import annotations

from dataclasses import replace

import pytest

from configuration.settings import Settings
from configuration.webhooks import Cause, Forge, ReleaseRule, Webhook
from gateway.patterns import fits, holds
from gateway.webhooks.announcement import Announcement, Update
from gateway.webhooks.routing import apps_of, identity, targets
from pipelines.apps import App, AppName

REPOSITORY = "https://git.example.com/shop/mono.git"
WEB = App(AppName("web"), "shop", REPOSITORY, "services/web/deploy.yaml")
API = App(AppName("api"), "shop", REPOSITORY, "services/api/deploy.yaml", paths=("services/api/", "libs/**/*.py"))
ALL = App(AppName("all"), "shop", REPOSITORY)
RULES = (ReleaseRule(Cause.BRANCH, "main", "staging"), ReleaseRule(Cause.TAG, "v*", "production"))
WEBHOOK = Webhook("shop", Forge.GITHUB, (), frozenset({"shop"}), frozenset(), 600, RULES)


def update(*files: str, cause: Cause = Cause.BRANCH, name: str = "main", commit: str = "b") -> Update:
    return Update(cause, name, "a" * 40, commit * 40, commit * 40, frozenset(files) if files else None)


def routed(settings: Settings, *updates: Update, webhook: Webhook = WEBHOOK) -> list[tuple[str, str, str]]:
    found = targets(settings, webhook, [ALL, API, WEB], Announcement(updates=updates))
    return [(one.app.name, one.environment.name, one.update.after[0]) for one in found]


@pytest.mark.parametrize(
    ("files", "apps"),
    [
        (["services/web/deploy.yaml"], ["all", "web"]),
        (["services/web/k8s/a/b.yaml"], ["all", "web"]),
        (["services/website/deploy.yaml"], ["all"]),
        (["services/api/x"], ["all", "api"]),
        (["libs/a.py"], ["all", "api"]),
        (["libs/x/y/a.py"], ["all", "api"]),
        (["libs/x/y/a.md"], ["all"]),
        (["README.md", "services/web/a", "services/api/b"], ["all", "api", "web"]),
        ([], ["all", "api", "web"]),
    ],
)
def test_only_apps_whose_files_changed_are_released(settings: Settings, files: list[str], apps: list[str]) -> None:
    assert [app for app, _, _ in routed(settings, update(*files))] == apps


def test_a_tag_is_for_every_app(settings: Settings) -> None:
    tagged = update("services/web/x", cause=Cause.TAG, name="v1")
    assert routed(settings, tagged) == [(app, "production", "b") for app in ("all", "api", "web")]


def test_an_app_and_environment_get_one_release_however_many_rules_fit(settings: Settings) -> None:
    rules = (*RULES, ReleaseRule(Cause.BRANCH, "*", "staging"), ReleaseRule(Cause.BRANCH, "ma*", "production"))
    done = routed(settings, update("services/web/x"), webhook=replace(WEBHOOK, rules=rules))
    assert done == [
        ("all", "production", "b"),
        ("all", "staging", "b"),
        ("web", "production", "b"),
        ("web", "staging", "b"),
    ]


def test_of_several_updates_the_last_is_released(settings: Settings) -> None:
    assert [sha for _, _, sha in routed(settings, update(commit="b"), update(commit="c"))] == ["c", "c", "c"]


def test_what_is_gone_is_not_released(settings: Settings) -> None:
    assert routed(settings, replace(update(), after="", commit=None)) == []


def test_a_rule_may_be_for_some_apps(settings: Settings) -> None:
    rules = (ReleaseRule(Cause.BRANCH, "main", "staging", frozenset({"web"})),)
    assert routed(settings, update(), webhook=replace(WEBHOOK, rules=rules)) == [("web", "staging", "b")]


def test_apps_are_found_by_what_is_registered_for_this_webhook(settings: Settings) -> None:
    theirs = App(AppName("theirs"), "bank", REPOSITORY)
    here = replace(settings, apps={app.name: app for app in (WEB, API, theirs)})
    found = apps_of(here, WEBHOOK, ["https://git.example.com/shop/mono"])
    assert [app.name for app in found] == ["api", "web"]
    named = replace(WEBHOOK, teams=frozenset(), apps=frozenset({"theirs"}))
    assert apps_of(here, named, ["https://git.example.com/shop/mono"]) == [theirs]
    assert apps_of(here, WEBHOOK, ["https://git.example.com/shop/other", "not an address", ""]) == []


def test_the_first_address_that_is_registered_counts_alone(settings: Settings) -> None:
    other = App(AppName("other"), "shop", "https://git.example.com/shop/other.git")
    here = replace(settings, apps={app.name: app for app in (WEB, other)})
    assert apps_of(here, WEBHOOK, ["https://x.example.com/", other.repository, WEB.repository]) == [other]


@pytest.mark.parametrize(
    "address",
    [
        "https://git.example.com/shop/mono.git",
        "http://GIT.example.com/Shop/Mono/",
        "https://user:password@git.example.com/shop/mono.git",
        "https://git.example.com/shop/mono?x=1#y",
    ],
)
def test_addresses_of_one_repository_are_the_same(address: str) -> None:
    assert identity(address) == "git.example.com/shop/mono"


@pytest.mark.parametrize(
    "address",
    [
        "https://git.example.com:8443/shop/mono.git",
        "https://git.example.com.evil.example/shop/mono.git",
        "https://evil.example/git.example.com/shop/mono.git",
        "https://git.example.com/shop/mono/../other",
        "https://git.example.com/shop/mono.git.git",
        "https://git.example.com/shop/mono%2egit",
        "git@git.example.com:shop/mono.git",
        "https://git.example.com:port/shop/mono",
        "https://[",
        "",
    ],
)
def test_addresses_of_others_are_not(address: str) -> None:
    assert identity(address) != "git.example.com/shop/mono"


@pytest.mark.parametrize(
    ("pattern", "text", "does"),
    [
        ("main", "main", True),
        ("main", "mainline", False),
        ("main", "feature/main", False),
        ("*", "main", True),
        ("*", "feature/a", False),
        ("**", "feature/a", True),
        ("feature/*", "feature/a", True),
        ("feature/*", "feature/a/b", False),
        ("feature/**", "feature/a/b", True),
        ("v*", "v1.2.3", True),
        ("v1.2", "v1x2", False),
        ("v*.*", "v1", False),
        ("v*", "v1\n", True),
        ("main", "main\n", False),
    ],
)
def test_a_star_stops_at_a_slash_and_two_do_not(pattern: str, text: str, does: bool) -> None:
    assert fits(pattern, text) is does


@pytest.mark.parametrize(
    ("pattern", "path", "does"),
    [
        ("services/web", "services/web", True),
        ("services/web/", "services/web/a/b", True),
        ("services/web", "services/website", False),
        ("services/*", "services/web/a", True),
        ("**/Dockerfile", "Dockerfile", True),
        ("**/Dockerfile", "a/b/Dockerfile", True),
        ("**/Dockerfile", "a/XDockerfile", False),
        ("*.yaml", "a/b.yaml", False),
    ],
)
def test_a_path_holds_what_is_below_it(pattern: str, path: str, does: bool) -> None:
    assert holds(pattern, path) is does
