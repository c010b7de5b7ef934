"""Which roles follow from what a provider says."""

from __future__ import annotations

from typing import Any

import pytest

from configuration.identity import ClaimRule, Grant, Role
from gateway.oidc.claims import granted, told

DEVELOPER, VIEWER = Grant(Role.DEVELOPER, "shop"), Grant(Role.VIEWER, "shop")
CLAIMS = {"repository": "acme/shop", "ref": "refs/heads/main", "groups": ["a", "b"], "protected": True, "id": 7}


def fits(claims: dict[str, Any], **patterns: str) -> bool:
    return bool(granted(claims, [ClaimRule(patterns, DEVELOPER)]))


@pytest.mark.parametrize(
    "patterns",
    [
        {"repository": "acme/shop"},
        {"repository": "acme/*", "ref": "refs/heads/main"},
        {"ref": "refs/**"},
        {"groups": "b"},
        {"protected": "true"},
        {"id": "7"},
    ],
)
def test_a_rule_fits_when_all_of_its_claims_do(patterns: dict[str, str]) -> None:
    assert fits(CLAIMS, **patterns)


@pytest.mark.parametrize(
    "patterns",
    [
        {},
        {"repository": "acme/shop", "ref": "refs/heads/dev"},
        {"repository": "acme/sho"},
        {"repository": "cme/shop"},
        {"repository": "ACME/shop"},
        {"repository": "*"},
        {"absent": "**"},
        {"groups": "a,b"},
        {"protected": "True"},
    ],
)
def test_a_rule_does_not_fit_when_one_of_its_claims_does_not(patterns: dict[str, str]) -> None:
    assert not fits(CLAIMS, **patterns)


@pytest.mark.parametrize("value", [None, {}, {"acme/shop": 1}, [["acme/shop"]], 1.5])
def test_a_claim_of_another_kind_is_none(value: object) -> None:
    assert not fits({"repository": value}, repository="acme/shop")


def test_every_rule_that_fits_counts_once() -> None:
    rules = [
        ClaimRule({"id": "7"}, VIEWER),
        ClaimRule({"groups": "a"}, DEVELOPER),
        ClaimRule({"groups": "c"}, Grant(Role.PLATFORM_ADMIN)),
        ClaimRule({"groups": "b"}, VIEWER),
    ]
    assert granted(CLAIMS, rules) == (VIEWER, DEVELOPER)


def test_what_is_told_are_the_claims_that_rules_look_at() -> None:
    rules = [ClaimRule({"ref": "x", "groups": "y"}, VIEWER), ClaimRule({"absent": "z"}, VIEWER)]
    assert told(CLAIMS, rules) == "absent=none, groups=a|b, ref=refs/heads/main"
