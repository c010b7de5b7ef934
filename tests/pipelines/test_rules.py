"""The catalogue: complete rules only, and what a cluster gets of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.apps import (
    ALWAYS_ENFORCED,
    App,
    AppName,
    ClusterName,
    Environment,
    EnvironmentName,
    Ingress,
    IngressKind,
)
from pipelines.errors import InvalidConfiguration
from pipelines.findings import Mode
from pipelines.other_proxies import GROUPS
from pipelines.rules import POLICIES, Rule, as_json, cluster_objects, decidable, load_rules, parameters, undecidable

RULES = load_rules()


@pytest.fixture
def policy() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((POLICIES / "service-type.yaml").read_text())
    return found


def _load(folder: Path, policy: Any, name: str = "service-type.yaml") -> None:
    (folder / name).write_text(policy if isinstance(policy, str) else yaml.safe_dump(policy))
    load_rules(folder)


def test_every_rule_teaches() -> None:
    for rule in RULES:
        assert all((rule.title, rule.why, rule.how, rule.link.startswith("https://"), rule.since))


def test_no_rules_are_an_error_and_no_pass(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match="there is no rule"):
        load_rules(tmp_path)


def test_a_rule_without_an_explanation_is_refused(tmp_path: Path, policy: dict[str, Any]) -> None:
    del policy["metadata"]["annotations"]["deploy-gateway.dev/why"]
    with pytest.raises(InvalidConfiguration, match="not complete: 'why'") as caught:
        _load(tmp_path, policy)
    assert caught.value.where == "policies/service-type.yaml"


def test_a_rule_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match="not complete"):
        _load(tmp_path, "a: [")


@pytest.mark.parametrize(("key", "value"), [("severity", "awful"), ("mode", "off"), ("each", "sometimes")])
def test_a_rule_says_nothing_that_has_no_meaning(tmp_path: Path, policy: dict[str, Any], key: str, value: str) -> None:
    policy["metadata"]["annotations"][f"deploy-gateway.dev/{key}"] = value
    with pytest.raises(InvalidConfiguration, match=f"not complete: .*{value}"):
        _load(tmp_path, policy)


def test_a_rule_is_called_as_its_file(tmp_path: Path, policy: dict[str, Any]) -> None:
    with pytest.raises(InvalidConfiguration, match="the policy is called 'service-type'"):
        _load(tmp_path, policy, "other.yaml")


def _bindings(*environments: Environment) -> dict[str, Any]:
    objects = cluster_objects(RULES, {}, environments)
    bindings = [one for one in objects if one["kind"] == "ValidatingAdmissionPolicyBinding"]
    return {one["metadata"]["name"]: one["spec"] for one in bindings}


def _environment(name: str, mode: Mode, **rules: Mode) -> Environment:
    modes = {rule.replace("_", "-"): mode for rule, mode in rules.items()}
    return Environment(EnvironmentName(name), ClusterName("local"), mode=mode, rule_modes=modes)


def test_a_cluster_gets_the_files_unchanged_and_the_parameters() -> None:
    config, *rest = cluster_objects(RULES, {"registries": "a/\nb/"})
    assert config["data"] == {"registries": "a/\nb/"}
    policies = {one["metadata"]["name"]: one for one in rest if one["kind"] == "ValidatingAdmissionPolicy"}
    assert policies.keys() == {rule.id for rule in RULES}
    for name, policy in policies.items():
        assert policy == yaml.safe_load((POLICIES / f"{name}.yaml").read_text())


def test_without_a_warning_environment_each_rule_refuses_in_all_managed_namespaces() -> None:
    bindings = _bindings(_environment("production", Mode.ENFORCE))
    refusing = {name: spec for name, spec in bindings.items() if not name.endswith("-warn")}
    assert refusing.keys() == {rule.id for rule in RULES if rule.mode is Mode.ENFORCE}
    for rule, spec in refusing.items():
        assert spec["policyName"] == rule
        assert spec["validationActions"] == ["Deny", "Audit"]
        assert spec["matchResources"] == {"namespaceSelector": {"matchLabels": {"deploy-gateway.dev/managed": "true"}}}
    assert bindings["image-registry"]["paramRef"]["parameterNotFoundAction"] == "Deny"


def test_a_rule_without_parameters_is_bound_without_them() -> None:
    (rule,) = (rule for rule in RULES if rule.id == "seccomp")
    policy = {**rule.policy, "spec": {key: value for key, value in rule.policy["spec"].items() if key != "paramKind"}}
    *_, binding = cluster_objects((replace(rule, policy=policy),), {})
    assert "paramRef" not in binding["spec"]


def test_a_rule_that_warns_by_itself_refuses_only_where_it_is_told_to() -> None:
    production = _environment("production", Mode.ENFORCE, secret_literals=Mode.ENFORCE)
    bindings = _bindings(production, _environment("staging", Mode.ENFORCE))
    for name, actions, operator in (
        ("secret-literals-warn", ["Warn", "Audit"], "NotIn"),
        ("secret-literals", ["Deny", "Audit"], "In"),
    ):
        (expression,) = bindings[name]["matchResources"]["namespaceSelector"]["matchExpressions"]
        assert bindings[name]["validationActions"] == actions
        assert (expression["operator"], expression["values"]) == (operator, ["production"])


def test_a_rule_warns_in_those_environments_that_say_so_and_refuses_in_all_others() -> None:
    sandbox = _environment("sandbox", Mode.WARN, image_pinned=Mode.ENFORCE)
    staging = _environment("staging", Mode.ENFORCE, seccomp=Mode.WARN)
    bindings = _bindings(staging, sandbox, _environment("production", Mode.ENFORCE))
    for name, actions, operator, environments in (
        ("seccomp", ["Deny", "Audit"], "NotIn", ["sandbox", "staging"]),
        ("seccomp-warn", ["Warn", "Audit"], "In", ["sandbox", "staging"]),
        ("service-type-warn", ["Warn", "Audit"], "In", ["sandbox"]),
    ):
        (expression,) = bindings[name]["matchResources"]["namespaceSelector"]["matchExpressions"]
        assert bindings[name]["validationActions"] == actions
        assert (expression["operator"], expression["values"]) == (operator, environments)
    assert "image-pinned-warn" not in bindings


def test_a_rule_about_the_whole_cluster_warns_nowhere() -> None:
    assert "team-scope" in {rule.id for rule in RULES} & ALWAYS_ENFORCED.keys()
    warned = {name for name in _bindings(_environment("sandbox", Mode.WARN)) if name.endswith("-warn")}
    assert warned == {f"{rule.id}-warn" for rule in RULES} - {f"{rule}-warn" for rule in ALWAYS_ENFORCED}


def _way_in(**ingress: Any) -> Environment:
    return Environment(EnvironmentName("x"), ClusterName("local"), ingress=Ingress(**ingress))


def test_parameters_are_what_the_environments_of_a_cluster_have_together() -> None:
    identities = {"x": "arn:checkout", "elsewhere": "arn:other"}
    apps = (App(AppName("checkout"), "shop", "", cloud_identities=identities), App(AppName("cart"), "shop", ""))
    stores = {"vault": "{team}/", "own": ""}
    ways = (
        replace(_way_in(kind=IngressKind.INGRESS, class_name="nginx", issuer="own"), secret_stores=stores),
        replace(_way_in(kind=IngressKind.INGRESS, class_name="traefik"), allowed_kinds=("traefik.io/Middleware",)),
        _way_in(kind=IngressKind.VIRTUAL_SERVICE, gateway="istio-system/shared"),
        _way_in(kind=IngressKind.HTTP_ROUTE, gateway="gateways/shared"),
    )
    assert parameters(("a/", "b/"), ways, apps=apps) == {
        "registries": "a/\nb/",
        "ingress_classes": "nginx\ntraefik",
        "ingress_issuers": "own",
        "mesh_gateways": "istio-system/shared",
        "route_gateways": "gateways/shared",
        "allowed_kinds": "x traefik.io/Middleware",
        "api_servers": "0.0.0.0/0 443\n0.0.0.0/0 6443",
        "secret_stores": "x vault {team}/\nx own ",
        "cloud_identities": "x checkout arn:checkout",
    }


def test_where_nobody_knows_the_platform_there_are_no_parameters_of_it() -> None:
    assert parameters(None, (_way_in(),)).keys() == {"allowed_kinds", "api_servers"}


def test_a_rule_knows_what_it_takes_from_the_platform() -> None:
    taken = {rule.id: rule.parameters for rule in RULES if rule.parameters}
    assert taken["image-registry"] == {"registries"}
    assert taken["ingress-class"] == {"ingress_classes"}
    assert set().union(*taken.values()) <= parameters((), ()).keys()


_LINE = """\
"RULE " + object.?metadata.?namespace.orValue("") \
+ " " + object.?metadata.?labels[?"deploy-gateway.dev/app"].orValue("")"""
_WAIVED = f"""params.?data.?waivers.orValue("").split("\\n").exists(w, w in [ \
{_LINE} + " " + object.kind + "/" + object.?metadata.?name.orValue(""), \
{_LINE} + " *"])"""


@pytest.mark.parametrize("rule", [one for one in RULES if one.id not in ALWAYS_ENFORCED], ids=lambda one: one.id)
def test_a_rule_can_be_waived(rule: Rule) -> None:
    expression = _WAIVED.replace("RULE", rule.id)
    assert rule.variables[0] == ("waived", expression)
    assert rule.policy["spec"]["paramKind"] == {"apiVersion": "v1", "kind": "ConfigMap"}
    for one in rule.validations:
        text = " ".join(one.expression.split())
        assert text == "variables.waived" or (text.startswith("(") and text.endswith(") || variables.waived"))


def test_they_are_one_list_for_kubectl() -> None:
    assert json.loads(as_json(cluster_objects(RULES, {})))["kind"] == "List"


def test_of_the_groups_whose_kinds_can_be_allowed_every_other_kind_is_refused() -> None:
    (rule,) = (one for one in load_rules() if one.id == "platform-kinds")
    assert {group for group, resource in rule.matches if resource == "*"} >= GROUPS


def test_of_a_rule_that_nobody_has_the_parameters_of_what_needs_none_is_left() -> None:
    rules = {one.id: one for one in load_rules()}
    whole = rules["virtual-service-own"]
    part = decidable(whole, ())
    assert part is not None
    assert part.validations == whole.validations[1:]
    assert part.parameters == frozenset()
    assert decidable(whole, ["mesh_gateways"]) == whole
    assert decidable(rules["run-as-non-root"], ()) == rules["run-as-non-root"]


@pytest.mark.parametrize("rule", ["cloud-identity", "image-registry"])
def test_a_rule_that_is_all_about_a_parameter_is_not_there_without_it(rule: str) -> None:
    """Whether it names it itself, or by a variable."""
    assert decidable(next(one for one in load_rules() if one.id == rule), ()) is None


def test_rules_that_take_what_nobody_knows_are_named() -> None:
    known = parameters(None, ()).keys()
    named = {one.id for one in load_rules() if decidable(one, known) != one}
    assert set(undecidable(known)) == named
    assert {"cloud-identity", "image-registry", "ingress-annotations", "virtual-service-own"} <= named
    assert undecidable(parameters([], ()).keys()) == ()
