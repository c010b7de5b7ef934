"""A message that names a list is about those of its items that break the rule alone."""

from __future__ import annotations

from typing import Any

from pipelines.pinpoint import pinpoint

OBJECT = {"spec": {"rules": [{"hosts": ["a", "*"]}, {"hosts": ["b"]}, {"hosts": ["*", "*"]}]}}


def _stars(one: Any) -> str | None:
    hosts = [host for rule in one["spec"]["rules"] for host in rule["hosts"]]
    return f"spec.rules[].hosts[]: it is {len(hosts)} hosts" if "*" in hosts else None


def test_each_item_that_breaks_a_rule_is_named_by_its_place_in_the_whole_object() -> None:
    found = list(pinpoint("spec.rules[].hosts[]: a wildcard", "spec", OBJECT, _stars))
    assert found == [
        (("spec", "rules", 0, "hosts", 1), "spec.rules[0].hosts[1]: it is 1 hosts"),
        (("spec", "rules", 2, "hosts", 0), "spec.rules[2].hosts[0]: it is 1 hosts"),
        (("spec", "rules", 2, "hosts", 1), "spec.rules[2].hosts[1]: it is 1 hosts"),
    ]


def test_what_no_single_item_breaks_is_the_fault_of_the_list() -> None:
    found = list(pinpoint("spec.rules[]: there are too many", "spec", OBJECT, lambda _: None))
    assert found == [(("spec", "rules"), "spec.rules: there are too many")]


def test_a_list_that_is_not_there_is_named_all_the_same() -> None:
    found = list(pinpoint("spec.gates[].name: there is none", "spec", OBJECT, lambda _: "x: y"))
    assert found == [(("spec", "gates"), "spec.gates: there is none")]


def test_a_message_that_names_no_field_is_about_the_rules_own() -> None:
    assert list(pinpoint("no token: refused", "spec.x", OBJECT, lambda _: None)) == [
        (("spec", "x"), "no token: refused")
    ]


def test_an_item_whose_message_names_no_field_keeps_the_first_one() -> None:
    found = list(
        pinpoint("spec.rules[].hosts: odd", "spec", OBJECT, lambda one: "odd as it is" if _stars(one) else None)
    )
    assert [what for _, what in found] == ["spec.rules[0].hosts: odd", "spec.rules[2].hosts: odd"]
