"""The standard chart's output has nothing that these rules find; with one thing broken, one rule speaks of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from pipelines.catalogue.relations import FIELDS_KEPT, RELATIONS
from pipelines.findings import Finding, Mode
from pipelines.manifests import parse
from pipelines.ports import CheckSubject, ClusterFacts
from pipelines.relations import Relations
from tests.charts.golden import FEATURES, FOLDER

NAMESPACE = "checkout-staging"
APP = {"app.kubernetes.io/name": "checkout"}
_FACTS = ClusterFacts("v1.36.3", (), {})
Change = Callable[["Objects"], Any]


class Objects(list[Any]):
    """All objects of a golden folder, to be broken."""

    def of(self, kind: str, at: int = 0) -> Any:
        return [one for one in self if one["kind"] == kind][at]

    def pod(self, kind: str = "Deployment") -> Any:
        return self.of(kind)["spec"]["template"]["spec"]

    def drop(self, kind: str) -> None:
        self[:] = [one for one in self if one["kind"] != kind]

    def add(self, kind: str, name: str, group: str = "v1", **parts: Any) -> Any:
        self.append({"apiVersion": group, "kind": kind, "metadata": {"name": name}, **parts})
        return self[-1]


@cache
def _bytes(feature: str) -> bytes:
    return (FOLDER / feature / "expected.yaml").read_bytes()


def objects(feature: str) -> Objects:
    return Objects(parse(_bytes(feature)))


def subject(made: Objects) -> CheckSubject:
    return CheckSubject(b"", tuple(made), "checkout", "shop", NAMESPACE, _FACTS, {})


def found(made: Objects) -> tuple[Finding, ...]:
    return Relations().findings(subject(made))


@dataclass(frozen=True)
class Broken:
    """What is done to the objects of `feature`, which rule speaks of which field of which object, in which words."""

    rule: str
    change: Change
    resource: str
    field: str
    what: str
    how: str
    feature: str = "web-everything"
    mode: Mode = Mode.ENFORCE

    def __str__(self) -> str:
        return f"{self.rule} {self.resource}: {self.what[:40]}"


_ROLLOUT = {"replicas": 1, "template": {"spec": {"containers": [{"name": "a", "image": "a:1"}]}}}
_SPEC = "spec.template.spec"
_ALL_LABELS = "spec.template.metadata.labels"
BROKEN = (
    Broken(
        "network-policy-present",
        lambda all_: all_.drop("NetworkPolicy"),
        "Deployment/checkout",
        _ALL_LABELS,
        "no NetworkPolicy holds ingress or egress of its pods",
        "podSelector: {matchLabels: {app.kubernetes.io/name: checkout}}",
        feature="web-minimal",
    ),
    Broken(
        "network-policy-present",
        lambda all_: all_.of("NetworkPolicy")["spec"].update(policyTypes=["Ingress"]),
        "Deployment/checkout",
        _ALL_LABELS,
        "no NetworkPolicy holds egress of its pods",
        "policyTypes: [Ingress, Egress]   # in NetworkPolicy/checkout",
    ),
    Broken(
        "network-policy-present",
        lambda all_: all_.add("Pod", "bare", spec={"serviceAccountName": "checkout"}),
        "Pod/bare",
        "metadata.labels",
        "no NetworkPolicy holds ingress or egress of its pods",
        "metadata: {name: bare}",
    ),
    Broken(
        "selector-selects",
        lambda all_: all_.add(
            "NetworkPolicy", "idle", "networking.k8s.io/v1", spec={"podSelector": {"matchLabels": {"app": "nobody"}}}
        ),
        "NetworkPolicy/idle",
        "spec.podSelector",
        "it selects no pod of this Release",
        "podSelector: {matchLabels: {app.kubernetes.io/name: checkout}}",
    ),
    Broken(
        "selector-selects",
        lambda all_: all_.add(
            "PodDisruptionBudget",
            "idle",
            "policy/v1",
            spec={"maxUnavailable": 1, "selector": {"matchLabels": {"app": "x"}}},
        ),
        "PodDisruptionBudget/idle",
        "spec.selector",
        "it selects no pod of this Release",
        "selector: {matchLabels: {app.kubernetes.io/name: checkout}}",
    ),
    Broken(
        "disruption-budget-present",
        lambda all_: all_.drop("PodDisruptionBudget"),
        "Deployment/checkout",
        "spec.replicas",
        "it has up to 4 replicas, and no PodDisruptionBudget selects them",
        "spec: {maxUnavailable: 1, selector: {matchLabels: {app.kubernetes.io/name: checkout}}}",
    ),
    Broken(
        "disruption-budget-present",
        lambda all_: all_.drop("PodDisruptionBudget"),
        "Deployment/checkout",
        "spec.replicas",
        "it has up to 12 replicas",
        "kind: PodDisruptionBudget",
        feature="autoscale",
    ),
    Broken(
        "disruption-budget-drains",
        lambda all_: all_.of("PodDisruptionBudget").update(spec={"minAvailable": 4, "selector": {"matchLabels": APP}}),
        "PodDisruptionBudget/checkout",
        "spec.minAvailable",
        "it keeps 4 of 4 pods, so that none may go",
        "maxUnavailable: 1   # in place of minAvailable: 4",
    ),
    Broken(
        "disruption-budget-drains",
        lambda all_: all_.of("PodDisruptionBudget").update(
            spec={"minAvailable": "70%", "selector": {"matchLabels": APP}}
        ),
        "PodDisruptionBudget/checkout",
        "spec.minAvailable",
        "it keeps 3 of 3 pods",
        "maxUnavailable: 1",
        feature="autoscale",
    ),
    Broken(
        "disruption-budget-drains",
        lambda all_: all_.add(
            "PodDisruptionBudget",
            "second",
            "policy/v1",
            spec={"maxUnavailable": 1, "selector": {"matchLabels": APP}},
        ),
        "Deployment/checkout",
        _ALL_LABELS,
        "PodDisruptionBudget/checkout and PodDisruptionBudget/second both select its pods",
        "# leave out: PodDisruptionBudget/second",
    ),
    Broken(
        "service-selects",
        lambda all_: all_.of("Service")["spec"].update(selector={"app": "nobody"}),
        "Service/checkout",
        "spec.selector",
        "no pod of this Release has the labels {app: nobody}",
        "selector: {app.kubernetes.io/name: checkout",
    ),
    Broken(
        "service-target-port",
        lambda all_: all_.of("Service")["spec"]["ports"][0].update(targetPort="htp"),
        "Service/checkout",
        "spec.ports[0].targetPort",
        "no container behind it has the port htp. Did you mean 'http'?",
        "targetPort: http",
    ),
    Broken(
        "service-target-port",
        lambda all_: all_.of("Service")["spec"]["ports"][1].update(targetPort=9191),
        "Service/checkout",
        "spec.ports[1].targetPort",
        "no container behind it has the port 9191",
        "targetPort: http",
        mode=Mode.WARN,
    ),
    Broken(
        "service-target-port",
        lambda all_: all_.of("Service")["spec"]["ports"][0].update(protocol="UDP"),
        "Service/checkout",
        "spec.ports[0].targetPort",
        "no container behind it has the port http",
        "targetPort: http",
    ),
    Broken(
        "route-backend",
        lambda all_: all_.of("VirtualService")["spec"]["http"][0]["route"][0]["destination"].update(host="chekout"),
        "VirtualService/checkout",
        "spec.http[0].route[0].destination",
        "there is no Service/chekout in this Release. Did you mean 'checkout'?",
        "destination: {host: checkout, port: {number: 80}}",
        feature="expose-istio",
    ),
    Broken(
        "route-backend",
        lambda all_: all_.of("VirtualService")["spec"]["http"][0]["route"][0]["destination"].update(
            port={"number": 81}
        ),
        "VirtualService/checkout",
        "spec.http[0].route[0].destination",
        "Service/checkout has no port 81",
        "port: {number: 80}",
        feature="expose-istio",
    ),
    Broken(
        "route-backend",
        lambda all_: all_.of("HTTPRoute")["spec"]["rules"][0]["backendRefs"][0].update(name="web"),
        "HTTPRoute/checkout",
        "spec.rules[0].backendRefs[0]",
        "there is no Service/web in this Release",
        "backendRefs: [{name: checkout, port: 80}]",
        feature="expose-httproute",
    ),
    Broken(
        "route-backend",
        lambda all_: all_.of("Ingress")["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"].update(
            port={"name": "web"}
        ),
        "Ingress/checkout",
        "spec.rules[0].http.paths[0].backend.service",
        "Service/checkout has no port web",
        "backend: {service: {name: checkout, port: {name: http}}}",
        feature="expose-ingress",
    ),
    Broken(
        "autoscaler-hits",
        lambda all_: all_.of("HorizontalPodAutoscaler")["spec"]["scaleTargetRef"].update(name="chekout"),
        "HorizontalPodAutoscaler/checkout",
        "spec.scaleTargetRef",
        "there is no Deployment/chekout in this Release. Did you mean 'Deployment/checkout'?",
        "scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: checkout}",
        feature="autoscale",
    ),
    Broken(
        "references-resolve",
        lambda all_: all_.drop("ServiceAccount"),
        "Deployment/checkout",
        f"{_SPEC}.serviceAccountName",
        "this Release has no ServiceAccount/checkout, and the namespace is its own.",
        "kind: ServiceAccount\nmetadata: {name: checkout}",
        feature="web-minimal",
    ),
    Broken(
        "references-resolve",
        lambda all_: all_.pod().update(serviceAccountName="chekout"),
        "Deployment/checkout",
        f"{_SPEC}.serviceAccountName",
        "Did you mean 'checkout'?",
        "serviceAccountName: checkout",
    ),
    Broken(
        "references-resolve",
        lambda all_: all_.pod()["containers"][0]["env"][0]["valueFrom"]["secretKeyRef"].update(key="pasword"),
        "Deployment/checkout",
        f"{_SPEC}.containers[0].env[0].valueFrom.secretKeyRef",
        "Secret/checkout-db has no key 'pasword'. Did you mean 'password'?",
        "key: password",
    ),
    Broken(
        "references-resolve",
        lambda all_: all_.pod()["volumes"][2]["projected"]["sources"][0]["configMap"]["items"][0].update(key="file-1"),
        "Deployment/checkout",
        f"{_SPEC}.volumes[2].projected.sources[0].configMap.items[0]",
        "ConfigMap/checkout-files has no key 'file-1'",
        "key: file-0",
    ),
    Broken(
        "selector-matches-template",
        lambda all_: all_.of("Deployment")["spec"]["selector"]["matchLabels"].update(tier="web"),
        "Deployment/checkout",
        "spec.selector",
        "its pods have the labels {app.kubernetes.io/name: checkout",
        "selector: {matchLabels: {app.kubernetes.io/name: checkout, tier: web}}\ntemplate:",
    ),
    Broken(
        "selector-not-shared",
        lambda all_: all_.add(
            "Job",
            "report",
            "batch/v1",
            spec={"template": {"metadata": {"labels": APP}, "spec": {"serviceAccountName": "checkout"}}},
        ),
        "Deployment/checkout",
        "spec.selector",
        "it selects the pods of Job/report too",
        "selector: {matchLabels: {app.kubernetes.io/name: checkout, app.kubernetes.io/component: checkout}}",
    ),
    Broken(
        "objects-unique",
        lambda all_: all_.add("ConfigMap", "checkout-files", data={"file-0": "b"}),
        "ConfigMap/checkout-files",
        "metadata.name",
        "it is in this Release more than once",
        "metadata: {name: ANOTHER-NAME}",
    ),
    Broken(
        "namespace-own",
        lambda all_: all_.of("PodMonitor")["metadata"].update(namespace="monitoring"),
        "PodMonitor/checkout",
        "metadata.namespace",
        "it is in the namespace monitoring, and the App's is checkout-staging",
        "# leave out: metadata.namespace, or write: namespace: checkout-staging",
    ),
    Broken(
        "mesh-policy-kept",
        lambda all_: all_.of("PeerAuthentication")["metadata"].update(namespace="istio-system"),
        "PeerAuthentication/checkout",
        "metadata.namespace",
        "in istio-system it holds for the whole mesh",
        "metadata: {namespace: checkout-staging}",
    ),
    Broken(
        "mesh-policy-kept",
        lambda all_: all_.of("AuthorizationPolicy")["spec"].pop("selector"),
        "AuthorizationPolicy/checkout",
        "spec",
        "without a selector it lets callers in to every pod of the namespace",
        "selector: {matchLabels: {app.kubernetes.io/name: checkout}}",
    ),
    Broken(
        "mesh-policy-kept",
        lambda all_: all_.add(
            "Sidecar", "open", "networking.istio.io/v1", spec={"outboundTrafficPolicy": {"mode": "ALLOW_ANY"}}
        ),
        "Sidecar/open",
        "spec.outboundTrafficPolicy.mode",
        "it lets pods call hosts that the mesh does not know",
        "outboundTrafficPolicy: {mode: REGISTRY_ONLY}",
    ),
    Broken(
        "pods-seen",
        lambda all_: all_.add("Rollout", "canary", "argoproj.io/v1alpha1", spec=_ROLLOUT),
        "Rollout/canary",
        "spec.template.spec.containers",
        "nothing looks into the pods of a Rollout: no rule is held against them",
        "kind: Deployment",
        mode=Mode.WARN,
    ),
)


@pytest.mark.parametrize("feature", FEATURES)
def test_what_the_standard_chart_renders_has_nothing_found(feature: str) -> None:
    assert found(objects(feature)) == ()


@pytest.mark.parametrize("broken", BROKEN, ids=str)
def test_one_broken_thing_is_told_by_one_rule(broken: Broken) -> None:
    made = objects(broken.feature)
    broken.change(made)
    (one,) = found(made)
    assert (one.rule, one.resource, one.field, one.mode) == (
        broken.rule,
        broken.resource,
        broken.field,
        broken.mode,
    )
    assert broken.what in one.what
    assert broken.how in one.how


def test_every_rule_of_the_gateway_alone_is_broken_once() -> None:
    assert {one.rule for one in BROKEN} == {entry.id for entry in RELATIONS} - {FIELDS_KEPT.id}
