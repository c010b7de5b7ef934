"""Each feature of the standard chart: one deploy.yaml, the objects it becomes, and that everybody accepts them."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.adapters.helm import HelmClient
from pipelines.adapters.kube import KubeCluster
from pipelines.adapters.schemas import Schemas
from pipelines.composition import lint_checks, policy_checks
from pipelines.findings import blocking
from pipelines.manifests import parse
from pipelines.ports import CheckSubject, ClusterFacts
from pipelines.rules import load_rules, parameters
from tests.charts.golden import FEATURES, FOLDER, REGISTRIES, place, rendered
from tools.stack import Stack
from tools.toolbox import ensure

NAMESPACE = "checkout-staging"


@pytest.fixture(scope="module")
def cluster(stack: Stack) -> KubeCluster:
    made = KubeCluster(stack.gateway_kubeconfig)
    made.ensure_namespace(NAMESPACE, {"deploy-gateway.dev/managed": "true"})
    return made


@pytest.fixture(scope="module")
def facts(cluster: KubeCluster) -> ClusterFacts:
    return cluster.facts()


@pytest.fixture(scope="module")
def checks() -> tuple[Any, ...]:
    """Every check that there is."""
    kube_score = ensure(["kube-score"])["kube-score"]
    return (*lint_checks(kube_score, Schemas()), *policy_checks(load_rules()))


@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature_renders_to_the_objects_beside_it(helm: HelmClient, feature: str) -> None:
    expected = parse((FOLDER / feature / "expected.yaml").read_bytes())
    assert rendered(helm, feature).objects == expected


@pytest.mark.parametrize("feature", FEATURES)
def test_no_check_has_anything_to_say(
    helm: HelmClient, facts: ClusterFacts, checks: tuple[Any, ...], feature: str
) -> None:
    made = rendered(helm, feature)
    subject = CheckSubject(
        made.manifest,
        made.objects,
        "checkout",
        "shop",
        NAMESPACE,
        facts,
        parameters(REGISTRIES, (place(feature).environment,), apps=(place(feature).app,)),
    )
    findings = [finding for check in checks for finding in check.findings(subject)]
    assert [f"{one.rule} {one.resource} {one.field}: {one.what}" for one in findings] == []
    assert blocking(findings) == ()


@pytest.mark.parametrize("feature", FEATURES)
def test_the_api_server_takes_every_object(helm: HelmClient, cluster: KubeCluster, feature: str) -> None:
    objects = rendered(helm, feature).objects
    changes = cluster.dry_run(objects, namespace=NAMESPACE)
    assert [change.action for change in changes] == ["create"] * len(objects)
