"""Where the rules over several objects have nothing to say, can't be certain, or meet what no API server would take."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.findings import Mode
from pipelines.relations.references import Reference, needed
from pipelines.relations.release import Release
from pipelines.relations.selectors import flow, selects
from pipelines.resources import at

from .test_relations import APP, NAMESPACE, Objects, found, objects, subject


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ({"operator": "In", "values": ["web"]}, True),
        ({"operator": "In", "values": ["api"]}, False),
        ({"operator": "NotIn", "values": ["web"]}, False),
        ({"operator": "NotIn", "values": ["api"]}, True),
        ({"operator": "Exists"}, True),
        ({"operator": "DoesNotExist"}, False),
        ({"operator": "Near"}, False),
    ],
    ids=str,
)
def test_expressions_select_as_on_the_server(expression: dict[str, Any], expected: bool) -> None:
    assert selects({"matchExpressions": [{"key": "tier", **expression}]}, {"tier": "web"}) is expected


def test_no_selector_selects_nothing_and_an_empty_one_all() -> None:
    assert not selects(None, APP)
    assert selects({}, APP)


def test_labels_are_written_as_texts() -> None:
    assert flow({"a": "web", "b": "true", "c": "1.5"}) == '{a: web, b: "true", c: "1.5"}'


def test_an_egress_rule_without_types_holds_both_directions() -> None:
    made = objects("web-minimal")
    made.of("NetworkPolicy")["spec"].pop("policyTypes")
    assert found(made) == ()


def test_a_policy_that_says_neither_holds_ingress_alone() -> None:
    made = objects("web-minimal")
    made.of("NetworkPolicy")["spec"] = {"podSelector": {}}
    (one,) = found(made)
    assert one.what == "no NetworkPolicy holds egress of its pods"


def test_a_policy_of_another_namespace_holds_nothing_here() -> None:
    made = objects("web-minimal")
    made.of("NetworkPolicy")["metadata"]["namespace"] = "elsewhere"
    assert {one.rule for one in found(made)} == {"namespace-own", "network-policy-present", "selector-selects"}


def test_a_budget_that_says_no_number_is_for_others_to_tell() -> None:
    made = objects("web-minimal")
    made.of("PodDisruptionBudget")["spec"] = {"selector": {"matchLabels": APP}, "minAvailable": "half"}
    assert found(made) == ()


def test_what_an_unknown_controller_may_bring_only_warns() -> None:
    made = objects("web-minimal")
    made.of("Service")["spec"]["selector"] = {"app": "made-by-an-operator"}
    assert [one.mode for one in found(made)] == [Mode.ENFORCE]
    made.add("Elasticsearch", "search", "elasticsearch.k8s.elastic.co/v1", spec={"version": "9"})
    assert [(one.rule, one.mode) for one in found(made)] == [("service-selects", Mode.WARN)]


def test_a_replication_controller_selects_by_pairs() -> None:
    made = objects("web-minimal")
    deployment = made.of("Deployment")
    deployment.update(apiVersion="v1", kind="ReplicationController")
    deployment["spec"]["selector"] = dict(APP)
    assert found(made) == ()
    made.add("Pod", "bare", spec={"serviceAccountName": "checkout"})["metadata"]["labels"] = APP
    assert [one.rule for one in found(made)] == ["selector-not-shared"]


def test_a_headless_service_needs_no_port_behind_its_numbers() -> None:
    made = objects("stateful")
    headless = next(one for one in made if one["kind"] == "Service" and one["spec"].get("clusterIP") == "None")
    headless["spec"]["ports"] = [{"port": 9999}]
    assert found(made) == ()


def test_a_service_of_another_name_has_its_addresses_from_elsewhere() -> None:
    made = objects("web-minimal")
    made.add(
        "Service", "shop", spec={"type": "ExternalName", "externalName": "shop.example.com", "selector": {"a": "b"}}
    )
    assert found(made) == ()


@pytest.mark.parametrize(
    ("host", "is_lost"),
    [
        (f"lost.{NAMESPACE}", True),
        (f"lost.{NAMESPACE}.svc", True),
        (f"lost.{NAMESPACE}.svc.cluster.local", True),
        ("lost.payments-staging.svc.cluster.local", False),
        ("api.stripe.com", False),
    ],
)
def test_a_host_of_another_place_is_not_ours_to_know(host: str, is_lost: bool) -> None:
    made = objects("expose-istio")
    made.of("VirtualService")["spec"]["http"][0]["route"][0]["destination"]["host"] = host
    assert [one.rule for one in found(made)] == ["route-backend"] * is_lost


def test_a_route_may_lead_to_another_namespace_or_kind() -> None:
    made = objects("expose-httproute")
    made.of("HTTPRoute")["spec"]["rules"][0]["backendRefs"] = [
        {"name": "other", "namespace": "payments-staging"},
        {"name": "import", "group": "multicluster.x-k8s.io", "kind": "ServiceImport"},
    ]
    assert found(made) == ()


def test_a_route_without_any_service_is_told_how_one_is_written() -> None:
    made = Objects()
    made.add("HTTPRoute", "r", "gateway.networking.k8s.io/v1", spec={"rules": [{"backendRefs": [{"name": "a"}]}]})
    (one,) = found(made)
    assert (one.what, one.how) == ("there is no Service/a in this Release", "backendRefs: [{name: APP, port: 80}]")


def test_an_ingress_may_lead_to_what_is_no_service() -> None:
    made = objects("expose-ingress")
    bucket = {"resource": {"kind": "StorageBucket", "name": "icons"}}
    made.of("Ingress")["spec"]["defaultBackend"] = bucket
    assert found(made) == ()


def test_a_sidecar_may_narrow_what_its_pods_see() -> None:
    made = objects("web-minimal")
    made.add("Sidecar", "narrow", "networking.istio.io/v1", spec={"egress": []})
    assert found(made) == ()


@pytest.mark.parametrize("spec", [{"maxUnavailable": 0}, {"minAvailable": "100%"}], ids=str)
def test_what_a_budget_says_wrong_alone_is_for_an_admission_policy(spec: dict[str, Any]) -> None:
    made = objects("web-everything")
    made.of("PodDisruptionBudget")["spec"] = {"selector": {"matchLabels": APP}, **spec}
    assert found(made) == ()


def test_what_is_not_brought_is_for_the_preflight_to_find() -> None:
    made = objects("web-minimal")
    pod = made.pod()
    pod["imagePullSecrets"] = [{"name": "registry"}]
    pod["volumes"] = [
        {"name": "a", "persistentVolumeClaim": {"claimName": "archive"}},
        {"name": "b", "secret": {"secretName": "keys", "items": [{"key": "tls.key", "path": "k"}]}},
        {"name": "c", "configMap": {"name": "perhaps", "optional": True}},
        {"name": "d", "configMap": {"name": "kube-root-ca.crt"}},
    ]
    pod["containers"][0]["envFrom"] = [{"secretRef": {"name": "keys"}}]
    path = "spec.template.spec"
    assert found(made) == ()
    assert needed(Release(subject(made))) == (
        Reference("Secret", "registry", "", "Deployment/checkout", f"{path}.imagePullSecrets[0].name"),
        Reference(
            "PersistentVolumeClaim",
            "archive",
            "",
            "Deployment/checkout",
            f"{path}.volumes[0].persistentVolumeClaim.claimName",
        ),
        Reference("Secret", "keys", "", "Deployment/checkout", f"{path}.volumes[1].secret"),
        Reference("Secret", "keys", "tls.key", "Deployment/checkout", f"{path}.volumes[1].secret.items[0]"),
        Reference("Secret", "keys", "", "Deployment/checkout", f"{path}.containers[0].envFrom[0].secretRef"),
    )
    assert needed(Release(subject(made)))[0].target == "Secret/registry"


@pytest.mark.parametrize(
    ("kind", "group", "spec"),
    [
        ("SealedSecret", "bitnami.com/v1alpha1", {"encryptedData": {"password": "x"}}),
        ("Certificate", "cert-manager.io/v1", {"secretName": "keys"}),
        ("ExternalSecret", "external-secrets.io/v1", {"dataFrom": [{"extract": {"key": "a"}}]}),
        ("PersistentVolumeClaim", "v1", {}),
    ],
)
def test_what_a_controller_makes_of_the_release_is_brought(kind: str, group: str, spec: Any) -> None:
    made = objects("web-minimal")
    volume: Any = {"secret": {"secretName": "keys"}}
    if kind == "PersistentVolumeClaim":
        volume = {"persistentVolumeClaim": {"claimName": "keys"}}
    made.pod()["volumes"] = [{"name": "a", **volume}]
    made.add(kind, "keys", group, spec=spec)
    assert (found(made), needed(Release(subject(made)))) == ((), ())


def test_pods_of_another_namespace_name_what_is_there() -> None:
    made = objects("env-from")
    made.of("Deployment")["metadata"]["namespace"] = "elsewhere"
    assert needed(Release(subject(made))) == ()


_ODD: Any = st.none() | st.integers() | st.text(max_size=3) | st.lists(st.none() | st.integers(), max_size=2)
_PLACES = [
    (index, path)
    for index, one in enumerate(objects("web-everything"))
    for path in ("metadata", "spec", "spec.selector", "spec.template", "spec.template.spec", "spec.ports", "spec.http")
    if at(one, tuple(path.split("."))) is not None
]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None)
@given(place=st.sampled_from(_PLACES), odd=_ODD)
def test_no_shape_whatever_breaks_a_rule(place: tuple[int, str], odd: Any) -> None:
    made = objects("web-everything")
    index, path = place
    *parents, last = path.split(".")
    at(made[index], tuple(parents))[last] = odd
    found(made)
