"""The examples that a cluster is asked about: each breaks its own rule and nothing else, and the good ones none."""

from __future__ import annotations

import pytest

from pipelines.adapters.cel import CelRules
from pipelines.examples import Examples
from pipelines.rules import load_rules
from tests.pipelines.conftest import PARAMETERS, subject

RULES = load_rules()
EXAMPLES = Examples(PARAMETERS)


@pytest.fixture(scope="module")
def cel_rules() -> CelRules:
    return CelRules(RULES)


def test_every_rule_has_one_and_there_is_none_without_a_rule() -> None:
    assert EXAMPLES.broken.keys() == {rule.id for rule in RULES}


@pytest.mark.parametrize("rule", sorted(EXAMPLES.broken))
def test_it_breaks_exactly_this_rule(cel_rules: CelRules, rule: str) -> None:
    assert {found.rule for found in cel_rules.findings(subject((EXAMPLES.broken[rule],)))} == {rule}


@pytest.mark.parametrize("kind", sorted(EXAMPLES.good))
def test_a_good_one_breaks_none(cel_rules: CelRules, kind: str) -> None:
    assert cel_rules.findings(subject((EXAMPLES.good[kind],))) == ()


def test_where_the_platform_lets_none_in_the_kind_is_told() -> None:
    assert not EXAMPLES.nothing_allowed
    assert Examples({"registries": "a/"}).nothing_allowed == {"Ingress", "HTTPRoute", "VirtualService"}
    assert Examples({}).nothing_allowed == {"Deployment", "Ingress", "HTTPRoute", "VirtualService"}
