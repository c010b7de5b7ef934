"""Apps, Environments and the form of a ref."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ulid import ULID

from pipelines.apps import App, AppName, ClusterName, Environment, EnvironmentName, parse_ref, parse_release_id
from pipelines.errors import InvalidRef
from pipelines.findings import Mode

CHECKOUT = App(AppName("checkout"), team="shop", repository="https://git.example.com/shop/checkout.git")
STAGING = Environment(
    EnvironmentName("staging"),
    ClusterName("local"),
    namespace="{team}-{app}-staging",
    mode=Mode.ENFORCE,
    rule_modes={"read-only-root": Mode.WARN},
)


def test_an_id_of_a_release_is_taken() -> None:
    assert parse_release_id(str(ULID()).lower()) is not None


@pytest.mark.parametrize("claimed", ["", "0" * 25, "0" * 27, "0" * 26 + "\n", "U" * 26, "../" * 9, None, 7, ["0" * 26]])
def test_what_is_no_id_is_none(claimed: object) -> None:
    assert parse_release_id(claimed) is None


@pytest.mark.parametrize("ref", ["main", "v1.4.2", "feature/new-basket", "a" * 40, "release_2026+1", "x@y"])
def test_branches_tags_and_commits_are_taken(ref: str) -> None:
    assert parse_ref(ref) == ref


@pytest.mark.parametrize(
    "ref",
    [
        "",
        "--upload-pack=touch /tmp/x",
        "-x",
        "main;id",
        "$(id)",
        "main\n",
        "a..b",
        "a@{1}",
        "a b",
        "main^",
        "HEAD~1",
        "a:b",
        "x.lock",
        "x/",
        "a//b",
        "x.",
        ".hidden",
        "ü",
        "x" * 256,
    ],
)
def test_what_something_else_could_read_otherwise_is_refused(ref: str) -> None:
    with pytest.raises(InvalidRef, match="not a branch, tag or commit"):
        parse_ref(ref)


@given(st.text(max_size=40))
def test_whatever_is_taken_is_no_option_and_no_expression(text: str) -> None:
    try:
        ref = parse_ref(text)
    except InvalidRef:
        return
    assert not ref.startswith("-")
    assert not set(ref) & set(" \t\n\0;|&$`'\"\\<>(){}[]*?!^~:")


def test_the_namespace_is_the_apps_own() -> None:
    assert STAGING.namespace_of(CHECKOUT) == "shop-checkout-staging"


def test_a_rule_may_have_a_mode_of_its_own() -> None:
    assert STAGING.mode_of("read-only-root") is Mode.WARN
    assert STAGING.mode_of("image-pinned") is Mode.ENFORCE


def test_a_rule_about_the_whole_cluster_is_enforced_whatever_the_environment_says() -> None:
    lenient = replace(STAGING, mode=Mode.WARN, rule_modes={"team-scope": Mode.WARN})
    assert lenient.mode_of("team-scope") is Mode.ENFORCE
