"""Whatever valid deploy.yaml there is, the chart makes of it what every enforced rule accepts."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipelines.adapters.helm import HelmClient
from pipelines.adapters.kube import KubeCluster
from pipelines.adapters.schemas import Schemas
from pipelines.composition import lint_checks, policy_checks
from pipelines.findings import blocking
from pipelines.ports import CheckSubject, ClusterFacts
from pipelines.resources import WORKLOADS, at, pod_spec_path
from pipelines.rules import load_rules, parameters
from tests.charts.golden import FOLDER, REGISTRIES, of_text, place
from tests.charts.strategies import DEPLOY_FILES, TEXTS
from tools.stack import Stack
from tools.toolbox import ensure

_EXAMPLES = settings(
    max_examples=40,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
_PLACES = (
    "web-minimal",  # Istio
    "expose-ingress",
    "expose-httproute",
)


class _Checker:
    """What all checks have to say of a deploy.yaml. A class, so that Hypothesis prints its name and not its schemas."""

    def __init__(self, helm: HelmClient, facts: ClusterFacts) -> None:
        self._helm = helm
        self._facts = facts
        kube_score = ensure(["kube-score"])["kube-score"]
        self._checks = (*lint_checks(kube_score, Schemas()), *policy_checks(load_rules()))

    def blocking(self, text: str, feature: str) -> list[str]:
        where = place(feature)
        made = of_text(self._helm, text, where)
        parameter = parameters(REGISTRIES, (where.environment,), apps=(where.app,))
        subject = CheckSubject(
            made.manifest, made.objects, "checkout", "shop", "checkout-staging", self._facts, parameter
        )
        findings = [finding for check in self._checks for finding in check.findings(subject)]
        return [f"{one.rule} {one.resource} {one.field}: {one.what}" for one in blocking(findings)]


@pytest.fixture(scope="module")
def checker(helm: HelmClient, stack: Stack) -> _Checker:
    return _Checker(helm, KubeCluster(stack.gateway_kubeconfig).facts())


@_EXAMPLES
@given(text=DEPLOY_FILES, feature=st.sampled_from(_PLACES))
def test_any_valid_deploy_yaml_passes_every_enforced_rule(checker: _Checker, text: str, feature: str) -> None:
    assert checker.blocking(text, feature) == []


_WEB = (FOLDER / "web-minimal" / "deploy.yaml").read_text()


@settings(_EXAMPLES, max_examples=12)
@given(value=TEXTS, argument=TEXTS, file=TEXTS)
def test_a_text_reaches_the_container_as_it_was_written(helm: HelmClient, value: str, argument: str, file: str) -> None:
    extra = yaml.safe_dump({"env": {"A": value}, "args": [argument], "files": {"/etc/x": file}}, default_style='"')
    objects = of_text(helm, _WEB + extra, place("web-minimal")).objects
    (deployment,) = [one for one in objects if one["kind"] == "Deployment"]
    (config,) = [one for one in objects if one["kind"] == "ConfigMap"]
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    assert (container["env"], container["args"], config["data"]) == (
        [{"name": "A", "value": value}],
        [argument],
        {"file-0": file},
    )


@settings(_EXAMPLES, max_examples=12)
@given(text=DEPLOY_FILES)
def test_callers_are_the_same_in_the_network_policy_and_in_the_mesh(helm: HelmClient, text: str) -> None:
    objects = of_text(helm, text, place("web-minimal")).objects
    kinds = {(one["kind"], one["metadata"]["name"]): one for one in objects}
    rules = kinds["AuthorizationPolicy", "checkout"]["spec"].get("rules", [])
    principals = {
        principal.removeprefix("cluster.local/ns/").split("/sa/")[0]
        for rule in rules
        for source in rule["from"]
        for principal in source["source"]["principals"]
    }
    peers = [peer for one in kinds["NetworkPolicy", "checkout"]["spec"]["ingress"] for peer in one["from"]]
    named = {
        at(peer, ("namespaceSelector", "matchLabels", "kubernetes.io/metadata.name")) or "checkout-staging"
        for peer in peers
    }
    assert named == principals


@settings(_EXAMPLES, max_examples=12)
@given(text=DEPLOY_FILES)
def test_every_pod_is_under_a_policy_and_has_no_token_unasked(helm: HelmClient, text: str) -> None:
    objects = of_text(helm, text, place("web-minimal")).objects
    selected = [one["spec"]["podSelector"]["matchLabels"] for one in objects if one["kind"] == "NetworkPolicy"]
    for one in objects:
        if one["kind"] in WORKLOADS:
            path = pod_spec_path(one["kind"])
            labels = at(one, (*path[:-1], "metadata", "labels"))
            assert any(match.items() <= labels.items() for match in selected)
            assert at(one, path)["automountServiceAccountToken"] is False
