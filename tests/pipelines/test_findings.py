"""Findings survive the store, and only enforced ones block."""

from __future__ import annotations

from dataclasses import replace

from pipelines.findings import Finding, Mode, Severity, blocking

FINDING = Finding(
    rule="image-pinned",
    severity=Severity.HIGH,
    mode=Mode.ENFORCE,
    resource="Deployment/checkout",
    field="spec.template.spec.containers[0].image",
    source="deploy.yaml:4",
    what="shop/checkout:latest has no fixed version",
    why="what runs can change without a release",
    how="image: shop/checkout:1.4.2",
    link="https://kubernetes.io/docs/concepts/containers/images/",
    found_by="policy",
)


def test_a_finding_survives_json() -> None:
    assert Finding.from_json(FINDING.to_json()) == FINDING


def test_only_enforced_findings_block() -> None:
    warned = replace(FINDING, mode=Mode.WARN)
    assert blocking([FINDING, warned]) == (FINDING,)


def test_a_finding_of_an_older_version_is_still_read() -> None:
    since = ("also_found_by", "values_hint", "end_of_life", "own_mode")
    stored = {key: value for key, value in FINDING.to_json().items() if key not in since}
    assert Finding.from_json(stored) == FINDING
    named = replace(FINDING, also_found_by=("kube-score/container-image-tag",))
    assert Finding.from_json(named.to_json()) == named
