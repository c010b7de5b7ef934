"""Versions of the API: gone is refused, going is warned of, and both say what to write."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipelines.api_versions import ApiVersions
from pipelines.findings import Finding, Mode
from tests.pipelines.conftest import FACTS, subject
from tests.pipelines.mutation import brought


def _found(api_version: str, kind: str, release: str) -> tuple[Finding, ...]:
    asked = replace(subject((brought(api_version, kind),)), facts=replace(FACTS, kubernetes_version=release))
    return ApiVersions().findings(asked)


@pytest.mark.parametrize(
    ("api_version", "kind", "release", "how"),
    [
        ("extensions/v1beta1", "Ingress", "v1.22.0", "apiVersion: networking.k8s.io/v1    # pathType is needed"),
        (
            "policy/v1beta1",
            "PodSecurityPolicy",
            "v1.36.3",
            "leave it out: the label pod-security.kubernetes.io/enforce",
        ),
        ("batch/v1beta1", "CronJob", "v1.25.16-gke.100", "apiVersion: batch/v1"),
        ("autoscaling/v2beta2", "HorizontalPodAutoscaler", "1.26", "apiVersion: autoscaling/v2"),
        ("apps/v1beta1", "Deployment", "unknown", "apiVersion: apps/v1"),
    ],
)
def test_a_version_that_is_gone_is_refused(api_version: str, kind: str, release: str, how: str) -> None:
    (found,) = _found(api_version, kind, release)
    assert (found.rule, found.mode, found.field) == ("api-removed", Mode.ENFORCE, "apiVersion")
    assert found.how.startswith(how)


def test_a_version_that_will_be_gone_is_warned_of() -> None:
    (found,) = _found("policy/v1beta1", "PodDisruptionBudget", "v1.24.17")
    assert (found.rule, found.mode) == ("api-deprecated", Mode.WARN)
    assert (
        found.what
        == "Kubernetes 1.25 has no PodDisruptionBudget of policy/v1beta1 any more, and this cluster is v1.24.17"
    )


def test_what_a_good_app_consists_of_is_there_in_every_release(standard: tuple[Any, ...]) -> None:
    assert ApiVersions().findings(subject(standard)) == ()
