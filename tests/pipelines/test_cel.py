"""The rules, offline: what each refuses, and that nothing that can't be evaluated passes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.adapters.cel import CelRules
from pipelines.errors import InvalidConfiguration
from pipelines.findings import Mode
from pipelines.resources import WORKLOADS, pod_spec_path
from pipelines.rules import POLICIES, Validation, load_rules
from tests.pipelines.conftest import subject
from tests.pipelines.mutation import Mutation
from tests.pipelines.mutations import MUTATIONS
from tests.pipelines.mutations_mesh import MESH_ALLOWED
from tests.pipelines.mutations_network import NETWORK_ALLOWED
from tests.pipelines.mutations_pods import PODS
from tests.pipelines.mutations_scope import SCOPE_ALLOWED

RULES = load_rules()
ALLOWED = NETWORK_ALLOWED | MESH_ALLOWED | SCOPE_ALLOWED


@pytest.fixture(scope="session")
def cel_rules() -> CelRules:
    return CelRules(RULES)


def test_what_the_standard_chart_renders_passes_every_rule(cel_rules: CelRules, standard: tuple[Any, ...]) -> None:
    assert cel_rules.findings(subject(standard)) == ()


def test_every_rule_has_something_that_it_refuses() -> None:
    assert {mutation.rule for mutation in MUTATIONS} == {rule.id for rule in RULES}


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_a_rule_refuses_what_it_is_there_for(
    cel_rules: CelRules, standard: tuple[Any, ...], mutation: Mutation
) -> None:
    found = cel_rules.findings(subject(mutation.applied(standard)))
    assert {finding.rule for finding in found} == {mutation.rule}
    assert all(finding.what and finding.why and finding.how and finding.link for finding in found)
    if mutation.field is not None:
        assert [finding.field for finding in found] == [mutation.field]


@pytest.mark.parametrize("what", ALLOWED)
def test_a_rule_lets_through_what_is_harmless(cel_rules: CelRules, what: str) -> None:
    assert cel_rules.findings(subject((ALLOWED[what],))) == ()


def _of_kind(deployment: Any, kind: str) -> Any:
    """The pod of `deployment` in an object of another kind."""
    core = {"Pod": "v1", "ReplicationController": "v1"}
    api = {**core, "Job": "batch/v1", "CronJob": "batch/v1"}.get(kind, "apps/v1")
    value = deployment["spec"]["template"]
    if kind == "Pod":
        return {"apiVersion": api, "kind": kind, **value, "metadata": deployment["metadata"] | value["metadata"]}
    for part in reversed(pod_spec_path(kind)[:-1]):
        value = {part: value}
    return {"apiVersion": api, "kind": kind, "metadata": deployment["metadata"], **value}


@pytest.mark.parametrize("kind", sorted(WORKLOADS))
def test_what_is_wrong_with_a_pod_is_found_at_its_very_field_in_every_kind(
    cel_rules: CelRules, good: dict[str, Any], kind: str
) -> None:
    prefix = ".".join(pod_spec_path(kind)[:-1])
    for mutation in PODS:
        (changed,) = mutation.applied((good["Deployment"],))
        found = cel_rules.findings(subject((_of_kind(changed, kind),)))
        assert {one.rule for one in found} == {mutation.rule}, mutation
        fields = [one.field.removeprefix(prefix).removeprefix(".") for one in found]
        assert all(field.startswith(("spec.", "metadata.")) for field in fields), mutation


@pytest.mark.parametrize("what", ["Deployment/checkout", "*"])
def test_what_is_waived_breaks_no_rule(cel_rules: CelRules, good: dict[str, Any], what: str) -> None:
    line = f"RULE checkout-staging checkout {what}"
    for mutation in PODS:
        whole = subject(mutation.applied((good["Deployment"],)))
        waivers = "\n".join(["other checkout-staging checkout *", line.replace("RULE", mutation.rule)])
        waived = replace(whole, parameters={**whole.parameters, "waivers": waivers})
        assert cel_rules.findings(waived) == (), mutation


@pytest.mark.parametrize(
    "line",
    [
        "RULE production checkout *",
        "RULE checkout-staging another *",
        "RULE checkout-staging another Deployment/checkout",
        "RULE checkout-staging checkout Deployment/other",
        "RULE checkout-staging checkout Pod/checkout",
        "RULE checkout-staging *",
        "RULE checkout-staging  *",
        "RULE   *",
        "*",
    ],
)
def test_a_waiver_of_something_else_waives_nothing(cel_rules: CelRules, good: dict[str, Any], line: str) -> None:
    for mutation in PODS:
        whole = subject(mutation.applied((good["Deployment"],)))
        other = replace(whole, parameters={**whole.parameters, "waivers": line.replace("RULE", mutation.rule)})
        assert {one.rule for one in cel_rules.findings(other)} == {mutation.rule}, mutation


def test_what_is_no_apps_is_waived_by_no_line(cel_rules: CelRules, good: dict[str, Any]) -> None:
    """The gateway labels all that it brings: what has no label came past it."""
    del good["Deployment"]["metadata"]["labels"]["deploy-gateway.dev/app"]
    good["Deployment"]["spec"]["template"]["spec"]["hostNetwork"] = True
    lines = "\n".join(f"host-access checkout-staging {app}*" for app in ("checkout ", ""))
    whole = subject((good["Deployment"],))
    found = cel_rules.findings(replace(whole, parameters={**whole.parameters, "waivers": lines}))
    assert "host-access" in {one.rule for one in found}


def test_a_finding_about_a_container_points_at_its_field(cel_rules: CelRules, good: dict[str, Any]) -> None:
    good["Deployment"]["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example.com/shop/checkout"
    (found,) = cel_rules.findings(subject((good["Deployment"],)))
    assert found.field == "spec.template.spec.containers[0].image"
    assert found.what == "container checkout: image is 'registry.example.com/shop/checkout': it has no tag"


def test_an_image_of_a_volume_is_to_be_written_as_its_reference(cel_rules: CelRules, good: dict[str, Any]) -> None:
    volume = {"name": "data", "image": {"reference": "registry.example.com/shop/data"}}
    good["Deployment"]["spec"]["template"]["spec"].setdefault("volumes", []).append(volume)
    (found,) = cel_rules.findings(subject((good["Deployment"],)))
    assert found.field.endswith(".image.reference")
    assert found.how.startswith("reference: registry.example.com/shop/data:VERSION")


def test_a_field_that_is_not_there_is_said_to_be_not_set(cel_rules: CelRules, good: dict[str, Any]) -> None:
    del good["Deployment"]["spec"]["template"]["spec"]["containers"][0]["resources"]
    (found,) = cel_rules.findings(subject((good["Deployment"],)))
    assert found.what == "container checkout: resources is not set"


def test_a_null_is_as_if_it_were_not_there(cel_rules: CelRules, good: dict[str, Any]) -> None:
    good["Service"]["spec"]["type"] = None
    assert cel_rules.findings(subject((good["Service"],))) == ()


def test_an_item_that_is_null_says_as_little_as_an_empty_one(cel_rules: CelRules, good: dict[str, Any]) -> None:
    good["NetworkPolicy"]["spec"]["egress"].append(None)  # to the server that is {}, which is everywhere
    assert {one.rule for one in cel_rules.findings(subject((good["NetworkPolicy"],)))} == {"network-policy-closed"}


def test_what_can_not_be_evaluated_is_refused(cel_rules: CelRules, good: dict[str, Any]) -> None:
    good["Service"]["spec"]["externalIPs"] = 7
    (found,) = cel_rules.findings(subject((good["Service"],)))
    assert found.rule == "service-type"
    assert found.what.startswith("the rule could not be evaluated: ")


def test_a_kind_that_nobody_knows_breaks_no_rule_and_stops_none(cel_rules: CelRules) -> None:
    strange = {"apiVersion": "example.com/v1", "kind": "Strange", "metadata": {"name": "x"}, "spec": [{"a": None}]}
    assert cel_rules.findings(subject((strange,))) == ()


def test_a_list_in_the_place_of_containers_that_is_none_is_refused(cel_rules: CelRules, good: dict[str, Any]) -> None:
    good["Deployment"]["spec"]["template"]["spec"]["containers"] = "none"
    found = cel_rules.findings(subject((good["Deployment"],)))
    assert {one.what.partition(":")[0] for one in found} == {"the rule could not be evaluated"}
    assert {one.rule for one in found} >= {"image-pinned", "image-registry", "run-as-non-root"}


def test_an_image_from_elsewhere_is_told_where_it_may_be(cel_rules: CelRules, good: dict[str, Any]) -> None:
    good["Deployment"]["spec"]["template"]["spec"]["containers"][0]["image"] = "evil.example.com/a:1"
    found = {one.rule: one for one in cel_rules.findings(subject((good["Deployment"],)))}
    assert found["image-registry"].how.endswith("; below one of: registry.example.com/shop/")


BROKEN = Validation("false", "'broken'")


def _about_services(validation: Validation = BROKEN, **changes: Any) -> CelRules:
    rule = next(rule for rule in RULES if rule.id == "service-type")
    return CelRules((replace(rule, **{"validations": (validation,), **changes}),))


def test_a_rule_is_not_asked_where_a_condition_is_false(good: dict[str, Any]) -> None:
    rules = _about_services(conditions=("object.nope", "object.metadata.name != 'checkout'"))
    assert rules.findings(subject((good["Service"],))) == ()


def test_a_condition_that_can_not_be_evaluated_is_a_finding(good: dict[str, Any]) -> None:
    rules = _about_services(Validation("true", "''"), conditions=("true", "object.nope"))
    (found,) = rules.findings(subject((good["Service"],)))
    assert found.what.startswith("the rule could not be evaluated: ")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("request.operation", "CREATE"),
        ("request.userInfo.username", "system:serviceaccount:deploy-gateway:deploy-gateway"),
        ("request.namespace", "checkout-staging"),
        ("request.name", "checkout"),
        ("request.resource.resource", "services"),
        ("request.kind.kind", "Service"),
    ],
)
def test_it_is_the_gateway_who_asks(good: dict[str, Any], field: str, value: str) -> None:
    (found,) = _about_services(Validation("false", field)).findings(subject((good["Service"],)))
    assert found.what == value


_WHERE = Validation("false", "object.metadata.?namespace.orValue('nowhere') + ', ' + request.namespace")


@pytest.mark.parametrize(
    ("kind", "metadata", "seen"),
    [
        ("Service", {}, "checkout-staging, checkout-staging"),
        ("Service", {"namespace": None}, "checkout-staging, checkout-staging"),
        ("Service", {"namespace": "other"}, "other, other"),
        ("ClusterRole", {}, "nowhere, "),
    ],
)
def test_an_object_is_seen_where_it_will_be(kind: str, metadata: Any, seen: str) -> None:
    rules = _about_services(_WHERE, matches=frozenset({("*", "*")}))
    (found,) = rules.findings(subject(({"apiVersion": "v1", "kind": kind, "metadata": metadata},)))
    assert found.what == seen


def test_metadata_that_is_none_is_a_finding() -> None:
    (found,) = _about_services(_WHERE).findings(subject(({"apiVersion": "v1", "kind": "Service", "metadata": 7},)))
    assert found.what.startswith("the rule could not be evaluated: ")


def test_a_variable_is_evaluated_only_when_it_is_asked_for(good: dict[str, Any]) -> None:
    broken = (("bad", "object.nope"), ("worse", "variables.bad + 1"))
    rules = _about_services(Validation("true || variables.worse == 2", "''"), variables=broken)
    assert rules.findings(subject((good["Service"],))) == ()


def test_a_text_that_looks_like_a_variable_is_one_of_no_rule(good: dict[str, Any]) -> None:
    told = Validation("false", "variables.a + ' variables.a' // variables.b isn't one")
    (found,) = _about_services(told, variables=(("a", "'it is' // said"),)).findings(subject((good["Service"],)))
    assert found.what == "it is variables.a"


def test_a_rule_that_only_warns_makes_warnings(good: dict[str, Any]) -> None:
    (found,) = _about_services(mode=Mode.WARN).findings(subject((good["Service"],)))
    assert found.mode is Mode.WARN


def test_a_rule_about_containers_says_which() -> None:
    with pytest.raises(InvalidConfiguration, match="there is no variable 'offending'"):
        _about_services(each="container")


def test_an_answer_that_is_neither_true_nor_false_is_refused(good: dict[str, Any]) -> None:
    (found,) = _about_services(Validation("'yes'", "'odd'")).findings(subject((good["Service"],)))
    assert found.what == "odd"


def test_a_rule_that_does_not_compile_is_told_with_its_file() -> None:
    broken = replace(RULES[0], validations=(Validation("object..spec", "''"),))
    with pytest.raises(InvalidConfiguration, match="does not compile") as caught:
        CelRules((broken,))
    assert caught.value.where == f"policies/{RULES[0].id}.yaml"


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        pytest.param("variables.pod.?spec", "variables.pod.!spec", id="variable"),
        pytest.param("?capabilities.?add", "?capabilities..add", id="fourth-line-of-a-variable"),
        pytest.param("|| variables.waived", "| variables.waived", id="validation"),
        pytest.param("|| variables.waived", "|| variables.wavied", id="name-of-a-variable"),
        pytest.param('"capabilities are', 'capabilities are"', id="message"),
        pytest.param('== "system:kube', '=== "system:kube', id="second-line-of-a-condition"),
        pytest.param("variables.podSpec.?os", "variables.podSpec.os()", id="function"),
    ],
)
def test_it_is_told_with_its_line(tmp_path: Path, right: str, wrong: str) -> None:
    text = (POLICIES / "capabilities.yaml").read_text()
    line = text[: text.index(right)].count("\n") + 1
    (tmp_path / "capabilities.yaml").write_text(text.replace(right, wrong, 1))
    with pytest.raises(InvalidConfiguration, match="does not compile") as caught:
        CelRules(load_rules(tmp_path))
    assert caught.value.where == f"policies/capabilities.yaml:{line}"


CHANGES_THAT_KEEP: tuple[Callable[[Any], None], ...] = (
    lambda pod: pod["volumes"].append({"name": "x", "emptyDir": {}}) if "volumes" in pod else None,
    lambda pod: pod["containers"][0].update(command=["/bin/app"]),
    lambda pod: pod["containers"].append({**copy.deepcopy(pod["containers"][0]), "name": "second"}),
)


@pytest.mark.parametrize("change", CHANGES_THAT_KEEP, ids=("volume", "command", "sidecar"))
def test_what_is_no_business_of_a_rule_passes(
    cel_rules: CelRules, good: dict[str, Any], change: Callable[[Any], None]
) -> None:
    change(good["Deployment"]["spec"]["template"]["spec"])
    assert cel_rules.findings(subject((good["Deployment"],))) == ()


def test_a_pod_may_say_what_its_proxy_needs(cel_rules: CelRules, good: dict[str, Any]) -> None:
    metadata = good["Deployment"]["spec"]["template"]["metadata"]
    metadata["labels"]["sidecar.istio.io/inject"] = "true"
    metadata["annotations"] = {
        "sidecar.istio.io/proxyCPU": "50m",
        "proxy.istio.io/config": '{ "holdApplicationUntilProxyStarts": true }',
        "example.com/istio": "no business of the mesh",
    }
    assert cel_rules.findings(subject((good["Deployment"],))) == ()


@pytest.mark.parametrize("kind", ["clusterTrustBundle", "podCertificate"])
def test_trust_and_certificates_of_the_cluster_are_no_apps(
    cel_rules: CelRules, good: dict[str, Any], kind: str
) -> None:
    """By the rules alone: a server that does not know these kinds drops them."""
    volume = {"name": "added", "projected": {"sources": [{kind: {"path": "x"}}]}}
    good["Deployment"]["spec"]["template"]["spec"]["volumes"].append(volume)
    (found,) = cel_rules.findings(subject((good["Deployment"],)))
    assert found.rule == "token-audience"


def test_a_token_of_the_api_server_may_be_asked_for_as_a_volume(cel_rules: CelRules, good: dict[str, Any]) -> None:
    volume = {"name": "added", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}
    good["Deployment"]["spec"]["template"]["spec"]["volumes"].append(volume)
    assert cel_rules.findings(subject((good["Deployment"],))) == ()


@pytest.mark.parametrize(
    ("name", "audience", "passes"),
    [("istio-token", "istio-ca", True), ("istio-token", "vault", False), ("own", "istio-ca", False)],
)
def test_what_the_mesh_writes_into_a_pod_is_no_identity_that_a_team_asked_for(
    cel_rules: CelRules, good: dict[str, Any], name: str, audience: str, passes: bool
) -> None:
    token = {"serviceAccountToken": {"path": "istio-token", "audience": audience, "expirationSeconds": 43200}}
    good["Deployment"]["spec"]["template"]["spec"]["volumes"].append({"name": name, "projected": {"sources": [token]}})
    found = cel_rules.findings(subject((_of_kind(good["Deployment"], "Pod"),)))
    assert (found == ()) is passes
