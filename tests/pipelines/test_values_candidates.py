"""Which keys of a chart are tried for a finding, the likeliest first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml

from pipelines.findings import Finding, Mode, Severity
from pipelines.third_party.chart import ThirdPartyChart
from pipelines.third_party.values_candidates import Candidate, Candidates
from pipelines.third_party.wishes import Spot, Wish

FINDING = Finding("a-rule", Severity.HIGH, Mode.ENFORCE, "Deployment/x", "", "", "", "", "", "", "policy")
SPOT = Spot("Deployment", "container", "web", ("securityContext", "runAsUser"), {})
USER = Wish(("securityContext", "runAsUser"), 10001)
OBJECT = Spot("ClusterRole", "object", "", (), None)
IMAGE = replace(SPOT, tail=("image",), whole={"image": "docker.io/library/web:latest"})


def _candidates(
    template: str,
    values: dict[str, Any],
    *,
    finding: Finding = FINDING,
    spot: Spot = SPOT,
    wish: Wish | None = USER,
    registries: str = "",
    **more: str,
) -> tuple[Candidate, ...]:
    texts = {
        "Chart.yaml": "name: whole\nappVersion: 3.70.1\n",
        "values.yaml": yaml.safe_dump(values),
        "templates/x.yaml": template,
    } | {name.replace("__", "/"): text for name, text in more.items()}
    chart = ThirdPartyChart("whole", "1.0.0", {name: text.encode() for name, text in texts.items()})
    known = Candidates(chart, {}, {"Deployment/x": "whole/templates/x.yaml"})
    return known.of(finding, spot, wish, registries)


def _first(template: str, values: dict[str, Any], **more: Any) -> Any:
    found = _candidates(template, values, **more)
    return found[0].overlay if found else None


def test_a_block_that_is_named_gets_what_is_below_the_field_of_its_name() -> None:
    found = _candidates("{{ toYaml .Values.web.securityContext }}", {"web": {"securityContext": {}}})
    assert [(one.key, one.overlay) for one in found] == [
        (("web", "securityContext"), {"web": {"securityContext": {"runAsUser": 10001}}})
    ]


def test_a_key_of_its_own_gets_the_value_whatever_block_it_is_in() -> None:
    assert _first("{{ .Values.user.runAsUser }}", {"user": {"runAsUser": 0}}) == {"user": {"runAsUser": 10001}}


@pytest.mark.parametrize(
    ("spot", "expected"),
    [
        (SPOT, "containerSecurityContext"),
        (replace(SPOT, scope="pod"), "podSecurityContext"),
        (replace(SPOT, scope="init", container="init-keys"), "initSecurityContext"),
        (replace(SPOT, container="metrics"), "metricsSecurityContext"),
    ],
)
def test_the_key_whose_words_are_those_of_the_place_is_tried_first(spot: Spot, expected: str) -> None:
    names = ("metrics", "init", "pod", "container")
    keys = [f"{name}SecurityContext" for name in names]
    text = " ".join(f"{{{{ toYaml .Values.{key} }}}}" for key in keys)
    assert list(_first(text, {key: {} for key in keys}, spot=spot)) == [expected]


def test_a_service_is_not_taken_for_something_else_with_a_type() -> None:
    text = "{{ .Values.persistence.type }} {{ .Values.serviceType }}"
    values = {"persistence": {"type": "pvc"}, "serviceType": "NodePort"}
    spot, wish = Spot("Service", "object", "", ("type",), {}), Wish(("type",), "ClusterIP")
    assert _first(text, values, spot=spot, wish=wish) == {"serviceType": "ClusterIP"}


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("automount", "automountServiceAccountToken"),
        ("className", "ingressClassName"),
        ("pullPolicy", "imagePullPolicy"),
        ("token", "automountServiceAccountToken"),
    ],
)
def test_charts_call_some_fields_otherwise(key: str, path: str) -> None:
    found = _first(f"{{{{ .Values.a.{key} }}}}", {"a": {key: "x"}}, wish=Wish((path,), "y"))
    assert found == {"a": {key: "y"}}


def test_a_switch_is_taken_for_a_switch_alone() -> None:
    wish = Wish(("automountServiceAccountToken",), False)
    assert _first("{{ .Values.token }}", {"token": "a password"}, wish=wish) is None
    assert _first("{{ .Values.token }}", {"token": True}, wish=wish) == {"token": False}


@pytest.mark.parametrize("default", ["text", 1, [1]])
def test_a_key_for_another_kind_of_value_is_not_tried(default: Any) -> None:
    assert _first("{{ .Values.securityContext }}", {"securityContext": default}) is None


def test_a_block_that_is_off_is_switched_on_with_it() -> None:
    found = _first("{{ toYaml .Values.securityContext }}", {"securityContext": {"enabled": False}})
    assert found == {"securityContext": {"enabled": True, "runAsUser": 10001}}


def test_what_is_switched_off_around_a_key_makes_it_unlikely() -> None:
    text = "{{ .Values.a.securityContext }} {{ .Values.b.securityContext }}"
    values = {"a": {"enabled": False, "securityContext": {}}, "b": {"securityContext": {}}}
    assert _first(text, values) == {"b": {"securityContext": {"runAsUser": 10001}}}


def test_global_values_are_those_of_the_whole_and_of_a_chart_in_it_below_its_name() -> None:
    below = {
        "charts__db__Chart.yaml": "name: db",
        "charts__db__values.yaml": "securityContext: {}",
        "charts__db__templates__y.yaml": "{{ .Values.securityContext }} {{ .Values.global.securityContext }}",
    }
    chart = ThirdPartyChart("whole", "1.0.0", {name.replace("__", "/"): text.encode() for name, text in below.items()})
    known = Candidates(
        chart, {"db": {"securityContext": {"a": 1}}}, {"Deployment/x": "whole/charts/db/templates/y.yaml"}
    )
    assert {one.key for one in known.of(FINDING, SPOT, USER, "")} == {
        ("db", "securityContext"),
        ("global", "securityContext"),
    }


@pytest.mark.parametrize(
    ("rule", "key", "expected"),
    [
        ("image-pinned", "tag", "3.70.1"),
        ("image-pinned", "image", "docker.io/library/web:3.70.1"),
        ("image-pinned", "digest", None),
        ("image-registry", "registry", "registry.example.com/shop"),
        ("image-registry", "repository", "registry.example.com/shop/web"),
        ("image-registry", "image", "registry.example.com/shop/web:latest"),
        ("image-registry", "tag", None),
        ("probes", "tag", None),
    ],
)
def test_an_image_gets_the_version_of_the_chart_and_a_registry_of_the_platform(
    rule: str, key: str, expected: str | None
) -> None:
    finding = replace(FINDING, rule=rule)
    found = _first(
        f"{{{{ .Values.a.{key} }}}}",
        {"a": {key: ""}},
        finding=finding,
        spot=IMAGE,
        wish=None,
        registries="registry.example.com/shop/\nother/",
    )
    assert found == (expected and {"a": {key: expected}})


def test_an_image_without_a_version_gets_one_behind_its_port() -> None:
    spot = replace(IMAGE, whole={"image": "localhost:5000/web"})
    found = _first(
        "{{ .Values.image }}", {"image": ""}, finding=replace(FINDING, rule="image-pinned"), spot=spot, wish=None
    )
    assert found == {"image": "localhost:5000/web:3.70.1"}


def test_without_a_version_or_a_registry_nothing_is_made_up() -> None:
    text, values = "{{ .Values.tag }}{{ .Values.registry }}", {"tag": "", "registry": ""}
    about = {"Chart.yaml": "name: whole"}
    assert _first(text, values, finding=replace(FINDING, rule="image-pinned"), spot=IMAGE, wish=None, **about) is None
    assert _first(text, values, finding=replace(FINDING, rule="image-registry"), spot=IMAGE, wish=None) is None
    nothing = replace(IMAGE, whole={})
    assert _first(text, values, finding=replace(FINDING, rule="image-pinned"), spot=nothing, wish=None) is None


def test_what_is_called_as_the_rule_is_switched_on_wherever_the_chart_names_it() -> None:
    values = {"networkPolicy": {"enabled": False}, "metrics": {"enabled": False}, "rbac": {"create": False}}
    more = {"templates__policy.yaml": "{{ .Values.networkPolicy.enabled }} {{ .Values.metrics.enabled }}"}
    finding = replace(FINDING, rule="network-policy-present")
    assert _first("", values, finding=finding, wish=None, **more) == {"networkPolicy": {"enabled": True}}
    finding = replace(FINDING, rule="disruption-budget-present")
    assert _first("{{ .Values.pdb.create }}", {"pdb": {"create": False}}, finding=finding, wish=None) == {
        "pdb": {"create": True}
    }


def test_what_makes_an_object_or_an_init_container_is_switched_off() -> None:
    text, values = "{{ if .Values.rbac.create }}{{ .Values.initData.enabled }}", {"rbac": {"create": True}}
    values["initData"] = {"enabled": True}
    assert _candidates(text, values, spot=OBJECT, wish=None) == (
        Candidate(("rbac", "create"), {"rbac": {"create": False}}, ""),
    )
    init = replace(SPOT, scope="init", container="init-data", tail=("resources",))
    assert _candidates(text, values, spot=init) == (
        Candidate(("initData", "enabled"), {"initData": {"enabled": False}}, "the init container init-data"),
    )
    assert _candidates(text, values, spot=replace(OBJECT, kind="StatefulSet"), wish=None) == ()


def test_what_no_template_of_the_chart_renders_has_no_key() -> None:
    known = Candidates(ThirdPartyChart("whole", "1.0.0", {}), {}, {"Deployment/x": "whole/templates/x.yaml"})
    assert known.of(FINDING, SPOT, USER, "") == known.of(FINDING, SPOT, USER, "") == ()
    assert known.of(replace(FINDING, resource="Job/y"), SPOT, USER, "") == ()
