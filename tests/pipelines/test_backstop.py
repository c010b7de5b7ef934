"""The backstop as objects: what the platform says stands in it, and all of it is known for ours."""

from __future__ import annotations

from typing import Any

from pipelines.apps import ClusterName, Environment, EnvironmentName
from pipelines.backstop import OWNED_LABEL, Exceptions, backstop, foundation, warned
from pipelines.findings import Mode
from pipelines.ports import Manifest
from pipelines.rules import load_rules

ALL = Exceptions(("on-call",), ("sre",), ("system:serviceaccount:eso:eso",), ("rollouts.argoproj.io",))


def _spec(exceptions: Exceptions, policy: str) -> dict[str, Any]:
    return next(
        one["spec"]
        for one in foundation(exceptions)
        if (one["kind"], one["metadata"]["name"]) == ("ValidatingAdmissionPolicy", policy)
    )


def _variables(exceptions: Exceptions, policy: str) -> dict[str, str]:
    return {one["name"]: one["expression"] for one in _spec(exceptions, policy)["variables"]}


def test_who_else_may_write_stands_in_the_policy() -> None:
    variables = _variables(ALL, "deploy-gateway-only")
    assert (variables["restartGroups"], variables["breakGlassGroups"]) == ('["on-call"]', '["sre"]')
    assert _variables(ALL, "deploy-gateway-itself")["operators"] == '["system:serviceaccount:eso:eso"]'


def test_without_a_word_nobody_restarts_and_one_group_breaks_the_glass() -> None:
    variables = _variables(Exceptions(), "deploy-gateway-only")
    assert (variables["restartGroups"], variables["breakGlassGroups"]) == ("[]", '["deploy-gateway:break-glass"]')


def test_more_kinds_are_matched_in_the_policy_and_no_other_is_lost() -> None:
    before = _spec(Exceptions(), "deploy-gateway-only")["matchConstraints"]["resourceRules"]
    *kept, added = _spec(ALL, "deploy-gateway-only")["matchConstraints"]["resourceRules"]
    assert kept == before
    assert (added["apiGroups"], added["resources"]) == (["argoproj.io"], ["rollouts"])
    assert added["operations"] == ["CREATE", "UPDATE", "DELETE"]


def _key(manifest: Manifest) -> tuple[str, str]:
    return str(manifest["kind"]), str(manifest["metadata"]["name"])


def test_every_object_is_labelled_as_ours_and_there_once() -> None:
    objects = backstop(load_rules(), {"registries": "a/"}, (), Exceptions())
    assert {one["metadata"]["labels"][OWNED_LABEL] for one in objects} == {"true"}
    assert len({_key(one) for one in objects}) == len(objects)


def test_a_rule_that_refuses_only_in_some_environments_is_known_as_warned() -> None:
    rules = {rule.id: rule for rule in load_rules()}
    (lenient,) = (rule for rule in rules if rules[rule].mode is Mode.WARN and rule == "secret-literals")
    place = Environment(EnvironmentName("staging"), ClusterName("local"), mode=Mode.WARN)
    strict = Environment(EnvironmentName("production"), ClusterName("local"), rule_modes={lenient: Mode.ENFORCE})
    found = warned(backstop(tuple(rules.values()), {}, (place, strict), Exceptions()))
    assert found == {rule for rule in rules if rules[rule].mode is Mode.WARN}
