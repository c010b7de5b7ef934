"""What a field would have to be: what the finding says is to be written, where it is the same for every program."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipelines.findings import Finding, Mode, Severity
from pipelines.third_party.wishes import Wish, spot_of, wish_of

HOW = {
    "resources-set": "resources:\n  requests: {cpu: 250m, memory: 256Mi}\n  limits: {memory: 256Mi}",
    "capabilities": "securityContext:\n  capabilities: {drop: [ALL]}",
    "service-type": "type: ClusterIP\n# or, in deploy.yaml:\nexpose: {host: APP.example.com}",
}
FINDING = Finding("a-rule", Severity.HIGH, Mode.ENFORCE, "Deployment/x", "", "", "", "", "", "", "policy")
CONTAINER: dict[str, Any] = {
    "name": "web",
    "resources": {"requests": {"memory": "1Gi", "cpu": "2"}, "limits": {"cpu": "1"}},
    "securityContext": {"capabilities": {"drop": ["NET_RAW"]}, "privileged": True},
}
POD = {"hostNetwork": True, "containers": [CONTAINER], "initContainers": [{"name": "chown"}]}
DEPLOYMENT = {"kind": "Deployment", "spec": {"template": {"spec": POD}}}
SERVICE = {"kind": "Service", "spec": {"type": "NodePort"}}
IN_CONTAINER = "spec.template.spec.containers[0]"


def _wish(field: str, how: str, manifest: dict[str, Any] = DEPLOYMENT, rule: str = "a-rule", **given: str) -> Any:
    finding = replace(FINDING, field=field, how=HOW.get(how, how), rule=rule)
    return wish_of(finding, spot_of(finding, manifest), given)


@pytest.mark.parametrize(
    ("field", "scope", "container", "tail"),
    [
        (f"{IN_CONTAINER}.image", "container", "web", ("image",)),
        ("spec.template.spec.initContainers[0].image", "init", "chown", ("image",)),
        ("spec.template.spec.initContainers[3]", "init", "", ()),
        ("spec.template.spec.hostNetwork", "pod", "", ("hostNetwork",)),
        ("spec.template.spec", "pod", "", ()),
        ("spec.replicas", "object", "", ("replicas",)),
        ("metadata.labels", "object", "", ("metadata", "labels")),
        ("", "object", "", ()),
    ],
)
def test_a_field_is_in_a_container_in_the_pod_or_in_the_object(
    field: str, scope: str, container: str, tail: tuple[str, ...]
) -> None:
    spot = spot_of(replace(FINDING, field=field), DEPLOYMENT)
    assert (spot.scope, spot.container, spot.tail) == (scope, container, tail)


@pytest.mark.parametrize(
    ("field", "how", "expected"),
    [
        ("securityContext.runAsUser", "securityContext: {runAsUser: 10001}", 10001),
        ("resources.requests.ephemeral-storage", "resources: {requests: {ephemeral-storage: 64Mi}}", "64Mi"),
        ("securityContext.seccompProfile.type", "securityContext: {seccompProfile: {type: a}}", "a"),
        ("securityContext.capabilities.drop", "capabilities", ["NET_RAW", "ALL"]),
        ("resources.limits.memory", "resources-set", "1Gi"),
        ("resources.requests.cpu", "resources-set", "250m"),
        ("resources.requests.cpu", "resources: {requests: {cpu: 1500m}}", "1"),
        ("resources.requests.storage", "resources: {requests: {storage: 1Gi}}", "1Gi"),
        ("securityContext.privileged", "", False),
    ],
)
def test_what_is_to_be_written_is_wished_for(field: str, how: str, expected: Any) -> None:
    assert _wish(f"{IN_CONTAINER}.{field}", how) == Wish(tuple(field.split(".")), expected)


def test_of_a_container_as_a_whole_all_that_is_to_be_written_is_wished_for() -> None:
    expected = {"requests": {"cpu": "250m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}}
    assert _wish(IN_CONTAINER, "resources-set") == Wish(("resources",), expected)


def test_what_a_pod_has_from_its_node_is_switched_off() -> None:
    assert _wish("spec.template.spec.hostNetwork", "# leave it out") == Wish(("hostNetwork",), False)


def test_a_field_of_another_object_is_wished_for() -> None:
    assert _wish("spec.type", "service-type", SERVICE) == Wish(("type",), "ClusterIP")


def test_the_platforms_own_word_is_wished_for() -> None:
    ingress = {"kind": "Ingress", "spec": {}}
    wish = _wish("spec.ingressClassName", "", ingress, "ingress-class", ingress_classes="shop\nother")
    assert wish == Wish(("ingressClassName",), "shop")
    assert _wish("spec.ingressClassName", "ingressClassName: CLASS", ingress, "ingress-class") is None


@pytest.mark.parametrize(
    ("field", "how"),
    [
        (f"{IN_CONTAINER}.image", "image: registry.example.com/TEAM/APP:1.4.2"),
        (f"{IN_CONTAINER}.env[0].value", "value: a"),
        (f"{IN_CONTAINER}.livenessProbe", "livenessProbe: {httpGet: {path: /live}}"),
        (f"{IN_CONTAINER}.securityContext.runAsUser", "a: ["),
        (f"{IN_CONTAINER}.securityContext.runAsUser", "# nothing"),
        (IN_CONTAINER, "resources: {}\nsecurityContext: {}"),
        ("spec.replicas", "replicas: 2"),
    ],
)
def test_what_only_the_team_can_know_is_nobodys_wish(field: str, how: str) -> None:
    assert _wish(field, how) is None
