"""Where a finding points: at the very field, whatever the kind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipelines.offending import of_entry, of_field
from pipelines.resources import field_path, field_text
from pipelines.rules import load_rules

RULE = next(rule for rule in load_rules() if rule.id == "seccomp")
POD: dict[str, Any] = {
    "metadata": {"annotations": {"a.example.com/b": "c"}},
    "spec": {
        "hostNetwork": True,
        "containers": [{"name": "web", "env": [{"name": "A", "value": "1"}, {"name": "B.C", "value": "2"}]}, 7],
        "initContainers": [{"name": "first", "securityContext": {"seccompProfile": {"type": "Unconfined"}}}],
        "volumes": [{"name": "tmp"}, {"name": "node", "hostPath": {"path": "/" * 200}}],
    },
}
CRON = {"apiVersion": "batch/v1", "kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": POD}}}}


@pytest.mark.parametrize(
    ("entry", "field", "what"),
    [
        (
            "web",
            "spec.containers[0].securityContext.seccompProfile.type",
            "container web: securityContext.seccompProfile.type is not set",
        ),
        (
            "first",
            "spec.initContainers[0].securityContext.seccompProfile.type",
            "container first: securityContext.seccompProfile.type is 'Unconfined'",
        ),
        ("web:env[B.C].value", "spec.containers[0].env[1].value", "container web: env[B.C].value is '2'"),
        (".spec.hostNetwork", "spec.hostNetwork", "hostNetwork is true"),
        (".spec.volumes[tmp]", "spec.volumes[0]", 'volumes[tmp] is {"name": "tmp"}'),
        (
            ".metadata.annotations[a.example.com/b]",
            "metadata.annotations.a.example.com/b",
            "metadata.annotations[a.example.com/b] is 'c'",
        ),
    ],
)
def test_an_entry_is_found(entry: str, field: str, what: str) -> None:
    place = of_entry(RULE, {"apiVersion": "v1", "kind": "Pod", **POD}, entry)
    assert (field_text(place.path), place.what) == (field, what)
    nested = of_entry(RULE, CRON, entry)
    assert (field_text(nested.path), nested.what) == (f"spec.jobTemplate.spec.template.{field}", what)


@pytest.mark.parametrize("name", ["", "gone"])
def test_a_container_that_is_not_found_is_told_of_all_the_same(name: str) -> None:
    place = of_entry(RULE, {"apiVersion": "v1", "kind": "Pod", **POD}, name)
    assert field_text(place.path) == "spec"
    assert place.what == f"container {name or '(without a name)'}: securityContext.seccompProfile.type"


def test_a_long_value_is_cut() -> None:
    assert of_entry(RULE, CRON, ".spec.volumes[node].hostPath").what.endswith("//…")


def test_a_secret_is_not_told() -> None:
    place = of_entry(replace(RULE, shows_value=False), CRON, "web:env[A].value")
    assert place.what == "container web: env[A].value is written here"


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("spec.template.metadata.labels", "spec.jobTemplate.spec.template.metadata.labels"),
        ("spec.schedule", "spec.schedule"),
    ],
)
def test_a_field_of_a_pod_stands_where_the_kind_has_it(field: str, expected: str) -> None:
    assert field_text(of_field(CRON, field_path(field), "broken").path) == expected
