"""What a Role may have at most is what the gateway has itself, told by verb."""

from __future__ import annotations

from typing import Any

from pipelines.grants import Grants
from tests.pipelines.conftest import subject
from tests.pipelines.mutation import brought

_RBAC = "rbac.authorization.k8s.io/v1"


def _found(*rules: Any) -> list[tuple[str, str]]:
    found = Grants().findings(subject((brought(_RBAC, "Role", {"rules": list(rules)}),)))
    assert all(one.rule == "rbac-grantable" for one in found)
    return [(one.field, one.how) for one in found]


def _rule(group: str, resource: str, *verbs: str) -> Any:
    return {"apiGroups": [group], "resources": [resource], "verbs": list(verbs)}


def test_what_the_gateway_has_it_can_grant(standard: tuple[Any, ...]) -> None:
    assert _found(_rule("", "configmaps", "get", "update"), _rule("coordination.k8s.io", "leases", "create")) == []
    assert Grants().findings(subject(standard)) == ()


def test_a_verb_that_it_lacks_is_told_with_those_that_it_has() -> None:
    ((field, how),) = _found(_rule("", "configmaps", "get"), _rule("", "pods", "get", "delete"))
    assert field == "rules[1].verbs[1]"
    assert how == "verbs: [get, list, watch]    # at most, on pods"


def test_a_resource_that_it_has_nothing_to_do_with_is_told() -> None:
    both = {"apiGroups": [""], "resources": ["configmaps", "pods/eviction"], "verbs": ["get"]}
    ((field, how),) = _found(both)
    assert field == "rules[0].resources[1]"
    assert "ask the platform" in how


def test_a_resource_is_of_every_group_that_is_named() -> None:
    assert [field for field, _ in _found({**_rule("", "configmaps", "get"), "apiGroups": ["", "apps"]})] == [
        "rules[0].resources[0]"
    ]


def test_what_is_no_rule_at_all_is_for_the_schemas_to_tell() -> None:
    assert _found("get", {"resources": ["configmaps"], "verbs": "get"}, {"apiGroups": [], "resources": ["x"]}) == []


def test_a_role_of_something_else_is_no_role() -> None:
    other = brought("example.com/v1", "Role", {"rules": [_rule("", "pods", "delete")]})
    assert Grants().findings(subject((other,))) == ()
